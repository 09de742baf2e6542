"""Commands beside a process that writes: who only reads does not wait for it, and what is skipped is said."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import cli
import storage.sqlite
from classpulse.commands import auditing
from classpulse.commands.auditing import NOT_AUDITED, READING
from tests.classpulse.commands.conftest import Run
from tests.drawn import count

#: Commands that change the database, always; their notes wait.
CHANGING = {
    "analyze", "demo", "exclude", "forget", "judge", "mark", "merge", "rename", "role", "split", "undo", "unmark",
    "upgrade-db", "watch", "work",
}  # fmt: skip


@pytest.fixture
def writer(db: Path) -> Iterator[sqlite3.Connection]:
    """Another that writes to the database all the while."""
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def test_every_command_is_one_that_reads_or_changes() -> None:
    commands = {
        command.name or command.callback.__name__
        for group in cli.app.registered_groups
        if group.typer_instance
        for command in group.typer_instance.registered_commands
        if command.callback
    }
    assert commands == {*READING, *CHANGING, *NOT_AUDITED}
    assert not set(READING) & CHANGING


@pytest.mark.parametrize(
    "command",
    [
        ("show", 1), ("query", "SELECT 1"), ("report", 1), ("names",), ("retention",),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_who_reads_does_not_wait_for_who_writes(
    run: Run,
    db: Path,
    writer: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[object, ...],
) -> None:
    monkeypatch.setattr(storage.sqlite, "BUSY_SECONDS", 60)
    monkeypatch.setattr(auditing, "NOTE_SECONDS", 0.1)
    began = time.monotonic()
    result = run(*command)
    assert time.monotonic() - began < 40
    assert result.status == 0
    assert result.out or command[0] == "report"
    line = result.err.splitlines()[-1]
    assert line.startswith(f"classpulse: this run is not in the audit table: {db.name}: another process is writing")
    writer.execute("COMMIT")
    assert run(*command).err.count("audit") == 0
    assert count(db, "audit") == 1


def test_a_note_waits_for_a_second_at_most() -> None:
    assert auditing.NOTE_SECONDS <= 1
