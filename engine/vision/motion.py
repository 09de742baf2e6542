"""How the camera moved between two frames: an affine from sparse optical flow away from the faces."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

#: Longer side of the image that the flow is measured on, px: small enough to cost a few milliseconds, large enough
#: for a tenth of a pixel in a 1080p frame.
MEASURED_SIDE = 480
#: Fewest corners that must agree on one motion, and the share of all that were followed.
FEWEST, SHARE = 12, 0.4
#: Most corners, and the least distance between them, px: three times as many tell no more, and cost three times.
CORNERS, APART = 120, 12
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
    pixels are faces in the previous frame: they and the bodies under them say nothing of the camera. The affine is
    a shift, a turn and a zoom. All NaN where too little of the picture agrees on one motion: a cut, a blank wall, a
    teacher who fills the view.
    """
    if previous.shape != current.shape:
        raise ValueError(f"the frames are {previous.shape} and {current.shape}; they must be of one size")
    unknown = np.full((2, 3), np.nan)
    mask = _background(previous.shape, boxes, scale)
    corners: Any = cv2.goodFeaturesToTrack(previous, CORNERS, 0.01, APART, mask=mask)
    if corners is None or len(corners) < FEWEST:
        return unknown
    best = _agreed(previous, current, corners, None)
    if best is None:  # too far for the flow's pyramid: begin from the shift of the whole picture
        window: Any = cv2.createHanningWindow(previous.shape[::-1], cv2.CV_32F)
        shift, _ = cv2.phaseCorrelate(previous.astype(np.float32), current.astype(np.float32), window)
        best = _agreed(previous, current, corners, (corners + np.array(shift)).astype(np.float32))
    if best is None:
        return unknown
    best[:, 2] = (best[:, 2] + (best[:, :2] - np.eye(2)) @ np.full(2, 0.5)) / scale
    return best


def _background(shape: tuple[int, ...], boxes: npt.ArrayLike | None, scale: float) -> Image:
    """(h, w) 255 where no face is and no body hangs below one."""
    mask = np.full(shape, 255, np.uint8)
    faces = np.asarray([] if boxes is None else boxes, np.float64).reshape(-1, 4) * scale
    for x1, y1, x2, y2 in faces:
        width, height = x2 - x1, y2 - y1
        left, right = int(max(x1 - width, 0)), int(max(x2 + width, 0))
        mask[int(max(y1 - 0.5 * height, 0)) : int(max(y2 + 2.5 * height, 0)), left:right] = 0
    return mask


def _agreed(previous: Image, current: Image, corners: Any, guess: Any) -> Floats | None:
    """The similarity that enough corners follow there and back, or None."""
    flags = 0 if guess is None else cv2.OPTFLOW_USE_INITIAL_FLOW
    begin: Any = corners.copy() if guess is None else guess
    there, found, _ = cv2.calcOpticalFlowPyrLK(
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
        there,
        corners.copy(),
        winSize=(15, 15),
        maxLevel=0,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        criteria=_ENOUGH,
    )
    # Begun where they came from, at full size at once, corners of a blank patch return for free; those were no
    # corners to begin with.
    good = (found[:, 0] == 1) & (returned[:, 0] == 1) & (np.abs(back - corners).max(axis=(1, 2)) < 0.5)
    if good.sum() < max(FEWEST, SHARE * len(corners)):
        return None
    affine, inliers = cv2.estimateAffinePartial2D(
        corners[good], there[good], method=cv2.RANSAC, ransacReprojThreshold=0.75, maxIters=500, confidence=0.999
    )
    if affine is None or inliers.sum() < max(FEWEST, SHARE * good.sum()):
        return None
    return np.asarray(affine, np.float64)
