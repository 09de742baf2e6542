"""A session in a database: what is known of it, and passes 2 and 3, which need its rows alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.errors import UsageError
from engine.faces import EMOTIONS
from engine.judging import judge as judge_faces
from engine.settings import FOLLOWED_BY, JUDGED_BY, Settings
from storage import queries
from storage.store import Store
from tracking.sort import follow as follow_faces

T = TypeVar("T")
Columns = dict[str, npt.NDArray[Any]]
Ints = npt.NDArray[np.int64]


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
            settings = dataclasses.replace(settings_of(store, self.number), **changes)
            judge(store, self.number, settings, name)
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


def find(key: int | str, db: str | Path = "classpulse.db") -> Session:
    """The session that `key` means: its number, its name or its file's name. Raises SessionError without one."""
    with Store.open(db, must_exist=True, read_only=True) as store:
        return Session(db, store.find_session(key))


def follow(store: Store, number: int, settings: Settings) -> None:
    """Pass 2: every face gets its track, every track its student."""
    frames = queries.frame_columns(store, number)
    faces = queries.face_columns(store, number, ("pts", "face", "time", "x1", "y1", "x2", "y2", "scorable"))
    boxes = np.stack([faces[edge] for edge in ("x1", "y1", "x2", "y2")], axis=1)
    track = follow_faces(
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


def judge(store: Store, number: int, settings: Settings, name: str | None = None) -> None:
    """Pass 3: a judgement of the stored students."""
    session = store.session(number)
    frames = queries.frame_columns(store, number)
    faces = queries.face_columns(store, number, ("time", "student", *EMOTIONS, "quality", "scorable"))
    student_windows, class_windows = judge_faces(
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


def settings_of(store: Store, number: int) -> Settings:
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


def _track_columns(track: Ints, student_of_track: Ints, faces: Columns) -> Columns:
    rows = pd.DataFrame({"track": track, "time": faces["time"]})
    groups = rows[rows["track"] >= 0].groupby("track")["time"].agg(["min", "max", "size"])
    return {
        "track": groups.index.to_numpy(np.int64),
        "student": student_of_track,
        "first": groups["min"].to_numpy(),
        "last": groups["max"].to_numpy(),
        "faces": groups["size"].to_numpy(),
    }


def _student_columns(student: Ints, student_of_track: Ints, faces: Columns, frames: int) -> Columns:
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
