"""A small drawn lesson for the tests, the settings that see it quickly, and its database's rows to compare."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from classpulse.simulation.lesson import Lesson
from engine.settings import Settings

#: Four students in one row, with faces of 54 px; 32 s, so four segments, the last of them short.
LESSON = Lesson(
    students=4,
    rows=1,
    people=(21, 22, 23, 24),
    width=640,
    height=360,
    fps=2,
    duration=32,
    mood_seconds=10,
    moods=(
        ("happy", "angry", "angry", "happy"),
        ("angry", "angry", "happy", "happy"),
        ("angry", "happy", "happy", "angry"),
        ("happy", "happy", "angry", "angry"),
    ),
)
SEGMENTS, FRAMES = 4, 32
SETTINGS = Settings(sample_rate=1.0, min_face=40.0, window=5.0, max_age=2.0)
#: The same settings for the command line.
OPTIONS = ("--sample-rate", "1", "--min-face", "40", "--window", "5", "--max-age", "2")

#: What says when the analysis ran, and differs between runs that are otherwise the same.
RUN_TIMES = {"created", "finished", "committed"}


def rows(db: str | Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, save for the times of the run, and who ran it; fails if the database is damaged."""
    with closing(sqlite3.connect(db)) as connection:
        connection.row_factory = sqlite3.Row
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        names = [row["name"] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            name: [
                {key: value for key, value in dict(row).items() if key not in RUN_TIMES}
                for row in connection.execute(f'SELECT * FROM "{name}"')
            ]
            for name in sorted(names)
            if not name.startswith("sqlite_") and name != "audit"  # who ran what is of the run, too
        }


def without_machine(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """`rows` save for what kind of machine detected: it is known of this machine's own processes alone."""
    return {
        name: [{key: value for key, value in row.items() if key != "fingerprint"} for row in found]
        for name, found in tables.items()
        if name != "fingerprints"
    }


def count(db: Path, table: str) -> int:
    """How many rows a table has; 0 where there is no such table yet."""
    with closing(sqlite3.connect(db)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
            return 0
        number: int = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
        return number
