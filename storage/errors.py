"""Errors of databases, each as one line for a user and as the builtin error that Python code expects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class StorageError(Exception):
    """Base of every error of this package; its text names the database or the value, and the remedy."""

    #: What the command line exits with: 2 for wrong use, 1 for work that failed.
    exit_status = 1


class DatabaseError(StorageError, OSError):
    """A database that cannot be found, opened, read or written."""

    def __init__(self, message: str, *, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class UnreachableError(DatabaseError):
    """A server that cannot be reached, or ended the connection: what was asked may be asked again later."""


class SessionError(StorageError, LookupError):
    """An unknown session, or a name that several share."""

    exit_status = 2


class QueryError(StorageError, ValueError):
    """Invalid SQL, or SQL that does more than read."""

    exit_status = 2


class Explaining(Protocol):
    """A database that explains its driver's errors; its text names the database in messages, without a password."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver, by itself and through SQLAlchemy."""

    def explain(self, error: BaseException) -> str:
        """The driver's message, in one line with its remedy."""

    def is_away(self, error: BaseException) -> bool:
        """Whether the server cannot be reached now, or ended the connection."""


@contextmanager
def named(database: Explaining) -> Iterator[None]:
    """Convert the driver's errors inside to a `DatabaseError` that names the database."""
    try:
        yield
    except database.errors as error:
        cause = getattr(error, "orig", None) or error
        kind = UnreachableError if database.is_away(cause) else DatabaseError
        raise kind(f"{database}: {database.explain(cause)}") from error
