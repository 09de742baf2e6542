"""Processes that end in the middle, and several at once: nothing committed is ever lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import storage.holders
import storage.sqlite
from storage import queries
from storage.errors import DatabaseError
from storage.store import Store
from tests.storage.conftest import Write
from tests.storage.processes import KILLED, check_whole_segments, start, write_at_once

# -- processes that end in the middle


def test_killed_within_a_segment(path: Path) -> None:
    """Killed when the segment's row and frames are inserted, and its faces are not."""
    script = """
        import os, signal

        class Deadly(dict):
            def items(self):
                os.kill(os.getpid(), signal.SIGKILL)

        with Store.open(sys.argv[1]) as store:
            session = begin(store)
            for segment in range(2):
                frames, faces = columns(segment)
                store.write_segment(session, segment, frames, faces if segment == 0 else Deadly(faces))
    """
    child = start(script, path)
    assert child.communicate()[0] == ""
    assert child.returncode == KILLED
    assert check_whole_segments(path) == [0]


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_any_moment(path: Path, seed: int) -> None:
    script = """
        with Store.open(sys.argv[1]) as store:
            session = begin(store)
            for segment in range(100000):
                store.write_segment(session, segment, *columns(segment))
                print(segment, flush=True)
    """
    child = start(script, path)
    assert child.stdout is not None
    told = [int(child.stdout.readline())]  # the process is at work
    time.sleep(np.random.default_rng(seed).uniform(0, 0.3))
    child.kill()
    told += [int(line) for line in child.stdout.read().splitlines()]
    child.wait()
    there = check_whole_segments(path)
    assert there == list(range(len(there)))
    assert len(told) <= len(there) <= len(told) + 1  # what was told is there; the last may not have been told


def test_killed_while_the_database_is_made(tmp_path: Path) -> None:
    script = """
        import storage.database
        print("ready", flush=True)
        Store.open(sys.argv[1])
        sys.stdin.read()
    """
    for delay in (0, 0.005, 0.02):
        path = tmp_path / f"{delay}.db"
        child = start(script, path, stdin=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.kill()
        child.communicate()
        assert check_whole_segments(path) == []


# -- several processes


def test_processes_lose_nothing(path: Path) -> None:
    write_at_once(path)
    check_whole_segments(path)


def test_waits_for_another_process_and_then_says_so(
    path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.sqlite, "BUSY_SECONDS", 0.2)
    with Store.open(path) as store:
        session = write.session(store)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError) as caught:
            write.segment(store, session, 0)
        holder = f" (process {os.getpid()}" if sys.platform == "linux" else ";"  # then its name, if it has one
        assert f"another process is writing to it{holder}" in str(caught.value)
        assert "; run the same command again when that has ended (database is locked)" in str(caught.value)
        assert queries.sessions(store).shape[0] == 1  # reading goes on
        other.execute("COMMIT")
        write.segment(store, session, 0)
        other.close()


def test_nobody_is_named_where_the_system_does_not_tell_who_holds_a_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS and Windows; the line is the same without the name."""
    monkeypatch.setattr(storage.holders, "LOCKS", path.with_name("no such file"))
    with Store.open(path) as store, store.writing():
        assert storage.holders.writers_of(path) == ""


@pytest.mark.skipif(not storage.holders.LOCKS.exists(), reason="only Linux tells who holds a file")
def test_holder_is_named_without_its_arguments(path: Path) -> None:
    script = """
        with Store.open(sys.argv[1]) as store, store.writing():
            print("locked", flush=True)
            sys.stdin.read()
    """
    child = start(script, path, stdin=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert storage.holders.writers_of(path) == f" (process {child.pid}, {Path(sys.executable).name})"
    child.communicate()
    assert storage.holders.writers_of(path) == ""


@pytest.mark.parametrize("others", [False, True])
def test_who_only_reads_leaves_no_files_behind(tmp_path: Path, path: Path, write: Write, others: bool) -> None:
    with Store.open(path) as store:
        write.session(store)
        if others:
            with Store.open(path, read_only=True) as reader:
                assert len(queries.sessions(reader)) == 1
            write.session(store)  # the writer's log is still its own
    before = path.read_bytes()
    with Store.open(path, read_only=True) as reader:
        assert len(queries.sessions(reader)) == 1 + others
    queries.query(path, "SELECT * FROM v_students")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before
