"""One process at a time works on a thing: a lock in a file beside the database, which ends with its process."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.holders import process_name

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: Where Windows locks a byte: beyond the text, since nobody else can read a locked byte there.
_FAR = 1 << 20
#: The files that this process holds: a POSIX lock does not keep a process from its own.
_HELD: set[Path] = set()
_GUARD = threading.Lock()


class HeldError(Exception):
    """Another process works on it; the text says which."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, which is there meanwhile. Raises HeldError at once where another holds it.

    A second thread of this process is another, too. On a file system without locks nobody is kept out.
    """
    path = path.absolute()
    with _GUARD:
        if path in _HELD:
            raise HeldError(_this_process())
        _HELD.add(path)
    try:
        descriptor = _acquire(path)
        try:
            os.write(descriptor, _this_process().encode())
            yield
        finally:
            with suppress(OSError):  # Windows removes no file that is open: it stays, empty of any lock
                path.unlink()
            os.close(descriptor)
    finally:
        with _GUARD:
            _HELD.remove(path)


def _this_process() -> str:
    return f"process {process_name(os.getpid())}, on {socket.gethostname()}"


def _acquire(path: Path) -> int:
    """The descriptor of the file at `path`, locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(descriptor):
            holder = os.read(descriptor, 1000).decode(errors="replace")
            os.close(descriptor)
            raise HeldError(holder or "another process")
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                os.ftruncate(descriptor, 0)
                return descriptor
        os.close(descriptor)  # whoever held it has removed it meanwhile


def _lock(descriptor: int) -> bool:
    """Lock the file for this process; False where another has."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a network's file system that has no locks
        return True
    return True
