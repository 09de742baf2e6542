"""The path of the camera through a session: where every frame's pixels are in the first frame, reckoned once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tracking.camera import IDENTITY, Camera, compose, invert, warp_boxes

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: The path's columns in the database's table `frames`.
COLUMNS = ("path_a", "path_b", "path_x", "path_y", "path_section")
#: Digits after the point that the database keeps of a and b, and of x and y: an estimate is rounded to them, so
#: that who reads the path reckons with the very numbers that tracking did.
DECIMALS = (9, 9, 4, 4)
#: Boxes warped at once, to save memory.
CHUNK_ROWS = 10_000


@dataclass(frozen=True, eq=False)
class CameraPath:
    """Of m sampled frames; every affine is a similarity ((a, -b, x), (b, a, y)), float64 px, none is NaN."""

    to_first: Floats
    """(m, 2, 3) maps a frame's pixels to those of the first frame of its view, as if the camera had not moved."""
    steps: Floats
    """(m, 2, 3) maps the previous frame's pixels to this one's: as measured, else as estimated."""
    section: Indices
    """(m,) 0, 1, ...: grows by one where the motion was not measured, so what lies between is an estimate."""

    def __len__(self) -> int:
        return len(self.section)

    @classmethod
    def unmoved(cls, frames: int) -> Self:
        """The path of a camera that does not move."""
        stays = np.tile(IDENTITY, (frames, 1, 1))
        return cls(stays, stays, np.zeros(frames, np.int64))

    @classmethod
    def estimate(
        cls,
        motion: npt.ArrayLike,
        frame_of_face: npt.ArrayLike,
        boxes: npt.ArrayLike,
        *,
        starts: npt.ArrayLike = (),
    ) -> Self:
        """The path along `motion` (m, 2, 3), from the previous frame to this one, NaN where it was not measured.

        Where it was not, it is estimated from the faces (see `tracking.camera.Camera`): `boxes` (n, 4) px of the
        frames `frame_of_face` (n,), in order of frame. The motion of the first frame is not read. Pass every
        detected face: with fewer of them, fewer shifts can be estimated. At the frames `starts`, the first ones of
        shots, the path begins anew, and so does a section.
        """
        measured = np.asarray(motion, np.float64).reshape(-1, 2, 3)
        frame, boxes = np.asarray(frame_of_face, np.int64), np.asarray(boxes, np.float64).reshape(-1, 4)
        frames = len(measured)
        rows = np.searchsorted(frame, np.arange(frames + 1))
        anew = np.zeros(frames, np.bool_)
        anew[np.append(0, np.asarray(starts, np.int64)) if frames else []] = True
        camera, total = Camera(), IDENTITY
        steps, path = np.empty((2, frames, 2, 3))
        for i in range(frames):
            if anew[i]:
                camera, total = Camera(), IDENTITY
            steps[i] = camera.update(IDENTITY if anew[i] else measured[i], boxes[rows[i] : rows[i + 1]])
            total = compose(invert(steps[i]), total)  # back to the previous frame, and from there to the first
            path[i] = total
        unknown = (np.any(~np.isfinite(measured), axis=(1, 2)) | anew) & (np.arange(frames) > 0)
        return cls(_rounded(path), steps, np.cumsum(unknown, dtype=np.int64))

    def continued(self, frames: npt.NDArray[np.bool_], affine: Floats) -> CameraPath:
        """The path with `affine` (2, 3) after it at the `frames` (m,): their first frame's place in another."""
        to_first = self.to_first.copy()
        to_first[frames, :, :2] = affine[:, :2] @ self.to_first[frames, :, :2]
        to_first[frames, :, 2:] = affine[:, :2] @ self.to_first[frames, :, 2:] + affine[:, 2:]
        return CameraPath(_rounded(to_first), self.steps, self.section)

    @property
    def from_first(self) -> Floats:
        """(m, 2, 3) maps pixels of the first frame to those of each frame."""
        return _inverted(self.to_first)

    def boxes_in_first(self, boxes: Floats, frame: Indices) -> Floats:
        """(n, 4) `boxes` of the frames `frame` (n,) in the first frame's pixels."""
        warped = np.empty_like(boxes)
        for start in range(0, len(boxes), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            warped[part] = warp_boxes(boxes[part], self.to_first[frame[part]])
        return warped

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """As columns of the database's table `frames`, each (m,)."""
        return dict(zip(COLUMNS, (*_parameters(self.to_first), self.section), strict=True))

    @classmethod
    def from_columns(cls, columns: Mapping[str, npt.NDArray[Any]]) -> Self | None:
        """The inverse of `columns()`; None where the path of any frame is not stored."""
        if not columns.keys() >= set(COLUMNS):
            return None
        *parameters, section = (columns[name] for name in COLUMNS)
        to_first = _similarities(*(np.asarray(each, np.float64) for each in parameters))
        if not np.isfinite(to_first).all():
            return None
        steps = np.tile(IDENTITY, (len(section), 1, 1))
        back, onward = to_first[:-1], _inverted(to_first[1:])
        steps[1:, :, :2] = onward[:, :, :2] @ back[:, :, :2]
        steps[1:, :, 2:] = onward[:, :, :2] @ back[:, :, 2:] + onward[:, :, 2:]
        return cls(to_first, steps, np.asarray(section, np.int64))


def _rounded(affines: Floats) -> Floats:
    """(m, 2, 3) as the database keeps them."""
    parameters = zip(_parameters(affines), DECIMALS, strict=True)
    return _similarities(*(np.round(each, decimals) for each, decimals in parameters))


def _inverted(affines: Floats) -> Floats:
    """(m, 2, 3) what undoes each of `affines`."""
    linear = np.linalg.inv(affines[:, :, :2])
    return np.concatenate([linear, -(linear @ affines[:, :, 2:])], axis=2)


def _parameters(affines: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """a, b, x and y of similarities (m, 2, 3), each (m,)."""
    return affines[:, 0, 0], affines[:, 1, 0], affines[:, 0, 2], affines[:, 1, 2]


def _similarities(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    """(m, 2, 3) the inverse of `_parameters`."""
    return np.stack([a, -b, x, b, a, y], axis=1).reshape(-1, 2, 3)


def measured_motion(columns: Mapping[str, npt.NDArray[Any]]) -> Floats:
    """(m, 2, 3) from the columns camera_a, _b, _x and _y of the database's table `frames`, NaN where unknown."""
    return _similarities(*(np.asarray(columns[f"camera_{name}"], np.float64) for name in "abxy"))
