"""P-Net, the first network of the cascade: proposes boxes of faces in a whole image or in parts of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.vision.detection import Floats, FullScan, Image
from engine.vision.mtcnn.boxes import RECEPTIVE_FIELD, antialiased_crops, batched_nms, nms, pyramid, square
from engine.vision.networks import Network, has_bf16

STRIDE = 2
"""Between P-Net's cells, px."""
PNET_BF16_MARGIN = 0.4
"""How far below the threshold P-Net's logit may be in bf16 for the cell to be computed again in f32. The two
differed by 0.04 (root mean square) and by 0.29 at most over 15,594 cells of the evaluation footage."""
PREFILTER_PIXELS = 2**17
"""Smallest level, px, at which the prefilter saves more than computing its cells again costs."""

LEVELS_IOU = 0.7
"""IoU above which boxes of different levels are one."""

# Regions of interest; measured in benchmarks/results.md.
PATCH = 32
"""Side, in P-Net's px, of the patch scanned around a place: a face may be most of its size away from it."""
PATCH_SCALES = (0.75, 1.0, 1.33)
"""Sizes of the faces looked for around a place, in units of the expected size."""
PATCH_IOU, PATCH_MAX_BOXES = 0.6, 3
"""IoU above which P-Net's boxes around a place are one, and how many of them R-Net examines at most."""
SPARSE_SCORE = 0.8
"""P-Net's threshold in a sparse scan: of the many cells that respond to a face, one is enough."""
SPARSE_IOU, SPARSE_FACTOR = 0.5, 0.6
"""IoU and pyramid factor of a sparse scan at fewer scales, where a face responds at one level, not two."""
SPARSE_SMALLEST = 1.1
"""The size at the first level of such a scan, in units of the smallest face: P-Net responds to faces a tenth
smaller."""


