"""The tracker: predict, associate, update, births and deaths, after SORT (Bewley et al. 2016, arXiv:1602.00763).

Beyond SORT it goes along with the camera, lets no weak face start a track (as ByteTrack, Zhang et al. 2022), and
looks for lost faces where they were last seen too (OC-SORT's recovery, Cao et al. 2023). Tried on the footage of
benchmarks/tracking.py and left out, since they gained nothing: ByteTrack's second round of association for weak
faces, larger boxes, velocities that die away, size as a cost, thresholds before the assignment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracking.association import iou, match
from tracking.camera import STILL, Camera, moved, zoom
from tracking.kalman import FACE_NOISE, BoxFilter, Noise, boxes_of

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class Track:
    """One track and its life, which begins with a face and goes on from hit to hit."""

    def __init__(self, number: int, time: float, box: Floats, noise: Noise) -> None:
        self.number = number
        self.last_time = time
        self.last_box = box
        """(4,) its last face, where that would be in the present frame."""
        self.hits = 1
        self.streak = 0
        """Frames in a row with a face, the one at birth not counted (so SORT counts)."""
        self._time = time
        self._filter = BoxFilter(box, noise)

    @property
    def state(self) -> Floats:
        """(7,) the filter's, of this moment."""
        return self._filter.state

    @property
    def box(self) -> Floats:
        """(4,) where its face is, or is expected."""
        return self._filter.box

    def move(self, affine: Floats, zoom: float) -> None:
        """Go along with the camera; the owner moves `last_box`, all tracks' at once."""
        self._filter.move(affine, zoom)

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
        self.last_box = box
        self.hits += 1
        self.streak += 1


class Tracker:
    """Follows faces frame by frame, live or over stored rows.

    A track that has had no face for more than `max_age` seconds is dead. `birth_score` is the lowest score of a
    face that may start a track; weaker ones continue one. With `recover`, faces left over are compared with where
    the tracks left over were last seen.

    SORT itself is `noise=SORT_NOISE, birth_score=0, recover=False` with time counted in frames; it counts missed
    frames, so its max_age of 1 is a `max_age` of 2.
    """

    def __init__(
        self,
        *,
        max_age: float = 1.0,
        iou_threshold: float = 0.3,
        birth_score: float = 0.9,
        recover: bool = True,
        noise: Noise = FACE_NOISE,
    ) -> None:
        self.max_age = max_age
        self.iou_threshold = iou_threshold
        self.birth_score = birth_score
        self.recover = recover
        self.noise = noise
        self.tracks: list[Track] = []
        """The living, in order of birth."""
        self.time = -np.inf
        self.step = STILL
        """(2, 3) the camera's motion from the previous frame to this one, as it was taken to be."""
        self._camera = Camera()
        self._born = 0

    def update(
        self, time: float, boxes: npt.ArrayLike, scores: npt.ArrayLike | None = None, motion: Floats | None = None
    ) -> Indices:
        """(n,) the number of the track of each face of the frame at `time`, -1 for one too weak to start its own.

        `boxes` (n, 4) as (x1, y1, x2, y2); `scores` (n,), 1 by default; `motion` (2, 3) the affine from the
        previous frame to this one, NaN where unknown. Tracks are numbered at birth, from 0, and no number is given
        twice; which of them will last is known only later. Raises ValueError if `time` is not after the last one,
        or a box is not finite or has no area.
        """
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        scores = np.ones(len(boxes)) if scores is None else np.asarray(scores, np.float64)
        good = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        if not good.all():
            raise ValueError(f"box {boxes[~good][0].tolist()} is not finite with x1 < x2 and y1 < y2")
        if not time > self.time:
            raise ValueError(f"the frame at {time} does not come after the one at {self.time}")
        self.time = time
        self.tracks = [track for track in self.tracks if time - track.last_time <= self.max_age]
        self.step = self._camera.update(motion, boxes)
        self._follow_camera(self.step)
        for track in self.tracks:
            track.predict(time)

        numbers = np.full(len(boxes), -1, np.int64)
        tracks = np.arange(len(self.tracks))
        faces = np.lexsort((scores, *boxes.T))  # so that nothing depends on the order of the rows
        predicted = boxes_of(np.array([track.state for track in self.tracks]).reshape(-1, 7))
        tracks, faces = self._link(predicted, tracks, faces, boxes, numbers)
        if self.recover and len(tracks) and len(faces):
            last_seen = np.array([track.last_box for track in self.tracks])
            tracks, faces = self._link(last_seen, tracks, faces, boxes, numbers)
        for face in faces[scores[faces] >= self.birth_score]:
            self.tracks.append(Track(self._born, time, boxes[face], self.noise))
            numbers[face] = self._born
            self._born += 1
        return numbers

    def _link(
        self, expected: Floats, tracks: Indices, faces: Indices, boxes: Floats, numbers: Indices
    ) -> tuple[Indices, Indices]:
        """Hit those of `tracks` whose `expected` box overlaps one of `faces`; returns the rest of both."""
        pairs = match(iou(expected[tracks], boxes[faces]), self.iou_threshold)
        for row, column in zip(tracks[pairs.rows], faces[pairs.columns], strict=True):
            self.tracks[row].hit(boxes[column])
            numbers[column] = self.tracks[row].number
        return tracks[pairs.unmatched_rows], faces[pairs.unmatched_columns]

    def _follow_camera(self, affine: Floats) -> None:
        if not self.tracks or np.array_equal(affine, STILL):
            return
        last_seen = moved(np.array([track.last_box for track in self.tracks]), affine)
        larger = float(zoom(affine))
        for track, box in zip(self.tracks, last_seen, strict=True):
            track.move(affine, larger)
            track.last_box = box


