"""A recording through the three passes into a database: detect, track, judge; resumed where it was stopped."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import SourceError, UsageError
from engine.recorded import time_in_name
from engine.runtime.executor import Executor
from engine.runtime.executors import LOCAL, open_executor
from engine.runtime.fingerprint import fingerprint
from engine.sessions.lifecycle import (
    begin_session,
    end_detection,
    same_software,
    with_excluded,
    working_store,
    written,
)
from engine.settings import SEGMENT_SECONDS, TRACKED_BY, Settings
from engine.texts import NAME_OF_SESSION, required_text
from engine.verdicts.strategies import open_strategy
from engine.vision.detection import Detections
from engine.vision.sources.joined import Joined, files_of
from engine.vision.sources.protocol import Frame, FrameSource, SourceWarning
from engine.vision.sources.registry import Location, as_one, open_source
from engine.vision.sources.unchanged import Unchanged
from engine.vision.spot_check import advice, choose
from storage import queries
from storage.aggregates import copy_aggregates
from storage.excluding import excluded_from
from storage.fingerprints import remember
from storage.paths import escaped
from storage.sources import write_sources
from storage.store import Store
from storage.warnings import StoredWarning, write_warnings

if TYPE_CHECKING:
    from engine.sessions.session import Session


@dataclass(frozen=True)
class Progress:
    """Progress of an analysis; `on_progress` is called with one after every frame and at every change of stage."""

    stage: str
    """`detect`, `track` or `judge`."""
    time: float
    """Seconds of the session that are processed."""
    duration: float | None
    """The duration that the file states, s; None if it states none."""
    frames: int
    """Frames and faces that this call detected."""
    faces: int
    resumed: float
    """Seconds that an earlier call had committed."""


def analyze(
    source: Location | Sequence[Location],
    db: str | Path = "classpulse.db",
    *,
    name: str | None = None,
    settings: Settings | None = None,
    exclude: Sequence[str] = (),
    again: bool = False,
    workers: int | None = None,
    executor: Executor | str | None = None,
    recorded_at: datetime | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_detections: Callable[[Frame, Detections], None] | None = None,
) -> Session:
    """Analyse a recording, or a folder of images, into the database `db`, and return its session.

    Several files, in any order, are one lesson: one session, in order of the times of recording, gaps included.

    Segments that an earlier call with the same file and settings committed are not detected again; a finished
    session is returned unchanged, unless `again` asks for a second one. `name` is by default that of the source.
    Detection runs on `workers` processes, by default as many as this machine has cores; the rows are the same for
    any number. `executor`, an `engine.runtime.executor.Executor` or the name of one, runs it elsewhere. `exclude`
    names squares of the picture beside those of the settings (see `engine.sessions.excluding.squares`).
    `on_detections` is called with every frame and its faces; detection then runs in this process.
    `recorded_at` is when the recording began; by default what its file says, else its name, else unknown.
    With `settings.aggregate_only` everything is in memory until the class's windows are written, all at once.
    Raises SourceError for a video that cannot be read, StorageError for a database that cannot be used, and
    UsageError for settings that cannot work. Committed segments stay whatever is raised.
    """
    settings = settings or Settings()
    name = None if name is None else required_text(name, NAME_OF_SESSION)
    open_strategy(settings)  # before anything is detected that could not be judged
    opened = open_executor(executor, settings, workers, on_detections)
    location, settings = as_one(source, settings)
    unchanged = Unchanged(location, settings)
    with open_source(location, settings) as video, Store.open(db) as target:
        unchanged.read_fingerprint(video)
        settings = choose(video.path, settings)
        if exclude:
            settings = with_excluded(target, exclude, video, settings)
        work = _Work(video, unchanged, settings, name, recorded_at, opened, on_progress or silent)
        with target.working_on(video.path, work.key), working_store(target, settings) as store:
            session_id, was_done, warnings = _analyze(work, target, store, again=again)

    from engine.sessions.session import Session  # it loads scipy, as tracking does

    return Session(db, session_id, was_done=was_done, warnings=warnings)


@dataclass(frozen=True)
class Recording:
    """An opened recording, and how it is to be analysed."""

    video: FrameSource
    unchanged: Unchanged
    settings: Settings
    name: str | None
    recorded_at: datetime | None

    @property
    def sha256(self) -> str:
        """Of the recording's bytes, hexadecimal."""
        return self.unchanged.fingerprint

    @property
    def key(self) -> str:
        """The same for analyses that would detect the same session, hexadecimal."""
        return hashlib.sha256(f"{self.sha256} {self.settings.detected_by()}".encode()).hexdigest()

    def is_session_of(self, settings: str) -> bool:
        """Whether a session with these settings has the same pass 1; a newer setting counts with its default."""
        return Settings.from_json(settings).detected_by() == self.settings.detected_by()


