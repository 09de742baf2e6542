"""Finds faces with MTCNN: three networks in a cascade, each looking closer at what the one before let through.

The method is of Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks (2016), with the weights and the thresholds of the `mtcnn` package. Where the package departs from an
unbiased geometry, this departs from the package: see `_crops` and `_proposals`.

One convention holds for all coordinates: pixels are squares, (0, 0) is the upper left corner of the image's first
pixel, (0.5, 0.5) its centre, and (width, height) the lower right corner of the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from engine.errors import UsageError
from engine.networks import Network, has_bf16

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

CELL, STRIDE = 12, 2
"""P-Net looks at every 12x12 px, 2 px apart."""
PYRAMID_FACTOR = 0.709
"""Each level of the pyramid has about half the pixels of the one before."""
PNET_SLACK = 0.4
"""How far below the threshold P-Net's logit may be in bf16 for the cell to be looked at in f32. The two differed by
0.04 on average (root of the squares) and by 0.29 at most over 15,594 cells of the evaluation footage."""
RNET_SLACK = 0.1
"""The same for R-Net's score, which differed by 0.03 at most over 5,058 crops."""
SIEVED_PIXELS = 2**17
"""Smallest level, px, for which the sieve saves more than looking at its cells again costs."""
REFINED_OVERLAP = 0.85
"""Overlap (IoU) above which R-Net's boxes are one. The package's 0.7 gives O-Net a single crop of most faces."""
DOUBT = 0.5
"""O-Net's score above which a face gets a second look."""
GREY = (128, 128, 128)
"""What the networks see outside the image."""


@dataclass(frozen=True, eq=False)
class Detections:
    """n faces in one image, the surest first. `scores` are in [0, 1]; coordinates as this module says."""

    boxes: Floats
    """(n, 4) x1, y1, x2, y2 within the image, each box with an area."""
    scores: Floats
    """(n,)"""
    landmarks: Floats
    """(n, 5, 2) x, y in the order of `faces.LANDMARKS`; they may lie outside the image."""

    def __post_init__(self) -> None:
        n = len(self.scores)
        for name, shape in {"boxes": (n, 4), "scores": (n,), "landmarks": (n, 5, 2)}.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")

    def __len__(self) -> int:
        return len(self.scores)


class Detector(Protocol):
    """Anything that finds faces in an image."""

    def detect(self, image: Image, hints: Floats | None = None) -> Detections:
        """Find the faces of `image`, (h, w, 3) uint8 RGB.

        `hints` are boxes (n, 4) where somebody expects faces; a detector may use them to look there first, and must
        not report a face for a hint alone.
        """
        ...


