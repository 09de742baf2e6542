"""upgrade-db as a user sees it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.classpulse.commands.conftest import Run

#: Databases as older versions wrote them.
OLDER = Path(__file__).parents[2] / "storage"


@pytest.mark.parametrize("version", [1, 2])
def test_older_database_is_upgraded_on_request(run: Run, folder: Path, version: int) -> None:
    with closing(sqlite3.connect("school.db")) as connection:
        connection.executescript((OLDER / f"version_{version}.sql").read_text("utf-8"))
    refused = run("show", 1, "--db", "school.db")
    assert refused.status == 1
    assert "run `classpulse upgrade-db --db school.db`" in refused.complaint()
    upgraded = run("upgrade-db", "--db", "school.db")
    assert (upgraded.status, upgraded.err) == (0, "")
    assert upgraded.out.startswith(f"school.db: upgraded from schema version {version} to ")
    assert upgraded.out.endswith(f"; the backup is school.db.v{version}-backup\n")
    shown = run("show", 1, "--db", "school.db")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith("Session 1: ")
    assert "S01" in shown.out
    written = run("report", 1, "--db", "school.db", "-o", "report.html")
    assert (written.status, written.err) == (0, "written: report.html\n")
    assert "S01" in Path("report.html").read_text("utf-8")
    judged = run("judge", 1, "--db", "school.db", "--strategy", "sum", "--window", 10)
    assert (judged.status, judged.err) == (0, "")
    assert run("show", 1, "--db", "school.db", "--judgement", "sum, 10 s").status == 0
    names = run("query", "--db", "school.db", "-f", "csv", "SELECT name FROM judgements WHERE strategy = 'sum'").out
    assert "sum, 10 s" in names
    assert run("upgrade-db", "--db", "school.db").out.endswith(" already\n")


def test_no_database_to_upgrade(run: Run, folder: Path) -> None:
    result = run("upgrade-db", "--db", "none.db")
    assert result.status == 2
    assert result.complaint() == "none.db: there is no such database; analyse a recording first"


def test_password_of_a_server_is_not_told(run: Run, folder: Path, recording: Path) -> None:
    refused = run("analyze", recording, "--db", "postgresql://ada:secret@127.0.0.1:1/school")
    assert refused.status == 1
    assert "secret" not in refused.out + refused.err
    assert refused.complaint().startswith("postgresql://ada:***@127.0.0.1:1/school: the server cannot be reached")
