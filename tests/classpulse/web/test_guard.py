"""Who may ask for what."""

from __future__ import annotations

import dataclasses
import re
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from classpulse.web.guard import local_path
from classpulse.web.serving import Serving
from engine.errors import UsageError
from tests.classpulse.web.conftest import TOKEN, Open

SESSION = "/sessions/1"
PAGES = ("/", "/new", SESSION, "/sql", "/login", "/sessions/99")


def with_token(serving: Serving, **changes: Any) -> Serving:
    return dataclasses.replace(serving, token=TOKEN, **changes)


# -- what is served to whom


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "school.example"])
def test_other_addresses_need_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="--token"):
        Serving(db="x.db", videos=Path(), host=host)
    with pytest.raises(UsageError, match="--tls-cert"):
        Serving(db="x.db", videos=Path(), host=host, token=TOKEN)
    with pytest.raises(UsageError, match="--token"):  # which --insecure does not waive
        Serving(db="x.db", videos=Path(), host=host, insecure=True)
    assert not Serving(db="x.db", videos=Path(), host=host, token=TOKEN, insecure=True).loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_needs_none(host: str) -> None:
    assert Serving(db="x.db", videos=Path(), host=host).loopback


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(UsageError, match="16"):
        Serving(db="x.db", videos=Path(), token="secret")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("localhost.evil.example:8000", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example:8000@localhost", 421),  # more than a name and a port
        ("[", 421),
        ("", 421),
    ],
)
def test_no_other_name_can_be_pointed_here(client: TestClient, host: str, status: int) -> None:
    assert client.get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9999"},
        {"origin": "null"},
    ],
)
def test_other_sites_change_nothing(client: TestClient, headers: dict[str, str]) -> None:
    body = {"student": "S01", "name": "Mallory"}
    assert client.post(f"{SESSION}/rename", headers=headers, data=body).status_code == 403
    assert client.post(f"/api{SESSION}/rename", headers=headers, json=body).status_code == 403
    assert [row["name"] for row in client.get(f"/api{SESSION}/students").json()] == [None] * 4


def test_other_sites_embed_nothing(client: TestClient) -> None:
    from_elsewhere = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "video"}
    assert client.get(f"/api{SESSION}/video", headers=from_elsewhere).status_code == 403
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get(SESSION, headers=followed).status_code == 200  # a link is no harm


def test_our_own_pages_do(client: TestClient) -> None:
    headers = {"sec-fetch-site": "same-origin", "origin": "http://localhost:8000"}
    answer = client.post(f"/api{SESSION}/rename", headers=headers, json={"student": "S01", "name": "Ada"})
    assert answer.status_code == 200


# -- the token


@pytest.mark.parametrize(
    "path", [*PAGES[:4], "/api/sessions", f"/api{SESSION}/video", f"/api{SESSION}/report.html", "/jobs/events"]
)
def test_nothing_is_shown_without_the_token(opened: Open, serving: Serving, path: str) -> None:
    client = opened(with_token(serving))
    answer = client.get(path)
    if path.startswith("/api"):
        assert answer.status_code == 401
    else:
        assert (answer.status_code, answer.headers["location"][:12]) == (303, "/login?next=")
    assert client.get(path, headers={"authorization": "Bearer wrong"}).status_code in (303, 401)
    assert client.get(path, headers={"cookie": "classpulse=wrong"}).status_code in (303, 401)


def test_a_program_gives_the_token_in_a_header(opened: Open, serving: Serving) -> None:
    client = opened(with_token(serving, host="0.0.0.0", insecure=True), "http://school.example")
    answer = client.get("/api/sessions", headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, len(answer.json())) == (200, 1)


def test_a_person_gives_the_token_once(opened: Open, serving: Serving) -> None:
    client = opened(with_token(serving, host="0.0.0.0", insecure=True), "http://school.example")
    answer = client.post("/login", data={"token": TOKEN, "next": SESSION})
    assert (answer.status_code, answer.headers["location"]) == (303, SESSION)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert client.get(SESSION).status_code == 200
    assert client.get(f"/api{SESSION}/video").status_code == 200
    # The cookie alone is not enough from another site's page.
    sent = {"sec-fetch-site": "cross-site"}
    assert client.post(f"{SESSION}/undo", headers=sent).status_code == 403
    client.post("/logout")
    assert client.get(SESSION).status_code == 303


def test_a_wrong_token_costs_time(opened: Open, serving: Serving) -> None:
    client = opened(with_token(serving))
    began = time.perf_counter()
    answer = client.post("/login", data={"token": TOKEN[:-1] + "?"})
    assert time.perf_counter() - began > 0.9
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "Wrong token." in answer.text


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "", "/a\nb"],
)
def test_a_login_leads_to_no_other_site(path: str) -> None:
    assert local_path(path) == "/"


def test_a_login_leads_back() -> None:
    assert local_path("/sessions/1?judgement=sum") == "/sessions/1?judgement=sum"


# -- what a page may load


@pytest.mark.parametrize("path", PAGES)
def test_pages_run_no_inline_script_and_load_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"""\s(src|href|action|hx-\w+)=["']?(https?:)?//""", answer.text)
    assert not re.search(r"\son\w+=", answer.text)
    for attributes in re.findall(r"<script\b([^>]*)>", answer.text):
        assert "src=" in attributes or "application/json" in attributes


def test_what_pages_load_is_there(client: TestClient) -> None:
    found = {
        address
        for path in PAGES
        for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get(path).text)
    }
    assert len(found) >= 7
    for address in found:
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/library/..%2f..%2fapp.py",
        "/static/library/app.py",
        "/static//etc/passwd",
    ],
)
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_docs_that_load_scripts_from_elsewhere_are_off(client: TestClient) -> None:
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404
    assert client.get("/api/openapi.json").json()["info"]["title"] == "classpulse"


def test_a_database_that_is_not_there_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    places = (str(path), f"sqlite:///{path}")
    assert not any(Serving(db=db, videos=tmp_path).has_database for db in places)
    path.touch()
    assert all(Serving(db=db, videos=tmp_path).has_database for db in places)
    assert Serving(db="postgresql://server/lessons", videos=tmp_path).has_database
