"""A recording through the three passes into a database: detect, track, judge; resumed where it was stopped."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import UsageError
from engine.faces import Classes, Faces
from engine.runtime.executor import Executor
from engine.runtime.executors import open_executor
from engine.settings import SEGMENT_SECONDS, TRACKED_BY, Settings
from engine.verdicts.strategies import open_strategy
from engine.version import __version__
from engine.vision.detection import Detections
from engine.vision.detectors import fingerprints
from engine.vision.scorers import describe_scorer
from engine.vision.sources.protocol import Frame, FrameSource
from engine.vision.sources.registry import open_source
from storage import queries
from storage.aggregates import copy_aggregates
from storage.excluding import excluded_from, write_excluded
from storage.store import Store

if TYPE_CHECKING:
    from engine.sessions.session import Session


@dataclass(frozen=True)
class Progress:
    """How far an analysis is; `on_progress` is called with one after every frame and at every change of stage."""

    stage: str
    """`detect`, `track` or `judge`."""
    time: float
    """Seconds of the session that are seen."""
    duration: float | None
    """Seconds that the file claims to be long, None where it does not say."""
    frames: int
    """Frames and faces seen by this call."""
    faces: int
    resumed: float
    """Seconds that an earlier call had seen and committed."""


def analyze(
    source: str | Path,
    db: str | Path = "classpulse.db",
    *,
    name: str | None = None,
    settings: Settings | None = None,
    exclude: Sequence[str] = (),
    again: bool = False,
    workers: int | None = None,
    executor: Executor | str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_detections: Callable[[Frame, Detections], None] | None = None,
) -> Session:
    """Analyse a recording, or a folder of images, into the database `db`, and return its session.

    Segments that an earlier call with the same file and settings committed are not seen again; a session that is
    done is returned as it is, unless `again` asks for a second one beside it. `name` is by default the file's or
    folder's name.
    Detection runs on `workers` processes, by default as many as this machine has cores; the rows are the same for
    any number. `executor`, an `engine.runtime.executor.Executor` or the name of one, runs it elsewhere. `exclude`
    names squares of the picture beside those of the settings (see `engine.sessions.excluding.squares`).
    `on_detections` has every frame with its faces, for whoever watches; they are seen in this process then.
    With `settings.aggregate_only` everything is in memory until the class's windows are written, all at once.
    Raises SourceError for a video that cannot be read, StorageError for a database that cannot be used, and
    UsageError for settings that cannot work. Whatever is raised, segments that were committed stay.
    """
    settings = settings or Settings()
    open_strategy(settings)  # before anything is detected that could not be judged
    tell = on_progress or _silent
    chosen = open_executor(executor, settings, workers, on_detections)
    with open_source(source, settings) as video, Store.open(db) as kept, _working(kept, settings) as store:
        sha256 = video.fingerprint()
        if exclude:
            from engine.sessions.excluding import squares

            theirs = squares(kept, exclude, video.width, video.height)
            settings = dataclasses.replace(settings, exclude=tuple(dict.fromkeys((*settings.exclude, *theirs))))
        # What a setting was before there was one, its default says.
        found = kept.find_done(
            sha256, lambda text: Settings.from_json(text).detected_by() == settings.detected_by()
        )
        if found and store is not kept and not again:
            return _done_aggregate(kept, found[0], settings)
        found = found if store is kept else None
        stale = found is not None and found[1] == "detecting" and not _seen_alike(store.session(found[0]), settings)
        # What `again` began and did not end, it goes on with; what another version began, nobody does.
        if found is None or stale or (again and found[1] == "done"):
            _check_excluded(kept, sha256, settings)
            found = _begin(store, video, sha256, name, settings), "detecting"
        session_id, state = found
        warnings = [*video.warnings, *_kept_name(store.session(session_id), name)]
        if state == "detecting":
            progress = _see(store, session_id, video, settings, chosen, tell)
            warnings += _damage(video, store.session(session_id)["duration"], settings)
        else:
            progress = Progress("detect", video.duration or 0, video.duration, 0, 0, video.duration or 0)

        # Only now, since they load scipy: the first progress need not wait for that.
        from engine.sessions.corrections import has_corrections
        from engine.sessions.judgements import judge, settings_of
        from engine.sessions.session import Session
        from engine.sessions.tracking import follow

        with store.writing(session_id):  # nobody corrects the session meanwhile
            latest = settings_of(store, session_id)
            was_done = state == "done" and latest == settings
            if state != "done" or any(getattr(latest, of) != getattr(settings, of) for of in TRACKED_BY):
                if has_corrections(store, session_id):
                    raise UsageError(
                        f"session {session_id} was corrected by a person; tracking it with other settings would "
                        "lose that, so undo the corrections first, or make a second session with --again"
                    )
                tell(dataclasses.replace(progress, stage="track"))
                follow(store, session_id, settings)
            if not was_done:
                tell(dataclasses.replace(progress, stage="judge"))
                judge(store, session_id, settings)
        if store is not kept:
            session_id = copy_aggregates(store, session_id, kept, settings.min_group)
    return Session(db, session_id, was_done=was_done, warnings=warnings)


def _working(kept: Store, settings: Settings) -> AbstractContextManager[Store]:
    """The store that an analysis works in."""
    return Store.in_memory() if settings.aggregate_only else nullcontext(kept)


def _done_aggregate(kept: Store, session_id: int, settings: Settings) -> Session:
    from engine.sessions.corrections import check_done
    from engine.sessions.judgements import settings_of
    from engine.sessions.session import Session

    if settings_of(kept, session_id) != settings:
        check_done(kept, session_id)
    return Session(kept.path, session_id, was_done=True)


def _kept_name(session: dict[str, Any], name: str | None) -> list[str]:
    other = name is not None and name != session["name"]
    return [f"session {session['session_id']} keeps the name it has, {session['name']!r}"] if other else []


def _damage(video: FrameSource, decoded: float, settings: Settings) -> list[str]:
    """One line if the footage breaks off before its claimed end, or did not decode whole."""
    # Less than the last samples may be missing of any recording, and headers round.
    slack = max(1.0, 2 / (settings.sample_rate or 1))
    found = []
    if video.duration is not None and decoded < video.duration - slack:
        found.append(f"it breaks off after {decoded:.1f} of {video.duration:.1f} s")
    if video.damaged:
        found.append(f"{video.damaged} damaged packets or images of it were skipped")
    if not found:
        return []
    return [f"{video.path}: {' and '.join(found)}; what decodes is analysed, for more copy the recording again"]


def _silent(progress: Progress) -> None:
    del progress


def _check_excluded(kept: Store, sha256: str, settings: Settings) -> None:
    before = excluded_from(kept, sha256)
    if before and not settings.exclude:
        raise UsageError(
            f"a student was excluded from session {before} of this recording; add --exclude {before}, "
            "so that the student stays excluded"
        )


def _begin(store: Store, video: FrameSource, sha256: str, name: str | None, settings: Settings) -> int:
    classes, models = _networks(settings)
    with store.writing():
        session_id = store.add_session(
            name=name or video.name,
            source=video.path.absolute(),
            sha256=sha256,
            settings=settings.to_json(),
            version=__version__,
            models=models,
            time_base=video.time_base,
            start_pts=video.start_pts,
            width=video.width,
            height=video.height,
            recorded=video.recorded.strftime("%Y-%m-%dT%H:%M:%SZ") if video.recorded else None,
            classes=classes.rows(),
        )
        write_excluded(store, session_id, settings.exclude)
    return session_id


def _networks(settings: Settings) -> tuple[Classes, str]:
    """The classes that faces are scored for, and the fingerprints of detector and scorer as JSON."""
    classes, scorer = describe_scorer(settings)
    if settings.engine == "reference":
        return classes, "{}"
    return classes, json.dumps(fingerprints(settings) | scorer, sort_keys=True)


def _seen_alike(session: dict[str, Any], settings: Settings) -> bool:
    """Whether what is missing of a session would be seen by the software that saw its beginning."""
    return bool(session["version"] == __version__ and session["models"] == _networks(settings)[1])


def _see(
    store: Store,
    session_id: int,
    video: FrameSource,
    settings: Settings,
    executor: Executor,
    tell: Callable[[Progress], None],
) -> Progress:
    """Pass 1 over the segments that are missing, each committed as soon as it is seen."""
    committed = store.committed_segments(session_id)
    resumed = float(len(committed) * SEGMENT_SECONDS)
    progress = Progress("detect", resumed, video.duration, 0, 0, resumed)
    tell(progress)
    reached: dict[int, float] = {}  # of the runs, by their first segment: how much of them is seen, s

    def on_frame(first: int, time: float, faces: int) -> None:
        nonlocal progress
        reached[first] = time - first * SEGMENT_SECONDS
        progress = dataclasses.replace(
            progress,
            time=resumed + sum(reached.values()),
            frames=progress.frames + 1,
            faces=progress.faces + faces,
        )
        tell(progress)

    with closing(executor.extract(video, settings, committed, on_frame)) as segments:
        for segment in segments:
            store.write_segment(session_id, segment.number, segment.frames, segment.faces.columns())
    committed = store.committed_segments(session_id)
    for gap in sorted(set(range(max(committed, default=0))) - committed):  # a break in the recording
        nothing = {"pts": np.empty(0, np.int64), "time": np.empty(0)}
        store.write_segment(session_id, gap, nothing, Faces.empty().columns())
    times = queries.frame_columns(store, session_id)["time"]
    # The last frame lasts as long as the one before it did.
    duration = times[-1] + (times[-1] - times[-2] if len(times) > 1 else 0) if len(times) else 0.0
    store.finish_detecting(session_id, float(duration))
    return progress
