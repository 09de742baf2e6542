"""Where in an image a face may be: the first network of the cascade, over a whole image or parts of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from engine.vision.mtcnn.boxes import CELL, best, pyramid, shrunk_crops, square, suppress
from engine.vision.networks import Network, has_bf16

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

STRIDE = 2
"""Between the cells that P-Net looks at, px."""
SLACK = 0.4
"""How far below the threshold P-Net's logit may be in bf16 for the cell to be looked at in f32. The two differed by
0.04 on average (root of the squares) and by 0.29 at most over 15,594 cells of the evaluation footage."""
SIEVED_PIXELS = 2**17
"""Smallest level, px, for which the sieve saves more than looking at its cells again costs."""

OVERLAP = 0.7
"""Overlap (IoU) above which boxes of different levels are one."""

# What hints ask for; measured in benchmarks/results.md.
PATCH = 32
"""Side, in P-Net's px, of what is looked at around a place: a face may be most of its size away from it."""
PATCH_SIZES = (0.75, 1.0, 1.33)
"""Sizes of the faces looked for around a place, in units of the size that is expected."""
PATCH_OVERLAP, PATCH_MOST = 0.6, 3
"""Overlap above which P-Net's boxes around a place are one, and the most of them that go on."""
SPARSE_SCORE = 0.8
"""P-Net's threshold where it looks at one cell in four: of the many cells that see a face, one will do."""
SWEEP_OVERLAP, SWEEP_FACTOR = 0.5, 0.6
"""The overlap, and the pyramid's factor, in a sweep that is not thorough: a face is seen at one level where
elsewhere it is at two."""
SWEEP_SMALLEST = 1.1
"""The size at the first level of such a sweep, in units of the smallest face: P-Net sees faces a tenth smaller."""


class Sweep(NamedTuple):
    """A look at the whole image, at one cell in four."""

    between: bool = False
    """At the cells between those of a sweep without it: two sweeps, one of each kind, see more than two of one."""
    thorough: bool = False
    """At as many scales as a full scan, for when nothing is known; else the next sweep looks again."""


