"""Attacks on the door: the Host header, guessed tokens, stolen cookies, other machines."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from classpulse.web import guard, pages
from classpulse.web.app import create_app
from classpulse.web.serving import Serving
from engine.errors import UsageError
from tests.classpulse.web.conftest import TOKEN, Open, run_apart

Scope = dict[str, Any]


def asked(app: Any, path: str, host: bytes, **scope: Any) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer to a request that no client library would send."""
    messages: list[dict[str, Any]] = []

    bodies = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for body in bodies:
            return body
        await asyncio.Event().wait()  # nobody hangs up
        return {}

    async def send(message: Any) -> None:
        messages.append(dict(message))

    request: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [(b"host", host)],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip
    run_apart(app(request | scope, receive, send))
    start = messages[0]
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize(
    "header",
    [b"x/static/?", b"localhost/static/?", b"localhost/login?", b"localhost/static/#", b"a@localhost/static/?",
     b"localhost:8000/static/?", b"localhost\\static/?", b"localhost:x", b"local host", b"", b"\xe9"],
)  # fmt: skip
def test_a_host_header_opens_no_path(serving: Serving, host: str, header: bytes) -> None:
    app = create_app(dataclasses.replace(serving, token=TOKEN, host=host, insecure=True))
    for path in ("/api/sessions", "/sessions/1", "/api/sessions/1/report.html"):
        status, headers = asked(app, path, header)
        assert status == 421, path
        assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    ["/login/", "/login/x", "/loginx", "/static/", "/static/x", "/static/../api/sessions", "/static/library/",
     "//login", "/static//style.css", "/LOGIN", "/static/%2e%2e/app.py"],
)  # fmt: skip
def test_only_the_login_and_its_files_are_open(serving: Serving, path: str) -> None:
    app = create_app(dataclasses.replace(serving, token=TOKEN))
    assert asked(app, path, b"localhost")[0] == 303
    assert asked(app, "/static/style.css", b"localhost")[0] == 200
    assert asked(app, "/login", b"localhost")[0] == 200


def test_nothing_but_http_gets_in(serving: Serving) -> None:
    """A websocket has a scope of its own, which the guard must not let pass unread."""
    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    services = create_app(serving).state.services
    guarded = guard.Guard(app, serving, services.logins)
    for kind in ("websocket", "lifespan"):
        run_apart(guarded({"type": kind, "path": "/api/sessions", "headers": []}, _nothing, _nothing))
    assert reached == ["lifespan"]


async def _nothing(*_: Any) -> Any:
    return {}


# -- guessed tokens


