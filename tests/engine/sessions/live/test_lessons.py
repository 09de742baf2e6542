"""Lessons one after the other: by a timetable or of equal length, each a session that begins by itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from engine.errors import SourceError, UsageError
from engine.sessions.live import lessons as module
from engine.sessions.live import watching as live
from engine.sessions.live.lessons import Span, equal_lessons, watch_lessons
from engine.sessions.live.timetable import Lesson, read_timetable
from engine.sessions.live.watching import watch
from tests.engine.vision.cameras.streams import Act, StreamServer

WEEK = """day,start,end,name,room
Monday,08:00,08:45,Physics 8b,B12
Mon,08:50,09:35,Art 7a,B12
mon,08:00,08:45,French 6,C1
Fri,10:00,10:45,Physics 8b,B12
2026-12-24,09:00,09:30,Carols,B12
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "timetable.csv"
    path.write_text(WEEK, "utf-8")
    return path


@pytest.mark.parametrize(
    ("now", "name", "start"),
    [
        ((2026, 11, 30, 7, 0), "Physics 8b", (2026, 11, 30, 8, 0)),  # a Monday
        ((2026, 11, 30, 8, 44, 59), "Physics 8b", (2026, 11, 30, 8, 0)),
        ((2026, 11, 30, 8, 45), "Art 7a", (2026, 11, 30, 8, 50)),
        ((2026, 11, 30, 9, 35), "Physics 8b", (2026, 12, 4, 10, 0)),
        ((2026, 12, 4, 11, 0), "Physics 8b", (2026, 12, 7, 8, 0)),
        ((2026, 12, 24, 9, 29), "Carols", (2026, 12, 24, 9, 0)),
    ],
)
def test_the_lesson_that_there_is_or_the_next_one(
    table: Path, now: tuple[int, ...], name: str, start: tuple[int, ...]
) -> None:
    lesson = read_timetable(table, "b12").at(datetime(*now))  # type: ignore[arg-type]
    assert lesson is not None
    assert (lesson.name, lesson.start) == (name, datetime(*start))  # type: ignore[arg-type]


def test_after_the_last_date_no_lesson_follows_and_a_far_one_is_found(tmp_path: Path) -> None:
    path = tmp_path / "timetable.csv"
    path.write_text("day;start;end;name\n2026-12-24;09:00;09:30;Carols\n", "utf-8")
    carols = Lesson("Carols", datetime(2026, 12, 24, 9), datetime(2026, 12, 24, 9, 30))
    assert read_timetable(path).at(datetime(2026, 11, 1)) == carols
    assert read_timetable(path).at(datetime(2026, 12, 24, 9, 30)) is None


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("Monday,08:00,08:45", "timetable.csv, row 2, name: the lesson has none"),
        ("Mo,08:00,08:45,Art", "timetable.csv, row 2, day: 'Mo' is not a day, such as Monday, Mon or 2026-11-30"),
        ("Mon,8 am,08:45,Art", "timetable.csv, row 2, start: '8 am' is not a time of day, such as 09:45"),
        ("Mon,09:00,08:45,Art", "timetable.csv, row 2: it ends at 08:45, before it starts"),
        (
            "Mon,09:00,10:00,Art\nMon,09:59,11:00,PE",
            "timetable.csv, row 3: at the same time as timetable.csv, row 2",
        ),
    ],
)
def test_what_is_no_timetable_is_one_line(tmp_path: Path, row: str, complaint: str) -> None:
    path = tmp_path / "timetable.csv"
    path.write_text(f"day,start,end,name\n{row}\n", "utf-8")
    with pytest.raises(UsageError) as raised:
        read_timetable(path)
    assert str(raised.value).replace(f"{tmp_path}/", "").startswith(complaint)


def test_a_room_without_a_lesson_is_one_line(table: Path) -> None:
    with pytest.raises(UsageError, match=r"timetable\.csv: no lesson in room A1$"):
        read_timetable(table, "A1")


@pytest.fixture
def server() -> Iterator[StreamServer]:
    served = StreamServer([Act(pictures=10_000)])
    yield served
    served.close()


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SEGMENT_SECONDS", 1)
    monkeypatch.setattr("engine.vision.extraction.SEGMENT_SECONDS", 1)


def sessions(db: Path) -> list[tuple[str, str, float, int]]:
    with sqlite3.connect(db) as connection:
        query = "SELECT name, state, duration, start_pts FROM sessions ORDER BY session_id"
        return connection.execute(query).fetchall()


def test_a_camera_is_split_into_lessons_of_equal_length(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    stopped = Event()
    numbers: list[int] = []

    def note(session: object) -> None:
        numbers.append(session.session_id)  # type: ignore[attr-defined]
        if len(numbers) == 2:
            stopped.set()

    watch_lessons(server.address, db, equal_lessons("8b", 2.0), stopped=stopped, on_session=note)
    assert numbers == [1, 2]
    (first, second) = sessions(db)
    for name, state, duration, start in (first, second):
        begun = datetime.fromtimestamp(start / 1_000_000)
        assert (name, state) == (f"8b {begun:%Y-%m-%d %H:%M}", "done")
        assert duration <= 2.5
    assert second[3] >= first[3] + 2_000_000


def test_a_session_of_the_lesson_before_does_not_go_on_after_a_crash(server: StreamServer, tmp_path: Path) -> None:
    db = tmp_path / "a.db"

    class Crash(BaseException):
        pass

    def crash(now: float) -> bool:
        raise Crash

    with pytest.raises(Crash):
        watch(server.address, db, until=crash, name="Art")
    now = time.time()
    spans = iter([Span("PE", now, stop=now + 2)])
    watch_lessons(server.address, db, lambda _: next(spans, None))
    assert [(name.split(" ")[0], state) for name, state, *_ in sessions(db)] == [("Art", "done"), ("PE", "done")]


def test_a_camera_that_is_not_there_when_a_later_lesson_begins_is_waited_for(
    server: StreamServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.1)
    tries: list[str] = []

    def flaky(location: str, db: object, **options: object) -> str:
        tries.append(str(options["length"]))
        if len(tries) in (2, 3, 4):
            raise SourceError(f"{location}: Connection refused; check the address")
        return "session"

    monkeypatch.setattr(module, "watch", flaky)
    lines: list[str] = []
    judged: list[object] = []
    spans = iter([Span("A", 0.0, length=5.0), Span("B", 0.0, length=6.0)])
    watch_lessons(
        "tcp://x:1",
        tmp_path / "a.db",
        lambda _: next(spans, None),
        on_change=lines.append,
        on_session=judged.append,
    )
    assert tries == ["5.0", "6.0", "6.0", "6.0", "6.0"]
    assert judged == ["session", "session"]
    assert lines == ["tcp://x:1: Connection refused; check the address; trying again until it is there"]


def test_a_camera_that_is_not_there_at_the_very_first_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Connection refused"):
        watch_lessons("tcp://127.0.0.1:9", tmp_path / "a.db", equal_lessons("8b", 60))


def test_the_next_lesson_is_waited_for_and_told(server: StreamServer, tmp_path: Path) -> None:
    begin = time.time() + 3
    spans = iter([Span("PE", begin, begin + 2), Span("PE", begin, begin + 2)])
    lines: list[str] = []
    watch_lessons(server.address, tmp_path / "a.db", lambda _: next(spans, None), on_change=lines.append)
    assert lines[0] == f"{server.address}: the next lesson is PE, {datetime.fromtimestamp(begin):%A %Y-%m-%d %H:%M}"
    ((_, state, _, start),) = sessions(tmp_path / "a.db")
    assert state == "done"
    assert start / 1_000_000 >= begin
