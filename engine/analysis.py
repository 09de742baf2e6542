"""A whole session through the three passes: see, follow, judge; resumed where it was stopped."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.detection import Detections
from engine.errors import UsageError
from engine.faces import EMOTIONS
from engine.judging import judge
from engine.networks import checksums
from engine.seeing import Seer
from engine.settings import FOLLOWED_BY, JUDGED_BY, SEGMENT_SECONDS, Settings
from engine.version import __version__
from engine.video import Frame, Video, fingerprint
from storage import queries
from storage.store import Store
from tracking.sort import follow

T = TypeVar("T")
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Progress:
    """How far an analysis is; `on_progress` is called with one after every frame and at every change of stage."""

    stage: str
    """`see`, `follow` or `judge`."""
    time: float
    """Seconds of the session that are seen."""
    duration: float | None
    """Seconds that the file claims to be long, None where it does not say."""
    frames: int
    """Frames and faces seen by this call."""
    faces: int
    resumed: float
    """Seconds that an earlier call had seen and committed."""


class Session:
    """A session in a database: what is known of it, as DataFrames, and judging it again."""

    def __init__(self, database: str | Path, number: int, *, was_done: bool = False) -> None:
        self.database = database
        self.number = number
        self.was_done = was_done
        """Whether `analyze` found it finished, and did nothing."""

    def info(self) -> dict[str, Any]:
        """The session's row of the table `sessions`."""
        return self._read(lambda store: store.session(self.number))

    def students(self) -> pd.DataFrame:
        """A row for every student: label, name, when seen (s), tracks, faces, coverage."""
        return self._read(lambda store: queries.students(store, self.number))

    def faces(self) -> pd.DataFrame:
        """A row for every face: time (s), student, box (px), seven emotions, quality."""
        return self._read(lambda store: queries.faces(store, self.number))

    def frames(self) -> pd.DataFrame:
        """A row for every sampled frame, also those without a face."""
        return self._read(lambda store: queries.frames(store, self.number))

    def judgements(self) -> pd.DataFrame:
        """A row for every judgement, the latest last."""
        return self._read(lambda store: queries.judgements(store, self.number))

    def verdicts(self, judgement: str | None = None) -> pd.DataFrame:
        """A row for every student and window of a judgement, by its name; of the latest one without."""
        return self._read(lambda store: queries.student_windows(store, self._judgement(store, judgement)))

    def class_verdicts(self, judgement: str | None = None) -> pd.DataFrame:
        """A row for every window of the class."""
        return self._read(lambda store: queries.class_windows(store, self._judgement(store, judgement)))

    def judge(self, name: str | None = None, **changes: Any) -> Session:
        """Judge the stored faces again with other settings (`window`, `strategy`, `band`, ...); returns itself.

        The judgement is kept under `name` (by default its strategy and window, as in "sum, 10 s"), in place of an
        earlier one of that name and beside all others. Never needs the video. Raises UsageError for a setting that
        cannot work, or that judging does not use.
        """
        if other := set(changes) - set(JUDGED_BY):
            raise UsageError(f"judging does not use {', '.join(sorted(other))}; it uses {', '.join(JUDGED_BY)}")
        with Store.open(self.database, must_exist=True) as store:
            _check_seen(store, self.number)
            settings = dataclasses.replace(_settings_of(store, self.number), **changes)
            _judge(store, self.number, settings, name)
        return self

    def _read(self, of: Callable[[Store], T]) -> T:
        with Store.open(self.database, must_exist=True, read_only=True) as store:
            return of(store)

    def _judgement(self, store: Store, name: str | None) -> int:
        rows = queries.judgements(store, self.number)
        if name is not None:
            rows = rows[rows["name"] == name]
        if rows.empty:
            what = f"no judgement {name!r}" if name else "no judgement yet; run `classpulse analyze` to its end"
            raise UsageError(f"session {self.number} has {what}")
        return int(rows["id"].iloc[-1])


