"""What is seen in a recording, and what it means.

`analyze` takes a recording through the three passes into a database; `find` opens a session that is there.
"""

from __future__ import annotations

from typing import Any

from engine.settings import Settings
from engine.version import __version__

__all__ = ["Session", "Settings", "__version__", "analyze", "find"]


def __getattr__(name: str) -> Any:
    # On demand: a room of the engine that needs no database must not load one.
    if name == "analyze":
        from engine.sessions.analysis import analyze

        return analyze
    if name in ("Session", "find"):
        from engine.sessions import session

        return getattr(session, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
