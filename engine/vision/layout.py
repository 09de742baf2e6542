"""How a picture is laid out, coarsely, how much of it the frame before does not explain, and how blocky it is."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

#: (width, height) of the thumbnail that pictures are compared by, px, and how many blocks are compared.
THUMBNAIL, BLOCKS = (96, 54), (12, 9)
#: (columns, rows) of the cells of a layout, the directions of edges that each counts, and the length of both.
CELLS, DIRECTIONS = (6, 3), 4
LENGTH = CELLS[0] * CELLS[1] * DIRECTIONS
#: Variance of a block that noise and compression make, in squared levels of 255: less is blank.
NOISE = 4.0
#: Mean strength of edges, levels of 255, under which a picture is blank.
BLANK = 1.0
#: What 1 is stored as: a number of a layout is hardly ever above half of its length, and then it is cut off.
SCALE = 254
#: Side of the blocks that JPEG, MPEG and H.264 compress by, px.
BLOCK = 8
#: Fewest blocks on a side, and the least mean step within them, grey levels, that can be measured.
MIN_BLOCKS, MIN_STEP = 8, 0.1
#: Of so many rows or columns one is measured: they are much alike.
SAMPLED = 4

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Thumbnail = npt.NDArray[np.float32]
Layout = npt.NDArray[np.int8]


def thumbnail(grey: Image) -> Thumbnail:
    """(54, 96) float32 of a grey image (h, w) of any shape."""
    return np.asarray(cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32)


def unexplained_share(
    previous: Thumbnail, current: Thumbnail, motion: Floats | None = None, size: tuple[int, int] = THUMBNAIL
) -> float:
    """Share of the picture, 0 to 1, in which `current` is not `previous` after the camera's motion.

    `motion` is (2, 3), in px of a picture of `size` (width, height); None or NaN, where it is unknown, counts as
    none. A block's share is what a straight line from the one's levels to the other's leaves of the variance, so
    that other light explains itself; blocks count by their contrast, and what has just come into the picture does
    not count. 0 for two blank pictures.
    """
    inside = None
    if motion is not None and np.isfinite(motion).all():
        previous, inside = _moved(previous, motion, size)
    mean, mean_before = _means(current), _means(previous)
    variance = _means(current * current) - mean**2
    variance_before = _means(previous * previous) - mean_before**2
    covariance = np.maximum(_means(current * previous) - mean * mean_before, 0)
    explained = covariance**2 / ((variance + NOISE) * (variance_before + NOISE))
    contrast = np.sqrt(np.maximum(variance, 0) + np.maximum(variance_before, 0))
    if inside is not None:
        contrast = np.where(inside, contrast, 0)
    total = float(contrast.sum())
    share = float((contrast * (1 - explained)).sum()) / total if total > 0 else 0.0
    return min(max(share, 0.0), 1.0)


def describe_layout(image: Thumbnail) -> Layout:
    """(LENGTH,) int8: how much edge of which direction is in which cell, above or below the picture's mean.

    A unit vector times SCALE: the dot product of two of them over SCALE**2 is their similarity, 1 for the same
    view in whatever light, about 0 for two that have nothing in common. All zero for a blank picture.
    """
    x, y = (cv2.Sobel(image, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1)))
    half = np.float32(np.sqrt(0.5))
    edges: Any = cv2.merge([np.abs(x), np.abs(y), np.abs(x + y) * half, np.abs(x - y) * half])
    cells = cv2.resize(edges, CELLS, interpolation=cv2.INTER_AREA).ravel()
    if cells.mean() < BLANK / DIRECTIONS:
        return np.zeros(LENGTH, np.int8)
    roots = np.sqrt(np.maximum(cells, 0))
    roots -= roots.mean()
    length = float(np.linalg.norm(roots))
    if length == 0:
        return np.zeros(LENGTH, np.int8)
    layout: Layout = np.clip(np.rint(roots * (SCALE / length)), -127, 127).astype(np.int8)
    return layout


def similarity(layout_a: Layout, layout_b: Layout) -> float:
    """Of two layouts: 1 for the same, about 0 for two that have nothing in common, or of which one is blank."""
    return float(layout_a.astype(np.float64) @ layout_b.astype(np.float64)) / SCALE**2


def _moved(image: Thumbnail, motion: Floats, size: tuple[int, int]) -> tuple[Thumbnail, npt.NDArray[np.bool_]]:
    """The image as the camera's motion leaves it, and in which blocks all of it is known."""
    scale = np.array(THUMBNAIL) / size
    affine = motion * scale[:, None]
    affine[:, :2] /= scale
    affine[:, 2] += (affine[:, :2] - np.eye(2)) @ np.full(2, 0.5)  # OpenCV has 0 in the middle of a pixel
    outside = -1e6
    moved: Any = cv2.warpAffine(image, affine, THUMBNAIL, borderMode=cv2.BORDER_CONSTANT, borderValue=outside)
    known = moved >= 0
    return np.where(known, moved, 0).astype(np.float32), _means(known.astype(np.float32)) > 1 - 1e-6


def _means(image: Thumbnail) -> Floats:
    """(rows, columns) of BLOCKS."""
    return np.asarray(cv2.resize(image, BLOCKS, interpolation=cv2.INTER_AREA), np.float64)


def blockiness(grey: npt.NDArray[np.uint8]) -> float:
    """Mean step between neighbouring pixels of two blocks over that within a block, of a grey image (h, w).

    The geometric mean of both directions; 1 where there are no blocks, or where a filter has smoothed them away (as
    HEVC's does). NaN for an image that is too small or too plain.
    """
    if min(grey.shape) < MIN_BLOCKS * BLOCK:
        return float("nan")
    ratios = []
    for image in (grey[::SAMPLED], cv2.transpose(grey[:, ::SAMPLED])):
        steps: Any = cv2.absdiff(image[:, 1:], image[:, :-1])
        means = cast(npt.NDArray[np.float32], cv2.reduce(steps, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F))[0]
        between = np.arange(len(means)) % BLOCK == BLOCK - 1
        within = float(means[~between].mean())
        if within < MIN_STEP:
            return float("nan")
        ratios.append(float(means[between].mean()) / within)
    return float(np.sqrt(ratios[0] * ratios[1]))
