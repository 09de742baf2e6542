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
"""What is registered is a class that is a FrameSource."""


def open_source(location: str | PathLike[str], settings: Settings | None = None) -> FrameSource:
    """The source that reads `location`, opened; `settings` are the session's.

    Other packages' sources are asked first, so that they can take any kind of file; what nobody accepts is a video.
    Raises SourceError for what cannot be read, and UsageError for a registered source that cannot be loaded.
    """
    text, settings = fspath(location), settings or Settings()
    others = [name for name in SOURCES.names() if name not in ("images", "video")]
    for name in (*others, "images"):
        kind = SOURCES.load(name)
        if kind.accepts(text):
            return kind(text, settings)
    return SOURCES.load("video")(text, settings)
