"""What can go wrong with a database, each as one line for a person and as the builtin error that Python expects."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy.exc


class StorageError(Exception):
    """Base of every error of this room; its text names the database or the value, and the remedy."""

    #: What the command line exits with: 2 for wrong use, 1 for work that failed.
    exit_status = 1


class DatabaseError(StorageError, OSError):
    """A database that cannot be found, opened, read or written."""

    def __init__(self, message: str, *, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class SessionError(StorageError, LookupError):
    """A session that is not there, or a name that several share."""

    exit_status = 2


class QueryError(StorageError, ValueError):
    """SQL that is wrong, or that does more than read."""

    exit_status = 2


#: By the beginning of SQLite's name for an error (https://sqlite.org/rescode.html).
_REMEDIES = {
    "SQLITE_FULL": "the disk is full; free some space and run the same command again, what was committed is kept",
    "SQLITE_BUSY": "another process is writing to it; run the same command again when that has ended",
    "SQLITE_LOCKED": "another process is writing to it; run the same command again when that has ended",
    "SQLITE_READONLY": "it is read-only; make the file and its folder writable, or name another database",
    "SQLITE_CANTOPEN": "it cannot be opened; check the permissions of the file and of its folder",
    "SQLITE_NOTADB": "it is damaged, and was left as it is; restore a copy, or name another database",
    "SQLITE_CORRUPT": "it is damaged, and was left as it is; restore a copy, or name another database",
    "SQLITE_IOERR": "the disk does not read or write; see whether it is full or gone",
}


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Raise what SQLite says inside as a `DatabaseError` that names the database at `path`."""
    try:
        yield
    except (sqlalchemy.exc.DBAPIError, sqlite3.Error) as error:
        said = getattr(error, "orig", error)
        name = getattr(said, "sqlite_errorname", "")
        remedy = next((text for code, text in _REMEDIES.items() if name.startswith(code)), None)
        raise DatabaseError(f"{path}: {remedy} ({said})" if remedy else f"{path}: {said}") from error
