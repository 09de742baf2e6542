"""The errors of this package: each is one line for a user, and also the builtin error that Python code expects."""

from __future__ import annotations

import re

#: OpenCV's display libraries, as the loader names the one that it misses.
_DISPLAY_LIBRARY = re.compile(
    r"lib(GL|EGL|X|xcb|SM|ICE|glib|gthread)\w*(-[\d.]+)?\.so[.\d]*(?=: cannot open shared object file)"
)


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


class OutputError(ClasspulseError, OSError):
    """An output file that could not be written; what was there before is there still."""


class NetworkError(ClasspulseError, RuntimeError):
    """A network file that is missing, damaged, or does not run on the chosen device."""


class WorkerError(ClasspulseError, ChildProcessError):
    """A worker process that ended before its work."""


class MissingLibraryError(ClasspulseError, ImportError):
    """A missing system library that a dependency needs."""


def missing_library(error: BaseException) -> MissingLibraryError | None:
    """The error for a person if `error` is OpenCV's for its display libraries, which servers lack; else None."""
    match = _DISPLAY_LIBRARY.search(str(error)) if isinstance(error, ImportError) else None
    if match is None:
        return None
    return MissingLibraryError(
        f"OpenCV needs the system's library {match[0]}; install it with `apt-get install libgl1 libglib2.0-0`, or "
        "OpenCV without its window with `pip install --force-reinstall --no-deps opencv-python-headless`"
    )