@dataclass(frozen=True)
class _Work(Recording):
    executor: Executor
    report_progress: Callable[[Progress], None]


def find_or_begin(target: Store, store: Store, recording: Recording, *, again: bool) -> tuple[int, str]:
    """Number and state of the session in `store` that the recording continues, or of a new one.

    To be called within a transaction in which nobody else begins it. Raises UsageError where a student was excluded
    from another session of the recording in `target`, and nobody is excluded now.
    """
    existing = store.find_done(recording.sha256, recording.is_session_of)
    if existing is None or not _resumable(store, existing, recording.settings, again=again):
        _check_excluded(target, recording.sha256, recording.settings)
        existing = _begin(store, recording), "detecting"
    return existing


def write_found_warnings(store: Store, session_id: int, video: FrameSource, settings: Settings) -> None:
    """Store what a recording's detection, which is complete, leaves to be said of it."""
    found = [*video.warnings, *_damage(video, store.session(session_id)["duration"], settings)]
    found += _compression(store, session_id, video.path)
    found += advice(video, len(queries.frame_columns(store, session_id)["time"]), settings)
    write_warnings(store, session_id, (_stored(each, video) for each in found))


def _analyze(work: _Work, target: Store, store: Store, *, again: bool) -> tuple[int, bool, list[str]]:
    """Number of the session, whether nothing was to be done, and warnings; see `analyze`."""
    video, settings, report_progress = work.video, work.settings, work.report_progress
    with target.writing():  # found and begun at once: no other process begins a second session
        if store is not target and not again:
            there = target.find_done(work.sha256, work.is_session_of)
            if there:
                _check_judged(target, there[0], settings)
                return there[0], True, []
        existing = find_or_begin(target, store, work, again=again)
    session_id, state = existing
    if state == "detecting":
        progress = _detect(store, session_id, work)
        write_found_warnings(store, session_id, video, settings)
    else:
        progress = Progress("detect", video.duration or 0, video.duration, 0, 0, video.duration or 0)
    warnings = _kept(store.session(session_id), work.name, work.recorded_at)
    was_done = track_and_judge(
        store, existing, settings, lambda stage: report_progress(dataclasses.replace(progress, stage=stage))
    )
    if store is not target:
        session_id = copy_aggregates(store, session_id, target, settings.min_group)
    return session_id, was_done, warnings


def _resumable(store: Store, existing: tuple[int, str], settings: Settings, *, again: bool) -> bool:
    """Whether the session (number, state) is continued; else a new one is begun.

    With `again` an unfinished session is continued. One whose detection another version began never is.
    """
    session_id, state = existing
    if state == "detecting":
        return same_software(store.session(session_id), settings)
    return not (again and state == "done")


def track_and_judge(
    store: Store, existing: tuple[int, str], settings: Settings, report_stage: Callable[[str], None]
) -> bool:
    """Passes 2 and 3 of a session (number, state), as far as they are due; True if neither was."""
    # Only now, since they load scipy: the first progress need not wait for that.
    from engine.sessions.corrections import has_corrections
    from engine.sessions.judgements import judge, settings_of
    from engine.sessions.tracking import track_session

    session_id, state = existing
    with store.writing(session_id):  # no correction can be made meanwhile
        latest = settings_of(store, session_id)
        was_done = state == "done" and latest == settings
        if state != "done" or any(getattr(latest, of) != getattr(settings, of) for of in TRACKED_BY):
            if has_corrections(store, session_id):
                raise UsageError(
                    f"session {session_id} was corrected by a person; tracking it with other settings would "
                    "lose that, so undo the corrections first, or make a second session with --again"
                )
            report_stage("track")
            track_session(store, session_id, settings)
        if not was_done:
            report_stage("judge")
            judge(store, session_id, settings)
    return was_done


def _check_judged(target: Store, session_id: int, settings: Settings) -> None:
    """Raise UsageError where the class alone was stored, judged with other settings: that cannot be done again."""
    from engine.sessions.corrections import check_done
    from engine.sessions.judgements import settings_of

    if settings_of(target, session_id) != settings:
        check_done(target, session_id)


def _kept(session: dict[str, Any], name: str | None, recorded_at: datetime | None) -> list[str]:
    """A line for each thing that was asked for, and that a session which is there already keeps as it is."""
    warnings = []
    if name is not None and escaped(name) != session["name"]:
        warnings.append(f"session {session['session_id']} keeps the name it has, {session['name']!r}")
    if recorded_at is not None and written(recorded_at) != session["recorded"]:
        time = session["recorded"] or "none"
        warnings.append(f"session {session['session_id']} keeps the time of recording it has, {time}")
    return warnings


