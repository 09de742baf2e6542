"""--aggregate-only: the class's windows are those of an ordinary analysis, and nothing of a student is written."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine import Session, analyze
from engine.errors import UsageError
from engine.sessions.analysis import Progress
from storage.schema import metadata
from tests.drawn import SETTINGS, rows

CLASS = dataclasses.replace(SETTINGS, aggregate_only=True, min_group=3)
#: What is of the class alone.
KEPT = {"classes", "sessions", "segments", "frames", "judgements", "class_windows", "excluded", "shots"}


@pytest.fixture(scope="module")
def path(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The analysis, looked at from outside after every frame and stage."""
    path = tmp_path_factory.mktemp("class") / "classpulse.db"

    def nothing_is_there(progress: Progress) -> None:
        with closing(sqlite3.connect(path)) as connection:
            for table in metadata.tables:
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), progress

    analyze(recording, path, settings=CLASS, on_progress=nothing_is_there)
    return path


def test_class_windows_are_the_same(path: Path, analysed: Session) -> None:
    session = Session(path, 1)
    ordinary, ours = analysed.class_verdicts(), session.class_verdicts()
    judged = ordinary[["interested", "neutral", "not_interested"]].sum(axis=1)
    enough = judged >= 3
    assert 0 < enough.sum() < len(enough)  # or the test would show nothing
    assert ours[enough].equals(ordinary[enough])
    few = ours[~enough]
    assert few["verdict"].eq("insufficient").all()
    assert few[["balance", "margin"]].isna().all(axis=None)
    assert few[["interested", "neutral", "not_interested"]].eq(0).all(axis=None)
    assert few["insufficient"].equals(few["students"])
    for column in ("window", "start", "stop", "coverage", "faces", "scorable"):
        assert ours[column].equals(ordinary[column])


def test_nothing_of_a_student_is_written(path: Path, analysed: Session) -> None:
    tables = rows(path)
    assert {name for name, table in tables.items() if table} <= KEPT
    frames = rows(Path(analysed.database))["frames"]
    assert all(frame["layout"] for frame in frames)
    assert tables["frames"] == [frame | {"layout": None} for frame in frames]
    (landmark,) = (row["landmarks"] for row in rows(Path(analysed.database))["faces"][:1])
    assert landmark in Path(analysed.database).read_bytes()
    for file in path.parent.iterdir():
        assert landmark not in file.read_bytes()


def test_what_reads_a_session_reads_it(path: Path) -> None:
    session = Session(path, 1)
    assert session.students().empty
    assert session.faces().empty
    assert session.verdicts().empty
    assert len(session.frames()) == 32


def test_it_is_done_once(path: Path, recording: Path, analysed: Session) -> None:
    assert analyze(recording, path, settings=CLASS).was_done
    with pytest.raises(
        UsageError,
        match=r"session 1 \(lesson.mp4\) has no data of students \(--aggregate-only\), so there is nothing to",
    ):
        analyze(recording, path, settings=dataclasses.replace(CLASS, window=10))


@pytest.mark.parametrize(
    "do",
    [
        lambda session: session.judge(window=10),
        lambda session: session.rename("S01", "Ada"),
        lambda session: session.merge("S01", "S02"),
        lambda session: session.undo(),
        lambda session: session.keep_seats("B12"),
    ],
)
def test_what_needs_students_says_that_there_are_none(path: Path, do: Callable[[Session], object]) -> None:
    before = rows(path)
    with pytest.raises(UsageError, match="has no data of students"):
        do(Session(path, 1))
    assert rows(path) == before


def test_stopped_half_way_leaves_nothing(recording: Path, tmp_path: Path) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def stop(progress: Progress) -> None:
        if progress.stage == "judge":
            raise Stop

    path = tmp_path / "classpulse.db"
    with pytest.raises(Stop):
        analyze(recording, path, settings=CLASS, on_progress=stop)
    assert not any(rows(path).values())


def test_beside_an_ordinary_session(analysed: Session, recording: Path, tmp_path: Path) -> None:
    """Neither is taken for the other, nor changed by it."""
    path = Path(shutil.copy(analysed.database, tmp_path / "classpulse.db"))
    before = rows(path)
    session = analyze(recording, path, settings=CLASS)
    assert session.session_id == 2
    after = rows(path)
    for name in set(before) - KEPT:
        assert after[name] == before[name]
    assert analyze(recording, path, settings=SETTINGS).was_done


def test_a_group_is_more_than_one() -> None:
    with pytest.raises(UsageError, match="min-group is 1; it must be 2 to 1000000 students"):
        dataclasses.replace(CLASS, min_group=1)
