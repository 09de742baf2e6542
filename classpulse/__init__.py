"""Classroom footage in; a verdict for every student and the class out, with its evidence, in one SQL database.

The public API:

    from classpulse import analyze, find

    session = analyze("lesson.mp4", db="classpulse.db")  # detect, track, judge; the same call resumes
    session.verdicts()                                   # a pandas DataFrame: a row a student and window
    find("lesson.mp4", db="classpulse.db").judge(strategy="sum", window=30)  # again, without the video

* `analyze` takes a recording through the three passes into a database, and returns its `Session`.
* `find` opens a session that is in a database, by its number, its name or its file's name.
* `Session` reads a session as DataFrames or Arrow, corrects its students, judges it again and validates it; in a
  notebook it shows itself.
* `Settings` is everything that decides which rows an analysis writes, checked once.

Everything else may change between releases. Nothing costly is imported before one of these names is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.lazy import lazy_names

if TYPE_CHECKING:
    from classpulse.notebook import Session, analyze, find
    from engine.settings import Settings
    from engine.version import __version__

__all__ = ["Session", "Settings", "__version__", "analyze", "find"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "analyze": "classpulse.notebook",
        "Session": "classpulse.notebook",
        "find": "classpulse.notebook",
        "Settings": "engine.settings",
        "__version__": "engine.version",
    },
)
