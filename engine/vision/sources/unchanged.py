"""Whether a recording is what it was when its fingerprint was taken: neither replaced nor written any further."""

from __future__ import annotations

import os
import time
from os import PathLike, fspath
from pathlib import Path

from engine.errors import SourceError
from engine.settings import Settings
from engine.vision.sources.protocol import FrameSource
from engine.vision.sources.registry import open_source

#: Device, number on it, size, times of the last change of content and of anything, ns. None: no such file.
_Stat = tuple[int, int, int, int, int] | None
#: A change within this time of another may leave the file's time as it was, ns: FAT counts in steps of 2 s.
_COARSE = 3_000_000_000


class Unchanged:
    """A recording as it was when it was opened; made before that.

    Its state is asked of the system, which costs nothing; only where that differs is the content read again. A
    location that is no path of this system's, as of another package's source, counts as unchanged.
    """

    def __init__(self, location: str | PathLike[str], settings: Settings) -> None:
        self._path = Path(location)
        self._location = fspath(location)
        self._settings = settings
        self._files = [Path(file) for file in settings.files] or [self._path]
        self._own, self._all = self._stats(), self._all_stats()
        self._since = time.time_ns()
        self.fingerprint = ""

    def read_fingerprint(self, source: FrameSource) -> str:
        """The fingerprint of the opened source. Raises SourceError where it was changed since this was made."""
        self.fingerprint = source.fingerprint()
        self.check()
        return self.fingerprint

    def check(self) -> None:
        """Raise SourceError where the file, or the list of a folder's files, is another than it was; quick."""
        own = self._stats()
        if own != self._own:
            self._compare()
            self._own = own

    def check_all(self) -> None:
        """The same for every file of a folder, and for changes that the times of files are too coarse to show."""
        everything = self._all_stats()
        recent = any(stat is not None and self._since - stat[3] < _COARSE for stat in self._all.values())
        if recent or everything != self._all:
            self._compare()
            self._own, self._all = self._stats(), everything

    def _stats(self) -> list[_Stat]:
        return list(map(_stat, self._files))

    def _all_stats(self) -> dict[str, _Stat]:
        """Of every file of the recording."""
        return {name: stat for file in self._files for name, stat in _all_stats(file).items()}

    def _compare(self) -> None:
        if missing := next((file for file in self._files if not file.exists()), None):
            raise SourceError(f"{missing}: the recording was moved or deleted while it was analysed; restore it")
        with open_source(self._location, self._settings) as source:
            fingerprint = source.fingerprint()
        if fingerprint != self.fingerprint:
            raise SourceError(
                f"{self._path}: the recording changed while it was analysed; run the same command again when "
                "it is complete"
            )


def _stat(path: Path) -> _Stat:
    try:
        found = os.stat(path)  # noqa: PTH116 -- also where the name is not one of a file
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _all_stats(path: Path) -> dict[str, _Stat]:
    """Of the path, and of the files in it where it is a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else []
    return {str(file): _stat(file) for file in (path, *files)}
