"""The process that holds an SQLite file, on Linux; unknown on other systems."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

LOCKS = Path("/proc/locks")


def writers_of(path: Path) -> str:
    """` (process 4711, python classpulse analyze)`: who has locked the file at `path` to write; "" where unknown.

    A writer of SQLite's has a lock on the file itself, or in write-ahead mode on its `-shm` (sqlite.org/walformat).
    """
    inodes, processes = set(), set()
    with suppress(OSError):
        for file in (path, path.with_name(f"{path.name}-shm")):
            inodes.add(str(file.stat().st_ino))
    with suppress(OSError):
        for line in LOCKS.read_text().splitlines():  # 1: POSIX  ADVISORY  WRITE 4711 fe:00:2949138 120 120
            fields = line.split()
            if "WRITE" in fields and fields[5].rpartition(":")[2] in inodes:
                processes.add(int(fields[4]))
    return f" (process {' and '.join(map(process_name, sorted(processes)))})" if processes else ""


def process_name(process: int) -> str:
    """Number and name, without arguments that may be private."""
    words: list[str] = []
    with suppress(OSError):
        for word in Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")[:3]:
            if not word or word.startswith("-") or " " in word or "://" in word:
                break
            words.append(Path(word).name)
    return f"{process}, {' '.join(words)}" if words else str(process)