class Proposer:
    """P-Net, which finds faces of `min_face` px and more, with scores over `threshold`, or SPARSE_SCORE in sweeps.

    All its boxes are squares.

    It is one network in two forms: `pnet`, with cells 2 px apart, and `pnet_sparse`, which has one in four of them
    for two thirds of the time. `sieve`: whether to look in bf16 before f32, or in its stead in sweeps.
    """

    def __init__(self, min_face: float, threshold: float, device: str, threads: int, *, sieve: bool) -> None:
        self.min_face = min_face
        self.threshold = _logit(threshold)
        sieve = sieve and device == "cpu" and has_bf16()
        self._dense = Network("pnet", device=device, threads=threads, block=256)
        self._patches = Network("pnet", device=device, threads=threads)
        self._sieve = Network("pnet", threads=threads, precision="bf16") if sieve else None
        self._sparse = Network("pnet_sparse", device=device, threads=threads, precision="bf16" if sieve else "f32")

    def everywhere(self, image: Image) -> Floats:
        """Look at the whole image at every scale."""
        return _boxes(image, pyramid(image, CELL / self.min_face), self._cells, OVERLAP)

    def sweep(self, image: Image, sweep: Sweep) -> Floats:
        """Look at the whole image as `sweep` says."""
        begin = STRIDE if sweep.between else 0
        if sweep.thorough:
            levels, overlap = pyramid(image, CELL / self.min_face), OVERLAP
        else:
            scale = CELL / (SWEEP_SMALLEST * self.min_face)
            levels = pyramid(image, scale, factor=SWEEP_FACTOR, method=cv2.INTER_LINEAR)
            overlap = SWEEP_OVERLAP
        return _boxes(image, levels, lambda level: self._sparse_cells(level, begin), overlap)

    def around(self, image: Image, boxes: Floats) -> Floats:
        """Look for faces of about the size of `boxes`, at most their size away from them."""
        if not len(boxes):
            return boxes
        n, scales = len(boxes), len(PATCH_SIZES)
        centres = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
        sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)[:, np.newaxis] * np.array(PATCH_SIZES, np.float32)
        # of a patch, in px of the image
        pixel = np.maximum(sizes, self.min_face)[..., np.newaxis] / np.float32(CELL)
        corners = centres - pixel * (PATCH / 2)
        patches = np.concatenate([corners, corners + pixel * PATCH], axis=2).reshape(-1, 4)
        (values,) = self._patches(shrunk_crops(image, patches, PATCH))
        values = values.reshape(n, scales, 5, -1).swapaxes(2, 3)
        found = _patch_cells() + CELL * values[..., :4]
        found = np.tile(corners, 2)[:, :, np.newaxis] + found * pixel[..., np.newaxis]
        scores = values[..., 4].reshape(n, -1)
        return square(best(found.reshape(n, -1, 4), scores, self.threshold, PATCH_OVERLAP, PATCH_MOST))

    def _cells(self, level: Image) -> tuple[Floats, Floats]:
        """The n cells of a level that P-Net takes for faces: (n, 2) upper left corners, (n, 5) P-Net's values."""
        level = _even(level)
        if self._sieve is None or level.shape[0] * level.shape[1] < SIEVED_PIXELS:
            (values,) = self._dense(level[np.newaxis])
            rows, columns = np.nonzero(values[0, 4] > self.threshold)
            cells = values[0, :, rows, columns]
        else:
            (values,) = self._sieve(level[np.newaxis])
            rows, columns = np.nonzero(values[0, 4] > self.threshold - SLACK)
            windows = sliding_window_view(level, (CELL, CELL), axis=(0, 1))[rows * STRIDE, columns * STRIDE]
            (values,) = self._dense(windows.transpose(0, 2, 3, 1))
            sure = values[:, 4, 0, 0] > self.threshold
            rows, columns, cells = rows[sure], columns[sure], values[sure, :, 0, 0]
        return STRIDE * np.stack([columns, rows], axis=1).astype(np.float32), cells

    def _sparse_cells(self, level: Image, begin: int) -> tuple[Floats, Floats]:
        """As `_cells`, of one cell in four, beginning `begin` px from the corner; in bf16 alone, if in bf16."""
        level = _even(level)
        if min(level.shape[:2]) < begin + CELL:
            begin = 0
        (values,) = self._sparse(level[np.newaxis, begin:, begin:])
        rows, columns = np.nonzero(values[0, 4] > _logit(SPARSE_SCORE))
        corners = begin + 2 * STRIDE * np.stack([columns, rows], axis=1).astype(np.float32)
        return corners, values[0, :, rows, columns]


def _boxes(
    image: Image, levels: Iterable[Image], cells_of: Callable[[Image], tuple[Floats, Floats]], overlap: float
) -> Floats:
    """The squares around what `cells_of` finds in `levels` of `image`, without those that overlap better ones."""
    size = np.array(image.shape[1::-1], np.float32)
    boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
    for level in levels:
        corners, cells = cells_of(level)
        found = np.concatenate([corners, corners + CELL], axis=1) + CELL * cells[:, :4]
        kept = suppress(found, cells[:, 4], 0.5)
        # A level has whole pixels, so its scale is not quite the one asked for. The package divides by the latter,
        # and is up to 8 % off at the smallest levels.
        boxes.append(found[kept] * np.tile(size / level.shape[1::-1], 2).astype(np.float32))
        scores.append(cells[kept, 4])
    found = np.concatenate(boxes)
    return square(found[suppress(found, np.concatenate(scores), overlap)])


def _even(level: Image) -> Image:
    """Without an odd row or column: P-Net would have cells there that see 11 px."""
    return level[: level.shape[0] // STRIDE * STRIDE, : level.shape[1] // STRIDE * STRIDE]


def _logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


@cache
def _patch_cells() -> Floats:
    """(m, 4) the cells of a patch, in px of it, in the order of P-Net's output."""
    places = np.arange(0, PATCH - CELL + 1, STRIDE, dtype=np.float32)
    corners = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    return np.concatenate([corners, corners + CELL], axis=1)
