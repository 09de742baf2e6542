"""Camera motion from frame to frame: affines, estimated from the faces where they were not measured."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: The (2, 3) affine of a camera that does not move.
IDENTITY = np.eye(2, 3)
#: Fewest faces that must agree on a shift of the whole image, and the share of the frame's faces.
MIN_AGREEING, MIN_AGREEING_SHARE = 3, 0.5
#: Largest difference of the logarithms of two face sizes that may be the same face.
MAX_LOG_SIZE_RATIO = 0.25


class Camera:
    """Makes the motion of every frame known: as measured, else from the faces of both frames, else the identity."""

    def __init__(self) -> None:
        self._previous_boxes = np.empty((0, 4))
        """(k, 4) of the last frame with faces, in the pixels of the present frame."""
        self._unknown = False
        """Whether a motion since then was unknown."""

    def update(self, motion: Floats | None, boxes: Floats) -> Floats:
        """(2, 3) affine from the previous frame to this one, whose faces are `boxes` (n, 4) px.

        `motion` is the measured affine; None for a camera that does not move, NaN where it is unknown. An unknown
        motion is estimated in the next frame with faces.
        """
        step = IDENTITY if motion is None else np.asarray(motion, np.float64).reshape(2, 3)
        if not np.isfinite(step).all():
            step, self._unknown = IDENTITY, True
        self._previous_boxes = warp_boxes(self._previous_boxes, step)
        if self._unknown and len(boxes):
            step = compose(step, shift_of_faces(self._previous_boxes, boxes))
            self._unknown = False
        if len(boxes):
            self._previous_boxes = boxes
        return step


def shift_of_faces(boxes_before: Floats, boxes: Floats) -> Floats:
    """(2, 3) the one shift that maps most of `boxes_before` (k, 4) to a face of about the same size in `boxes`.

    `boxes` is (n, 4). The identity, if fewer than MIN_AGREEING faces, or less than MIN_AGREEING_SHARE of the frame
    with fewer faces, agree within half a face.
    """
    if min(len(boxes_before), len(boxes)) < MIN_AGREEING:
        return IDENTITY
    size_before, size = sizes(boxes_before), sizes(boxes)
    shifts = centres(boxes)[None, :] - centres(boxes_before)[:, None]
    same_size = np.abs(np.log(size[None, :] / size_before[:, None])) < MAX_LOG_SIZE_RATIO
    candidates = np.vstack([np.zeros((1, 2)), shifts[same_size]])
    reach = 0.5 * size_before[:, None]
    agreeing = np.array(
        [((np.hypot(*(shifts - c).transpose(2, 0, 1)) < reach) & same_size).any(axis=1).sum() for c in candidates]
    )
    length = np.hypot(*candidates.T)
    best = np.lexsort((length, -agreeing))[0]  # of equally supported shifts, the shortest
    if agreeing[best] < max(MIN_AGREEING, MIN_AGREEING_SHARE * min(len(boxes_before), len(boxes))):
        return IDENTITY
    near = same_size & (np.hypot(*(shifts - candidates[best]).transpose(2, 0, 1)) < reach)
    return np.hstack([np.eye(2), np.median(shifts[near], axis=0)[:, None]])


def compose(first: Floats, second: Floats) -> Floats:
    """(2, 3) the affine that applies `first` (2, 3) and then `second` (2, 3)."""
    return np.hstack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2:] + second[:, 2:]])


def invert(affine: Floats) -> Floats:
    """(2, 3) the affine that undoes `affine` (2, 3). Raises LinAlgError where it cannot be undone."""
    linear = np.linalg.inv(affine[:, :2])
    return np.hstack([linear, -(linear @ affine[:, 2:])])


def scale_of(affine: Floats) -> Floats:
    """(...,) the factor by which `affine` (..., 2, 3) changes lengths: the square root of its determinant."""
    scale: Floats = np.sqrt(np.abs(np.linalg.det(affine[..., :2])))
    return scale


def warp_boxes(boxes: Floats, affine: Floats) -> Floats:
    """(n, 4) `boxes` (n, 4) warped by `affine` (2, 3) or (n, 2, 3): centres move, sizes scale, no box turns."""
    centre = np.einsum("...ij,...j->...i", affine[..., :2], centres(boxes)) + affine[..., 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.reshape(scale_of(affine), (-1, 1))
    return np.hstack([centre - half, centre + half])


def centres(boxes: Floats) -> Floats:
    """(n, 2) centre (x, y) of each of `boxes` (n, 4), px."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def sizes(boxes: Floats) -> Floats:
    """(n,) the square root of the area of each of `boxes` (n, 4), px."""
    side = boxes[:, 2:] - boxes[:, :2]
    return np.sqrt(side[:, 0] * side[:, 1])
