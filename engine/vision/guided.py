"""Predicts where the next frame's faces are: where they were, where something moved, once a second everywhere."""

from __future__ import annotations

from collections import deque
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engine.vision.detection import Detections, Floats, FullScan, Image, RegionsOfInterest
from engine.vision.layout import Layout, Thumbnail, similarity

#: Seconds between full scans, on average: only sampled frames can be scanned.
SCAN_INTERVAL = 1.0
#: Bands of rows, for detectors that scan in parts, and the seconds in which they all have their turn: those of
#: a scan at first, and longer ones once so many scans have been made.
BANDS, BANDS_INTERVAL, SCANS_AT_FIRST = 5, 3.0, 1
#: Side of the blocks in which change is measured, px of the reduced image; the mean difference, in levels of 255,
#: from which a block has changed; and the share of changed blocks above which the camera moved, not people.
BLOCK, CHANGED_LEVELS, MAX_CHANGED_SHARE = 16, 12.0, 0.25
#: How many changed blocks become regions of interest at most.
MAX_CHANGED_BLOCKS = 8
#: Correlation of two frames' thumbnails below which there is a cut between them.
CUT_CORRELATION = 0.5
#: Similarity of the layouts of two frames below which they show different views, and the seconds that may lie
#: between them: a fade takes some.
VIEW_SIMILARITY, VIEW_SECONDS = 0.5, 1.0
#: Seconds for which a missing face is looked for at its last place.
MISSING_SECONDS = 2.0
#: Largest distance between a face and its expected place, in face sizes, for the two to be the same face.
MATCH_DISTANCE = 0.7


class DetectionScheduler:
    """Gives the detector its regions of interest, frame by frame, from its own detections. One for each segment.

    A face is expected at its last place, extrapolated with its velocity; a missing one may reappear where it was.
    The scheduler knows no identities, and confusing one face with another does no harm: both are looked for.
    """

    def __init__(self, min_face: float) -> None:
        self.min_face = min_face
        self._time = -np.inf
        self._since_scan = 0.0
        """Seconds since the last full scan was due."""
        self._scans = 0
        """Full scans since the one of a frame of which nothing was known."""
        self._scanned = 0.0
        """Share of the height of which the bands were due, from the top."""
        self._boxes = np.empty((0, 4), np.float32)
        """(n, 4) the last box of each face, first those of the last frame, then the missing ones."""
        self._velocity = np.empty((0, 2), np.float32)
        """(n, 2) px a second, 0 for missing ones."""
        self._detected = np.empty(0, np.float64)
        """(n,) s, time of the last detection."""
        self._current = 0
        """How many of them are of the last frame."""
        self._layouts: deque[tuple[float, Layout]] = deque()
        """Times and layouts of the frames of the last VIEW_SECONDS, as far as they show the view of now."""

    def regions(
        self,
        time: float,
        previous: Image | None = None,
        current: Image | None = None,
        scale: float = 1,
        thumbnails: tuple[Thumbnail, Thumbnail] | None = None,
    ) -> RegionsOfInterest:
        """Where to look in the frame at `time` (s, ascending).

        `previous` and `current` are the last frame and this one, (h, w) grey and reduced to `scale` times their
        size; `thumbnails` are theirs, which are made where they are not given.
        """
        step = time - self._time
        if step >= SCAN_INTERVAL:
            return self._everywhere()
        expected = self._boxes + np.tile(self._velocity * np.float32(step), 2)
        changed = np.empty((0, 4), np.float32)
        if previous is not None and current is not None and min(current.shape) >= BLOCK:
            if is_cut(*(thumbnails or (previous, current))):
                return self._everywhere()
            centres = _changed_blocks(previous, current) / np.float32(scale)
            changed = self._new_regions(expected, centres, BLOCK / scale)
        missing = np.concatenate([expected[self._current :], changed])
        bands = self._bands(step)
        return RegionsOfInterest(expected[: self._current], missing, self._full_scan(step), bands)

    def update(
        self,
        time: float,
        faces: Detections,
        motion: npt.NDArray[np.float64] | None = None,
        layout: Layout | None = None,
    ) -> None:
        """Take the `faces` of the frame at `time`; `motion` (2, 3) is the camera's since the last frame.

        After a cut or a fade, which its `layout` tells, nothing is expected, and the next frame is scanned in full.
        """
        before, centres = _centres(self._boxes), _centres(faces.boxes)
        velocity = np.zeros((len(faces), 2), np.float32)
        missing = np.ones(len(before), np.bool_)
        if len(before) and len(faces):
            step = np.float32(time - self._time)
            sizes = (self._boxes[:, 2:] - self._boxes[:, :2]).max(axis=1)
            distance = np.linalg.norm(before + self._velocity * step - centres[:, np.newaxis], axis=2) / sizes
            nearest = distance.argmin(axis=1)
            matched = (distance.min(axis=1) < MATCH_DISTANCE) & (nearest < self._current)
            velocity[matched] = (centres[matched] - before[nearest[matched]]) / step
            missing = distance.min(axis=0) >= MATCH_DISTANCE
        missing &= time - self._detected < MISSING_SECONDS
        places = self._boxes[missing]
        if motion is not None and np.isfinite(motion).all():
            shift = before[missing] @ motion[:, :2].T + motion[:, 2] - before[missing]
            places = places + np.tile(shift.astype(np.float32), 2)
        self._boxes = np.concatenate([faces.boxes, places])
        self._velocity = np.concatenate([velocity, np.zeros((missing.sum(), 2), np.float32)])
        self._detected = np.concatenate([np.full(len(faces), time), self._detected[missing]])
        self._current, self._time = len(faces), time
        if layout is not None and layout.any():
            self._compare_views(time, layout)

    def _compare_views(self, time: float, layout: Layout) -> None:
        """Forget every face if the view is not that of a moment ago."""
        while self._layouts and self._layouts[0][0] < time - VIEW_SECONDS - 1e-6:
            self._layouts.popleft()
        if self._layouts and similarity(self._layouts[0][1], layout) < VIEW_SIMILARITY:
            self._layouts.clear()
            self._time, self._current = -np.inf, 0
            self._boxes, self._velocity = np.empty((0, 4), np.float32), np.empty((0, 2), np.float32)
            self._detected = np.empty(0, np.float64)
        self._layouts.append((time, layout))

    def _everywhere(self) -> RegionsOfInterest:
        """A full scan of a frame of which nothing is known; the interval starts again."""
        self._since_scan, self._scanned, self._scans = 0.0, 0.0, 0
        nowhere = np.empty((0, 4), np.float32)
        return RegionsOfInterest(nowhere, nowhere, FullScan(), ((0.0, 1.0),))

    def _bands(self, step: float) -> tuple[tuple[float, float], ...]:
        """The bands that become due in the `step` seconds since the last frame."""
        interval = SCAN_INTERVAL if self._scans < SCANS_AT_FIRST else BANDS_INTERVAL
        scanned = self._scanned + step / interval
        begin, end = (int((share + 1e-6) * BANDS) for share in (self._scanned, scanned))
        self._scanned = max(scanned - 1, 0.0) if end >= BANDS else scanned
        last, again = (begin, min(end, BANDS)), (0, end - BANDS)
        return tuple((top / BANDS, bottom / BANDS) for top, bottom in (last, again) if top < bottom)

    def _full_scan(self, step: float) -> FullScan | None:
        """The next full scan if it is due, `step` seconds after the last frame."""
        self._since_scan += step
        if self._since_scan < SCAN_INTERVAL - 1e-6:
            return None
        # The delay of this scan does not delay the next one.
        self._since_scan, self._scans = max(self._since_scan - SCAN_INTERVAL, 0.0), self._scans + 1
        return FullScan(self._scans)

    def _new_regions(self, expected: Floats, centres: Floats, block: float) -> Floats:
        """Boxes (n, 4) around the `centres` (m, 2) where no face is expected, as large as the nearest face."""
        if not len(centres):
            return np.empty((0, 4), np.float32)
        half = np.full((len(centres), 1), max(block, 1.5 * self.min_face) / 2, np.float32)
        if len(expected):
            sizes = (expected[:, 2:] - expected[:, :2]).max(axis=1)
            distance = np.linalg.norm(_centres(expected) - centres[:, np.newaxis], axis=2)
            nearest = distance.argmin(axis=1)
            half = sizes[nearest, np.newaxis] / 2
            elsewhere = distance.min(axis=1) > sizes[nearest]
            centres, half = centres[elsewhere], half[elsewhere]
        boxes = np.concatenate([centres - half, centres + half], axis=1)
        return boxes[:MAX_CHANGED_BLOCKS].astype(np.float32)


