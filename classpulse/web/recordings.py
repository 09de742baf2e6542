"""The recording of a session, if it is still where it was analysed, and still the same one."""

from __future__ import annotations

import mimetypes
import os
import threading
from pathlib import Path
from typing import NamedTuple

from engine.errors import SourceError
from engine.sessions.session import Session
from engine.settings import Settings
from engine.vision.sources.registry import open_source
from storage.excluding import excluded_from
from storage.store import Store

#: Why a recording is not shown though it is there.
EXCLUDED = (
    "A student is excluded from this recording, so it is not shown; "
    "`classpulse annotate` writes a copy in which excluded students are blurred."
)


class Recording(NamedTuple):
    """Where a session's recording is."""

    path: Path | None
    """None where it cannot be shown."""
    why: str = ""
    """Why not, for a person."""


class Recordings:
    """Finds recordings. A file is served only if its bytes are those that were analysed.

    So no database can make the page hand out another file, nor faces be drawn over another lesson. The check reads
    the whole file, once for as long as nobody changes it.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()

    def find(self, session: Session, *, verified: bool = True) -> Recording:
        """The recording of a session; unless `verified`, its bytes are not looked at.

        Nobody is blurred in it, so it is not shown where a student is excluded, also from another analysis of it.
        """
        row = session.info()
        with Store.open(session.database, must_exist=True, read_only=True) as store:
            if excluded_from(store, row["sha256"]) is not None:
                return Recording(None, EXCLUDED)
        path = Path(row["source"])
        try:
            if not path.exists():
                return Recording(None, f"The recording {path.name} is no longer where it was analysed.")
            if not path.is_file():
                return Recording(None, f"{path.name} is a folder of images, which a browser does not play.")
            if verified and self._fingerprint(path, Settings.from_json(row["settings"])) != row["sha256"]:
                return Recording(None, f"{path.name} has changed since it was analysed.")
        except (OSError, SourceError):
            if os.access(path, os.R_OK):  # no recording any more
                return Recording(None, f"{path.name} has changed since it was analysed.")
            return Recording(None, f"The recording cannot be read; check the permissions of {path.name}.")
        return Recording(path)

    def _fingerprint(self, path: Path, settings: Settings) -> str:
        stat = path.stat()
        key = str(path), stat.st_size, stat.st_mtime_ns
        with self._lock:  # a browser asks for several parts at once
            if key not in self._known:
                with open_source(path, settings) as source:
                    self._known[key] = source.fingerprint()
            return self._known[key]


def kind_of(path: Path) -> str:
    """Its media type, by the end of its name."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind if kind.startswith("video/") else "application/octet-stream"
