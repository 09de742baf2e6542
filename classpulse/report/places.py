"""Face boxes at any time: interpolated between sampled frames, and held where a detection may be missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.faces import Faces
from tracking.camera import warp_boxes
from tracking.path import CameraPath

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: start and stop, s, first and last box, px, and student: one element of each array a span.
Spans = tuple[Floats, Floats, Floats, Floats, Ints]

#: A detected face is hidden for so many seconds before and after, at its place: missed detections must not
#: uncover it.
HOLD = 2.0
#: The same between two detections of one student, s: a student who bows over the desk stays in place.
STAY = 10.0
#: Hidden around a face, in its sizes: hair and chin, and what it may move between two samples.
AROUND = 0.35


class Places:
    """Spans of time in which a box moves in a straight line from one place to another."""

    def __init__(self, start: Floats, stop: Floats, first: Floats, last: Floats, student: Ints) -> None:
        order = np.argsort(start, kind="stable")
        self.start, self.stop = start[order], stop[order]
        self.first, self.last, self.student = first[order], last[order], student[order]
        self._longest = float((stop - start).max(initial=0.0))

    def at(self, time: float) -> tuple[Floats, Ints]:
        """(n, 4) boxes at `time` (s), and their students (n,), -1 if unassigned."""
        since = np.searchsorted(self.start, time - self._longest, "left")
        until = np.searchsorted(self.start, time, "right")
        active = np.arange(since, until)[self.stop[since:until] > time]
        along = ((time - self.start[active]) / (self.stop[active] - self.start[active]))[:, np.newaxis]
        return self.first[active] + along * (self.last[active] - self.first[active]), self.student[active]

    @classmethod
    def of(cls, spans: Iterator[Spans]) -> Places:
        """The concatenation of several spans (start, stop, first, last, student)."""
        empty = np.empty(0), np.empty(0), np.empty((0, 4)), np.empty((0, 4)), np.empty(0, np.int64)
        return cls(*map(np.concatenate, zip(empty, *spans, strict=True)))


class Camera:
    """Times of the sampled frames, and the camera's path between them."""

    def __init__(self, times: Floats, path: CameraPath) -> None:
        if len(times) != len(path):
            raise ValueError(f"{len(times)} times of {len(path)} frames")
        self.times = times
        self.section = path.section
        self.step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        """Median interval of the sampled frames, s."""
        self._to_first, self._from_first = path.to_first, path.from_first

    def frame_at(self, time: Floats) -> Ints:
        """(k,) index of the last frame at or before each time (k,), s; 0 before the first frame."""
        return np.clip(np.searchsorted(self.times, time, "right") - 1, 0, len(self.times) - 1)

    def held(self, box: Floats, at: float, start: float, stop: float) -> Iterator[Spans]:
        """Spans of a box (4,) of the frame at `at` from `start` to `stop`, s, moving with the camera.

        Where the camera's motion is an estimate, the time of the move between the two frames is unknown: the box is
        held in both places then.
        """
        inner = np.arange(np.searchsorted(self.times, start, "right"), np.searchsorted(self.times, stop, "left"))
        times = np.concatenate([[start], self.times[inner], [stop]])
        frame = self.frame_at(times)
        in_first = warp_boxes(box[np.newaxis], self._to_first[self.frame_at(np.array([at]))])
        boxes = warp_boxes(np.repeat(in_first, len(frame), axis=0), self._from_first[frame])
        unassigned = np.full(len(times) - 1, -1, np.int64)
        yield times[:-1], times[1:], boxes[:-1], boxes[1:], unassigned
        jumps = np.flatnonzero(np.diff(self.section[frame]))
        yield times[jumps], times[jumps + 1], boxes[jumps], boxes[jumps], unassigned[jumps]
        yield times[jumps], times[jumps + 1], boxes[jumps + 1], boxes[jumps + 1], unassigned[jumps]


