"""The folder of recordings: listing and uploads."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from engine.errors import SourceError, UsageError
from engine.outputs import PARTIAL
from engine.vision.sources.video import Video

#: Suffixes of files that are listed as recordings; decoding decides whether they are.
SUFFIXES = frozenset(
    {".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
#: Disk that an upload leaves free, bytes: the database needs to grow, too.
SPARE = 2**29


class TooLargeError(UsageError):
    """An upload larger than the limit, or than the free disk space."""


class Listed(NamedTuple):
    """A recording in the folder."""

    name: str
    size: int
    """Bytes."""
    modified: float
    """Seconds since 1970, UTC."""


class Videos:
    """The recordings of one folder, without its subfolders."""

    def __init__(self, folder: Path, largest: int) -> None:
        self.folder = folder
        self.largest = largest

    def names(self) -> list[Listed]:
        """The recordings, the newest first."""
        if not self.folder.is_dir():
            return []
        paths = [path for path in self.folder.iterdir() if _is_plain(path.name) and self._is_inside(path)]
        listed = [Listed(path.name, path.stat().st_size, path.stat().st_mtime) for path in paths]
        return sorted(listed, key=lambda video: -video.modified)

    def path(self, name: str) -> Path:
        """The recording of that name. Raises UsageError for a name outside the folder, or without a file."""
        path = self.folder / _checked(name)
        if not self._is_inside(path):
            raise UsageError(f"no recording {name!r} in the folder of recordings; choose one from the list")
        return path

    def _is_inside(self, path: Path) -> bool:
        """Whether it is a file of the folder, and no link out of it."""
        try:
            return path.is_file() and path.resolve().parent == self.folder.resolve()
        except OSError:  # it is gone
            return False

    async def receive(self, name: str, chunks: AsyncIterator[bytes], length: int | None) -> str:
        """Write an upload of `length` bytes, if that is known; returns the name it got.

        A number is added to a name in use; a file that cannot be decoded is deleted. Raises UsageError,
        TooLargeError or SourceError, and then leaves no file.
        """
        name = _checked(name)
        self._make_room(length or 0)
        partial = self.folder / f".{os.urandom(8).hex()}{PARTIAL}"
        try:
            size = 0
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self.largest:
                        raise self._too_large()
                    if size // 2**26 != (size - len(chunk)) // 2**26:  # every 64 MB
                        self._make_room(0)
                    file.write(chunk)
            if length is not None and size != length:
                raise UsageError(
                    f"{name}: the upload was interrupted after {size} of {length} bytes; upload it again"
                )
            return self._place(partial, name)
        finally:
            partial.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove partial files of uploads that ended with the server."""
        for partial in self.folder.glob(f".*{PARTIAL}"):
            partial.unlink(missing_ok=True)

    def _place(self, partial: Path, name: str) -> str:
        try:
            with Video(partial):
                pass
        except SourceError as error:
            raise SourceError(str(error).replace(str(partial), name)) from error
        stem, suffix = Path(name).stem, Path(name).suffix
        for number in range(1, 10_000):
            free = name if number == 1 else f"{stem} ({number}){suffix}"
            try:
                (self.folder / free).touch(0o600, exist_ok=False)  # reserves the name; never replaces another file
            except FileExistsError:
                continue
            partial.replace(self.folder / free)
            return free
        raise UsageError(f"{name}: there are too many recordings of this name; choose another name")

    def _make_room(self, length: int) -> None:
        if length > self.largest:
            raise self._too_large()
        self.folder.mkdir(0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder).free < length + SPARE:
            raise TooLargeError("the disk is full; free some space, then upload it again")

    def _too_large(self) -> TooLargeError:
        return TooLargeError(
            f"larger than {self.largest / 2**20:,.0f} MB; cut it, or start serve with a larger --max-upload"
        )


def _is_plain(name: str) -> bool:
    return (
        name == Path(name).name
        and not name.startswith(".")
        and not set(name) & set('/\\:*?"<>|')
        and name.isprintable()
        and len(name.encode()) <= 200
        and Path(name).suffix.lower() in SUFFIXES
    )


def _checked(name: str) -> str:
    if not _is_plain(name):
        raise UsageError(
            f"invalid name of a recording {name[:80]!r}; use a plain file name that ends with one of "
            f"{', '.join(sorted(SUFFIXES))}"
        )
    return name