def analyze(
    source: str | Path,
    db: str | Path = "classpulse.db",
    *,
    name: str | None = None,
    settings: Settings | None = None,
    again: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Session:
    """Analyse a recording into the database `db`, and return its session.

    Segments that an earlier call with the same file and settings committed are not seen again; a session that is
    done is returned as it is, unless `again` asks for a second one beside it. `name` is the file's name by default.
    Raises SourceError for a video that cannot be read, StorageError for a database that cannot be used, and
    UsageError for settings that cannot work. Whatever is raised, segments that were committed stay.
    """
    settings = settings or Settings()
    tell = on_progress or _silent
    with Video(source) as video, Store.open(db) as store:
        sha256 = fingerprint(source)
        found = None if again else store.find_done(sha256, json.dumps(settings.seen_by()))
        number, state = found or (_begin(store, video, sha256, name, settings), "seeing")
        if state == "seeing":
            progress = _see(store, number, video, settings, tell)
        else:
            progress = Progress("see", video.duration or 0, video.duration, 0, 0, video.duration or 0)
        was_done = state == "done" and _settings_of(store, number) == settings
        if not was_done:
            followed_alike = all(
                getattr(_settings_of(store, number), name) == getattr(settings, name) for name in FOLLOWED_BY
            )
            if state != "done" or not followed_alike:
                tell(dataclasses.replace(progress, stage="follow"))
                _follow(store, number, settings)
            tell(dataclasses.replace(progress, stage="judge"))
            _judge(store, number, settings, None)
    return Session(db, number, was_done=was_done)


def find(key: int | str, db: str | Path = "classpulse.db") -> Session:
    """The session that `key` means: its number, its name or its file's name. Raises SessionError without one."""
    with Store.open(db, must_exist=True, read_only=True) as store:
        return Session(db, store.find_session(key))


def _silent(progress: Progress) -> None:
    del progress


def _begin(store: Store, video: Video, sha256: str, name: str | None, settings: Settings) -> int:
    return store.add_session(
        name=name or video.path.name,
        source=video.path.absolute(),
        sha256=sha256,
        settings=settings.to_json(),
        version=__version__,
        models=json.dumps(checksums() if settings.engine == "classpulse" else {}, sort_keys=True),
        time_base=video.time_base,
        start_pts=video.start_pts,
        width=video.width,
        height=video.height,
    )


def _see(store: Store, number: int, video: Video, settings: Settings, tell: Callable[[Progress], None]) -> Progress:
    """Pass 1 over the segments that are missing, each committed as soon as it is seen."""
    # Segments are written in order, so the ones that are there are the first ones.
    first = len(store.committed_segments(number))
    resumed = float(first * SEGMENT_SECONDS)
    progress = Progress("see", resumed, video.duration, 0, 0, resumed)
    tell(progress)

    def on_frame(frame: Frame, found: Detections) -> None:
        nonlocal progress
        progress = dataclasses.replace(
            progress, time=frame.time, frames=progress.frames + 1, faces=progress.faces + len(found)
        )
        tell(progress)

    for segment in Seer(settings).segments(video, first, on_frame=on_frame):
        store.write_segment(number, segment.number, segment.frames, segment.faces.columns())
    times = queries.frame_columns(store, number)["time"]
    # The last frame lasts as long as the one before it did.
    duration = times[-1] + (times[-1] - times[-2] if len(times) > 1 else 0) if len(times) else 0.0
    store.finish_seeing(number, float(duration))
    return progress


def _follow(store: Store, number: int, settings: Settings) -> None:
    """Pass 2: every face gets its track, every track its student."""
    frames = queries.frame_columns(store, number)
    faces = queries.face_columns(store, number, ("pts", "face", "time", "x1", "y1", "x2", "y2", "scorable"))
    boxes = np.stack([faces[edge] for edge in ("x1", "y1", "x2", "y2")], axis=1)
    track = follow(
        frames["time"],
        np.searchsorted(frames["pts"], faces["pts"]),
        boxes,
        **{name: getattr(settings, name) for name in FOLLOWED_BY},
    )
    student_of_track = np.arange(track.max(initial=-1) + 1)
    student = np.append(student_of_track, -1)[track]
    store.write_following(
        number,
        pts=faces["pts"],
        face=faces["face"],
        track=track,
        track_columns=_track_columns(track, student_of_track, faces),
        student_columns=_student_columns(student, student_of_track, faces, len(frames["pts"])),
    )


def _judge(store: Store, number: int, settings: Settings, name: str | None) -> None:
    """Pass 3: a judgement of the stored students."""
    session = store.session(number)
    frames = queries.frame_columns(store, number)
    faces = queries.face_columns(store, number, ("time", "student", *EMOTIONS, "quality", "scorable"))
    student_windows, class_windows = judge(
        frames["time"],
        faces["time"],
        faces["student"],
        np.stack([faces[emotion] for emotion in EMOTIONS], axis=1),
        faces["quality"],
        faces["scorable"],
        settings=settings,
        duration=session["duration"],
    )
    store.write_judgement(
        number,
        name or f"{settings.strategy}, {settings.window:g} s",
        settings.strategy,
        settings.to_json(),
        student_windows,
        class_windows,
    )


def _settings_of(store: Store, number: int) -> Settings:
    """Those of the latest judgement, else those that the session was begun with."""
    judgements = queries.judgements(store, number)
    text = store.session(number)["settings"] if judgements.empty else judgements["settings"].iloc[-1]
    return Settings.from_json(text)


def _check_seen(store: Store, number: int) -> None:
    session = store.session(number)
    if session["state"] == "seeing":
        raise UsageError(
            f"session {number} ({session['name']}) is not finished; run `classpulse analyze {session['source']}`"
        )


def _track_columns(
    track: npt.NDArray[np.int64], student_of_track: npt.NDArray[np.int64], faces: Columns
) -> Columns:
    rows = pd.DataFrame({"track": track, "time": faces["time"]})
    groups = rows[rows["track"] >= 0].groupby("track")["time"].agg(["min", "max", "size"])
    return {
        "track": groups.index.to_numpy(np.int64),
        "student": student_of_track,
        "first": groups["min"].to_numpy(),
        "last": groups["max"].to_numpy(),
        "faces": groups["size"].to_numpy(),
    }


def _student_columns(
    student: npt.NDArray[np.int64], student_of_track: npt.NDArray[np.int64], faces: Columns, frames: int
) -> Columns:
    rows = pd.DataFrame({"student": student, "time": faces["time"], "scorable": faces["scorable"]})
    rows = rows[rows["student"] >= 0]
    groups = rows.groupby("student").agg(first=("time", "min"), last=("time", "max"), faces=("time", "size"))
    scorable = rows[rows["scorable"]].groupby("student")["time"].agg(["size", "nunique"]).reindex(groups.index)
    numbers = groups.index.to_numpy(np.int64)
    labels = np.empty(len(numbers), object)
    labels[:] = [f"S{number + 1:02d}" for number in numbers]
    return {
        "student": numbers,
        "label": labels,
        "first": groups["first"].to_numpy(),
        "last": groups["last"].to_numpy(),
        "tracks": np.bincount(student_of_track[student_of_track >= 0], minlength=len(numbers)),
        "faces": groups["faces"].to_numpy(),
        "scorable": scorable["size"].fillna(0).to_numpy(np.int64),
        "coverage": scorable["nunique"].fillna(0).to_numpy() / max(frames, 1),
    }
