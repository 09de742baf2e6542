"""Appearance descriptors: histograms of clothes and hair, which carry no information about the face."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

#: Length of a descriptor: a histogram of the torso and one of the hair, half each.
LENGTH = 48

Image = npt.NDArray[np.uint8]

# Histogram bins: lightness, then the two chromas together, then the strength of edges in two directions.
_LIGHT, _CHROMA = 6, 4
#: Side of the patches that are described, px.
PATCH = 16


def describe(image: Image, boxes: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """(n, LENGTH) uint8 of the torso below and the hair above each box (n, 4) of `image` (h, w, 3) RGB.

    Roots of histograms of lightness, chroma and edges, each patch of unit length, so that the Euclidean distance of
    two descriptors is about that of Hellinger. A patch outside the image is all zero. The face itself, between the
    brows and the chin, is not used.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    if not len(boxes):
        return np.empty((0, LENGTH), np.uint8)
    patches = [patch for x1, y1, x2, y2 in boxes for patch in _patches(image, x1, y1, x2, y2)]
    present = np.array([patch is not None for patch in patches])
    described = np.zeros((len(patches), LENGTH // 2), np.uint8)
    if present.any():
        described[present] = histograms(np.stack([patch for patch in patches if patch is not None]))
    return described.reshape(len(boxes), LENGTH)


def _patches(image: Image, x1: float, y1: float, x2: float, y2: float) -> tuple[Image | None, Image | None]:
    """The torso below a box and the hair above it."""
    width, height = x2 - x1, y2 - y1
    torso = _patch(image, x1 - 0.4 * width, y2 + 0.3 * height, x2 + 0.4 * width, y2 + 1.3 * height)
    return torso, _patch(image, x1, y1 - 0.3 * height, x2, y1 + 0.08 * height)


def _patch(image: Image, x1: float, y1: float, x2: float, y2: float) -> Image | None:
    """The rectangle at PATCH px a side, or None where less than a third of it lies in the image."""
    height, width = image.shape[:2]
    left, top, right, bottom = max(round(x1), 0), max(round(y1), 0), min(round(x2), width), min(round(y2), height)
    if right - left < 2 or bottom - top < 2 or (right - left) * (bottom - top) < (x2 - x1) * (y2 - y1) / 3:
        return None
    patch: Any = cv2.resize(image[top:bottom, left:right], (PATCH, PATCH), interpolation=cv2.INTER_AREA)
    return np.asarray(patch, np.uint8)


def histograms(patches: Image) -> npt.NDArray[np.uint8]:
    """(n, LENGTH / 2) descriptors of patches (n, PATCH, PATCH, 3) of an RGB image, each of a torso or of hair."""
    n = len(patches)
    lab = cv2.cvtColor(patches.reshape(-1, PATCH, 3).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    light, a, b = (lab[..., i].reshape(n, -1) for i in range(3))
    # The square root spreads weak chroma, which most clothes have, over more bins.
    soft_a, soft_b = (np.sign(c) * np.sqrt(np.abs(c)) / 9 * 0.5 + 0.5 for c in (a, b))
    lightness = _soft(light / 100, _LIGHT).mean(axis=1)
    chroma = _soft(soft_a, _CHROMA).swapaxes(1, 2) @ _soft(soft_b, _CHROMA) / light.shape[1]
    rows = light.reshape(n, PATCH, PATCH)
    edges = [np.abs(np.diff(rows, axis=axis)).mean(axis=(1, 2)) / 20 for axis in (1, 2)]
    root = np.sqrt(np.column_stack([lightness, chroma.reshape(n, -1), *np.clip(edges, 0, 1)]))
    unit = root / np.linalg.norm(root, axis=1, keepdims=True)
    return np.asarray(np.rint(255 * unit), np.uint8)


def _soft(value: Any, bins: int) -> Any:
    """(..., bins) weights of each value in [0, 1], shared between the two nearest bin centres."""
    position = np.clip(value, 0, 1) * (bins - 1)
    return np.clip(1 - np.abs(position[..., None] - np.arange(bins, dtype=np.float32)), 0, None)
