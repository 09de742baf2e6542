"""Where to look for faces in the next frame: where they were, where something moves, once a second everywhere."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engine.vision.mtcnn.cascade import Detections, Hints
from engine.vision.mtcnn.proposals import Sweep

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

#: Seconds from one look at the whole picture to the next, on average: only where there is a frame can be looked.
SWEEP = 1.0
#: Side of the blocks in which change is measured, px of the small image; the mean difference, in levels of 255,
#: that is one; and the share of the picture up to which it is people who move, and not the camera.
BLOCK, CHANGED, PEOPLE = 16, 12.0, 0.25
#: Most places of change that are looked at.
PLACES = 8
#: Correlation of two frames' thumbnails under which the one does not show what the other did.
CUT = 0.5
#: Seconds for which a lost face is looked for where it was.
LOST = 2.0
#: How far a face may be from where it was expected to be the same one, in face sizes.
NEAR = 0.7


class Guide:
    """Gives the detector its hints, frame by frame, and is told what it found. One Guide a segment.

    A face is expected where it was, moving on as it moved; one that is lost may come back where it was lost. It
    knows nothing of who is who, and takes one face for another without harm: both are looked for.
    """

    def __init__(self, min_face: float) -> None:
        self.min_face = min_face
        self._time = -np.inf
        self._unswept = 0.0
        """Seconds since the last sweep was due."""
        self._between = False
        """Whether the next one looks between where the last one looked."""
        self._boxes = np.empty((0, 4), np.float32)
        """(n, 4) where each face was last, first those of the last frame."""
        self._speed = np.empty((0, 2), np.float32)
        """(n, 2) px a second, 0 for lost ones."""
        self._seen = np.empty(0, np.float64)
        """(n,) s, when that was."""
        self._fresh = 0
        """How many of them are of the last frame."""

    def hints(self, time: float, before: Image | None = None, now: Image | None = None, scale: float = 1) -> Hints:
        """Where to look in the frame at `time` (s, ascending).

        `before` and `now` are the last frame and this one, grey and small, `scale` times as large as they are.
        """
        step = time - self._time
        if step >= SWEEP:
            return self._everywhere()
        expected = self._boxes + np.tile(self._speed * np.float32(step), 2)
        places = np.empty((0, 4), np.float32)
        if before is not None and now is not None and min(now.shape) >= BLOCK:
            if _correlation(before, now) < CUT:
                return self._everywhere()
            places = self._new(expected, _changed(before, now) / np.float32(scale), BLOCK / scale)
        lost = np.concatenate([expected[self._fresh :], places])
        return Hints(expected[: self._fresh], lost, self._sweep(step))

    def _everywhere(self) -> Hints:
        """What was known says nothing of what is in view: look at all of it, and begin a new sweep."""
        self._unswept, self._between = 0.0, True
        nowhere = np.empty((0, 4), np.float32)
        return Hints(nowhere, nowhere, Sweep(thorough=True))

    def _new(self, expected: Floats, places: Floats, block: float) -> Floats:
        """Boxes (n, 4) of the PLACES (m, 2) where no face is expected, as large as the nearest face is."""
        if not len(places):
            return np.empty((0, 4), np.float32)
        half = np.full((len(places), 1), max(block, 1.5 * self.min_face) / 2, np.float32)
        if len(expected):
            sizes = (expected[:, 2:] - expected[:, :2]).max(axis=1)
            away = np.linalg.norm(_centres(expected) - places[:, np.newaxis], axis=2)
            nearest = away.argmin(axis=1)
            half = sizes[nearest, np.newaxis] / 2
            elsewhere = away.min(axis=1) > sizes[nearest]
            places, half = places[elsewhere], half[elsewhere]
        return np.concatenate([places - half, places + half], axis=1)[:PLACES].astype(np.float32)

    def saw(self, time: float, faces: Detections, motion: npt.NDArray[np.float64] | None = None) -> None:
        """Take the `faces` of the frame at `time`; `motion` (2, 3) is the camera's since the last."""
        before, centres = _centres(self._boxes), _centres(faces.boxes)
        speed = np.zeros((len(faces), 2), np.float32)
        lost = np.ones(len(before), np.bool_)
        if len(before) and len(faces):
            step = np.float32(time - self._time)
            sizes = (self._boxes[:, 2:] - self._boxes[:, :2]).max(axis=1)
            away = np.linalg.norm(before + self._speed * step - centres[:, np.newaxis], axis=2) / sizes
            nearest = away.argmin(axis=1)
            followed = (away.min(axis=1) < NEAR) & (nearest < self._fresh)
            speed[followed] = (centres[followed] - before[nearest[followed]]) / step
            lost = away.min(axis=0) >= NEAR
        lost &= time - self._seen < LOST
        places = self._boxes[lost]
        if motion is not None and np.isfinite(motion).all():
            step_of_camera = before[lost] @ motion[:, :2].T + motion[:, 2] - before[lost]
            places = places + np.tile(step_of_camera.astype(np.float32), 2)
        self._boxes = np.concatenate([faces.boxes, places])
        self._speed = np.concatenate([speed, np.zeros((lost.sum(), 2), np.float32)])
        self._seen = np.concatenate([np.full(len(faces), time), self._seen[lost]])
        self._fresh, self._time = len(faces), time

    def _sweep(self, step: float) -> Sweep | None:
        """The next sweep if it is due, `step` seconds after the last frame."""
        self._unswept += step
        if self._unswept < SWEEP - 1e-6:
            return None
        # What it is late by does not make the next one late.
        self._unswept, self._between = max(self._unswept - SWEEP, 0.0), not self._between
        return Sweep(between=not self._between)


def _correlation(one: Image, other: Image) -> float:
    """Of the thumbnails of two frames: 1 for the same, also in other light."""
    thumbnails: Any = [
        cv2.resize(image, (32, 18), interpolation=cv2.INTER_AREA).astype(np.float32) for image in (one, other)
    ]
    a, b = (thumbnail - thumbnail.mean() for thumbnail in thumbnails)
    power = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / power if power else 1.0


def _changed(before: Image, now: Image) -> Floats:
    """(n, 2) px: middles of the blocks that changed, the most changed first; none where most of the picture did."""
    rows, columns = now.shape[0] // BLOCK, now.shape[1] // BLOCK
    difference: Any = cv2.resize(
        cv2.absdiff(before, now)[: rows * BLOCK, : columns * BLOCK], (columns, rows), interpolation=cv2.INTER_AREA
    )
    blocks = difference.ravel()
    order = np.argsort(-blocks.astype(np.int16), kind="stable")
    order = order[blocks[order] >= CHANGED]
    if len(order) > PEOPLE * len(blocks):
        order = order[:0]
    places = np.stack([order % columns, order // columns], axis=1)
    return np.asarray((places + 0.5) * BLOCK, np.float32)


def _centres(boxes: Floats) -> Floats:
    return (boxes[:, :2] + boxes[:, 2:]) / np.float32(2)
