"""Opens the source that reads a location: one of the project's own, or one of another installed package."""

from __future__ import annotations

from os import PathLike, fspath

from engine.registry import Registry
from engine.settings import Settings
from engine.vision.sources.protocol import FrameSource

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
    return SOURCES.load("video")(text, settings)
