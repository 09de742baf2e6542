"""The recording of a session, if it still exists at the same path with the same bytes."""

from __future__ import annotations

import mimetypes
import os
import threading
from pathlib import Path
from typing import NamedTuple

from engine.errors import SourceError
from engine.sessions.records import located
from engine.sessions.session import Session
from engine.settings import Settings
from engine.vision.cameras.addresses import is_stream
from engine.vision.sources.registry import open_source
from storage.excluding import excluded_from
from storage.store import Store

#: Reason for not showing an existing recording.
EXCLUDED = (
    "A student is excluded from this recording, so it is not shown; "
    "`classpulse annotate` writes a copy in which excluded students are blurred."
)


class Recording(NamedTuple):
    """Path of a session's recording."""

    path: Path | None
    """None if it cannot be shown."""
    why: str = ""
    """The reason, as text for the page."""


class Recordings:
    """Finds recordings. A file is served only if its bytes are the analysed ones.

    So no database can make the page serve another file, and no boxes are drawn over another recording. The check
    reads the whole file, once until the file changes.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()

    def find(self, session: Session, *, verified: bool = True) -> Recording:
        """The recording of a session; its bytes are compared only if `verified`.

        The recording itself has no blurred faces, so it is not shown if any analysis of it excludes a student.
        """
        row = session.info()
        with Store.open(session.database, must_exist=True, read_only=True) as store:
            if excluded_from(store, row["sha256"]) is not None:
                return Recording(None, EXCLUDED)
            paths, settings = located(store, session.session_id)
        if len(paths) > 1:
            return Recording(None, f"The lesson is in {len(paths)} files, which the page does not play as one.")
        if is_stream(row["source"]):
            return Recording(None, "A camera was watched, and no picture of it is kept.")
        path = paths[0]
        try:
            if not path.exists():
                return Recording(None, f"The recording {path.name} is no longer where it was analysed.")
            if not path.is_file():
                return Recording(None, f"{path.name} is a folder of images, which a browser does not play.")
            if verified and self._fingerprint(path, settings) != row["sha256"]:
                return Recording(None, f"{path.name} has changed since it was analysed.")
        except (OSError, SourceError):
            if os.access(path, os.R_OK):  # no recording any more
                return Recording(None, f"{path.name} has changed since it was analysed.")
            return Recording(None, f"The recording cannot be read; check the permissions of {path.name}.")
        return Recording(path)

    def _fingerprint(self, path: Path, settings: Settings) -> str:
        stat = path.stat()
        key = str(path), stat.st_size, stat.st_mtime_ns
        with self._lock:  # a browser requests several ranges at once
            if key not in self._known:
                with open_source(path, settings) as source:
                    self._known[key] = source.fingerprint()
            return self._known[key]


def kind_of(path: Path) -> str:
    """Its media type, by the end of its name."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind if kind.startswith("video/") else "application/octet-stream"
