"""What can go wrong with a database, each as one line for a person and as the builtin error that Python expects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


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


class Explaining(Protocol):
    """What knows its driver's errors; its text names the database in messages, without a password."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises, by itself and through SQLAlchemy."""

    def explain(self, said: BaseException) -> str:
        """What the driver said, in one line with its remedy."""


@contextmanager
def named(database: Explaining) -> Iterator[None]:
    """Raise what the driver says inside as a `DatabaseError` that names the database."""
    try:
        yield
    except database.errors as error:
        said = getattr(error, "orig", None) or error
        raise DatabaseError(f"{database}: {database.explain(said)}") from error
