"""Multi-object tracking: predict, associate, update, start and end tracks, after SORT (Bewley et al. 2016).

https://arxiv.org/abs/1602.00763. Beyond SORT it compensates for camera motion, starts no track at a low score
(ByteTrack, Zhang et al. 2022), and continues none with a face of quite another size. Faces that are left over are
associated with the last boxes of the tracks that are left over (recovery of OC-SORT, Cao et al. 2023), unless a
track had moved on from there; then with tracks of a single face, from a little further off. Tried on the footage of
benchmarks/tracking.py and left out, since they gained nothing: ByteTrack's second association for low scores,
larger boxes, velocities that decay, size as a cost, thresholds before the assignment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracking.association import iou, match
from tracking.camera import IDENTITY, Camera, centres, scale_of, sizes, warp_boxes
from tracking.confirmation import faces_needed, sampling_interval
from tracking.kalman import FACE_NOISE, BoxFilter, Noise, boxes_of
from tracking.passing import lines_of_faces

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Standard deviations of the filter's prediction within which a face is where the track should be.
PLAUSIBLE = 3.0
#: A track that should be no further than this from its last face, in face sizes, has not moved: heads come back.
UNMOVED = 0.5
#: How far from the only face of a track the next one may be, in face sizes, if no boxes overlap: of somebody who
#: walks, as long as nothing is known of the speed.
REACH = 0.7
#: Largest difference of the logarithms of the sizes of a track's last face and of its next.
MAX_GROWTH = 0.5
#: Faces that somebody who passes by needs beyond those of a track: nothing but the pace says that they are one.
PASSING = 1


class Track:
    """One track: its motion model and its last detection. Boxes are (4,) x1, y1, x2, y2, px; times are seconds."""

    def __init__(self, number: int, time: float, box: Floats, noise: Noise) -> None:
        self.number = number
        self.last_time = time
        self.last_box = box
        """(4,) its last face, in the pixels of the current frame."""
        self.streak = 0
        """Consecutive frames with a face, the first one not counted (as in SORT)."""
        self.faces = 1
        self._time = time
        self._filter = BoxFilter(box, noise)

    @property
    def state(self) -> Floats:
        """(7,) state of the filter at the current time."""
        return self._filter.state

    @property
    def box(self) -> Floats:
        """(4,) the filter's estimate of the face at the current time."""
        return self._filter.box

    @property
    def deviation(self) -> float:
        """Standard deviation of where a face is from where the filter expects it, in face sizes."""
        return self._filter.deviation

    def warp(self, affine: Floats, scale: float) -> None:
        """Compensate the filter for camera motion; the owner warps `last_box`, of all tracks at once."""
        self._filter.warp(affine, scale)

    def predict(self, time: float) -> None:
        """Predict the state at `time`."""
        if self.last_time < self._time:
            self.streak = 0
        self._filter.predict(time - self._time)
        self._time = time

    def update(self, box: Floats) -> None:
        """Add the face `box` (4,) of the current frame."""
        self._filter.update(box)
        self.last_time = self._time
        self.last_box = box
        self.streak += 1
        self.faces += 1


class Tracker:
    """Tracks faces frame by frame, live or from stored rows.

    A track without a face for more than `max_age` seconds ends. `birth_score` is the lowest score of a face that
    may start a track; lower ones only continue one. With `recover`, faces that are left over are compared with the
    last boxes of the tracks that are left over.

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
        """Tracks that have not ended, oldest first."""
        self.time = -np.inf
        self.step = IDENTITY
        """(2, 3) the camera's motion from the previous frame to this one, as it was compensated for."""
        self._camera = Camera()
        self._started = 0

    def update(
        self, time: float, boxes: npt.ArrayLike, scores: npt.ArrayLike | None = None, motion: Floats | None = None
    ) -> Indices:
        """(n,) the track of each face of the frame at `time` (s), -1 for one that neither continues nor starts one.

        `boxes` is (n, 4) x1, y1, x2, y2, px; `scores` (n,), 1 by default; `motion` the (2, 3) affine from the
        previous frame to this one, NaN where unknown. Tracks are numbered from 0 as they start, and no number is
        used twice; which of them are long enough is known only later. Raises ValueError if `time` is not after the
        last one, or a box is not finite or has no area.
        """
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        scores = np.ones(len(boxes)) if scores is None else np.asarray(scores, np.float64)
        valid = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        if not valid.all():
            raise ValueError(f"box {boxes[~valid][0].tolist()} is not finite with x1 < x2 and y1 < y2")
        if not time > self.time:
            raise ValueError(f"the frame at {time} does not come after the one at {self.time}")
        self.time = time
        self.tracks = [track for track in self.tracks if time - track.last_time <= self.max_age]
        self.step = self._camera.update(motion, boxes)
        self._compensate(self.step)
        for track in self.tracks:
            track.predict(time)

        numbers = np.full(len(boxes), -1, np.int64)
        tracks = np.arange(len(self.tracks))
        faces = np.lexsort((scores, *boxes.T))  # so that the result does not depend on the order of the rows
        predicted = boxes_of(np.array([track.state for track in self.tracks]).reshape(-1, 7))
        last = np.array([track.last_box for track in self.tracks]).reshape(-1, 4)
        same_size = _log_ratios(sizes(last), sizes(boxes)) < MAX_GROWTH
        overlap = iou(predicted, boxes) * same_size
        tracks, faces = self._associate(overlap, self.iou_threshold, tracks, faces, boxes, numbers)
        if self.recover and len(tracks) and len(faces):
            size = sizes(last)
            away = np.linalg.norm(centres(predicted)[:, None] - centres(boxes)[None, :], axis=2) / size[:, None]
            plausible = away < PLAUSIBLE * np.array([track.deviation for track in self.tracks])[:, None]
            unmoved = np.linalg.norm(centres(predicted) - centres(last), axis=1) < UNMOVED * size
            overlap = iou(last, boxes) * (same_size & (plausible | unmoved[:, None]))
            tracks, faces = self._associate(overlap, self.iou_threshold, tracks, faces, boxes, numbers)
            new = np.array([track.faces == 1 for track in self.tracks])
            nearness = np.where(plausible & same_size & new[:, None], 1 - away / REACH, 0.0)
            tracks, faces = self._associate(np.maximum(nearness, 0), 1e-9, tracks, faces, boxes, numbers)
        for face in faces[scores[faces] >= self.birth_score]:
            self.tracks.append(Track(self._started, time, boxes[face], self.noise))
            numbers[face] = self._started
            self._started += 1
        return numbers

    def cut(self) -> None:
        """End all tracks, and forget where the camera was: the next frame shows another picture, or time."""
        self.tracks, self._camera = [], Camera()

    def _associate(
        self, score: Floats, least: float, tracks: Indices, faces: Indices, boxes: Floats, numbers: Indices
    ) -> tuple[Indices, Indices]:
        """Update those of `tracks` that one of `faces` fits by `score` (t, n); returns the unmatched of both."""
        pairs = match(score[np.ix_(tracks, faces)], least)
        for row, column in zip(tracks[pairs.rows], faces[pairs.columns], strict=True):
            self.tracks[row].update(boxes[column])
            numbers[column] = self.tracks[row].number
        return tracks[pairs.unmatched_rows], faces[pairs.unmatched_columns]

    def _compensate(self, affine: Floats) -> None:
        """Warp every track's filter and last box by the camera's motion (2, 3)."""
        if not self.tracks or np.array_equal(affine, IDENTITY):
            return
        last_boxes = warp_boxes(np.array([track.last_box for track in self.tracks]), affine)
        scale = float(scale_of(affine))
        for track, box in zip(self.tracks, last_boxes, strict=True):
            track.warp(affine, scale)
            track.last_box = box


