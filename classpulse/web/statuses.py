"""Which status of HTTP an error has."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from classpulse.web.jobs import JobError
from classpulse.web.videos import TooLargeError
from engine.errors import ClasspulseError, SourceError
from storage.errors import QueryError, SessionError


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    if isinstance(error, HTTPException):
        return error.status_code
    kinds: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...] = (
        ((SessionError, JobError), 404),
        (TooLargeError, 413),
        (SourceError, 415),
        ((ClasspulseError, QueryError), 400),
    )
    return next(
        (status for kind, status in kinds if isinstance(error, kind)), 503
    )  # the database's turn to complain
