"""Recordings into the queue of a database: from then on any worker of any machine may analyse them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from engine.errors import SourceError, UsageError
from engine.runtime.executor import LONGEST_RUN
from engine.settings import Settings
from engine.texts import NAME_OF_SESSION, required_text
from engine.verdicts.strategies import open_strategy
from storage.claims import queue, shared_store
from storage.paths import escaped


def enqueue(
    recordings: Sequence[str | Path],
    db: str | Path,
    *,
    name: str | None = None,
    settings: Settings | None = None,
    exclude: Sequence[str] = (),
    again: bool = False,
    recorded_at: datetime | None = None,
    run_segments: int = LONGEST_RUN,
) -> tuple[int, list[SourceError]]:
    """Queue recordings; returns how many are new in the queue, and an error for each that is not there.

    Nothing is read of them but their sizes: a worker opens each when its turn comes. Runs of detection are of up to
    `run_segments` segments. They are detected in 32 bits, since other arithmetic depends on the processor.
    Raises UsageError for settings that cannot work, and DatabaseError for a database that machines cannot share.
    """
    settings = dataclasses.replace(settings or Settings(), precision="f32")
    open_strategy(settings)
    if settings.aggregate_only:
        raise UsageError("--aggregate-only keeps all in the memory of one process; analyse without a queue")
    request = {
        "name": None if name is None else required_text(name, NAME_OF_SESSION),
        "several": len(recordings) > 1,
        "settings": settings.to_json(),
        "exclude": list(exclude),
        "again": again,
        "recorded_at": None if recorded_at is None else recorded_at.astimezone().isoformat(),
        "run_segments": run_segments,
    }
    found: dict[str, int] = {}
    missing: list[SourceError] = []
    with shared_store(db) as store:
        for recording in recordings:
            path = str(Path(recording).absolute())
            try:
                size = Path(path).stat().st_size
            except (OSError, ValueError) as error:
                missing.append(_missing(path, getattr(error, "strerror", None) or str(error)))
                continue
            if escaped(path) != path:
                missing.append(_missing(escaped(path), "its name is not UTF-8"))
                continue
            found[path] = size
        return queue(store, list(found.items()), request), missing


def _missing(path: str, why: str) -> SourceError:
    return SourceError(f"{path}: not queued ({why}); correct the path, and queue it again", exit_status=2)