def _damage(video: FrameSource, decoded: float, settings: Settings) -> list[SourceWarning]:
    """One warning if the footage breaks off before its claimed end, or did not decode whole."""
    # Less than the last samples may be missing of any recording, and headers round.
    slack = max(1.0, 2 / (settings.sample_rate or 1))
    defects = []
    if video.duration is not None and decoded < video.duration - slack:
        defects.append(f"it breaks off after {decoded:.1f} of {video.duration:.1f} s")
    if video.damaged:
        defects.append(f"{video.damaged} damaged packets or images of it were skipped")
    if not defects:
        return []
    text = f"{video.path}: {' and '.join(defects)}; what decodes is analysed, for more copy the recording again"
    return [SourceWarning("damaged" if video.damaged else "breaks_off", text)]


def _compression(store: Store, session_id: int, path: Path) -> list[SourceWarning]:
    """One warning if compression has lost most faces."""
    from engine.sessions.tracking import TOO_BLOCKY, session_blockiness

    blocky = session_blockiness(store, session_id)
    if not blocky >= TOO_BLOCKY:
        return []
    text = f"{path}: the picture is too compressed (blockiness {blocky:.1f}), so most faces may be missing; "
    return [SourceWarning("compressed", f"{text}analyse the camera's own recording, or one with a higher bit rate")]


def _stored(warning: SourceWarning, video: FrameSource) -> StoredWarning:
    """The warning as its row; without the folders of the recording, whose names may be people's."""
    text = warning.text
    for file, _ in files_of(video):
        text = text.replace(str(file.path), file.path.name)
    return StoredWarning(warning.code, text, warning.time, warning.file_time)


def silent(progress: Progress) -> None:
    """Report nothing."""
    del progress


def _check_excluded(target: Store, sha256: str, settings: Settings) -> None:
    before = excluded_from(target, sha256)
    if before and not settings.exclude:
        raise UsageError(
            f"a student was excluded from session {before} of this recording; add --exclude {before}, "
            "so that the student stays excluded"
        )


def _begin(store: Store, work: Recording) -> int:
    video = work.video
    with store.writing():
        session_id = begin_session(
            store,
            video,
            work.settings,
            name=work.name or video.name,
            location=video.path.absolute(),
            sha256=work.sha256,
            recorded=work.recorded_at or video.recorded or time_in_name(video.path.name),
        )
        if isinstance(video, Joined):
            write_sources(store, session_id, _files(video))
    return session_id


def _files(joined: Joined) -> list[dict[str, Any]]:
    """The files of a lesson as columns of the table `sources`."""
    return [
        {
            "path": str(part.source.path.absolute()),
            "file_name": part.source.path.name,
            "sha256": digest,
            "recorded": written(recorded),
            "start": round(float(part.start), 6),
            "stop": round(float(part.stop), 6),
        }
        for part, digest, recorded in zip(joined.parts, joined.fingerprints(), joined.times, strict=True)
    ]


def _detect(store: Store, session_id: int, work: _Work) -> Progress:
    """Pass 1 over the missing segments, each committed as soon as it is complete."""
    video = work.video
    committed = store.committed_segments(session_id)
    resumed = float(len(committed) * SEGMENT_SECONDS)
    progress = Progress("detect", resumed, video.duration, 0, 0, resumed)
    work.report_progress(progress)
    run_seconds: dict[int, float] = {}  # processed seconds of each run of segments, by its first segment

    def on_frame(first: int, time: float, faces: int) -> None:
        nonlocal progress
        run_seconds[first] = time - first * SEGMENT_SECONDS
        progress = dataclasses.replace(
            progress,
            time=resumed + sum(run_seconds.values()),
            frames=progress.frames + 1,
            faces=progress.faces + faces,
        )
        work.report_progress(progress)

    # Where another package's executor computes is not known here.
    machine = remember(store, fingerprint(work.settings.precision)) if isinstance(work.executor, LOCAL) else None
    with closing(work.executor.extract(video, work.settings, committed, on_frame)) as segments:
        for segment in segments:
            work.unchanged.check()  # of what was seen of another recording nothing is committed
            columns = segment.frames, segment.faces.columns()
            store.write_segment(session_id, segment.number, *columns, fingerprint=machine)
    _check_unchanged(store, session_id, work.unchanged)
    end_detection(store, session_id)
    return progress


def _check_unchanged(store: Store, session_id: int, unchanged: Unchanged) -> None:
    """Raise SourceError, and keep no row, where a change shows at the end alone: it may be in any segment."""
    try:
        unchanged.check_all()
    except SourceError:
        store.delete_session(session_id)
        raise
