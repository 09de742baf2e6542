"""Where every face is at any time: between the sampled frames, and where it may be though nobody found it."""

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
#: start and stop, s, first and last box, px, and the student of some spans.
Spans = tuple[Floats, Floats, Floats, Floats, Ints]

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
    def of(cls, spans: Iterator[Spans]) -> Places:
        """All of some (start, stop, first, last, who)."""
        none = np.empty(0), np.empty(0), np.empty((0, 4)), np.empty((0, 4)), np.empty(0, np.int64)
        return cls(*map(np.concatenate, zip(none, *spans, strict=True)))


class Camera:
    """When frames were sampled, and what the camera's path is between them."""

    def __init__(self, times: Floats, path: CameraPath) -> None:
        if len(times) != len(path):
            raise ValueError(f"{len(times)} times of {len(path)} frames")
        self.times = times
        self.section = path.section
        self.step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        """Seconds from one sampled frame to the next, as a rule."""
        self._to_first, self._from_first = path.to_first, path.from_first

    def frame_at(self, time: Floats) -> Ints:
        """(k,) the last frame until each time (k,), s; the first one before it."""
        return np.clip(np.searchsorted(self.times, time, "right") - 1, 0, len(self.times) - 1)

    def held(self, box: Floats, at: float, start: float, stop: float) -> Iterator[Spans]:
        """Spans of a box (4,) of the frame at `at` from `start` to `stop`, s, going along with the camera.

        Where the camera's motion is an estimate, the time of the move between the two frames is unknown: the box is
        held in both places then.
        """
        inner = np.arange(np.searchsorted(self.times, start, "right"), np.searchsorted(self.times, stop, "left"))
        times = np.concatenate([[start], self.times[inner], [stop]])
        frame = self.frame_at(times)
        in_first = warp_boxes(box[np.newaxis], self._to_first[self.frame_at(np.array([at]))])
        boxes = warp_boxes(np.repeat(in_first, len(frame), axis=0), self._from_first[frame])
        nobody = np.full(len(times) - 1, -1, np.int64)
        yield times[:-1], times[1:], boxes[:-1], boxes[1:], nobody
        jumps = np.flatnonzero(np.diff(self.section[frame]))
        yield times[jumps], times[jumps + 1], boxes[jumps], boxes[jumps], nobody[jumps]
        yield times[jumps], times[jumps + 1], boxes[jumps + 1], boxes[jumps + 1], nobody[jumps]


def shown(faces: Faces, step: float) -> Places:
    """The faces of tracks, from the first to the last one of each and half a `step` (s, between samples) beyond.

    `faces` have boxes_xyxy, time, track and student.
    """
    tracked = _by_track(faces.take(faces.track >= 0))
    track, time, boxes, who = tracked.track, tracked.time, tracked.exact("boxes_xyxy"), tracked.student

    def spans() -> Iterator[Spans]:
        pair = np.flatnonzero(track[1:] == track[:-1])
        yield time[pair], time[pair + 1], boxes[pair], boxes[pair + 1], who[pair]
        ends = np.flatnonzero(np.append(track[1:] != track[:-1], True)) if len(track) else np.empty(0, np.intp)
        yield time[ends], time[ends] + step / 2, boxes[ends], boxes[ends], who[ends]

    return Places.of(spans())


def hidden(faces: Faces, camera: Camera) -> Places:
    """Wherever a face was found, or may have been without being found: more rather than less; `faces` as above."""
    # A face of no track is a track of its own here.
    of_none = faces.track < 0
    own = np.where(of_none, -1 - np.arange(len(faces)), faces.track)
    order = np.lexsort((faces.time, own))
    track, faces = own[order], faces.take(order)
    time, who, boxes = faces.time, faces.student, _larger(faces.exact("boxes_xyxy"))
    begins = np.flatnonzero(np.append(True, track[1:] != track[:-1])) if len(track) else np.empty(0, np.intp)
    ends = np.append(begins[1:], len(track)) - 1 if len(track) else begins

    def spans() -> Iterator[Spans]:
        pair = np.flatnonzero(track[1:] == track[:-1])
        yield time[pair], time[pair + 1], boxes[pair], boxes[pair + 1], who[pair]
        section = camera.section[camera.frame_at(time)]
        jump = pair[section[pair] != section[pair + 1]]
        for place in (jump, jump + 1):
            yield time[jump], time[jump + 1], boxes[place], boxes[place], who[jump]
        before, after = _holds(time[begins], time[ends], who[begins])
        for face, hold in zip(begins, before, strict=True):
            yield from camera.held(boxes[face], time[face], time[face] - hold, time[face])
        for face, hold in zip(ends, after, strict=True):
            yield from camera.held(boxes[face], time[face], time[face], time[face] + hold)

    return Places.of(spans())


def squares(regions: Floats, camera: Camera) -> Places:
    """Squares (k, 3) of x, y and side, px of the first frame, going along with the camera as long as it runs."""
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


def _holds(first: Floats, last: Floats, who: Ints) -> tuple[Floats, Floats]:
    """How long each track's face is held before it and after it, s."""
    before, after = np.full(len(first), HOLD), np.full(len(first), HOLD)
    order = np.lexsort((first, who))
    for one, other in pairwise(order):
        gap = first[other] - last[one]
        if who[one] == who[other] >= 0 and HOLD < gap <= STAY:
            after[one] = before[other] = gap
    return before, after
