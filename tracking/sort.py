"""The tracker: predict, associate, update, births and deaths, after SORT (Bewley et al. 2016, arXiv:1602.00763)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracking.association import iou, match
from tracking.kalman import SORT_NOISE, BoxFilter, Noise

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class Track:
    """One track and its life: tentative until it has `min_hits` faces, then confirmed, ended after `max_age`."""

    def __init__(self, number: int, time: float, box: Floats, noise: Noise) -> None:
        self.number = number
        self.last_time = time
        self.hits = 1
        self.streak = 0
        """Frames in a row with a face, the one at birth not counted (so SORT counts)."""
        self._time = time
        self._filter = BoxFilter(box, noise)

    @property
    def box(self) -> Floats:
        """(4,) where its face is, or is expected."""
        return self._filter.box

    def predict(self, time: float) -> None:
        """Move on to `time`."""
        if self.last_time < self._time:
            self.streak = 0
        self._filter.predict(time - self._time)
        self._time = time

    def hit(self, box: Floats) -> None:
        """Take the face of this moment."""
        self._filter.update(box)
        self.last_time = self._time
        self.hits += 1
        self.streak += 1


class Tracker:
    """Follows faces frame by frame, live or over stored rows, in any unit of time.

    A track that has had no face for more than `max_age` is dead. (SORT counts frames without a face instead: its
    max_age of 1 is a `max_age` of two frames here.)
    """

    def __init__(
        self, *, min_hits: int = 3, max_age: float = 1.0, iou_threshold: float = 0.3, noise: Noise = SORT_NOISE
    ) -> None:
        self.min_hits = min_hits
        self.max_age = max_age
        self.iou_threshold = iou_threshold
        self.noise = noise
        self.tracks: list[Track] = []
        """The living, in order of birth."""
        self.time = -np.inf
        self._born = 0

    def update(self, time: float, boxes: Floats) -> Indices:
        """(n,) the number of the track that each box (n, 4) of the frame at `time` belongs to, new tracks included.

        Numbers are given at birth, from 0, and never twice. Whether a track has been confirmed is asked of it
        later: its first faces are then known already. Raises ValueError if `time` is not after the last one, or a box is
        not finite or has no area.
        """
        boxes = _checked(boxes)
        if not time > self.time:
            raise ValueError(f"the frame at {time} does not come after the one at {self.time}")
        self.time = time
        order = np.lexsort(boxes.T)  # so that nothing depends on the order of the rows
        self.tracks = [track for track in self.tracks if time - track.last_time <= self.max_age]
        for track in self.tracks:
            track.predict(time)
        predicted = np.array([track.box for track in self.tracks]).reshape(-1, 4)
        pairs = match(iou(predicted, boxes[order]), self.iou_threshold)
        numbers = np.empty(len(boxes), np.int64)
        for row, column in zip(pairs.rows, order[pairs.columns], strict=True):
            self.tracks[row].hit(boxes[column])
            numbers[column] = self.tracks[row].number
        for column in order[pairs.unmatched_columns]:
            self.tracks.append(Track(self._born, time, boxes[column], self.noise))
            numbers[column] = self._born
            self._born += 1
        return numbers


def _checked(boxes: npt.ArrayLike) -> Floats:
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    good = np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    if not good.all():
        raise ValueError(f"box {boxes[~good][0].tolist()} is not finite with x1 < x2 and y1 < y2")
    return boxes


def follow(
    frame_times: npt.ArrayLike,
    frame_of_face: npt.ArrayLike,
    boxes: npt.ArrayLike,
    *,
    min_hits: int = 3,
    max_age: float = 1.0,
    iou_threshold: float = 0.3,
) -> Indices:
    """(n,) int64 track number of every face, -1 for the faces of tracks that never reached `min_hits` faces.

    `frame_times` is (m,) float64 seconds, ascending, one for every sampled frame, also those without a face;
    `frame_of_face` (n,) indexes into it; `boxes` is (n, 4) as (x1, y1, x2, y2). A confirmed track keeps the faces
    from before it was confirmed. Tracks are numbered 0, 1, ... in order of their first face. A pure function of the
    rows, whatever their order. Raises ValueError as `Tracker.update` does, and for an index out of range.
    """
    times = np.asarray(frame_times, np.float64)
    frame = np.asarray(frame_of_face, np.int64)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    if len(frame) != len(boxes):
        raise ValueError(f"{len(frame)} frames of faces, but {len(boxes)} boxes")
    if len(frame) and not (frame.min() >= 0 and frame.max() < len(times)):
        raise ValueError(
            f"frame_of_face reaches from {frame.min()} to {frame.max()}, but there are {len(times)} frames"
        )
    tracker = Tracker(min_hits=min_hits, max_age=max_age, iou_threshold=iou_threshold)
    order = np.argsort(frame, kind="stable")
    starts = np.searchsorted(frame[order], np.arange(len(times) + 1))
    numbers = np.full(len(frame), -1, np.int64)
    for i, time in enumerate(times):
        rows = order[starts[i] : starts[i + 1]]
        numbers[rows] = tracker.update(time, boxes[rows])
    return _keep_confirmed(numbers, min_hits)


def _keep_confirmed(numbers: Indices, min_hits: int) -> Indices:
    """Renumber the tracks of `min_hits` faces or more to 0, 1, ...; the faces of the others get -1."""
    faces_of = np.bincount(numbers) if len(numbers) else np.empty(0, np.int64)
    confirmed = faces_of >= min_hits
    renumbered = np.where(confirmed, np.cumsum(confirmed) - 1, -1)
    return renumbered[numbers] if len(numbers) else numbers
