"""A camera as a session: watched until it is stopped, each segment committed as it is complete, then judged."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError
from engine.sessions.analysis import Progress, silent, track_and_judge
from engine.sessions.lifecycle import begin_session, end_detection, same_software, with_excluded, working_store
from engine.sessions.live.labels import LiveLabels
from engine.sessions.live.rolling import Columns, JudgedWindow, RollingJudge, students_in
from engine.settings import SEGMENT_SECONDS, Settings
from engine.texts import NAME_OF_SESSION, required_text
from engine.times import format_clock
from engine.verdicts.strategies import open_strategy
from engine.vision.cameras.addresses import without_secrets
from engine.vision.cameras.camera import TICKS, Camera
from engine.vision.detection import Detections
from engine.vision.extraction import FeatureExtractor
from engine.vision.sources.protocol import Frame
from storage import queries
from storage.aggregates import copy_aggregates
from storage.connections import count_connections, find_watched, spans_of_connections, write_connections
from storage.live import last_live_window, write_live_windows
from storage.store import Store
from storage.warnings import StoredWarning, write_warnings

if TYPE_CHECKING:
    from engine.sessions.session import Session

#: Longest time between two pictures that nobody need be told of, s.
LONGEST_PAUSE = 2.0
#: A session goes on where a camera is watched again after no longer than this, s.
LONGEST_BREAK = 600.0


def watch(
    location: str,
    db: str | Path = "classpulse.db",
    *,
    name: str | None = None,
    titled: Callable[[datetime], str] | None = None,
    settings: Settings | None = None,
    exclude: Sequence[str] = (),
    until: Callable[[float], bool] | None = None,
    stopped: Event | None = None,
    max_break: float | None = None,
    length: float | None = None,
    begun_after: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_change: Callable[[str], None] | None = None,
    on_labels: Callable[[Frame, Detections, Sequence[str]], None] | None = None,
    on_window: Callable[[JudgedWindow], None] | None = None,
) -> Session:
    """Watch the camera at `location` into the database `db`, and return its session when that is judged.

    It ends when `stopped` is set, `length` s after its first picture, or when `until`, which is called with the
    time (s since 1970, UTC) now and then, says so. What is lost at a sudden end is the open segment alone: where
    the same camera is watched again into the same database after no more than `max_break` seconds, its session
    goes on; one that was left for longer, or began before the time `begun_after`, is judged first, and a new one
    begins. `name` is by default the address; `titled` gives it by the time at which the session began. `on_change`
    is called with one line when the connection is made, lost or back, from another thread, `on_labels` with every
    frame, its faces and their labels, which are those of the moment (`LiveLabels`), and `on_window` with every
    window soon after it has ended. `on_progress` is that of `analyze`.

    No picture is stored, and no password of `location`. Raises SourceError where the first connection fails, and
    what `analyze` raises for settings and databases.
    """
    settings = settings or Settings()
    name = None if name is None else required_text(name, NAME_OF_SESSION)
    open_strategy(settings)
    extractor = FeatureExtractor(settings)  # before connecting: pictures would be late
    shown = without_secrets(location)
    report_progress = on_progress or silent
    max_break = LONGEST_BREAK if max_break is None else max_break
    with Store.open(db) as target, target.working_on(shown, hashlib.sha256(shown.encode()).hexdigest()):
        session_id = (
            None
            if settings.aggregate_only
            else _to_go_on(target, shown, settings, max_break, begun_after or 0.0, report_progress)
        )
        begin = None if session_id is None else int(target.session(session_id)["start_pts"])
        with (
            working_store(target, settings) as store,
            Camera(location, settings, begin, on_change, stopped) as camera,
        ):
            if exclude:
                settings = with_excluded(target, exclude, camera, settings)
                extractor = FeatureExtractor(settings)
            if session_id is None:
                session_id = _begin(store, camera, settings, titled or (lambda _: name or camera.shown))
            elif name is not None and name != store.session(session_id)["name"]:
                raise UsageError(f"session {session_id} of this camera goes on, and has another name; omit --name")
            _Watching(
                store,
                session_id,
                camera,
                extractor,
                report_progress,
                on_labels or _silent,
                on_window or _silent,
            ).run(_ending(until, camera, length))
            _end(store, session_id, settings, report_progress)
            if store is not target:
                session_id = copy_aggregates(store, session_id, target, settings.min_group)

    from engine.sessions.session import Session  # it loads scipy, as tracking does

    return Session(db, session_id)


def _to_go_on(
    store: Store,
    shown: str,
    settings: Settings,
    max_break: float,
    begun_after: float,
    report_progress: Callable[[Progress], None],
) -> int | None:
    """The session of the camera that goes on; one that was left for too long, or differs, is ended and judged."""
    found = None
    for each in find_watched(store, shown):
        age = datetime.now(UTC).timestamp() - each.last_pts / TICKS
        before = Settings.from_json(each.settings)
        fits = each.state == "watching" and before.detected_by() == settings.detected_by()
        fits = fits and each.start_pts / TICKS >= begun_after
        if found is None and fits and age <= max_break and same_software(store.session(each.session_id), settings):
            found = each.session_id
        else:
            _end(store, each.session_id, before, report_progress)
    return found


def _ending(
    until: Callable[[float], bool] | None, camera: Camera, length: float | None
) -> Callable[[float], bool] | None:
    """`until`, and no later than `length` s after the session's begin."""
    if length is None:
        return until
    end = camera.start_pts / TICKS + length
    return lambda now: now >= end or (until is not None and until(now))


