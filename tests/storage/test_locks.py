"""Only one works on a thing at a time; who else comes is told who does, and nobody keeps a lock who is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import storage.locks
from storage.errors import DatabaseError
from storage.locks import HeldError, held
from storage.store import Store

KEY = "0123456789abcdef" * 4
#: Holds the key in a process of its own until its input ends.
HOLDER = """
import sys
from storage.store import Store
with Store.open(sys.argv[1]) as store, store.working_on("lesson.mp4", sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(target: str | Path, key: str = KEY) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(target), key]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, text=True, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait()


def work(store: Store, key: str = KEY) -> str:
    """What happens to who comes second: nothing, or the message."""
    try:
        with store.working_on("lesson.mp4", key):
            return ""
    except DatabaseError as error:
        return str(error)


@pytest.mark.both_databases
def test_who_works_on_it_is_named(store: Store) -> None:
    with another_process(store.path) as process:
        message = work(store)
        assert message.startswith(f"lesson.mp4: it is being analysed into {store.database} by process ")
        assert message.endswith("; wait until that has ended, then run the same command again")
        if isinstance(store.path, Path):
            assert f"by process {process.pid}, {Path(sys.executable).name}" in message
        else:
            assert "of the server, for " in message
        assert work(store, "f" + KEY[1:]) == "", "another recording"
    assert work(store) == ""


@pytest.mark.both_databases
def test_a_killed_process_holds_nothing(store: Store) -> None:
    with another_process(store.path) as process:
        process.kill()
        process.wait()
        ends = time.monotonic() + 20  # a server sees that its visitor has gone when it looks next
        while (said := work(store)) and time.monotonic() < ends:
            time.sleep(0.05)
        assert said == ""


def test_no_file_is_left(path: Path) -> None:
    with Store.open(path) as store, store.working_on("lesson.mp4", KEY):
        assert path.with_name(f"{path.name}-{KEY[:12]}.lock").stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_second_thread_is_another_and_does_not_end_the_lock_of_the_first(path: Path) -> None:
    lock = path.with_name("x.lock")
    refused: list[str] = []

    def second() -> None:
        try:
            with held(lock):
                pass
        except HeldError as error:
            refused.append(str(error))

    with held(lock):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert refused[0].startswith(f"process {os.getpid()}")
        code = f"from storage.locks import held\nfrom pathlib import Path\nwith held(Path({str(lock)!r})): pass"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        assert f"HeldError: process {os.getpid()}" in done.stderr
    with held(lock):
        assert lock.exists()


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened the file before it was removed would hold a file that nobody else finds."""
    lock, taken, real = path.with_name("x.lock"), [], storage.locks._lock

    def slow(descriptor: int) -> bool:
        taken.append(descriptor)
        if len(taken) == 1:
            lock.unlink()
        return real(descriptor)

    monkeypatch.setattr(storage.locks, "_lock", slow)
    with held(lock):
        assert len(taken) == 2
        assert lock.exists()


def test_a_file_system_without_locks_keeps_nobody_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("storage.locks.fcntl.lockf", refuse)
    with held(path.with_name("x.lock")):
        assert path.with_name("x.lock").exists()