class Mtcnn:
    """The MTCNN cascade over the committed networks. Not for several threads at once.

    `min_face` is the height in px of the smallest face to look for: the time grows with 1/min_face². `thresholds`
    are the scores, in (0, 1), that P-Net, R-Net and O-Net must exceed. `device` and `threads` are the networks'.

    Most of what P-Net and R-Net see is clearly no face. Where the processor computes in bf16, they look in bf16
    first, and in f32 only at what may be one; `sieve=False` does without, for the same faces.
    """

    def __init__(
        self,
        min_face: float = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.8),
        device: str = "cpu",
        threads: int = 1,
        *,
        sieve: bool = True,
    ) -> None:
        self.min_face = min_face
        self.thresholds = thresholds
        self._pnet = Network("pnet", device=device, threads=threads, block=256)
        self._rnet = Network("rnet", device=device, threads=threads)
        self._onet = Network("onet", device=device, threads=threads)
        self._pnet_sieve: Network | None = None
        self._rnet_sieve: Network | None = None
        if sieve and device == "cpu" and has_bf16():
            self._pnet_sieve = Network("pnet", threads=threads, precision="bf16")
            self._rnet_sieve = Network("rnet", threads=threads, precision="bf16")

    def detect(self, image: Image, hints: Floats | None = None) -> Detections:  # noqa: ARG002 (the protocol's)
        """Find the faces of `image`, (h, w, 3) uint8 RGB; `hints` are not used.

        An image with a side under 12 px has none. Raises UsageError for any other kind of array.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise UsageError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        boxes = self._proposals(image)
        boxes = self._refined(image, boxes)
        return self._faces(image, boxes)

    def _proposals(self, image: Image) -> Floats:
        """Look at the whole image at every scale; (n, 4) square boxes."""
        size = np.array(image.shape[1::-1], np.float32)
        boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        for level in pyramid(image, CELL / self.min_face):
            corners, cells = self._cells(level)
            found = np.concatenate([corners, corners + CELL], axis=1) + CELL * cells[:, :4]
            kept = suppress(found, cells[:, 4], 0.5)
            # A level has whole pixels, so its scale is not quite the one asked for. The package divides by the
            # latter, and is up to 8 % off at the smallest levels.
            boxes.append(found[kept] * np.tile(size / level.shape[1::-1], 2).astype(np.float32))
            scores.append(cells[kept, 4])
        found = np.concatenate(boxes)
        return _square(found[suppress(found, np.concatenate(scores), 0.7)])

    def _cells(self, level: Image) -> tuple[Floats, Floats]:
        """The n cells of a level that P-Net takes for faces: (n, 2) upper left corners, (n, 5) P-Net's values."""
        # Behind an odd side, P-Net has a row of cells that see 11 px; without them, each is its 12x12 px alone.
        level = level[: level.shape[0] // STRIDE * STRIDE, : level.shape[1] // STRIDE * STRIDE]
        threshold = np.log(self.thresholds[0] / (1 - self.thresholds[0]))
        if self._pnet_sieve is None or level.shape[0] * level.shape[1] < SIEVED_PIXELS:
            (values,) = self._pnet(level[np.newaxis])
            rows, columns = np.nonzero(values[0, 4] > threshold)
            cells = values[0, :, rows, columns]
        else:
            (values,) = self._pnet_sieve(level[np.newaxis])
            rows, columns = np.nonzero(values[0, 4] > threshold - PNET_SLACK)
            windows = sliding_window_view(level, (CELL, CELL), axis=(0, 1))[rows * STRIDE, columns * STRIDE]
            (values,) = self._pnet(windows.transpose(0, 2, 3, 1))
            sure = values[:, 4, 0, 0] > threshold
            rows, columns, cells = rows[sure], columns[sure], values[sure, :, 0, 0]
        return STRIDE * np.stack([columns, rows], axis=1).astype(np.float32), cells

    def _refined(self, image: Image, boxes: Floats) -> Floats:
        """Correct the proposals and drop most of them; (n, 4) square boxes."""
        crops = _crops(image, boxes, 24)
        if self._rnet_sieve is not None:
            maybe = self._rnet_sieve(crops)[1][:, 0] > self.thresholds[1] - RNET_SLACK
            boxes, crops = boxes[maybe], crops[maybe]
        offsets, scores = self._rnet(crops)
        sure = scores[:, 0] > self.thresholds[1]
        boxes = _moved(boxes[sure], offsets[sure])
        return _square(boxes[suppress(boxes, scores[sure, 0], REFINED_OVERLAP)])

    def _faces(self, image: Image, boxes: Floats) -> Detections:
        """Correct the boxes for the last time, drop more, and find the landmarks."""
        boxes, landmarks, scores = self._look(image, boxes)
        sure = scores > self.thresholds[2]
        # Whether O-Net sees a small face can hang on half a pixel. One that it is in doubt about gets a second
        # look, at the box that the first look made of it.
        again = self._look(image, _square(boxes[~sure & (scores > DOUBT)]))
        boxes, landmarks, scores = (
            np.concatenate([first[sure], second[again[2] > self.thresholds[2]]])
            for first, second in zip((boxes, landmarks, scores), again, strict=True)
        )
        height, width = image.shape[:2]
        boxes = boxes.clip(0, np.array([width, height] * 2, np.float32))
        kept = suppress(boxes, scores, 0.7, of_smaller=True)
        kept = kept[(boxes[kept, 2:] > boxes[kept, :2]).all(axis=1)]
        return Detections(boxes[kept], scores[kept], landmarks[kept])

    def _look(self, image: Image, boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """O-Net's boxes (n, 4), landmarks (n, 5, 2) and scores (n,) for square boxes."""
        offsets, points, scores = self._onet(_crops(image, boxes, 48))
        corners, sizes = boxes[:, np.newaxis, :2], (boxes[:, 2:] - boxes[:, :2])[:, np.newaxis]
        return _moved(boxes, offsets), corners + sizes * points.reshape(-1, 2, 5).swapaxes(1, 2), scores[:, 0]


def pyramid(image: Image, scale: float) -> Iterator[Image]:
    """Yield `image` at `scale`, then ever smaller, down to a side of 12 px.

    The package averages over areas of the full image for each level, which here would cost more than P-Net. This
    does it for the first level, where the small faces are, and halves the image (an exact average, and cheap)
    before it interpolates the smaller ones.
    """
    height, width = image.shape[:2]
    method = cv2.INTER_AREA
    while min(height, width) * scale >= CELL:
        size = int(width * scale), int(height * scale)
        while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
            half = image.shape[1] // 2, image.shape[0] // 2
            image = cast(Image, cv2.resize(image, half, interpolation=cv2.INTER_AREA))
        yield cast(Image, cv2.resize(image, size, interpolation=method))
        method = cv2.INTER_LINEAR
        scale *= PYRAMID_FACTOR


def suppress(boxes: Floats, scores: Floats, threshold: float, *, of_smaller: bool = False) -> npt.NDArray[np.intp]:
    """Choose among overlapping boxes: the indices of those kept, the highest score first.

    A box goes where any box with a higher score overlaps it by more than `threshold`: intersection over union, or,
    with `of_smaller`, over the smaller of the two areas. As in the `mtcnn` package, a box that goes itself still
    suppresses others, which needs no loop over the boxes.
    """
    if not len(boxes):
        return np.empty(0, np.intp)
    order = np.argsort(-scores, kind="stable")
    x1, y1, x2, y2 = boxes[order].T
    wide = np.minimum(x2[:, np.newaxis], x2)
    wide -= np.maximum(x1[:, np.newaxis], x1)
    high = np.minimum(y2[:, np.newaxis], y2)
    high -= np.maximum(y1[:, np.newaxis], y1)
    inter = np.maximum(wide, 0, out=wide)
    inter *= np.maximum(high, 0, out=high)
    area = (x2 - x1) * (y2 - y1)
    if of_smaller:
        overlaps = inter > threshold * np.minimum(area[:, np.newaxis], area)
    else:  # inter / (area + area - inter) > threshold, solved for inter
        share = area * (threshold / (1 + threshold))
        overlaps = inter > share[:, np.newaxis] + share
    # A box overlaps itself: it stays if that is the first, that is, the highest score, that it overlaps.
    stays: npt.NDArray[np.bool_] = overlaps.argmax(axis=1) == np.arange(len(order))
    return order[stays]


def _moved(boxes: Floats, offsets: Floats) -> Floats:
    """Move the corners of boxes by offsets in units of the box's size."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def _square(boxes: Floats) -> Floats:
    """The squares of the same centres, as large as the longer sides."""
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _crops(image: Image, boxes: Floats, size: int) -> Image:
    """Bring square boxes to `size` px: (n, size, size, 3), by bilinear interpolation at the centres of their cells.

    The package puts the first and last sample on the box's edges and scales coordinates by (width - 1) / width, so
    that its boxes and landmarks sit up to half a pixel to the left in the left half of the image, and to the right
    in the right half.
    """
    if not len(boxes):
        return np.empty((0, size, size, 3), np.uint8)
    steps = (boxes[:, 2:3] - boxes[:, :1]) * ((np.arange(size, dtype=np.float32) + np.float32(0.5)) / size)
    # cv2 calls the centre of the first pixel 0, not 0.5.
    x, y = boxes[:, :1] + steps - np.float32(0.5), boxes[:, 1:2] + steps - np.float32(0.5)
    # One call for all boxes: every row of the maps is a box.
    shape = (len(boxes), size, size)
    map_x = np.broadcast_to(x[:, np.newaxis, :], shape).reshape(len(boxes), -1)
    map_y = np.broadcast_to(y[:, :, np.newaxis], shape).reshape(len(boxes), -1)
    crops = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=GREY)
    return cast(Image, crops.reshape(*shape, 3))
