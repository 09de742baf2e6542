"""How the camera moved between two frames: an affine from sparse optical flow away from the faces."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

#: Longer side of the image that the flow is measured on, px: small enough to cost a few milliseconds, large enough
#: for a tenth of a pixel in a 1080p frame.
MEASURED_SIDE = 480
#: Fewest corners that must agree on one motion, and their smallest share of all tracked corners.
MIN_INLIERS, MIN_SHARE = 12, 0.4
#: Most corners, and their smallest distance, px: three times as many are no more accurate, at three times the cost.
MAX_CORNERS, MIN_DISTANCE = 120, 12
#: Most steps of the flow at every size, and the step, px, that is small enough to stop.
_ENOUGH = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 10, 0.03)

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


def small_grey(image: Image) -> tuple[Image, float]:
    """`image`, (h, w, 3) RGB or (h, w) grey, as a grey image with sides of MEASURED_SIDE at most, and its scale.

    The scale is its size as a share of the original's.
    """
    if image.ndim == 3:
        image = cast(Image, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    scale = min(1.0, MEASURED_SIDE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:  # halving is exact, and quick
        half = image.shape[1] // 2, image.shape[0] // 2
        image = cast(Image, cv2.resize(image, half, interpolation=cv2.INTER_AREA))
    return cast(Image, cv2.resize(image, size, interpolation=cv2.INTER_AREA)), scale


def estimate_motion(
    previous: Image, current: Image, boxes: npt.ArrayLike | None = None, *, scale: float = 1.0
) -> Floats:
    """(2, 3) float64: p -> A p + t takes a source pixel of the previous frame to where the background is now.

    `previous` and `current` are grey (h, w) uint8 of one size, `scale` times the source's. `boxes` (n, 4) in source
    pixels are faces in the previous frame: they and the bodies under them are masked. The affine is a similarity:
    translation, rotation and scale. All NaN where too few corners agree on one motion: a cut, a blank wall, a
    teacher who fills the image.
    """
    if previous.shape != current.shape:
        raise ValueError(f"the frames are {previous.shape} and {current.shape}; they must be of one size")
    unknown = np.full((2, 3), np.nan)
    mask = _background(previous.shape, boxes, scale)
    corners: Any = cv2.goodFeaturesToTrack(previous, MAX_CORNERS, 0.01, MIN_DISTANCE, mask=mask)
    if corners is None or len(corners) < MIN_INLIERS:
        return unknown
    affine = _agreed(previous, current, corners, None)
    if affine is None:  # too far for the flow's pyramid: start from the translation of the whole image
        window: Any = cv2.createHanningWindow(previous.shape[::-1], cv2.CV_32F)
        shift, _ = cv2.phaseCorrelate(previous.astype(np.float32), current.astype(np.float32), window)
        affine = _agreed(previous, current, corners, (corners + np.array(shift)).astype(np.float32))
    if affine is None:
        return unknown
    affine[:, 2] = (affine[:, 2] + (affine[:, :2] - np.eye(2)) @ np.full(2, 0.5)) / scale
    return affine


def _background(shape: tuple[int, ...], boxes: npt.ArrayLike | None, scale: float) -> Image:
    """(h, w) 255 where there is no face and no body below one."""
    mask = np.full(shape, 255, np.uint8)
    faces = np.asarray([] if boxes is None else boxes, np.float64).reshape(-1, 4) * scale
    for x1, y1, x2, y2 in faces:
        width, height = x2 - x1, y2 - y1
        left, right = int(max(x1 - width, 0)), int(max(x2 + width, 0))
        mask[int(max(y1 - 0.5 * height, 0)) : int(max(y2 + 2.5 * height, 0)), left:right] = 0
    return mask


def _agreed(previous: Image, current: Image, corners: Any, guess: Any) -> Floats | None:
    """The similarity that enough corners agree on, tracked forwards and backwards, or None."""
    flags = 0 if guess is None else cv2.OPTFLOW_USE_INITIAL_FLOW
    begin: Any = corners.copy() if guess is None else guess
    forward, tracked, _ = cv2.calcOpticalFlowPyrLK(
        previous,
        current,
        corners,
        begin,
        winSize=(15, 15),
        maxLevel=3,
        flags=flags,
        criteria=_ENOUGH,
    )
    back, returned, _ = cv2.calcOpticalFlowPyrLK(
        current,
        previous,
        forward,
        corners.copy(),
        winSize=(15, 15),
        maxLevel=0,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        criteria=_ENOUGH,
    )
    # The backward flow starts at the original corners in full resolution, so it always returns on a blank patch;
    # but a blank patch has no corners.
    consistent = (tracked[:, 0] == 1) & (returned[:, 0] == 1) & (np.abs(back - corners).max(axis=(1, 2)) < 0.5)
    if consistent.sum() < max(MIN_INLIERS, MIN_SHARE * len(corners)):
        return None
    affine, inliers = cv2.estimateAffinePartial2D(
        corners[consistent],
        forward[consistent],
        method=cv2.RANSAC,
        ransacReprojThreshold=0.75,
        maxIters=500,
        confidence=0.999,
    )
    if affine is None or inliers.sum() < max(MIN_INLIERS, MIN_SHARE * consistent.sum()):
        return None
    return np.asarray(affine, np.float64)