def follow(
    frame_times: npt.ArrayLike,
    frame_of_face: npt.ArrayLike,
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike | None = None,
    *,
    motion: npt.ArrayLike | None = None,
    min_hits: int = 3,
    max_age: float = 1.0,
    iou_threshold: float = 0.3,
    birth_score: float = 0.9,
    sure_score: float = 0.0,
) -> Indices:
    """(n,) int64 track number of every face, -1 for none: a weak face, or a track without `min_hits` sure ones.

    `frame_times` is (m,) float64 seconds, ascending, one for every sampled frame, also those without a face;
    `frame_of_face` (n,) indexes into it; `boxes` is (n, 4) as (x1, y1, x2, y2), `scores` (n,); `motion` is (m, 2,
    3), the affine from the previous frame's pixels to this one's, NaN where unknown (the first is not looked at). A
    track keeps the faces from before it was confirmed. A face is sure from `sure_score` on; weaker ones, which a
    detector gives for trackers alone, bridge gaps: what was once taken for a face may be half of one ever after.
    Tracks are numbered 0, 1, ... in order of birth. A pure function of the rows, whatever their order. Raises
    ValueError as `Tracker.update` does, and for an index out of range.
    """
    times = np.asarray(frame_times, np.float64)
    frame = np.asarray(frame_of_face, np.int64)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    scores = np.ones(len(boxes)) if scores is None else np.asarray(scores, np.float64)
    if not len(frame) == len(boxes) == len(scores):
        raise ValueError(f"{len(frame)} frames of faces, {len(boxes)} boxes and {len(scores)} scores")
    if len(frame) and not (frame.min() >= 0 and frame.max() < len(times)):
        raise ValueError(f"frame_of_face is {frame.min()} to {frame.max()}, but there are {len(times)} frames")
    steps = None if motion is None else np.asarray(motion, np.float64).reshape(len(times), 2, 3)
    tracker = Tracker(max_age=max_age, iou_threshold=iou_threshold, birth_score=birth_score)
    order = np.argsort(frame, kind="stable")
    starts = np.searchsorted(frame[order], np.arange(len(times) + 1))
    numbers = np.full(len(frame), -1, np.int64)
    for i, time in enumerate(times):
        rows = order[starts[i] : starts[i + 1]]
        step = None if steps is None or i == 0 else steps[i]
        numbers[rows] = tracker.update(time, boxes[rows], scores[rows], step)
    return _confirmed(numbers, scores >= sure_score, min_hits)


def _confirmed(numbers: Indices, sure: npt.NDArray[np.bool_], min_hits: int) -> Indices:
    """Renumber the tracks of `min_hits` sure faces or more to 0, 1, ...; the faces of the others get -1."""
    faces = np.bincount(numbers + 1, sure)[1:]
    lasting = faces >= min_hits
    renumbered = np.append(np.where(lasting, np.cumsum(lasting) - 1, -1), -1)  # the last is for -1 itself
    return renumbered[numbers]
