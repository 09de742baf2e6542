"""The file of an SQLite database: that it stays the one that was opened, and that SQLite alone opens it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.errors import DatabaseError

#: How often this process has each file open, by device and number. To open and close one in another way would end
#: the locks of all, and another process would remove the log that they write: https://sqlite.org/howtocorrupt.html
_OPEN: Counter[tuple[int, int]] = Counter()
_OPENING = threading.Lock()


def make_private(path: Path) -> None:
    """Make the file at `path` if there is none, and let its owner alone read it, also one that is there."""
    path.touch(0o600)
    with suppress(OSError):  # of another owner
        path.chmod(0o600)


class DatabaseFile:
    """A file as one `SqliteDatabase` has it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place: tuple[int, int] | None = None  # device and number, once it is opened to write
        self._counted: tuple[int, int] | None = None  # the same, while it is counted in _OPEN
        self._frozen: tuple[int, int] | None = None  # size and time, where it is read as one that nobody writes

    @property
    def log(self) -> Path:
        """The write-ahead log beside it, which is there while somebody has it open to write."""
        return self.path.with_name(f"{self.path.name}-wal")

    @contextmanager
    def opening(self) -> Iterator[None]:
        """No other thread opens a file; what is there afterwards counts as open in this process until `closed`."""
        with _OPENING:
            yield
            with suppress(OSError):
                found = self.path.stat()
                if self._counted is None:
                    self._counted = found.st_dev, found.st_ino
                    _OPEN[self._counted] += 1

    def closed(self) -> None:
        """This process has it open no longer."""
        with _OPENING:
            if self._counted:
                _OPEN[self._counted] -= 1
                self._counted = None

    def head(self) -> bytes:
        """Its first 16 bytes, inside of `opening`; none where this process has it open as a database already."""
        found = self.path.stat()
        if _OPEN[found.st_dev, found.st_ino]:
            return b""
        with self.path.open("rb") as file:
            return file.read(16)

    def make(self) -> None:
        """Make it, if it never was there, for its owner alone: it is about people. Its log gets the same rights."""
        if self._place is None and not self.path.exists():
            with self.opening():
                self.path.touch(0o600)

    def check_place(self) -> None:
        """Raise DatabaseError where the file at the path is not the one that was opened to write."""
        try:
            found = self.path.stat()
            place = found.st_dev, found.st_ino
        except OSError:
            place = None
        if self._place is None:
            self._place = place
        if place is None or place != self._place:
            raise DatabaseError(
                f"{self.path}: it was deleted or replaced while it was written, and what this command wrote is "
                "lost; run the same command again"
            )

    def freeze(self) -> None:
        """Remember it as it is: it is read as a file that nobody writes (`immutable`)."""
        self._frozen = self._frozen or self._size_and_time()

    def check_frozen(self, error: Exception | None = None) -> None:
        """Raise DatabaseError where it was written all the same, so that what was read of it is void."""
        if self._frozen and (self.log.exists() or self._frozen != self._size_and_time()):
            raise DatabaseError(
                f"{self.path}: another process has begun to write to it; run the same command again"
            ) from error

    def _size_and_time(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_size, found.st_mtime_ns


class NoFile(DatabaseFile):
    """Of a database in memory."""

    def check_place(self) -> None:
        """It is nowhere else."""
