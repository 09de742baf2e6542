"""The whole way of a recording through a PostgreSQL database: the same rows as in a file."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine import Session, analyze
from engine.sessions.analysis import Progress
from engine.sessions.session import find
from storage import queries
from storage.schema import metadata
from storage.store import Store
from tests.drawn import RUN_TIMES, SETTINGS

TIMES = RUN_TIMES | {"made", "undone", "saved"}


def rows(database: str | Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, save for the times of the run, and who ran what."""
    with closing(Store.open(database, read_only=True)) as store, store.reading() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(
                    table.select().with_only_columns(*(c for c in table.c if c.name not in TIMES))
                    .order_by(*table.primary_key)
                )
            ]
            for table in metadata.sorted_tables
            if table.name != "audit"
        }  # fmt: skip


@pytest.fixture
def same(analysed: Session, recording: Path, postgres_url: str, tmp_path: Path) -> tuple[str | Path, str | Path]:
    """The lesson's analysis in a file, and on a server."""
    path = tmp_path / "classpulse.db"
    shutil.copy(analysed.database, path)
    return path, analyze(recording, postgres_url, settings=SETTINGS).database


def test_rows_are_those_of_a_file(same: tuple[str | Path, str | Path], recording: Path) -> None:
    file, server = same
    assert rows(server) == rows(file)
    for database in same:
        session = find("lesson.mp4", database)
        session.judge(window=10, strategy="sum").rename("S01", "Ada")
        assert session.split("S02", 16.0) == "S05"
        session.merge("S02", "S05")
        session.rename("S03", "Ben")
        assert session.undo() == "rename S03 'Ben'"
        assert session.keep_seats("B12") == ["Ada"]
    assert rows(server) == rows(file)
    sql = "SELECT label, name, verdict, count(*) AS n FROM v_student_windows WHERE latest GROUP BY 1, 2, 3"
    ordered = f"{sql} ORDER BY 1, 3"
    assert queries.query(server, ordered).equals(queries.query(file, ordered))


def test_stopped_analysis_goes_on(recording: Path, postgres_url: str, analysed: Session) -> None:
    def stop(progress: Progress) -> None:
        if progress.time > 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(recording, postgres_url, settings=SETTINGS, on_progress=stop)
    with Store.open(postgres_url) as store:
        assert store.committed_segments(1) == {0}
    analyze(recording, postgres_url, settings=SETTINGS)
    assert rows(postgres_url) == rows(analysed.database)