class Proposer:
    """P-Net: square boxes of faces of `min_face` px and more with scores over `threshold` (sparse: SPARSE_SCORE).

    The network has two forms: `pnet`, with cells 2 px apart, and `pnet_sparse`, which has one in four of them for
    two thirds of the time. `prefilter`: whether to compute in bf16 before f32, and in sparse scans instead of f32.
    """

    def __init__(self, min_face: float, threshold: float, device: str, threads: int, *, prefilter: bool) -> None:
        self.min_face = min_face
        self.threshold = _logit(threshold)
        prefilter = prefilter and device == "cpu" and has_bf16()
        self._dense = Network("pnet", device=device, threads=threads, block=256)
        self._patches = Network("pnet", device=device, threads=threads)
        self._prefilter = Network("pnet", threads=threads, precision="bf16") if prefilter else None
        self._sparse = Network(
            "pnet_sparse", device=device, threads=threads, precision="bf16" if prefilter else "f32"
        )

    def scan(self, image: Image) -> Floats:
        """Scan the whole image at every scale."""
        return _boxes(image, pyramid(image, RECEPTIVE_FIELD / self.min_face), self._cells, LEVELS_IOU)

    def sparse_scan(self, image: Image, options: FullScan) -> Floats:
        """Scan one cell in four of the whole image: of odd scans those halfway between the even ones', which finds
        more than the same ones twice; and at every scale where nothing is known of the image, else at fewer.
        """
        begin = STRIDE if options.number % 2 else 0
        if options.number == 0:
            levels, max_iou = pyramid(image, RECEPTIVE_FIELD / self.min_face), LEVELS_IOU
        else:
            scale = RECEPTIVE_FIELD / (SPARSE_SMALLEST * self.min_face)
            levels = pyramid(image, scale, factor=SPARSE_FACTOR, method=cv2.INTER_LINEAR)
            max_iou = SPARSE_IOU
        return _boxes(image, levels, lambda level: self._sparse_cells(level, begin), max_iou)

    def around(self, image: Image, boxes: Floats) -> Floats:
        """Scan patches around `boxes` for faces of about their size, at most their size away."""
        if not len(boxes):
            return boxes
        n, scales = len(boxes), len(PATCH_SCALES)
        centres = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
        sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)[:, np.newaxis] * np.array(PATCH_SCALES, np.float32)
        # Side of a patch's pixel, in px of the image.
        pixel = np.maximum(sizes, self.min_face)[..., np.newaxis] / np.float32(RECEPTIVE_FIELD)
        corners = centres - pixel * (PATCH / 2)
        patches = np.concatenate([corners, corners + pixel * PATCH], axis=2).reshape(-1, 4)
        (values,) = self._patches(antialiased_crops(image, patches, PATCH))
        values = values.reshape(n, scales, 5, -1).swapaxes(2, 3)
        proposals = _patch_cells() + RECEPTIVE_FIELD * values[..., :4]
        proposals = np.tile(corners, 2)[:, :, np.newaxis] + proposals * pixel[..., np.newaxis]
        scores = values[..., 4].reshape(n, -1)
        return square(batched_nms(proposals.reshape(n, -1, 4), scores, self.threshold, PATCH_IOU, PATCH_MAX_BOXES))

    def _cells(self, level: Image) -> tuple[Floats, Floats]:
        """The n cells of a level above the threshold: (n, 2) upper left corners, (n, 5) P-Net's values."""
        level = _even(level)
        if self._prefilter is None or level.shape[0] * level.shape[1] < PREFILTER_PIXELS:
            (values,) = self._dense(level[np.newaxis])
            rows, columns = np.nonzero(values[0, 4] > self.threshold)
            cells = values[0, :, rows, columns]
        else:
            (values,) = self._prefilter(level[np.newaxis])
            rows, columns = np.nonzero(values[0, 4] > self.threshold - PNET_BF16_MARGIN)
            windows = sliding_window_view(level, (RECEPTIVE_FIELD, RECEPTIVE_FIELD), axis=(0, 1))
            windows = windows[rows * STRIDE, columns * STRIDE]
            (values,) = self._dense(windows.transpose(0, 2, 3, 1))
            selected = values[:, 4, 0, 0] > self.threshold
            rows, columns, cells = rows[selected], columns[selected], values[selected, :, 0, 0]
        return STRIDE * np.stack([columns, rows], axis=1).astype(np.float32), cells

    def _sparse_cells(self, level: Image, begin: int) -> tuple[Floats, Floats]:
        """As `_cells`, one cell in four, starting `begin` px from the corner; with the prefilter in bf16 only."""
        level = _even(level)
        if min(level.shape[:2]) < begin + RECEPTIVE_FIELD:
            begin = 0
        (values,) = self._sparse(level[np.newaxis, begin:, begin:])
        rows, columns = np.nonzero(values[0, 4] > _logit(SPARSE_SCORE))
        corners = begin + 2 * STRIDE * np.stack([columns, rows], axis=1).astype(np.float32)
        return corners, values[0, :, rows, columns]


def _boxes(
    image: Image, levels: Iterable[Image], cells_of: Callable[[Image], tuple[Floats, Floats]], max_iou: float
) -> Floats:
    """The square boxes of the cells that `cells_of` returns for each of `levels` of `image`, after NMS."""
    size = np.array(image.shape[1::-1], np.float32)
    boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
    for level in levels:
        corners, cells = cells_of(level)
        proposals = np.concatenate([corners, corners + RECEPTIVE_FIELD], axis=1) + RECEPTIVE_FIELD * cells[:, :4]
        selected = nms(proposals, cells[:, 4], 0.5)
        # A level has whole pixels, so its scale differs a little from the requested one. The package divides by the
        # latter, and is up to 8 % off at the smallest levels.
        boxes.append(proposals[selected] * np.tile(size / level.shape[1::-1], 2).astype(np.float32))
        scores.append(cells[selected, 4])
    proposals = np.concatenate(boxes)
    return square(proposals[nms(proposals, np.concatenate(scores), max_iou)])


def _even(level: Image) -> Image:
    """Without an odd row or column, where P-Net's cells would cover 11 px only."""
    return level[: level.shape[0] // STRIDE * STRIDE, : level.shape[1] // STRIDE * STRIDE]


def _logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


@cache
def _patch_cells() -> Floats:
    """(m, 4) the boxes of a patch's cells, in px of the patch, in the order of P-Net's output."""
    starts = np.arange(0, PATCH - RECEPTIVE_FIELD + 1, STRIDE, dtype=np.float32)
    corners = np.stack(np.meshgrid(starts, starts), axis=-1).reshape(-1, 2)
    return np.concatenate([corners, corners + RECEPTIVE_FIELD], axis=1)
