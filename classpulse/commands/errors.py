"""Error messages of one line, and exit statuses."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from engine.errors import missing_library


class Stopped(Exception):  # noqa: N818
    """Ctrl-C in the middle of a recording."""

    def __init__(self, video: Path, db: str, *, saved: bool = True) -> None:
        super().__init__(
            f"stopped; finished segments of {video} are saved in {db}, run the same command to resume"
            if saved
            else f"stopped; nothing of {video} is saved (--aggregate-only), the same command starts over"
        )


def debugging() -> bool:
    """Whether the command line asks for tracebacks."""
    return "--debug" in sys.argv[1:]


def complain(error: Exception) -> int:
    """Print an error in one line; returns its exit status."""
    if debugging():
        traceback.print_exc()
    status = 1
    error = missing_library(error) or error
    if hasattr(error, "format_message"):  # typer's own error; its class depends on typer's version
        context = getattr(error, "ctx", None)
        where = f"; see `{context.command_path} --help`" if context else ""
        text, status = f"{error.format_message().rstrip('.')}{where}", 2
    elif hasattr(error, "exit_status"):  # an error of one of the packages, with a message for users
        text, status = str(error), error.exit_status
    elif isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        from storage.paths import escaped

        text, status = f"'{escaped(error.object)}' is not UTF-8; give names and texts in UTF-8", 2
    elif isinstance(error, OSError):
        text = f"{error.filename or 'the output'}: {error.strerror}; check the path, its permissions and the disk"
    else:
        text = f"internal error ({type(error).__name__}: {error}); please report it with the output of --debug"
    print(f"classpulse: {' '.join(text.split())}", file=sys.stderr)
    return status
