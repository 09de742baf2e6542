"""The processes that hold an SQLite file, on Linux; unknown on other systems."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

LOCKS = Path("/proc/locks")
#: The bytes of a `-shm` of which a reader has locked one (WAL_READ_LOCK, https://sqlite.org/walformat.html).
_READERS = range(123, 128)


def writers_of(path: Path) -> str:
    """` (process 4711, python classpulse analyze)`: who has locked the file at `path` to write; "" where unknown.

    A writer of SQLite's has a lock on the file itself, or in write-ahead mode on its `-shm` (sqlite.org/walformat).
    """
    return _processes({process for kind, process, _ in _locks(path) if kind == "WRITE"})


def users_of(path: Path) -> str:
    """The same for other processes that have locked it to write, or read from it at this moment."""
    busy = {process for kind, process, byte in _locks(path) if kind == "WRITE" or byte in _READERS}
    return _processes(busy - {os.getpid()})


def _locks(path: Path) -> list[tuple[str, int, int]]:
    """READ or WRITE, process and first byte of the locks on the file, and on its `-shm`."""
    inodes, locks = set(), []
    with suppress(OSError):
        for file in (path, path.with_name(f"{path.name}-shm")):
            inodes.add(str(file.stat().st_ino))
    with suppress(OSError):
        for line in LOCKS.read_text().splitlines():  # 1: POSIX  ADVISORY  WRITE 4711 fe:00:2949138 120 120
            fields = line.split()
            if len(fields) == 8 and fields[5].rpartition(":")[2] in inodes:
                locks.append((fields[3], int(fields[4]), int(fields[6])))
    return locks


def _processes(numbers: set[int]) -> str:
    return f" (process {' and '.join(map(process_name, sorted(numbers)))})" if numbers else ""


def process_name(process: int) -> str:
    """Number and name, without arguments that may be private."""
    words: list[str] = []
    with suppress(OSError):
        for word in Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")[:3]:
            if not word or word.startswith("-") or " " in word or "://" in word:
                break
            words.append(Path(word).name)
    return f"{process}, {' '.join(words)}" if words else str(process)


def process_key(process: int | None = None) -> str:
    """A process, by default this one, told from every other: machine, number, and when it began."""
    process = os.getpid() if process is None else process
    return f"{socket.gethostname()} {process} {_began(process)}"


def is_alive(key: str) -> bool:
    """Whether the process of that `process_key` still runs; one of another machine counts as dead."""
    machine, number, began = key.rsplit(" ", 2)
    return machine == socket.gethostname() and _began(int(number)) == began != ""


def _began(process: int) -> str:
    """When a process began, in ticks of the machine; "?" where the system does not say, "" for no process."""
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(") ")[2].split()[19]
    except OSError:
        return "" if Path("/proc/self/stat").exists() or not _answers(process) else "?"


def _answers(process: int) -> bool:
    if os.name == "nt":  # there a signal would end it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
