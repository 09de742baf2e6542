"""What only some systems offer, and its fallback where it is taken away."""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from signal import Signals
from types import SimpleNamespace
from typing import Any

import pytest

from engine.runtime import platform

Start = Callable[[str], tuple[subprocess.Popen[bytes], Connection]]


# -- the machine


def test_cores_that_are_usable_or_else_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert platform.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert platform.usable_cores() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert platform.usable_cores() == 1


def test_memory_as_posix_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.__getitem__, raising=False)
    assert platform.physical_memory() == 4_096_000


def test_memory_is_unknown_where_nobody_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> int:
        raise ValueError(f"unrecognized configuration name {name}")

    monkeypatch.setattr(os, "sysconf", unknown, raising=False)
    assert platform.physical_memory() is None
    monkeypatch.delattr(os, "sysconf")
    assert platform.physical_memory() is None


def test_memory_as_windows_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The structure is MEMORYSTATUSEX: 64 bytes, the length in the first four, ullTotalPhys at byte 8."""

    def answer(reference: Any) -> int:
        memory = (ctypes.c_ubyte * 64).from_address(ctypes.addressof(reference._obj))
        assert int.from_bytes(memory[:4], sys.byteorder) == 64
        memory[8:16] = list((8 * 2**30).to_bytes(8, sys.byteorder))
        return 1

    kernel = SimpleNamespace(GlobalMemoryStatusEx=answer)
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert platform.physical_memory() == 8 * 2**30
    kernel.GlobalMemoryStatusEx = lambda _: 0  # it failed
    assert platform.physical_memory() is None


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_an_account_without_a_name(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def nameless() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nameless)
    monkeypatch.setattr(os, "getuid", lambda: 4711, raising=False)
    assert platform.user_name() == "4711"
    monkeypatch.delattr(os, "getuid")
    assert platform.user_name() == "unknown"


# -- addresses, programs


def test_an_address_is_taken_over_but_never_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[tuple[int, int, int]] = []
    listener: Any = SimpleNamespace(setsockopt=lambda *option: options.append(option))
    monkeypatch.delattr(socket, "SO_EXCLUSIVEADDRUSE", raising=False)
    platform.reserve_address(listener)
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", -5, raising=False)
    platform.reserve_address(listener)
    assert options == [(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), (socket.SOL_SOCKET, -5, 1)]


def test_a_browser_on_the_path_or_where_windows_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", {"google-chrome": "/usr/bin/google-chrome"}.get)
    assert platform.find_browser() == "/usr/bin/google-chrome"
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(platform, "BROWSER_FILES", platform.BROWSER_FILES[3:])
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    assert platform.find_browser() is None
    monkeypatch.setenv("PROGRAMFILES(X86)", str(tmp_path))
    edge = tmp_path / "Microsoft/Edge/Application/msedge.exe"
    edge.parent.mkdir(parents=True)
    edge.touch()
    assert platform.find_browser() == str(edge)


# -- groups of processes

LEADER = (
    "import subprocess, sys\n"
    "from engine.runtime.platform import lead_process_group\n"
    "lead_process_group()\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
    "child.wait()\n"
)


def running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system has no groups of processes")
@pytest.mark.parametrize(("force", "status"), [(False, signal.SIGTERM), (True, 9)])
def test_a_group_ends_with_all_that_it_started(force: bool, status: Signals | int) -> None:
    with subprocess.Popen([sys.executable, "-c", LEADER], stdout=subprocess.PIPE) as leader:
        assert leader.stdout
        child = int(leader.stdout.readline())
        os.kill(leader.pid, signal.SIGINT)  # is ignored
        time.sleep(0.1)
        assert leader.poll() is None
        assert platform.end_process_group(leader.pid, force=force)
    assert leader.returncode == -status
    for _ in range(50):
        if not running(child):
            return
        time.sleep(0.1)
    pytest.fail("what the group started is still running")


def test_who_leads_no_group_is_left_to_the_caller() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not platform.end_process_group(process.pid)
        assert process.poll() is None
    assert process.returncode == 1  # by the end of its input


def test_a_system_without_groups_ignores_ctrl_c_and_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.delattr(os, "setsid", raising=False)
    monkeypatch.delattr(os, "killpg", raising=False)
    try:
        platform.lead_process_group()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert not platform.end_process_group(os.getpid(), force=True)


# -- worker processes


@pytest.fixture(
    params=[pytest.param(True, marks=pytest.mark.skipif(os.name != "posix", reason="POSIX only")), False]
)
def start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """`start_worker` by an inherited descriptor, and by a port."""
    monkeypatch.setattr(platform, "INHERITS_DESCRIPTORS", request.param)
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> tuple[subprocess.Popen[bytes], Connection]:
        process, connection = platform.start_worker(code)
        started.append(process)
        return process, connection

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_worker_answers_and_sees_the_end_of_its_parent(start: Start) -> None:
    process, connection = start(
        "import os; connection.send([connection.recv(), sys.path]); os.read(0, 1); connection.send('parent ended');"
        "connection.close()"
    )
    connection.send({"any": ("object", 1)})
    assert connection.recv() == [{"any": ("object", 1)}, sys.path]
    assert process.poll() is None
    assert process.stdin is not None
    process.stdin.close()  # as happens when this process ends
    assert connection.recv() == "parent ended"
    assert process.wait(60) == 0


def test_ctrl_c_of_the_terminal_reaches_no_worker_that_has_a_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "win32":
        pytest.skip("this system has no groups of processes")
    monkeypatch.setattr(platform, "INHERITS_DESCRIPTORS", True)
    process, connection = platform.start_worker("import os; connection.send(os.getpgrp())")
    assert connection.recv() == process.pid != os.getpgrp()
    process.communicate()


def test_a_worker_that_cannot_call_back_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "INHERITS_DESCRIPTORS", False)
    monkeypatch.setattr(platform, "_command", lambda *_: [sys.executable, "-c", "import sys; sys.exit(7)"])
    with pytest.raises(OSError, match=r"a worker process ended before it connected \(status 7\)"):
        platform.start_worker("")


def test_who_does_not_know_the_secret_gets_no_worker_s_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger that connects first is turned away, and the worker that comes after it is taken."""
    monkeypatch.setattr(platform, "INHERITS_DESCRIPTORS", False)
    stranger = (
        "from multiprocessing.connection import Connection, answer_challenge\n"
        "import contextlib, socket\n"
        "other = Connection(socket.create_connection(('127.0.0.1', int(sys.argv[-1]))).detach())\n"
        "with contextlib.suppress(Exception): answer_challenge(other, b'guessed')\n"
    )
    command = platform._command

    def intruded(connect: str, code: str) -> list[str]:
        port = connect.rpartition("(")[2].rstrip(")")
        python, option, whole = command(connect, code)
        return [python, option, f"import sys\n{stranger}{whole}", port]

    monkeypatch.setattr(platform, "_command", intruded)
    process, connection = platform.start_worker("connection.send('the worker')")
    assert connection.recv() == "the worker"
    process.communicate()
