"""Where to look for faces in the next frame: where they were, and over the whole picture once a second."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.detection import Band, Detections, Hints

Floats = npt.NDArray[np.float32]

#: Seconds in which the whole picture is looked at once, a band of it in every frame.
SWEEP = 1.0
#: Smaller faces than this, in units of the smallest, are looked for in bands; all larger ones, which together cost
#: a tenth, in the last frame of a sweep.
BANDED = 2.0
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
        self._swept = 0.0
        """How much of the picture the present sweep has seen, as a share of its height."""
        self._boxes = np.empty((0, 4), np.float32)
        """(n, 4) where each face was last, first those of the last frame."""
        self._speed = np.empty((0, 2), np.float32)
        """(n, 2) px a second, 0 for lost ones."""
        self._fresh = 0
        """How many of them are of the last frame."""

    def hints(self, time: float) -> Hints | None:
        """Where to look in the frame at `time` (s, ascending); None is everywhere."""
        step = time - self._time
        if step >= SWEEP:
            return None
        expected = self._boxes + np.tile(self._speed * np.float32(step), 2)
        return Hints(expected[: self._fresh], expected[self._fresh :], self._bands(step / SWEEP))

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
        places = self._boxes[lost]
        if motion is not None and np.isfinite(motion).all():
            step_of_camera = before[lost] @ motion[:, :2].T + motion[:, 2] - before[lost]
            places = places + np.tile(step_of_camera.astype(np.float32), 2)
        self._boxes = np.concatenate([faces.boxes, places])
        self._speed = np.concatenate([speed, np.zeros((lost.sum(), 2), np.float32)])
        self._fresh, self._time = len(faces), time

    def _bands(self, share: float) -> tuple[Band, ...]:
        """The next `share` of the sweep."""
        begin, self._swept = self._swept, self._swept + share
        edge = self.min_face * BANDED
        band = Band(begin, min(self._swept, 1), self.min_face, edge)
        if self._swept < 1 - 1e-6:
            return (band,)
        self._swept = 0.0
        return band, Band(0, 1, edge, np.inf)


def _centres(boxes: Floats) -> Floats:
    return (boxes[:, :2] + boxes[:, 2:]) / np.float32(2)
