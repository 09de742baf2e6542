"""Attacks on forms and addresses: what is out of bounds, too large, or ends half-way has a plain answer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from classpulse.web.app import create_app
from classpulse.web.guard import HEADERS, LARGEST_BODY
from classpulse.web.jobs import Jobs
from classpulse.web.serving import Serving
from classpulse.web.videos import Videos
from engine import Session
from tests.classpulse.web.conftest import run_apart

HUGE = "9" * 30
FORM = {"student": "S01"}


@pytest.mark.parametrize(
    ("method", "path", "form", "status"),
    [
        ("POST", "/sessions/1/split", FORM | {"at": "inf"}, 400),
        ("POST", "/sessions/1/split", FORM | {"at": "nan"}, 400),
        ("POST", "/sessions/1/split", FORM | {"at": "999999999:00:00"}, 400),
        ("POST", "/sessions/1/mark", {"label": "quiz", "at": "0:01", "until": "999999999:00:00"}, 400),
        ("POST", "/sessions/1/judge", {"window": "nan", "band": "0.1", "strategy": "sum"}, 422),
        ("POST", "/sessions/1/judge", {"window": "inf", "band": "0.1", "strategy": "sum"}, 422),
        ("POST", "/sessions/1/judge", {"window": "30", "band": "nan", "strategy": "sum"}, 422),
        ("GET", "/sessions/1/judged?window=nan", None, 422),
        ("GET", "/sessions/1/judged?band=nan", None, 422),
        ("POST", "/jobs", {"video": "lesson.mp4", "sample_rate": "nan"}, 422),
        ("POST", "/jobs", {"video": "lesson.mp4", "window": "inf"}, 422),
        ("POST", f"/jobs/{HUGE}/cancel", {}, 404),
        ("POST", "/jobs/0/cancel", {}, 404),
        ("POST", f"/sessions/1/unmark/{HUGE}", {}, 404),
        ("GET", f"/sessions/{HUGE}", None, 404),
        ("GET", "/sessions/abc", None, 404),
        ("GET", "/sessions/-1/corrections", None, 404),
        ("GET", "/nothing", None, 404),
        ("POST", "/sessions/1/rename", {"name": "x"}, 422),
    ],
)
def test_a_page_for_what_is_out_of_bounds(
    client: TestClient, method: str, path: str, form: Any, status: int
) -> None:
    for headers in ({}, {"hx-request": "true"}):
        answer = client.request(method, path, data=form, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert 'class="message bad"' in answer.text
        assert "Traceback" not in answer.text
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_programs_get_their_answers_as_before(client: TestClient) -> None:
    answer = client.get(f"/api/jobs/{HUGE}")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["path", "job_id"])


def test_an_internal_error_has_the_headers_too(
    opened: Any, serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Videos, "names", fail)
    answer = opened(serving).get("/new")
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "secret" in caplog.text


@pytest.mark.parametrize("path", ["/login", "/sessions/1/rename", "/api/query", "/api/sessions/1/rename"])
def test_a_body_has_a_limited_size(client: TestClient, path: str) -> None:
    content = b"token=" + b"x" * LARGEST_BODY
    answer = client.post(path, content=content, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 413


def test_an_aborted_upload_is_no_error_of_ours(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(serving)
    parts = iter([{"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(parts)

    async def send(_: Any) -> None:
        pass

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "PUT", "scheme": "http",
        "path": "/api/videos/a.mp4", "raw_path": b"/api/videos/a.mp4", "query_string": b"", "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-length", b"10")], "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip
    with caplog.at_level(logging.DEBUG, "classpulse"):
        run_apart(app(scope, receive, send))
    assert not caplog.records
    assert sorted(path.name for path in serving.videos.iterdir()) == ["lesson.mp4"]


def test_a_link_out_of_the_folder_is_not_listed(client: TestClient, serving: Serving, recording: Path) -> None:
    (serving.videos / "out.mp4").symlink_to(recording)
    (serving.videos / "gone.mp4").symlink_to(serving.videos / "nothing.mp4")
    (serving.videos / "in.mp4").symlink_to(serving.videos / "lesson.mp4")
    assert sorted(row["name"] for row in client.get("/api/videos").json()) == ["in.mp4", "lesson.mp4"]
    assert "out.mp4" not in client.get("/new").text


def test_what_is_uploaded_is_its_owners_alone(tmp_path: Path, recording: Path) -> None:
    async def chunks() -> Any:
        yield recording.read_bytes()

    videos = Videos(tmp_path / "videos", 10**9)
    run_apart(videos.receive("a.mp4", chunks(), None))
    assert (tmp_path / "videos").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "videos" / "a.mp4").stat().st_mode & 0o777 == 0o600


def test_cards_show_no_commands_and_no_paths(client: TestClient, serving: Serving) -> None:
    cards = client.get("/sessions/1/sections/students").text
    report = client.get("/api/sessions/1/report.html").text
    assert 'id="student-1"' in cards
    for text in (cards, report):
        assert "<code>classpulse rename" not in text
        assert Path(serving.db).name not in text


def test_a_forgotten_session_leaves_no_name_in_the_queue(
    client: TestClient, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    import cli

    jobs = Jobs(serving.jobs, serving.db)
    with jobs._table() as table:
        add = "INSERT INTO jobs (video, name, settings, state, session, created) VALUES (?, ?, '{}', ?, ?, '')"
        video, other = str(serving.videos / "lesson.mp4"), str(serving.videos / "other.mp4")
        table.executemany(add, [
            (other, "Adas lesson", "done", 1), (video, "Bens lesson", "failed", None),
            (other, "Carls lesson", "failed", None), (other, "Doras lesson", "done", 2),
        ])  # fmt: skip
    assert "Adas lesson" in client.get("/new").text
    assert Session(serving.db, 1).info()
    monkeypatch.setattr(sys, "argv", ["classpulse", "forget", "--session", "1", "--yes", "--db", serving.db])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert [job.name for job in jobs.jobs()] == ["Doras lesson", "Carls lesson"]
    assert "Adas lesson" not in client.get("/new").text
    content = serving.jobs.read_bytes()
    assert (b"Adas" in content, b"Bens" in content, b"Carls" in content) == (False, False, True)
