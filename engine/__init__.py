"""The analysis of recordings: detection, tracking and verdicts.

`analyze` takes a recording through the three passes into a database; `find` opens an existing session. The same
names in `classpulse` are the public API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.lazy import lazy_names

if TYPE_CHECKING:
    from engine.sessions.analysis import analyze
    from engine.sessions.session import Session, find
    from engine.settings import Settings
    from engine.version import __version__

__all__ = ["Session", "Settings", "__version__", "analyze", "find"]

# On demand: a package of the engine that needs no database must not load one.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "analyze": "engine.sessions.analysis",
        "Session": "engine.sessions.session",
        "find": "engine.sessions.session",
        "Settings": "engine.settings",
        "__version__": "engine.version",
    },
)
