"""How a session begins and how its detection ends, whether a file or a camera gives its frames."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.faces import Classes
from engine.settings import Settings
from engine.version import __version__
from engine.vision.cameras.camera import Camera
from engine.vision.detectors import fingerprints
from engine.vision.scorers import describe_scorer
from engine.vision.sources.protocol import FrameSource
from storage import queries
from storage.excluding import write_excluded
from storage.store import Store


def begin_session(
    store: Store,
    source: FrameSource | Camera,
    settings: Settings,
    *,
    name: str,
    location: str | Path,
    sha256: str,
    recorded: datetime | None,
    state: str = "detecting",
) -> int:
    """Store the row of a new session, and what its settings exclude; returns the session's number."""
    classes, models = _networks(settings)
    with store.writing():
        session_id = store.add_session(
            name=name,
            source=location,
            sha256=sha256,
            settings=settings.to_json(),
            version=__version__,
            models=models,
            time_base=source.time_base,
            start_pts=source.start_pts,
            width=source.width,
            height=source.height,
            recorded=written(recorded),
            classes=classes.rows(),
            state=state,
        )
        write_excluded(store, session_id, settings.exclude)
    return session_id


def working_store(target: Store, settings: Settings) -> AbstractContextManager[Store]:
    """The store that an analysis works in."""
    return Store.in_memory() if settings.aggregate_only else nullcontext(target)


def with_excluded(
    target: Store, exclude: Sequence[str], source: FrameSource | Camera, settings: Settings
) -> Settings:
    """The settings with the squares that `exclude` names, each once."""
    from engine.sessions.excluding import squares

    excluded = (*settings.exclude, *squares(target, exclude, source.width, source.height))
    return dataclasses.replace(settings, exclude=tuple(dict.fromkeys(excluded)))


def same_software(session: dict[str, Any], settings: Settings) -> bool:
    """Whether this version and its models are those that began the session's detection."""
    return bool(session["version"] == __version__ and session["models"] == _networks(settings)[1])


def end_detection(store: Store, session_id: int) -> None:
    """Commit the segments in which nothing was sampled, and mark the session's detection as complete."""
    committed = store.committed_segments(session_id)
    store.write_gaps(session_id, sorted(set(range(max(committed, default=0))) - committed))
    times = queries.frame_columns(store, session_id)["time"]
    # The last frame lasts as long as the one before it did.
    duration = times[-1] + (times[-1] - times[-2] if len(times) > 1 else 0) if len(times) else 0.0
    store.finish_detection(session_id, float(duration))


def written(time: datetime | None) -> str | None:
    """A time as the database has it: UTC, ISO 8601."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _networks(settings: Settings) -> tuple[Classes, str]:
    """The classes that faces are scored for, and the fingerprints of detector and scorer as JSON."""
    classes, scorer = describe_scorer(settings)
    if settings.engine == "reference":
        return classes, "{}"
    return classes, json.dumps(fingerprints(settings) | scorer, sort_keys=True)