def track(
    frame_times: npt.ArrayLike,
    frame_of_face: npt.ArrayLike,
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike | None = None,
    *,
    motion: npt.ArrayLike | None = None,
    breaks: npt.ArrayLike = (),
    min_hits: int = 3,
    max_age: float = 1.0,
    iou_threshold: float = 0.3,
    birth_score: float = 0.9,
    sure_score: float = 0.0,
) -> Indices:
    """(n,) int64 track of every face, -1 for none: a low score, or a track with fewer than `min_hits` sure faces.

    `frame_times` is (m,) float64 seconds, ascending, one for every sampled frame, also those without a face;
    `frame_of_face` (n,) indexes into it; `boxes` is (n, 4) x1, y1, x2, y2, px; `scores` (n,), 1 by default;
    `motion` is (m, 2, 3), the affine from the previous frame's pixels to this one's, NaN where unknown (the first
    is not used); all tracks end before the frames `breaks` (k,). `min_hits` is that at 5 frames a second, at other
    rates as many as say the same (`tracking.confirmation`). A track keeps its faces from before it was confirmed.
    Faces scoring less than `sure_score`, which a detector gives for tracking alone, bridge gaps but confirm no
    track: a false positive tends to recur with low scores. Tracks are numbered 0, 1, ... as they start.
    A pure function of the rows, whatever their order. Raises ValueError as `Tracker.update` does, for arrays of
    different lengths, and for an index out of range.
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
    ending = set(np.asarray(breaks, np.int64).tolist())
    order = np.argsort(frame, kind="stable")
    starts = np.searchsorted(frame[order], np.arange(len(times) + 1))
    numbers = np.full(len(frame), -1, np.int64)
    compensated = np.tile(IDENTITY, (len(times), 1, 1))
    for i, time in enumerate(times):
        if i in ending:
            tracker.cut()
        rows = order[starts[i] : starts[i + 1]]
        step = None if steps is None or i == 0 else steps[i]
        numbers[rows] = tracker.update(time, boxes[rows], scores[rows], step)
        compensated[i] = tracker.step
    needed = faces_needed(min_hits, sampling_interval(times))
    numbers = _confirmed(numbers, scores >= sure_score, needed)
    left = np.flatnonzero(numbers < 0)
    sure = scores[left] >= sure_score
    line = lines_of_faces(times, frame[left], boxes[left], compensated, ending, sure, needed + PASSING)
    if (line < 0).all():
        return numbers
    numbers[left] = np.where(line >= 0, line + numbers.max(initial=-1) + 1, -1)
    return _by_first(numbers, frame)


def _by_first(numbers: Indices, frame: Indices) -> Indices:
    """(n,) the tracks `numbers` (n,), numbered by their first frame of `frame` (n,)."""
    first = np.full(numbers.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, numbers[numbers >= 0], frame[numbers >= 0])
    rank = np.empty(len(first) + 1, np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    rank[-1] = -1  # for -1 itself
    return rank[numbers]


def _log_ratios(a: Floats, b: Floats) -> Floats:
    """(n, m) absolute logarithms of the ratios of sizes (n,) and (m,)."""
    ratios: Floats = np.abs(np.log(a[:, None] / b[None, :]))
    return ratios


def _confirmed(numbers: Indices, confirming: npt.NDArray[np.bool_], min_hits: int) -> Indices:
    """(n,) tracks with `min_hits` or more `confirming` (n,) faces, renumbered 0, 1, ...; -1 for the other faces."""
    faces = np.bincount(numbers + 1, confirming)[1:]
    confirmed = faces >= min_hits
    renumbered = np.append(np.where(confirmed, np.cumsum(confirmed) - 1, -1), -1)  # the last is for -1 itself
    return renumbered[numbers]
