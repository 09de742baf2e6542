"""A camera as a session: committed segment by segment, gone on with after a crash, judged at the end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.sessions.analysis import Progress
from engine.sessions.live import watching as live
from engine.sessions.live.rolling import JudgedWindow
from engine.sessions.live.watching import watch
from engine.sessions.session import Session
from engine.settings import Settings
from engine.vision.detection import Detections
from engine.vision.sources.protocol import Frame
from storage.store import Store
from storage.warnings import read_warnings
from tests.engine.vision.cameras.streams import Act, StreamServer


@pytest.fixture
def server() -> Iterator[StreamServer]:
    served = StreamServer([Act(pictures=10_000)])
    yield served
    served.close()


def for_seconds(seconds: float) -> Callable[[float], bool]:
    """Ends a session so long after its first picture."""
    begun: list[float] = []

    def is_over(now: float) -> bool:
        begun[:] = begun or [now]
        return now >= begun[0] + seconds

    return is_over


def rows(db: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(db) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second, so that a test need not watch for minutes."""
    monkeypatch.setattr(live, "SEGMENT_SECONDS", 1)
    monkeypatch.setattr("engine.vision.extraction.SEGMENT_SECONDS", 1)


def test_a_camera_is_a_session_with_its_connection(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    stages: list[str] = []

    def note(progress: Progress) -> None:
        stages.append(progress.stage)

    session = watch(server.address, db, name="Physics 8b", until=for_seconds(3), on_progress=note)
    ((state, source, base, start, duration),) = rows(
        db, "SELECT state, source, time_base, start_pts, duration FROM sessions"
    )
    assert (session.session_id, state, source, base) == (1, "done", server.address, "1/1000000")
    ((last,),) = rows(db, "SELECT MAX(time) FROM frames")
    assert 2.5 < last < duration < last + 1.5
    assert rows(db, "SELECT segment FROM segments")[:3] == [(0,), (1,), (2,)]
    assert rows(db, "SELECT MIN(pts) FROM frames") == [(start,)]
    ((begin, stop, reason, codec, width, decoded, sampled),) = rows(
        db, "SELECT start, stop, reason, codec, width, decoded, sampled FROM connections"
    )
    assert (begin, reason, codec, width) == (0, None, "mpeg2video", 80)
    assert last <= stop < last + 1.5
    assert decoded > 2 * sampled >= 2 * len(rows(db, "SELECT * FROM frames"))
    assert stages[-2:] == ["track", "judge"]
    with Store.open(db) as store:
        assert read_warnings(store, session.session_id) == []


def test_windows_are_told_and_stored_while_a_camera_is_watched(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    told: list[JudgedWindow] = []
    stored = []

    def note(window: JudgedWindow) -> None:
        told.append(window)
        stored.append(rows(db, "SELECT j.name, state, MAX(window) FROM class_windows, judgements j, sessions"))

    labels: list[tuple[str, ...]] = []

    def note_labels(frame: Frame, detections: Detections, given: Sequence[str]) -> None:
        labels.append((str(frame.pts), *given))

    watch(
        server.address,
        db,
        settings=Settings(window=1.0),
        until=for_seconds(4.5),
        on_window=note,
        on_labels=note_labels,
    )
    numbers = [window.of_class["window"] for window in told]
    assert numbers == list(range(len(told)))
    assert len(told) >= 4
    assert stored == [[("live", "watching", number)] for number in numbers]
    assert {window.of_class["reason"] for window in told} == {"not_seen"}
    ((begun,),) = rows(db, "SELECT start_pts FROM sessions")
    assert {(window.session_id, window.begun, len(window.students)) for window in told} == {(1, begun, 0)}
    # What is known of the whole lesson takes their place.
    assert rows(db, "SELECT name FROM judgements") == [("weighted, 1 s",)]
    assert [(pts,) for pts, *_ in labels][:5] == [
        (str(pts),) for (pts,) in rows(db, "SELECT pts FROM frames LIMIT 5")
    ]


def test_after_a_crash_no_window_is_judged_twice(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    told: list[int] = []
    settings = Settings(window=1.0)

    def note(window: JudgedWindow) -> None:
        told.append(window.of_class["window"])

    with pytest.raises(Crash):
        watch(server.address, db, settings=settings, until=crash_after(3.5), on_window=note)
    before = len(told)
    assert before >= 2
    watch(server.address, db, settings=settings, until=for_seconds(3), on_window=note)
    assert len(told) > before
    assert sorted(set(told)) == told


class Crash(BaseException):
    """Not an error that anybody handles."""


def crash_after(seconds: float) -> Callable[[float], bool]:
    is_over = for_seconds(seconds)

    def crash(now: float) -> bool:
        if is_over(now):
            raise Crash
        return False

    return crash


def test_after_a_crash_the_same_camera_goes_on_with_its_session(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with pytest.raises(Crash):
        watch(server.address, db, name="8b", until=crash_after(2.5))
    assert rows(db, "SELECT state FROM sessions") == [("watching",)]
    committed = rows(db, "SELECT * FROM segments")
    assert len(committed) == 2
    session = watch(server.address, db, until=for_seconds(2))
    assert session.session_id == 1
    assert rows(db, "SELECT state, name FROM sessions") == [("done", "8b")]
    assert rows(db, "SELECT * FROM segments")[:2] == committed
    assert len(rows(db, "SELECT * FROM connections")) == 2
    times = [time for (time,) in rows(db, "SELECT time FROM frames ORDER BY pts")]
    assert times == sorted(times)
    ((before, after),) = rows(db, "SELECT MAX(start), MAX(stop) FROM connections")
    assert 2.5 < before < times[-1] <= after


def test_a_session_that_was_left_for_too_long_is_judged_and_a_new_one_begins(
    server: StreamServer, tmp_path: Path
) -> None:
    db = tmp_path / "a.db"
    with pytest.raises(Crash):
        watch(server.address, db, name="8b", until=crash_after(2.5))
    session = watch(server.address, db, name="9a", until=for_seconds(1.5), max_break=0.0)
    assert session.session_id == 2
    assert rows(db, "SELECT session_id, name, state FROM sessions") == [(1, "8b", "done"), (2, "9a", "done")]
    assert len(rows(db, "SELECT * FROM judgements")) == 2


def test_a_session_whose_judging_crashed_is_judged_when_the_camera_is_watched_again(
    server: StreamServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "a.db"

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(live, "track_and_judge", crash)
        with pytest.raises(Crash):
            watch(server.address, db, until=for_seconds(1.5))
    assert rows(db, "SELECT state FROM sessions") == [("detected",)]
    assert watch(server.address, db, until=for_seconds(1.5)).session_id == 2
    assert rows(db, "SELECT state FROM sessions") == [("done",), ("done",)]


def test_a_session_that_goes_on_keeps_its_name(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with pytest.raises(Crash):
        watch(server.address, db, name="8b", until=crash_after(1.5))
    with pytest.raises(UsageError, match=r"^session 1 of this camera goes on, and has another name; omit --name$"):
        watch(server.address, db, name="9a", until=for_seconds(1))
    assert rows(db, "SELECT name, state FROM sessions") == [("8b", "watching")]


def test_time_without_a_picture_is_told(tmp_path: Path) -> None:
    server = StreamServer([Act(pictures=60), Act()])
    server.pause = 4.0
    session = watch(server.address, tmp_path / "a.db", until=for_seconds(9))
    server.close()
    with Store.open(tmp_path / "a.db") as store:
        (warning,) = read_warnings(store, session.session_id)
    assert warning.code == "without_picture"
    assert warning.text.startswith("the camera gave no picture for 0:0")
    assert warning.text.endswith(" in all (once); nothing is known of that time")
    assert warning.time is not None
    assert 0.5 < warning.time < 3.5


def test_of_the_class_alone_nothing_is_stored_before_the_end(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with pytest.raises(Crash):
        watch(server.address, db, settings=Settings(aggregate_only=True), until=crash_after(2))
    assert rows(db, "SELECT * FROM sessions") == []
    session = watch(server.address, db, settings=Settings(aggregate_only=True), until=for_seconds(2))
    assert isinstance(session, Session)
    assert rows(db, "SELECT COUNT(*) FROM faces") == [(0,)]
    assert len(rows(db, "SELECT * FROM connections")) == 1
    ((settings,),) = rows(db, "SELECT settings FROM sessions")
    assert json.loads(settings)["aggregate_only"] is True
