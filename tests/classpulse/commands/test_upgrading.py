"""upgrade-db as a user sees it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

VERSION_1 = Path(__file__).parents[2] / "storage" / "version_1.sql"


def test_older_database_is_upgraded_on_request(run, folder):
    with closing(sqlite3.connect("school.db")) as connection:
        connection.executescript(VERSION_1.read_text("utf-8"))
    refused = run("show", 1, "--db", "school.db")
    assert refused.status == 1
    assert "run `classpulse upgrade-db --db school.db`" in refused.complaint()
    upgraded = run("upgrade-db", "--db", "school.db")
    assert (upgraded.status, upgraded.err) == (0, "")
    assert upgraded.out.startswith("school.db: upgraded from schema version 1 to ")
    assert upgraded.out.endswith("; the backup is school.db.v1-backup\n")
    assert run("show", 1, "--db", "school.db").out.startswith("Session 1: Physics 8b")
    assert run("upgrade-db", "--db", "school.db").out.endswith(" already\n")


def test_no_database_to_upgrade(run, folder):
    result = run("upgrade-db", "--db", "none.db")
    assert result.status == 2
    assert result.complaint() == "none.db: there is no such database; analyse a recording first"


def test_password_of_a_server_is_not_told(run, folder, recording):
    refused = run("analyze", recording, "--db", "postgresql://ada:secret@127.0.0.1:1/school")
    assert refused.status == 1
    assert "secret" not in refused.out + refused.err
    assert refused.complaint().startswith("postgresql://ada:***@127.0.0.1:1/school: the server cannot be reached")
