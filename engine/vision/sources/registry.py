"""Opens the source that reads a location: one of the project's own, or one of another installed package."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

from engine.errors import SourceError, UsageError
from engine.registry import Registry
from engine.settings import Settings
from engine.vision.sources.joined import Joined
from engine.vision.sources.protocol import FrameSource

#: http://host/lesson.mp4, of which a path keeps one slash; not C:/lesson.mp4.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.+)", re.DOTALL)

#: Where a recording is, as a user names it.
Location = str | PathLike[str]

SOURCES: Registry[type[FrameSource]] = Registry(
    "source",
    "classpulse.sources",
    {"images": "engine.vision.sources.images:ImageFolder", "video": "engine.vision.sources.video:Video"},
)
"""Each registered object is a class that implements FrameSource."""


def as_one(source: Location | Sequence[Location], settings: Settings) -> tuple[Location, Settings]:
    """What `open_source` is given for a recording, or for the files of one lesson.

    Raises UsageError where there is none, and for a file that is named twice.
    """
    if isinstance(source, str | PathLike):
        return source, settings
    files = [fspath(file) for file in source]
    if not files:
        raise UsageError("no recording is named; name one or more")
    absolute = [Path(file).absolute() for file in files]
    if twice := next((file for file, path in zip(files, absolute, strict=True) if absolute.count(path) > 1), None):
        raise UsageError(f"{twice} is named twice; name each file of the lesson once")
    return files[0], dataclasses.replace(settings, files=tuple(files) if len(files) > 1 else ())


def open_source(location: Location, settings: Settings | None = None) -> FrameSource:
    """The source that reads `location`, opened; `settings` are the session's, with further `files` of the lesson.

    Other packages' sources have precedence, so that they can accept any kind of file; the last resort is video.
    Raises SourceError for an unreadable location, and UsageError for a registered source that cannot be loaded.
    """
    text, settings = fspath(location), settings or Settings()
    if settings.files:
        alone = dataclasses.replace(settings, files=())
        return Joined([open_source(file, alone) for file in settings.files], settings)
    registered = [name for name in SOURCES.names() if name not in ("images", "video")]
    for name in (*registered, "images"):
        kind = SOURCES.load(name)
        if kind.accepts(text):
            return kind(text, settings)
    if (address := _ADDRESS.fullmatch(text)) and not Path(text).exists():
        scheme, rest = address.groups()
        remedy = f"give its path, /{rest}" if scheme == "file" else "save the recording as a file, and analyse that"
        raise SourceError(f"{scheme}://{rest}: an address, and only files are read; {remedy}", exit_status=2)
    return SOURCES.load("video")(text, settings)