def test_parallel_guesses_are_not_compared(
    opened: Open, serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pages, "WRONG_TOKEN", 0.0)
    client = opened(dataclasses.replace(serving, token=TOKEN))
    with ThreadPoolExecutor(20) as pool, caplog.at_level(logging.WARNING, "classpulse.web"):
        answers = list(pool.map(lambda n: client.post("/login", data={"token": f"guess {n}"}), range(40)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(401), codes.count(429)) == (5, 35)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 0 < int(refused.headers["retry-after"]) <= 30
    lines = [record.getMessage() for record in caplog.records]
    assert lines[-1] == "wrong token from testclient (5 in a row; the next in 30 s)"
    assert not any("guess" in line for line in lines)
    # The right token is no exception: else the answer would tell which it is.
    assert client.post("/login", data={"token": TOKEN}).status_code == 429


def test_wrong_bearers_count_like_wrong_logins(
    opened: Open, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PENALTY", 0.0)
    client = opened(dataclasses.replace(serving, token=TOKEN))
    wrong = {"authorization": "Bearer guess"}
    codes = [client.get("/api/sessions", headers=wrong).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2
    right = {"authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/sessions", headers=right).status_code == 429
    assert client.post("/login", data={"token": TOKEN}).status_code == 429


# -- logins


def test_a_cookie_ends_with_its_logout_and_with_the_server(opened: Open, serving: Serving) -> None:
    given = dataclasses.replace(serving, token=TOKEN)
    client = opened(given)
    cookies = []
    for _ in range(2):
        client.post("/login", data={"token": TOKEN})
        cookies.append({"cookie": f"classpulse={client.cookies['classpulse']}"})
        client.cookies.clear()
    assert cookies[0] != cookies[1]
    client.post("/logout", headers=cookies[0])
    assert client.get("/api/sessions", headers=cookies[0]).status_code == 401
    assert client.get("/api/sessions", headers=cookies[1]).status_code == 200
    app = create_app(given)  # the server, started anew
    assert (
        asked(
            app, "/", b"localhost", headers=[(b"host", b"localhost"), (b"cookie", cookies[1]["cookie"].encode())]
        )[0]
        == 303
    )


# -- what may be served to whom


@pytest.mark.parametrize(
    "token",
    [
        "a" * 16,
        "ab" * 20,
        "1234567890123456",
        "abcdefghijklmnop",
        "qwertyuiopasdfghjkl",
        "password_password",
        "x" * 400,
    ],
)
def test_a_token_that_can_be_guessed_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="can be guessed") as refused:
        Serving(db="x.db", videos=Path(), token=token)
    assert token not in str(refused.value)


@pytest.mark.parametrize(
    "token", ["9f86d081884c7d65", "Zb3-_xT7qLw0pRk2", "correct horse battery", "6f1ed002ab5595859014ebf0951522d9"]
)
def test_a_random_token_is_taken(token: str) -> None:
    assert Serving(db="x.db", videos=Path(), token=token).token == token


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here")
    return cert, key


def test_other_machines_are_served_by_tls(pair: tuple[Path, Path], tmp_path: Path) -> None:
    given: Callable[..., Serving] = lambda **options: Serving(  # noqa: E731
        db="x.db", videos=Path(), host="0.0.0.0", token=TOKEN, **options
    )
    cert, key = pair
    assert given(tls_cert=cert, tls_key=key).secure
    with pytest.raises(UsageError, match="belong together"):
        given(tls_cert=cert)
    with pytest.raises(UsageError, match="no such file"):
        given(tls_cert=cert, tls_key=tmp_path / "none.pem")
    with pytest.raises(UsageError, match="no certificate with its key"):
        given(tls_cert=key, tls_key=cert)


def test_a_proxy_needs_a_token_and_tls() -> None:
    proxy = "https://school.example"
    with pytest.raises(UsageError, match="--token"):
        Serving(db="x.db", videos=Path(), proxy=proxy)
    with pytest.raises(UsageError, match="without TLS"):
        Serving(db="x.db", videos=Path(), token=TOKEN, proxy="http://school.example")
    with pytest.raises(UsageError, match="invalid --proxy"):
        Serving(db="x.db", videos=Path(), token=TOKEN, proxy="school.example")
    with pytest.raises(UsageError, match="leave --host out"):
        Serving(db="x.db", videos=Path(), token=TOKEN, proxy=proxy, host="0.0.0.0")
    serving = Serving(db="x.db", videos=Path(), token=TOKEN, proxy=proxy)
    assert serving.secure
    assert [serving.answers_to(host) for host in ("school.example", "127.0.0.1:8000", "evil.example")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("proxy", [None, "https://school.example"])
def test_a_cookie_over_tls_is_for_tls_alone(opened: Open, serving: Serving, proxy: str | None) -> None:
    client = opened(dataclasses.replace(serving, token=TOKEN, proxy=proxy), proxy or "http://localhost")
    answer = client.post("/login", data={"token": TOKEN})
    assert ("Secure" in answer.headers["set-cookie"]) == (proxy is not None)


@pytest.mark.parametrize("host", ["127.0.0.2", "127.8.8.8", "::1"])
def test_the_address_that_is_printed_is_answered(opened: Open, serving: Serving, host: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    client = opened(dataclasses.replace(serving, host=host))
    assert client.get("/", headers={"host": f"{shown}:8000"}).status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
