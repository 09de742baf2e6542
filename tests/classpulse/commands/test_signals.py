"""Ctrl-C and `kill -9` in the middle of an analysis: the same command goes on, and ends with the same rows."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.process
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cli
from classpulse.commands.signals import EndingSignals
from engine import Session
from tests.classpulse.commands.conftest import ROOT, Result, finish, start
from tests.drawn import OPTIONS, SEGMENTS, count, rows

MOMENTS = 20


def audited(db: Path) -> list[tuple[str, str]]:
    """Command and outcome of each run that was noted."""
    with contextlib.closing(sqlite3.connect(db)) as connection:
        return connection.execute("SELECT command, outcome FROM audit ORDER BY entry").fetchall()


def wait_for_segments(is_alive: Callable[[], bool], db: Path, number: int) -> None:
    while is_alive():
        try:
            if db.exists() and count(db, "segments") >= number:
                return
        except sqlite3.OperationalError:  # the database is just being made
            pass
        time.sleep(0.01)


def test_ctrl_c(recording: Path, analysed: Session, folder: Path) -> None:
    db = folder / "classpulse.db"
    process = start("analyze", recording, *OPTIONS, "--db", db)
    wait_for_segments(lambda: process.poll() is None, db, 1)
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert (result.status, result.out) == (130, "")
    assert result.complaint() == (
        f"stopped; finished segments of {recording} are saved in {db}, run the same command to resume"
    )
    committed = count(db, "segments")
    assert 1 <= committed < SEGMENTS
    kept = rows(db)
    assert kept["sessions"][0]["state"] == "detecting"
    assert finish(start("analyze", recording, *OPTIONS, "--db", db, "-q")).status == 0
    whole = rows(db)
    assert whole == rows(analysed.database)
    assert whole["segments"][:committed] == kept["segments"]


def test_ctrl_c_stops_all_recordings(recording: Path, folder: Path) -> None:
    """It is not taken for a fault of the first recording."""
    db = folder / "classpulse.db"
    process = start("analyze", recording, "other.mp4", *OPTIONS, "--db", db)
    wait_for_segments(lambda: process.poll() is None, db, 1)
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result.status == 130
    assert result.complaint().startswith("stopped; ")


def test_ctrl_c_in_a_query(folder: Path, db: Path) -> None:
    """Even in one that would never end."""
    process = start("query", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(6)  # until it has begun, also on a machine that does much else
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result == Result(130, "", "classpulse: stopped\n")
    assert audited(db) == [("query", "stopped")]


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_other_signals_that_end_a_command(recording: Path, db: Path, name: str, status: int) -> None:
    """The system's request to end, and a terminal that is closed."""
    process = start("analyze", recording, *OPTIONS, "--again", "--db", db)
    wait_for_segments(lambda: process.poll() is None, db, SEGMENTS + 1)
    process.send_signal(signal.Signals[name])
    result = finish(process)
    assert result.status == status
    assert result.complaint().startswith(f"stopped; finished segments of {recording} are saved in {db}")
    assert audited(db) == [("analyze", "stopped")]


def test_ctrl_c_twice(recording: Path, db: Path) -> None:
    process = start("analyze", recording, *OPTIONS, "--again", "--db", db)
    wait_for_segments(lambda: process.poll() is None, db, SEGMENTS + 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result.status == 130
    assert result.complaint().startswith("stopped; finished segments")
    assert audited(db) == [("analyze", "stopped")]


def test_the_first_signal_is_raised_and_the_third_one_ends_the_process() -> None:
    code = """
import os, signal, time
from classpulse.commands.signals import EndingSignals
signals = EndingSignals()
with signals.raised():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(9)
    except KeyboardInterrupt:
        print(signals.status(), flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    print("goes on", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(9)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGINT, "143\ngoes on\n")


def test_the_status_holds_where_code_from_a_string_was_interrupted(tmp_path: Path) -> None:
    """A named tuple is made by `eval`: CPython takes a Ctrl-C that comes meanwhile for one that nobody caught."""
    code = """
import os, signal, sys
from classpulse.commands.signals import EndingSignals
signals = EndingSignals()
try:
    with signals.raised():
        exec("os.kill(os.getpid(), signal.SIGINT)")
except KeyboardInterrupt:
    sys.exit(signals.status())
"""
    (tmp_path / "interrupted.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "interrupted"]
    assert subprocess.run(command, env=environment, cwd=tmp_path, check=False).returncode == 130


def test_what_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with nohup."""
    if sys.platform == "win32":
        pytest.skip("this system has no SIGHUP")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with EndingSignals().raised() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
        assert signals.received == []
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_killed_at_20_random_moments(
    recording: Path, analysed: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command is killed, again and again; whenever one ends by itself, its rows are compared.

    A moment is a random while after a random commit or the start, so that a slow machine is killed in the same
    places. The processes are forked from one that has loaded the modules.
    """
    if sys.platform == "win32":
        pytest.skip("this system does not fork")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["cli", "engine.sessions.analysis", "openvino"])
    expected = rows(analysed.database)
    rng = np.random.default_rng(20)

    def begin(db: Path) -> multiprocessing.process.BaseProcess:
        monkeypatch.setattr(sys, "argv", ["classpulse", "analyze", str(recording), *OPTIONS, "-q", "--db", str(db)])
        process = processes.Process(target=cli.main)
        process.start()
        return process

    kills, lesson, before, found = 0, 0, 0, set()
    while kills < MOMENTS:
        db = folder / f"{lesson}.db"
        process = begin(db)
        # One more than there can be: this one is not killed.
        wait_for_segments(process.is_alive, db, int(rng.integers(before, SEGMENTS + 1, endpoint=True)))
        process.join(rng.uniform(0, 0.3))
        process.kill()
        process.join()
        there = count(db, "segments") if db.exists() else 0
        assert there >= before, "a committed segment is lost"
        if process.exitcode == -signal.SIGKILL:
            kills += 1
            found.add(there)
            before = there
        else:
            assert process.exitcode == 0
            assert rows(db) == expected
            lesson, before = lesson + 1, 0
    process = begin(db)
    process.join()
    assert process.exitcode == 0
    assert rows(db) == expected
    assert found & {1, 2, 3}, "never killed between two commits"
