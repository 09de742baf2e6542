"""What differs between operating systems, each behind a small function with a fallback that works on all of them.

Only this module (and `storage`, which imports nothing of the engine) may use what Linux, macOS and Windows do not
share. A function asks whether the system offers something (`hasattr`), not what the system is called, wherever that
is enough: so the tests take the feature away and run the fallback on any system.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import os
import platform as system_platform
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # every command imports this module, and few start processes
    import subprocess
    from multiprocessing.connection import Connection

#: What Chromium and its relatives are called on the search path, the usual one first.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
#: Where macOS and Windows install them outside the search path. `{...}` stands for an environment variable.
BROWSER_FILES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "{PROGRAMFILES}/Google/Chrome/Application/chrome.exe",
    "{PROGRAMFILES(X86)}/Google/Chrome/Application/chrome.exe",
    "{LOCALAPPDATA}/Google/Chrome/Application/chrome.exe",
    "{PROGRAMFILES(X86)}/Microsoft/Edge/Application/msedge.exe",
)

#: Where Linux describes the processors.
CPU_INFO = Path("/proc/cpuinfo")
#: Flags of processors that networks and image work compute with, of x86 and of ARM.
_VECTOR = re.compile(r"(s?sse|avx|amx|fma|f16c|asimd|neon|sve|sme(?!p)|bf16|i8mm|fphp)")
#: Whether a child process can inherit one open descriptor by its number.
INHERITS_DESCRIPTORS = sys.platform != "win32"
#: Length of the secret by which a worker and its parent know each other, bytes.
_KEY = 32
#: How often a parent that waits for a worker's call looks whether the worker still runs, s.
_POLL = 0.1


# -- the machine


def usable_cores() -> int:
    """How many processor cores this process may use; where the system does not say, all that there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def physical_memory() -> int | None:
    """Bytes of physical memory; None where the system does not say."""
    if hasattr(os, "sysconf"):
        with contextlib.suppress(ValueError, OSError):  # a name that this system does not know
            return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    if hasattr(ctypes, "windll"):
        return _windows_memory()
    return None


def vector_flags() -> list[str]:
    """The vector instructions of the processor, as Linux names them, sorted; elsewhere what Python calls it."""
    if not CPU_INFO.exists():
        return [name] if (name := system_platform.processor()) else []
    with CPU_INFO.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, flags = line.partition(":")
            if key.strip().lower() in ("flags", "features"):
                return sorted({flag for flag in flags.split() if _VECTOR.match(flag)})
    return []


def allow_open_files(wanted: int) -> int:
    """How many files this process may have open: `wanted`, or as many as the system lets it raise its limit to."""
    if sys.platform == "win32":  # it has no such limit
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        return raised
    return soft


def _windows_memory() -> int | None:
    """`GlobalMemoryStatusEx` of kernel32: the structure MEMORYSTATUSEX, whose `ullTotalPhys` is wanted."""
    names = ["TotalPhys", "AvailPhys", "TotalPageFile", "AvailPageFile", "TotalVirtual", "AvailVirtual", "Extended"]

    class MemoryStatus(ctypes.Structure):
        _fields_ = (
            ("Length", ctypes.c_uint32),
            ("MemoryLoad", ctypes.c_uint32),
            *((name, ctypes.c_uint64) for name in names),
        )

    status = MemoryStatus(Length=ctypes.sizeof(MemoryStatus))
    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 -- it exists on Windows alone
    return int(status.TotalPhys) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def user_name() -> str:
    """The name of the account that runs this process, its number where it has no name, else "unknown"."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may know the number alone; Windows has no `pwd`
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def is_root() -> bool:
    """Whether this process may do anything; on Windows nobody is told apart so."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


# -- addresses, programs


def reserve_address(listener: socket.socket) -> None:
    """Let `listener`, not bound yet, take an address at which another program has just ended, but never share one.

    SO_REUSEADDR means that everywhere except on Windows, where it lets two programs listen at one address:
    SO_EXCLUSIVEADDRUSE is right there (and absent elsewhere).
    """
    exclusive: int | None = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR if exclusive is None else exclusive, 1)


def find_browser() -> str | None:
    """The path of a Chromium, Chrome or Edge that can print without a window; None where there is none."""
    on_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if on_path:
        return on_path
    for pattern in BROWSER_FILES:
        with contextlib.suppress(KeyError):  # no such variable here
            path = Path(pattern.format_map(os.environ))
            if path.is_file():
                return str(path)
    return None