def _begin(store: Store, camera: Camera, settings: Settings, titled: Callable[[datetime], str]) -> int:
    begun = datetime.fromtimestamp(camera.start_pts / TICKS, UTC)
    return begin_session(
        store,
        camera,
        settings,
        name=titled(begun),
        location=camera.shown,
        sha256=hashlib.sha256(f"{camera.shown} {camera.start_pts}".encode()).hexdigest(),
        recorded=begun,
        state="watching",
    )


@dataclass
class _Watching:
    """Pass 1 over the pictures as they come, and windows judged as they end."""

    store: Store
    session_id: int
    camera: Camera
    extractor: FeatureExtractor
    report_progress: Callable[[Progress], None]
    on_labels: Callable[[Frame, Detections, Sequence[str]], None]
    on_window: Callable[[JudgedWindow], None]

    def run(self, until: Callable[[float], bool] | None) -> None:
        """Each segment is committed with what is known of the connections."""
        store, session_id, settings = self.store, self.session_id, self.extractor.settings
        first = max(store.committed_segments(session_id), default=-1) + 1
        known = count_connections(store, session_id)
        begun = float(first * SEGMENT_SECONDS)
        self._progress = Progress("detect", begun, None, 0, 0, begun)
        self._labels = LiveLabels(settings)
        judge = RollingJudge(settings, last_live_window(store, session_id))
        for segment in self.extractor.from_frames(self.camera.frames(until), first, self._on_frame):
            with store.writing(session_id):
                store.write_segment(session_id, segment.number, segment.frames, segment.faces.columns())
                write_connections(store, session_id, _rows(self.camera), known)
            judged = judge.add(segment, self._labels.take(), (segment.number + 1) * SEGMENT_SECONDS)
            if judged is not None:
                self._report_windows(*judged)
        self.camera.close()
        write_connections(store, session_id, _rows(self.camera), known)

    def _on_frame(self, frame: Frame, detections: Detections) -> None:
        progress = self._progress
        self._progress = dataclasses.replace(
            progress, time=frame.time, frames=progress.frames + 1, faces=progress.faces + len(detections)
        )
        self.report_progress(self._progress)
        self.on_labels(frame, detections, self._labels(frame, detections))

    def _report_windows(self, of_students: Columns, of_class: Columns) -> None:
        settings = self.extractor.settings
        hidden_under = settings.min_group if settings.aggregate_only else None
        rows = write_live_windows(
            self.store, self.session_id, settings.strategy, settings.to_json(), of_class, hidden_under
        )
        name = self.store.session(self.session_id)["name"]
        for row in rows:
            students = [] if settings.aggregate_only else students_in(of_students, row["window"])
            self.on_window(JudgedWindow(self.session_id, name, self.camera.start_pts, row, students))


def _rows(camera: Camera) -> list[dict[str, float | int | str | None]]:
    """The connections of a camera as columns of the table `connections`, times in s of its session."""
    begun = camera.start_pts / TICKS
    rows = []
    for each in list(camera.connections):
        row = dataclasses.asdict(each)
        stop = None if each.stop is None else each.stop - begun
        rows.append(row | {"start": each.start - begun, "stop": stop})
    return rows


def _end(store: Store, session_id: int, settings: Settings, report_progress: Callable[[Progress], None]) -> None:
    """Passes 2 and 3 of a session whose camera is not watched any more."""
    end_detection(store, session_id)
    write_warnings(store, session_id, _without_picture(store, session_id))
    session = store.session(session_id)
    progress = Progress("detect", session["duration"], session["duration"], 0, 0, 0.0)
    track_and_judge(
        store,
        (session_id, "detected"),
        settings,
        lambda stage: report_progress(dataclasses.replace(progress, stage=stage)),
    )


def _without_picture(store: Store, session_id: int) -> list[StoredWarning]:
    """One warning where the camera gave no picture for some of the session."""
    times = queries.frame_columns(store, session_id)["time"]
    rate = Settings.from_json(store.session(session_id)["settings"]).sample_rate
    steps = np.diff(times)
    breaks = np.flatnonzero(steps > max(LONGEST_PAUSE, 2 / rate if rate else 0))
    # Within a connection it was this machine that was too slow.
    connected = spans_of_connections(store, session_id)
    breaks = np.array(
        [i for i in breaks if not any(start <= times[i] and times[i + 1] <= stop for start, stop in connected)],
        np.int64,
    )
    if not len(breaks):
        return []
    total = float(steps[breaks].sum())
    often = "once" if len(breaks) == 1 else f"{len(breaks)} times"
    text = f"the camera gave no picture for {format_clock(total)} in all ({often}); nothing is known of that time"
    return [StoredWarning("without_picture", text, float(times[breaks[0]]))]


def _silent(*_: object) -> None:
    """Report nothing."""
