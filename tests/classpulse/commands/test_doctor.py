"""`classpulse doctor --db`: whether the rows are those that were written, also after people are forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import engine.runtime.doctor
from tests.classpulse.commands.conftest import Run
from tests.drawn import OPTIONS

CHECKS = ("references", "tables", "segments", "pages", "text")


@pytest.fixture(autouse=True)
def no_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes seconds, and has tests of its own."""
    monkeypatch.setattr(engine.runtime.doctor, "checks", lambda *_: [])


def results(run: Run) -> dict[str, str]:
    """`ok` or `BAD` by check."""
    lines = run("doctor", "--db", "classpulse.db").out.splitlines()
    return {
        line.split()[1]: line.split()[0] for line in lines if len(line.split()) > 1 and line.split()[1] in CHECKS
    }


def test_a_database_is_whole_after_all_that_may_happen_to_it(run: Run, db: Path, recording: Path) -> None:
    assert run("rename", 1, "S01", "Ada").status == 0
    assert run("forget", "--student", "1/S02", "--yes").status == 0
    assert run("exclude", 1, "S03", "--yes").status == 0
    assert run("judge", 1, "--window", 10).status == 0
    assert run("analyze", recording, *OPTIONS, "--min-face", 41, "--aggregate-only", "--exclude", 1).status == 0
    assert results(run) == dict.fromkeys(CHECKS, "ok")


def test_what_is_damaged_is_bad(run: Run, db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        last = "(SELECT max(pts) FROM faces)"
        connection.execute(f"UPDATE faces SET quality = 1 - quality WHERE face = 0 AND pts = {last}")
    result = run("doctor", "--db", db)
    assert result.status == 1
    assert "BAD  segments    segment 3 of session 1 is not as it was written; restore a copy of" in result.out
    assert results(run) == dict.fromkeys(CHECKS, "ok") | {"segments": "BAD"}