# -- groups of processes


def lead_process_group() -> None:
    """Make this process the first of a group, so that one signal ends all that it starts; ignore Ctrl-C.

    Without groups (Windows) Ctrl-C alone is ignored.
    """
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_process_group(pid: int, *, force: bool = False) -> bool:
    """Ask the group that `pid` leads to end (`force`: end it). False where there is no such group.

    Then, and on a system without groups, the caller ends the one process; workers end with their parent anyway
    (see `start_worker`).
    """
    if not hasattr(os, "killpg"):
        return False
    try:
        os.killpg(pid, signal.SIGKILL if force and hasattr(signal, "SIGKILL") else signal.SIGTERM)
    except ProcessLookupError:  # it has not become the leader yet, or has ended
        return False
    return True


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes that are started inside never get a Ctrl-C, not even while they load: it is their parent's.

    They inherit what this thread blocks; a Ctrl-C of its own waits until the end of the block.
    """
    if sys.platform == "win32" or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- worker processes


def start_worker(code: str) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a Python process that runs `code`, in which `connection` is its end of the one returned.

    The process belongs to a group of its own: Ctrl-C reaches this process alone. Its standard input is a pipe that
    nothing more is written to: when it ends, the parent has ended. Raises OSError where no process can be started
    or it ends before it connects.

    Where descriptors cannot be inherited, the two meet at a TCP port that only this machine reaches, and prove to
    each other that they know a secret that goes through standard input (`multiprocessing.connection`'s handshake).
    """
    with without_interrupts():
        return _start_by_descriptor(code) if INHERITS_DESCRIPTORS else _start_by_port(code)


def _start_by_descriptor(code: str) -> tuple[subprocess.Popen[bytes], Connection]:
    import subprocess
    from multiprocessing import Pipe

    ends: Any = Pipe()  # of another type on Windows, where nothing comes here
    parent_end, worker_end = ends
    with worker_end:
        number = worker_end.fileno()
        process = subprocess.Popen(
            _command(f"connection = platform.inherited({number})", code),
            stdin=subprocess.PIPE,
            pass_fds=[number],
            process_group=0,
        )
    return process, parent_end


def _start_by_port(code: str) -> tuple[subprocess.Popen[bytes], Connection]:
    import secrets
    import subprocess
    from multiprocessing.connection import answer_challenge, deliver_challenge

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_POLL)
        key = secrets.token_bytes(_KEY)
        process = subprocess.Popen(
            _command(f"connection = platform.called_back({server.getsockname()[1]})", code),
            stdin=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        try:
            assert process.stdin
            process.stdin.write(key)
            process.stdin.flush()
            for caller in _callers(server, process):
                with contextlib.suppress(Exception):  # not our worker: wait for the next caller
                    deliver_challenge(caller, key)
                    answer_challenge(caller, key)
                    return process, caller
                caller.close()
        except BaseException:
            process.kill()
            process.communicate()
            raise
    process.communicate()
    raise ConnectionError(f"a worker process ended before it connected (status {process.returncode})")


def _callers(server: socket.socket, process: subprocess.Popen[bytes]) -> Iterator[Connection]:
    """Connections to `server`, as long as `process` runs."""
    from multiprocessing.connection import Connection

    while process.poll() is None:
        with contextlib.suppress(TimeoutError):
            caller, _ = server.accept()
            caller.setblocking(True)
            yield Connection(caller.detach())


def inherited(number: int) -> Connection:
    """In a worker: the connection whose descriptor it inherited."""
    from multiprocessing.connection import Connection

    return Connection(number)


def called_back(port: int) -> Connection:
    """In a worker: the connection to the parent that waits at `port`; the secret is read from standard input."""
    from multiprocessing.connection import Connection, answer_challenge, deliver_challenge

    key = os.read(0, _KEY)
    connection: Connection = Connection(socket.create_connection(("127.0.0.1", port)).detach())
    answer_challenge(connection, key)
    deliver_challenge(connection, key)
    return connection


def _command(connect: str, code: str) -> list[str]:
    # No `multiprocessing`: it would run the script again from which `analyze` is called.
    code = f"import sys; sys.path[:] = {sys.path!r}; from engine.runtime import platform; {connect}; {code}"
    return [sys.executable, "-c", code]
