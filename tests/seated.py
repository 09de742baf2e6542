"""A session written straight into a database: faces of people on their seats, and no video behind them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import Classes, Faces
from engine.sessions.judgements import judge
from engine.sessions.session import Session
from engine.sessions.tracking import track_session
from engine.settings import Settings
from storage.store import Store

#: Name, place (x, y, size in px) and time of somebody (start and stop, s).
Seat = tuple[str, tuple[int, int, int], tuple[int, int]]
#: Who sits where and is visible when. Ben is not visible for a while, Cem moves to another seat,
#: Eve takes Dan's, and a poster hangs on the wall.
PEOPLE: tuple[Seat, ...] = (
    ("Ada", (100, 100, 40), (0, 120)),
    ("Ben", (250, 160, 40), (0, 50)),
    ("Ben", (250, 160, 40), (58, 120)),
    ("Cem", (400, 220, 40), (0, 50)),
    ("Cem", (560, 360, 60), (60, 120)),
    ("Dan", (560, 280, 40), (0, 55)),
    ("Eve", (560, 280, 40), (62, 120)),
    ("poster", (100, 440, 40), (0, 120)),
)
#: What tracking makes of it: Cem is two students, Dan and Eve are one.
LABELS = {"S01": "Ada", "S02": "Ben", "S03": "Cem", "S04": "Dan", "S05": "poster", "S06": "Cem"}
RATE, DURATION = 2, 120
SETTINGS = Settings(sample_rate=RATE, window=30)
WIDTH, HEIGHT = 640, 480
#: Landmarks in the box, as shares of its sides.
_FACE = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])


def write_seated(
    path: str | Path, people: tuple[Seat, ...] = PEOPLE, *, name: str = "lesson", classes: Classes | None = None
) -> Session:
    """The session of `people` in the database at `path` or a server's URL, detected, tracked and judged.

    With `classes` it says what its faces were scored for, as sessions of today do.
    """
    times = np.arange(DURATION * RATE) / RATE
    frame, faces = _faces(times, people)
    with Store.open(path) as store:
        number = store.add_session(
            name=name,
            source=f"/lessons/{name}.mp4",
            sha256="",
            settings=SETTINGS.to_json(),
            version="",
            models="{}",
            time_base=Fraction(1, RATE),
            start_pts=0,
            width=WIDTH,
            height=HEIGHT,
            classes=classes.rows() if classes else (),
        )
        for segment in range(DURATION // 10):
            sampled = _frames(np.flatnonzero(times // 10 == segment))
            its = times[frame] // 10 == segment
            store.write_segment(
                number, segment, sampled, {column: array[its] for column, array in faces.columns().items()}
            )
        store.finish_detection(number, DURATION)
        track_session(store, number, SETTINGS)
        judge(store, number, SETTINGS)
    return Session(path, number)


def _faces(times: npt.NDArray[np.float64], people: tuple[Seat, ...]) -> tuple[npt.NDArray[np.int64], Faces]:
    """(n,) the frame of each face, ascending, and the faces: everybody sways a little on the seat, save posters."""
    random = np.random.default_rng(7)
    knots = np.arange(0, DURATION + 1, 5)
    parts = []  # rows of (frame, x, y, size)
    for who, (x, y, size), (start, stop) in people:
        there = np.flatnonzero((times >= start) & (times < stop))
        sway = random.normal(0, 0.0 if who == "poster" else 0.25, (2, len(knots))) * size
        at = [place + np.interp(times[there], knots, off) for place, off in zip((x, y), sway, strict=True)]
        parts.append(np.column_stack([there, *at, np.full(len(there), size)]))
    rows = np.concatenate(parts)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    frame = rows[:, 0].astype(np.int64)
    boxes = np.hstack([rows[:, 1:3] - rows[:, 3:] / 2, rows[:, 1:3] + rows[:, 3:] / 2])
    n = len(rows)
    ones = np.ones(n, np.float32)
    return frame, Faces(
        pts=frame,
        face=np.arange(n) - np.searchsorted(frame, frame),
        boxes_xyxy=boxes.astype(np.float32),
        score=ones,
        landmarks=(boxes[:, None, :2] + _FACE * rows[:, 3, None, None]).astype(np.float32),
        scores=random.dirichlet(np.ones(7), n).astype(np.float32),
        sharpness=ones,
        yaw=0 * ones,
        pitch=0 * ones,
        roll=0 * ones,
        quality=ones,
        scorable=np.ones(n, np.bool_),
        appearance=np.zeros((n, 0), np.uint8),
    )


def _frames(numbers: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
    """The columns of the frames of these numbers, of a camera that stands still."""
    zeros = np.zeros(len(numbers))
    return {
        "pts": numbers,
        "time": numbers / RATE,
        "camera_a": zeros + 1,
        "camera_b": zeros,
        "camera_x": zeros,
        "camera_y": zeros,
    }