def shown(faces: Faces, step: float, end: float = np.inf) -> Places:
    """The faces of tracks, each from its first to its last face and half a `step` (s, between samples) beyond.

    `faces` have boxes_xyxy, time, track and student. Faces of the last sampled frame, at `end` (s), are there for a
    whole step, as long as that frame lasts: no later one shows that they are gone.
    """
    tracked = _by_track(faces.take(faces.track >= 0))
    track, time, boxes, student = tracked.track, tracked.time, tracked.exact("boxes_xyxy"), tracked.student

    def spans() -> Iterator[Spans]:
        pair = np.flatnonzero(track[1:] == track[:-1])
        yield time[pair], time[pair + 1], boxes[pair], boxes[pair + 1], student[pair]
        ends = np.flatnonzero(np.append(track[1:] != track[:-1], True)) if len(track) else np.empty(0, np.intp)
        beyond = np.where(time[ends] >= end, step, step / 2)
        yield time[ends], time[ends] + beyond, boxes[ends], boxes[ends], student[ends]

    return Places.of(spans())


def hidden(faces: Faces, camera: Camera) -> Places:
    """Every place of a face, detected or possibly missed, with a generous margin; `faces` as in `shown`."""
    # An unassigned face counts as a track with a key of its own.
    without_track = faces.track < 0
    track_key = np.where(without_track, -1 - np.arange(len(faces)), faces.track)
    order = np.lexsort((faces.time, track_key))
    track, faces = track_key[order], faces.take(order)
    time, student, boxes = faces.time, faces.student, _larger(faces.exact("boxes_xyxy"))
    begins = np.flatnonzero(np.append(True, track[1:] != track[:-1])) if len(track) else np.empty(0, np.intp)
    ends = np.append(begins[1:], len(track)) - 1 if len(track) else begins

    def spans() -> Iterator[Spans]:
        pair = np.flatnonzero(track[1:] == track[:-1])
        yield time[pair], time[pair + 1], boxes[pair], boxes[pair + 1], student[pair]
        section = camera.section[camera.frame_at(time)]
        jump = pair[section[pair] != section[pair + 1]]
        for place in (jump, jump + 1):
            yield time[jump], time[jump + 1], boxes[place], boxes[place], student[jump]
        before, after = _holds(time[begins], time[ends], student[begins])
        for face, hold in zip(begins, before, strict=True):
            yield from camera.held(boxes[face], time[face], time[face] - hold, time[face])
        for face, hold in zip(ends, after, strict=True):
            yield from camera.held(boxes[face], time[face], time[face], time[face] + hold)

    return Places.of(spans())


def squares(regions: Floats, camera: Camera) -> Places:
    """Squares (k, 3) of x, y and side, px of the first frame, moving with the camera over the whole recording."""
    if not len(camera.times):
        return Places.of(iter(()))
    first, end = float(camera.times[0]), float(camera.times[-1]) + camera.step + 1

    def spans() -> Iterator[Spans]:
        for box in boxes_of(regions):
            yield from camera.held(box, first, 0.0, end)

    return Places.of(spans())


def boxes_of(regions: Floats) -> Floats:
    """(k, 4) boxes of squares (k, 3) of x, y and side, px."""
    middles, half = regions[:, :2], regions[:, 2:] / 2
    return np.hstack([middles - half, middles + half])


def _by_track(faces: Faces) -> Faces:
    return faces.take(np.lexsort((faces.time, faces.track)))


def _larger(boxes: Floats) -> Floats:
    more = AROUND * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    larger: Floats = boxes + np.hstack([-more, -more, more, more])
    return larger


def _holds(first: Floats, last: Floats, student: Ints) -> tuple[Floats, Floats]:
    """How long each track's face is held before it and after it, s."""
    before, after = np.full(len(first), HOLD), np.full(len(first), HOLD)
    order = np.lexsort((first, student))
    for earlier, later in pairwise(order):
        gap = first[later] - last[earlier]
        if student[earlier] == student[later] >= 0 and HOLD < gap <= STAY:
            after[earlier] = before[later] = gap
    return before, after
