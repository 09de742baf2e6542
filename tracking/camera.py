"""Where the camera looks: frame-to-frame motion, filled in from the faces where no picture told it, and its sum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

STILL = np.eye(2, 3)
#: Fewest faces that must agree on a shift of the whole picture, and the share of the frame's faces.
FEWEST, SHARE = 3, 0.5


class Camera:
    """Makes every frame's motion known: as measured, or by the faces of before and after, or else still."""

    def __init__(self) -> None:
        self._before = np.empty((0, 4))
        self._lost = False

    def update(self, motion: Floats | None, boxes: Floats) -> Floats:
        """(2, 3) affine from the previous frame to this one, whose faces are `boxes` (n, 4).

        `motion` is the measured one; None where the camera stands still, NaN where nobody knows. An unknown motion
        is made good in the first frame with faces after it.
        """
        known = STILL if motion is None else np.asarray(motion, np.float64).reshape(2, 3)
        if not np.isfinite(known).all():
            known, self._lost = STILL, True
        self._before = moved(self._before, known)
        if self._lost and len(boxes):
            known = then(known, shift_of_faces(self._before, boxes))
            self._lost = False
        if len(boxes):
            self._before = boxes
        return known


def camera_path(motion: npt.ArrayLike | None, frames: int, frame_of_face: Indices, boxes: Floats) -> Floats:
    """(m, 2, 3) affines from each frame's pixels to those of the first frame: the room's coordinates.

    `motion` is (m, 2, 3), from the previous frame to this one, NaN where unknown; None for a camera that stands
    still. `boxes` are the (n, 4) faces of the frames `frame_of_face` (n,), in order of frame.
    """
    if motion is None:
        return np.tile(STILL, (frames, 1, 1))
    steps = np.asarray(motion, np.float64).reshape(frames, 2, 3)
    starts = np.searchsorted(frame_of_face, np.arange(frames + 1))
    camera, total = Camera(), STILL
    path = np.empty((frames, 2, 3))
    for i in range(frames):
        step = camera.update(STILL if i == 0 else steps[i], boxes[starts[i] : starts[i + 1]])
        total = then(inverse(step), total)  # back to the previous frame, and on as from there
        path[i] = total
    return path


def shift_of_faces(before: Floats, boxes: Floats) -> Floats:
    """(2, 3) the one shift that takes most of the faces `before` (k, 4) to some of about their size in `boxes`.

    `boxes` is (n, 4). Still, if fewer than FEWEST of them or less than SHARE of the fewer agree within half a face.
    """
    if min(len(before), len(boxes)) < FEWEST:
        return STILL
    size_before, size = sizes(before), sizes(boxes)
    shifts = centres(boxes)[None, :] - centres(before)[:, None]
    alike = np.abs(np.log(size[None, :] / size_before[:, None])) < 0.25
    candidates = np.vstack([np.zeros((1, 2)), shifts[alike]])
    reach = 0.5 * size_before[:, None]
    agree = np.array(
        [((np.hypot(*(shifts - c).transpose(2, 0, 1)) < reach) & alike).any(axis=1).sum() for c in candidates]
    )
    length = np.hypot(*candidates.T)
    best = np.lexsort((length, -agree))[0]  # the shortest of those that most agree on
    if agree[best] < max(FEWEST, SHARE * min(len(before), len(boxes))):
        return STILL
    near = alike & (np.hypot(*(shifts - candidates[best]).transpose(2, 0, 1)) < reach)
    return np.hstack([np.eye(2), np.median(shifts[near], axis=0)[:, None]])


def then(first: Floats, second: Floats) -> Floats:
    """(2, 3) the affine that does `first` and then `second`."""
    return np.hstack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2:] + second[:, 2:]])


def inverse(affine: Floats) -> Floats:
    """(2, 3) the affine that undoes `affine`."""
    back = np.linalg.inv(affine[:, :2])
    return np.hstack([back, -(back @ affine[:, 2:])])


def zoom(affine: Floats) -> Floats:
    """By how much `affine` (..., 2, 3) makes lengths longer."""
    larger: Floats = np.sqrt(np.abs(np.linalg.det(affine[..., :2])))
    return larger


def moved(boxes: Floats, affine: Floats) -> Floats:
    """(n, 4) `boxes` where `affine` (2, 3) or (n, 2, 3) takes them: centres move, sizes scale, no box turns."""
    centre = np.einsum("...ij,...j->...i", affine[..., :2], centres(boxes)) + affine[..., 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.reshape(zoom(affine), (-1, 1))
    return np.hstack([centre - half, centre + half])


def centres(boxes: Floats) -> Floats:
    """(n, 2) the middle of each box."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def sizes(boxes: Floats) -> Floats:
    """(n,) the square root of each box's area."""
    side = boxes[:, 2:] - boxes[:, :2]
    return np.sqrt(side[:, 0] * side[:, 1])