def is_cut(previous: Image | Thumbnail, current: Image | Thumbnail) -> bool:
    """Whether the picture is another one at once; of two grey pictures or thumbnails (h, w), alike in shape."""
    return _correlation(previous, current) < CUT_CORRELATION


def _correlation(image_a: Image | Thumbnail, image_b: Image | Thumbnail) -> float:
    """Correlation of two frames' thumbnails: 1 for equal ones, also in other light."""
    thumbnails: Any = [
        cv2.resize(image, (32, 18), interpolation=cv2.INTER_AREA).astype(np.float32) for image in (image_a, image_b)
    ]
    a, b = (thumbnail - thumbnail.mean() for thumbnail in thumbnails)
    power = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / power if power else 1.0


def _changed_blocks(previous: Image, current: Image) -> Floats:
    """(n, 2) px: centres of the blocks that changed, in descending order of change; none where most of them did."""
    rows, columns = current.shape[0] // BLOCK, current.shape[1] // BLOCK
    difference: Any = cv2.resize(
        cv2.absdiff(previous, current)[: rows * BLOCK, : columns * BLOCK],
        (columns, rows),
        interpolation=cv2.INTER_AREA,
    )
    blocks = difference.ravel()
    order = np.argsort(-blocks.astype(np.int16), kind="stable")
    order = order[blocks[order] >= CHANGED_LEVELS]
    if len(order) > MAX_CHANGED_SHARE * len(blocks):
        order = order[:0]
    places = np.stack([order % columns, order // columns], axis=1)
    return np.asarray((places + 0.5) * BLOCK, np.float32)


def _centres(boxes: Floats) -> Floats:
    return (boxes[:, :2] + boxes[:, 2:]) / np.float32(2)
