"""The errors of this room: each is one line for a person, and also the builtin error that Python code expects."""

from __future__ import annotations


class ClasspulseError(Exception):
    """Base of every error that a user can cause; its text names the file or value and the remedy."""

    #: What the command line exits with: 2 for wrong use, 1 for work that failed.
    exit_status = 1


class UsageError(ClasspulseError, ValueError):
    """A setting or an argument that cannot work."""

    exit_status = 2


class SourceError(ClasspulseError, OSError):
    """A video that cannot be found, opened or decoded."""

    def __init__(self, message: str, *, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class NetworkError(ClasspulseError, RuntimeError):
    """A network file that is missing, damaged, or does not run on the asked device."""


class WorkerError(ClasspulseError, ChildProcessError):
    """A process that sees a recording, and that ended before its work."""
