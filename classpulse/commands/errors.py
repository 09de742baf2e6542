"""What goes wrong, said in one line, and the exit status for it."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from engine.errors import missing_library


class Stopped(Exception):  # noqa: N818
    """Ctrl-C in the middle of a recording."""

    def __init__(self, video: Path, db: str, *, kept: bool = True) -> None:
        super().__init__(
            f"stopped; finished segments of {video} are saved in {db}, run the same command to resume"
            if kept
            else f"stopped; nothing of {video} is saved (--aggregate-only), the same command starts over"
        )


def debugging() -> bool:
    """Whether the command line asks for tracebacks."""
    return "--debug" in sys.argv[1:]


def complain(error: Exception) -> int:
    """Say in one line what went wrong; returns the exit status for it."""
    if debugging():
        traceback.print_exc()
    status = 1
    error = missing_library(error) or error
    if hasattr(error, "format_message"):  # typer's own; which class that is depends on its version
        context = getattr(error, "ctx", None)
        where = f"; see `{context.command_path} --help`" if context else ""
        text, status = f"{error.format_message().rstrip('.')}{where}", 2
    elif hasattr(error, "exit_status"):  # an error of one of the rooms, made for a person
        text, status = str(error), error.exit_status
    elif isinstance(error, OSError):
        text = f"{error.filename or 'the output'}: {error.strerror}; check the path, its permissions and the disk"
    else:
        text = f"internal error ({type(error).__name__}: {error}); please report it with the output of --debug"
    print(f"classpulse: {' '.join(text.split())}", file=sys.stderr)
    return status
