"""Where every face is at any time: between the sampled frames, and where it may be though nobody found it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A face that was found at some time is hidden for so many seconds before and after, where it was: it does not come
#: and go when it is found and missed.
HOLD = 2.0
#: The same between two finds of one student, s: who bows over the desk is there all the while.
STAY = 10.0
#: Hidden around a face, in its sizes: hair and chin, and what it may move between two samples.
AROUND = 0.35


class Places:
    """Spans of time in which a box goes in a straight line from one place to another."""

    def __init__(self, start: Floats, stop: Floats, first: Floats, last: Floats, who: Ints) -> None:
        order = np.argsort(start, kind="stable")
        self.start, self.stop = start[order], stop[order]
        self.first, self.last, self.who = first[order], last[order], who[order]
        self._longest = float((stop - start).max(initial=0.0))

    def at(self, time: float) -> tuple[Floats, Ints]:
        """(n, 4) boxes at `time` (s), and whose they are: (n,) student, -1 for nobody's."""
        since = np.searchsorted(self.start, time - self._longest, "left")
        until = np.searchsorted(self.start, time, "right")
        here = np.arange(since, until)[self.stop[since:until] > time]
        along = ((time - self.start[here]) / (self.stop[here] - self.start[here]))[:, np.newaxis]
        return self.first[here] + along * (self.last[here] - self.first[here]), self.who[here]

    @classmethod
    def of(cls, spans: Iterator[tuple[Floats, Floats, Floats, Floats, Ints]]) -> Places:
        """All of some (start, stop, first, last, who)."""
        none = np.empty(0), np.empty(0), np.empty((0, 4)), np.empty((0, 4)), np.empty(0, np.int64)
        return cls(*map(np.concatenate, zip(none, *spans, strict=True)))


def shown(faces: pd.DataFrame, step: float) -> Places:
    """The faces of tracks, from the first to the last one of each and half a `step` (s, between samples) beyond."""
    tracked = faces[faces["track"].notna()].sort_values(["track", "time"], kind="stable")
    track, time, boxes, who = _arrays(tracked)

    def spans() -> Iterator[tuple[Floats, Floats, Floats, Floats, Ints]]:
        pair = np.flatnonzero(track[1:] == track[:-1])
        yield time[pair], time[pair + 1], boxes[pair], boxes[pair + 1], who[pair]
        ends = np.flatnonzero(np.append(track[1:] != track[:-1], True)) if len(track) else np.empty(0, np.intp)
        yield time[ends], time[ends] + step / 2, boxes[ends], boxes[ends], who[ends]

    return Places.of(spans())


def hidden(faces: pd.DataFrame, frames: pd.DataFrame) -> Places:
    """Wherever a face was found, or may have been without being found: more rather than less."""
    times, camera = frames["time"].to_numpy(np.float64), camera_path(frames)
    none = faces["track"].isna().to_numpy()
    # A face of no track is a track of its own here.
    faces = faces.assign(track=np.where(none, -1 - np.arange(len(faces)), faces["track"].fillna(0)))
    faces = faces.sort_values(["track", "time"], kind="stable")
    track, time, boxes, who = _arrays(faces)
    boxes = _larger(boxes)
    begins = np.flatnonzero(np.append(True, track[1:] != track[:-1])) if len(track) else np.empty(0, np.intp)
    ends = np.append(begins[1:], len(track)) - 1 if len(track) else begins

    def spans() -> Iterator[tuple[Floats, Floats, Floats, Floats, Ints]]:
        pair = np.flatnonzero(track[1:] == track[:-1])
        yield time[pair], time[pair + 1], boxes[pair], boxes[pair + 1], who[pair]
        before, after = _holds(time[begins], time[ends], who[begins])
        for face, hold in zip(begins, before, strict=True):
            yield _held(boxes[face], time[face], time[face] - hold, time[face], times, camera)
        for face, hold in zip(ends, after, strict=True):
            yield _held(boxes[face], time[face], time[face], time[face] + hold, times, camera)

    return Places.of(spans())


def squares(regions: pd.DataFrame, frames: pd.DataFrame, end: float) -> Places:
    """Squares (x, y, size: px of the first frame), going along with the camera from 0 to `end` s."""
    times, camera = frames["time"].to_numpy(np.float64), camera_path(frames)
    middles, half = regions[["x", "y"]].to_numpy(np.float64), regions[["size"]].to_numpy(np.float64) / 2
    first = times[0] if len(times) else 0.0
    return Places.of(
        _held(box, first, 0.0, end, times, camera) for box in np.hstack([middles - half, middles + half])
    )


def camera_path(frames: pd.DataFrame) -> Floats:
    """(m, 3, 3) from the first frame's pixels to each frame's; the camera stands still where that is unknown."""
    path = np.tile(np.eye(3), (len(frames), 1, 1))
    for i, (a, b, x, y) in enumerate(frames[[f"camera_{name}" for name in "abxy"]].to_numpy(np.float64)):
        if i:
            step = np.array([[a, -b, x], [b, a, y], [0, 0, 1]])
            path[i] = step @ path[i - 1] if np.isfinite(step).all() else path[i - 1]
    return path


def _arrays(faces: pd.DataFrame) -> tuple[Ints, Floats, Floats, Ints]:
    boxes = faces[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    who = faces["student"].fillna(-1).to_numpy(np.int64)
    return faces["track"].to_numpy(np.int64), faces["time"].to_numpy(np.float64), boxes, who


def _larger(boxes: Floats) -> Floats:
    more = AROUND * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    larger: Floats = boxes + np.hstack([-more, -more, more, more])
    return larger


def _holds(first: Floats, last: Floats, who: Ints) -> tuple[Floats, Floats]:
    """How long each track's face is held before it and after it, s."""
    before, after = np.full(len(first), HOLD), np.full(len(first), HOLD)
    order = np.lexsort((first, who))
    for one, other in pairwise(order):
        gap = first[other] - last[one]
        if who[one] == who[other] >= 0 and HOLD < gap <= STAY:
            after[one] = before[other] = gap
    return before, after


def _held(
    box: Floats, at: float, start: float, stop: float, times: Floats, camera: Floats
) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """Spans of a box of the moment `at` from `start` to `stop`, going along with the camera."""
    inner = np.arange(np.searchsorted(times, start, "right"), np.searchsorted(times, stop, "left"))
    moments = np.concatenate([[start], times[inner], [stop]])
    frame = np.clip(np.searchsorted(times, moments, "right") - 1, 0, len(times) - 1)
    home = np.linalg.inv(camera[np.clip(np.searchsorted(times, at, "right") - 1, 0, len(times) - 1)])
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    middles = (camera[frame] @ home @ np.append(middle, 1))[:, :2]
    boxes = np.hstack([middles - half, middles + half])
    return moments[:-1], moments[1:], boxes[:-1], boxes[1:], np.full(len(moments) - 1, -1, np.int64)
