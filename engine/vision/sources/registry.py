"""Opens the source that reads a location: one of the project's own, or one of another installed package."""

from __future__ import annotations

import re
from os import PathLike, fspath
from pathlib import Path

from engine.errors import SourceError
from engine.registry import Registry
from engine.settings import Settings
from engine.vision.sources.protocol import FrameSource

#: http://host/lesson.mp4, of which a path keeps one slash; not C:/lesson.mp4.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.+)", re.DOTALL)

SOURCES: Registry[type[FrameSource]] = Registry(
    "source",
    "classpulse.sources",
    {"images": "engine.vision.sources.images:ImageFolder", "video": "engine.vision.sources.video:Video"},
)
"""Each registered object is a class that implements FrameSource."""


def open_source(location: str | PathLike[str], settings: Settings | None = None) -> FrameSource:
    """The source that reads `location`, opened; `settings` are the session's.

    Other packages' sources have precedence, so that they can accept any kind of file; the last resort is video.
    Raises SourceError for an unreadable location, and UsageError for a registered source that cannot be loaded.
    """
    text, settings = fspath(location), settings or Settings()
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
