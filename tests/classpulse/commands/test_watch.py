"""`watch` as people use it: how it ends, what it says, and that no password is left anywhere."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from classpulse.commands.options import clock_of
from classpulse.report.window import drawn
from engine.times import parse_duration
from tests.classpulse.commands.conftest import Run, start
from tests.engine.vision.cameras.streams import Act, StreamServer


@pytest.fixture
def server() -> Iterator[StreamServer]:
    served = StreamServer([Act(pictures=10_000)])
    yield served
    served.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def with_user(server: StreamServer) -> str:
    return server.address.replace("//", "//zaphod:hunter2@")


def test_it_ends_after_the_time_it_was_given_and_leaves_no_password(
    run: Run, server: StreamServer, tmp_path: Path
) -> None:
    db = tmp_path / "a.db"
    result = run("watch", with_user(server), "--name", "8b", "--for", "2s", "--db", db)
    assert result.status == 0
    assert result.err.splitlines() == [f"{server.address}: connected (mpeg2video, 80x48)"]
    assert result.out.startswith("Session 1: 8b  0:0")
    assert b"hunter2" not in db.read_bytes()
    assert b"zaphod" not in db.read_bytes()
    with sqlite3.connect(db) as connection:
        (entry,) = connection.execute("SELECT command, arguments, outcome FROM audit").fetchall()
    assert entry == ("watch", f'{{"address": "{server.address}", "length": "2s", "name": "8b"}}', "done")


def test_with_json_each_window_is_a_line_and_nothing_else_is_printed(
    run: Run, server: StreamServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.vision.extraction.SEGMENT_SECONDS", 1)
    monkeypatch.setattr("engine.sessions.live.watching.SEGMENT_SECONDS", 1)
    arguments = ["--window", 1, "--for", "3s", "--db", tmp_path / "a.db", "--name", "8b"]
    result = run("watch", server.address, "--json", *arguments)
    assert result.status == 0
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line["window"] for line in lines] == list(range(len(lines)))
    assert len(lines) >= 2
    begun, stop = (datetime.fromisoformat(lines[0][edge]) for edge in ("start", "stop"))
    assert (stop - begun).total_seconds() == pytest.approx(1, abs=0.002)
    assert abs(begun.timestamp() - time.time()) < 60
    first = lines[0]
    assert (first["session"], first["name"], first["verdict"], first["reason"]) == (
        1,
        "8b",
        "insufficient",
        "not_seen",
    )
    assert (first["present"], first["measured"], first["balance"], first["coverage"]) == (0, 0, None, 0.0)
    assert "students" not in first
    hook = f"http://127.0.0.1:{free_port()}/services/s3cret"
    hooked = run("watch", server.address, "--webhook", hook, *arguments)
    assert hooked.status == 0
    assert f"{hook.removesuffix('/services/s3cret')}: Connection refused; " in hooked.err
    assert b"s3cret" not in (tmp_path / "a.db").read_bytes()
    assert "s3cret" not in hooked.err
    with_students = run("watch", server.address, "--json", "--students", *arguments)
    assert json.loads(with_students.out.splitlines()[0])["students"] == []


def test_a_window_shows_the_pictures_with_excluded_squares_blurred_and_the_class(
    run: Run, server: StreamServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.vision.extraction.SEGMENT_SECONDS", 1)
    monkeypatch.setattr("engine.sessions.live.watching.SEGMENT_SECONDS", 1)
    monkeypatch.setenv("DISPLAY", ":0")
    shown: list[npt.NDArray[np.uint8]] = []
    titles: list[str] = []
    for name, stand_in in {
        "namedWindow": lambda *_: None,
        "destroyWindow": lambda *_: None,
        "waitKey": lambda _: -1,
        "getWindowProperty": lambda *_: 1.0,
        "imshow": lambda _, image: shown.append(image),
        "setWindowTitle": lambda _, title: titles.append(title),
    }.items():
        monkeypatch.setattr(f"cv2.{name}", stand_in)
    blurred: list[tuple[tuple[float, float, float], ...]] = []

    def coarsened(*arguments: Any) -> npt.NDArray[np.uint8]:
        blurred.append(tuple(arguments[-1]))
        return drawn(*arguments)

    monkeypatch.setattr("classpulse.report.window.drawn", coarsened)
    arguments = [
        "--display",
        "--exclude",
        "40,24,30",
        "--window",
        1,
        "--for",
        "3s",
        "--db",
        tmp_path / "a.db",
        "-q",
    ]
    assert run("watch", server.address, *arguments).status == 0
    assert len(shown) >= 2
    assert {image.shape for image in shown} == {(48, 80, 3)}
    assert titles[0] == f"{server.address}: insufficient (0 of 0 measured)"
    assert set(blurred) == {((40.0, 24.0, 30.0),)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_session_that_is_stopped_is_judged_with_status_0(
    server: StreamServer, tmp_path: Path, number: signal.Signals
) -> None:
    db = tmp_path / "a.db"
    process = start("watch", server.address, "--db", db)
    assert process.stderr
    line = process.stderr.readline().decode()
    assert line == f"{server.address}: connected (mpeg2video, 80x48)\n"
    time.sleep(2)
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert out.decode().startswith("Session 1: ")
    with sqlite3.connect(db) as connection:
        assert connection.execute("SELECT state FROM sessions").fetchall() == [("done",)]


def test_of_a_camera_there_is_nothing_to_annotate(run: Run, server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    assert run("watch", server.address, "--for", "1s", "--db", db, "-q").status == 0
    result = run("annotate", 1, "--db", db, "-o", tmp_path / "a.mp4")
    assert result.status == 2
    assert result.complaint() == f"{server.address}: no picture of a camera is kept to be annotated"


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["lecture.mp4"], 2, "lecture.mp4: not the address of a stream (rtsp://, "),
        (["tcp://127.0.0.1:9"], 1, "tcp://127.0.0.1:9: Connection refused; check the address, and whether the cam"),
        (["rtsp://zaphod:hunter2@127.0.0.1:9/1"], 1, "rtsp://127.0.0.1:9/1: Connection refused; "),
        (["rtsp://a/1", "--for", "1h", "--until", "09:45"], 2, "Invalid value: --for and --until both say when to"),
        (
            ["rtsp://a/1", "--split", "45m", "--timetable", "a.csv"],
            2,
            "Invalid value: --split and --timetable both s",
        ),
        (
            ["rtsp://a/1", "--timetable", "a.csv", "--name", "8b"],
            2,
            "Invalid value: --timetable names the sessions; ",
        ),
        (["rtsp://a/1", "--room", "B12"], 2, "Invalid value: --room says which lessons of --timetable; add it"),
        (["rtsp://a/1", "--timetable", "none.csv"], 2, "none.csv: "),
        (["rtsp://a/1", "--students"], 2, "Invalid value: --students says what --json and --webhook tell;"),
        (
            ["rtsp://a/1", "--json", "--students", "--aggregate-only"],
            2,
            "Invalid value: with --aggregate-only nothi",
        ),
        (["rtsp://a/1", "--for", "soon"], 2, "Invalid value: invalid duration 'soon'; use 90s, 45m or 1h30m"),
        (["rtsp://a/1", "--until", "9 am"], 2, "Invalid value: '9 am' is not a time of day, such as 09:45"),
        (["rtsp://a/1", "--detector", "auto"], 2, "Invalid value: --detector auto looks at a whole recording; "),
        (["rtsp://a/1", "--password-file", "none"], 2, "none: the password cannot be read (No such file or direc"),
    ],
)
def test_what_cannot_be_watched_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("watch", *arguments, "--db", tmp_path / "a.db")
    assert (result.status, result.out) == (status, "")
    assert result.complaint().startswith(complaint)


def test_the_password_of_a_file_or_of_the_environment_belongs_to_the_user_in_the_address(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("hunter2\n", "utf-8")
    monkeypatch.setenv("CLASSPULSE_CAMERA_PASSWORD", "hunter2")
    for given in ([], ["--password-file", tmp_path / "password"]):
        result = run("watch", "rtsp://127.0.0.1:9/1", *given, "--db", tmp_path / "a.db")
        assert result.status == 2
        assert result.complaint().startswith("rtsp://127.0.0.1:9/1: no user is named to whom the password belongs")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("45m", 2700), ("1h30m", 5400), ("2h", 7200), (" 1H5s", 3605)],
)
def test_how_long_something_lasts(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("now", "day"), [((9, 44), 30), ((9, 45), 1), ((23, 0), 1)])
def test_a_time_of_day_is_the_next_one(now: tuple[int, int], day: int) -> None:
    end = clock_of("09:45", datetime(2026, 11, 30, *now))
    assert (end.day, end.hour, end.minute) == (day, 9, 45)
    assert end.tzinfo is not None
