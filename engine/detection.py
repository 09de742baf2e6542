"""Finds faces with MTCNN: three networks in a cascade, each looking closer at what the one before let through.

The method is of Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks (2016), with the weights and the thresholds of the `mtcnn` package. Where the package departs from an
unbiased geometry, this departs from the package: see `boxes.crops` and `Mtcnn._proposals`.

One convention holds for all coordinates: pixels are squares, (0, 0) is the upper left corner of the image's first
pixel, (0.5, 0.5) its centre, and (width, height) the lower right corner of the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol, Self

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from engine.boxes import (
    CELL,
    best,
    crops,
    inside,
    moved,
    pyramid,
    shrunk_crops,
    square,
    suppress,
)
from engine.errors import UsageError
from engine.networks import Network, has_bf16

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

STRIDE = 2
"""Between the cells that P-Net looks at, px."""
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

# What smaller faces ask for than the package looks for; measured in benchmarks/results.md.
LEAST = 20
"""The package's `min_face`, px. With this or more, all faces are found as it finds them."""
SMALL = 24
"""Faces are small where the crops that R-Net and O-Net see have fewer px of the image than this on a side."""
SMALL_RNET = 0.4
"""R-Net's threshold for small faces, which it knows less well than O-Net does."""
WEAK = 0.4
"""O-Net's score from which a small face is worth something to who knows that a face was there."""
MIRRORED, SIGNS = [1, 0, 2, 4, 3], np.array([-1, 1, -1, 1], np.float32)
"""The landmarks of a mirrored face in the order of the face, and which way its offsets go."""

# What hints ask for; measured in benchmarks/results.md.
SURE = 0.95
"""O-Net's score at which a face that is where it was expected needs no other look."""
PATCH = 32
"""Side, in P-Net's px, of what is looked at around a place: a face may be most of its size away from it."""
PATCH_SIZES = (0.75, 1.0, 1.33)
"""Sizes of the faces looked for around a place, in units of the size that is expected."""
PATCH_OVERLAP, PATCH_MOST = 0.6, 3
"""Overlap above which P-Net's boxes around a place are one, and the most of them that go on."""
BAND_SCORE, BAND_OVERLAP, BAND_FACTOR = 0.8, 0.5, 0.6
"""P-Net's threshold, the overlap above which its boxes are one, and its pyramid's factor in a band: a face is seen
at one level where elsewhere it is at two, and the next sweep looks again."""
BAND_SMALLEST = 1.1
"""The size at the first level of a band, in units of the smallest face: P-Net sees faces a tenth smaller, too."""


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

    def __getitem__(self, which: npt.NDArray[Any]) -> Self:
        """Those of a mask or of indices."""
        return type(self)(self.boxes[which], self.scores[which], self.landmarks[which])

    @classmethod
    def concatenate(cls, parts: Iterable[Detections]) -> Self:
        """All of one or more `parts`, as they come."""
        columns = zip(*((part.boxes, part.scores, part.landmarks) for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))


@dataclass(frozen=True, eq=False)
class Hints:
    """Where faces are to be looked for in one image; whoever gives them answers for what lies elsewhere."""

    boxes: Floats
    """(n, 4) where a face is expected."""
    lost: Floats
    """(m, 4) where a face may be again, somewhere around there."""
    bands: tuple[Band, ...] = ()
    """Where any other face may be."""


class Band(NamedTuple):
    """From `top` to `bottom`, as shares of the image's height; faces there are `smallest` to `largest` px high."""

    top: float
    bottom: float
    smallest: float
    largest: float


class Detector(Protocol):
    """Anything that finds faces in an image."""

    def detect(self, image: Image, hints: Hints | None = None) -> Detections:
        """Find the faces of `image`, (h, w, 3) uint8 RGB.

        A detector may use `hints` to look nowhere else, or look everywhere all the same; it must not report a face
        for a hint alone.
        """
        ...


class Mtcnn:
    """The MTCNN cascade over the committed networks. Not for several threads at once.

    `min_face` is the height in px of the smallest face to look for: the time grows with 1/min_face². `thresholds`
    are the scores, in (0, 1), that P-Net, R-Net and O-Net must exceed. `device` and `threads` are the networks'.

    Most of what P-Net and R-Net see is clearly no face. Where the processor computes in bf16, they look in bf16
    first, and in f32 only at what may be one; `sieve=False` does without, for the same faces.

    With a `min_face` under LEAST, weak faces come too, with scores from WEAK up to O-Net's threshold: they are for
    trackers, and not to be taken for faces for their own sake.

    With hints, O-Net looks at once where a face is expected. Where it is not sure of one, and around lost faces,
    P-Net looks at three levels of a small patch; in bands, at the levels that their sizes need.
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
        self._small = SMALL if min_face < LEAST else 0
        self._pnet = Network("pnet", device=device, threads=threads, block=256)
        self._patch_pnet = Network("pnet", device=device, threads=threads)
        self._rnet = Network("rnet", device=device, threads=threads)
        self._onet = Network("onet", device=device, threads=threads)
        self._pnet_sieve: Network | None = None
        self._rnet_sieve: Network | None = None
        if sieve and device == "cpu" and has_bf16():
            self._pnet_sieve = Network("pnet", threads=threads, precision="bf16")
            self._rnet_sieve = Network("rnet", threads=threads, precision="bf16")

    def detect(self, image: Image, hints: Hints | None = None) -> Detections:
        """Find the faces of `image`, (h, w, 3) uint8 RGB: in all of it, or with `hints` only where they say.

        An image with a side under 12 px has none. Raises UsageError for any other kind of array.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise UsageError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        if hints is None:
            return self._faces(image, self._refined(image, self._proposals(image)))
        seen = self._look(image, square(hints.boxes))
        sure = seen.scores > SURE
        around = self._around(image, np.concatenate([hints.boxes[~sure], hints.lost]))
        rest = np.concatenate([hints.boxes[:0], *(self._within(image, band) for band in hints.bands)])
        rest = rest[~inside(rest, seen.boxes[sure])]
        return self._faces(image, self._refined(image, np.concatenate([around, rest])), seen[sure])

    def _around(self, image: Image, boxes: Floats) -> Floats:
        """Proposals for faces of about the size of `boxes`, at most their size away from them; (m, 4) squares."""
        if not len(boxes):
            return boxes
        n, scales = len(boxes), len(PATCH_SIZES)
        centres = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
        sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)[:, np.newaxis] * np.array(PATCH_SIZES, np.float32)
        # of a patch, in px of the image
        pixel = np.maximum(sizes, self.min_face)[..., np.newaxis] / np.float32(CELL)
        corners = centres - pixel * (PATCH / 2)
        patches = np.concatenate([corners, corners + pixel * PATCH], axis=2).reshape(-1, 4)
        (values,) = self._patch_pnet(shrunk_crops(image, patches, PATCH))
        values = values.reshape(n, scales, 5, -1).swapaxes(2, 3)
        found = _patch_cells() + CELL * values[..., :4]
        found = np.tile(corners, 2)[:, :, np.newaxis] + found * pixel[..., np.newaxis]
        scores = values[..., 4].reshape(n, -1)
        return square(best(found.reshape(n, -1, 4), scores, _logit(self.thresholds[0]), PATCH_OVERLAP, PATCH_MOST))

    def _within(self, image: Image, band: Band) -> Floats:
        """Proposals in a band of the image; (n, 4) squares."""
        # Half a face more on both sides: those on the edge are seen whole. Few different heights, as every new one
        # costs the network some ms.
        whole = image.shape[0]
        height = int(min(whole, np.ceil(((band.bottom - band.top) * whole + band.largest) / 16) * 16))
        top = int(np.clip(((band.top + band.bottom) * whole - height) / 2, 0, whole - height))
        boxes = self._proposals(image[top : top + height], band)
        return boxes + np.array([0, top, 0, top], np.float32)

    def _proposals(self, image: Image, band: Band | None = None) -> Floats:
        """Look at the whole image at every scale, or roughly at those of a `band`; (n, 4) square boxes."""
        size = np.array(image.shape[1::-1], np.float32)
        boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        if band is None:
            levels, cells_of, overlap = pyramid(image, CELL / self.min_face), self._cells, 0.7
        else:
            scales = CELL / (BAND_SMALLEST * band.smallest), CELL / band.largest
            levels = pyramid(image, *scales, factor=BAND_FACTOR, method=cv2.INTER_LINEAR)
            cells_of, overlap = self._rough_cells, BAND_OVERLAP
        for level in levels:
            corners, cells = cells_of(level)
            found = np.concatenate([corners, corners + CELL], axis=1) + CELL * cells[:, :4]
            kept = suppress(found, cells[:, 4], 0.5)
            # A level has whole pixels, so its scale is not quite the one asked for. The package divides by the
            # latter, and is up to 8 % off at the smallest levels.
            boxes.append(found[kept] * np.tile(size / level.shape[1::-1], 2).astype(np.float32))
            scores.append(cells[kept, 4])
        found = np.concatenate(boxes)
        return square(found[suppress(found, np.concatenate(scores), overlap)])

    def _rough_cells(self, level: Image) -> tuple[Floats, Floats]:
        """As `_cells`, with nothing looked at again in f32."""
        (values,) = (self._pnet_sieve or self._pnet)(_even(level)[np.newaxis])
        rows, columns = np.nonzero(values[0, 4] > _logit(BAND_SCORE))
        return STRIDE * np.stack([columns, rows], axis=1).astype(np.float32), values[0, :, rows, columns]

    def _cells(self, level: Image) -> tuple[Floats, Floats]:
        """The n cells of a level that P-Net takes for faces: (n, 2) upper left corners, (n, 5) P-Net's values."""
        level = _even(level)
        threshold = _logit(self.thresholds[0])
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
        cut = crops(image, boxes, 24)
        threshold = np.where(self._are_small(boxes), min(SMALL_RNET, self.thresholds[1]), self.thresholds[1])
        if self._rnet_sieve is not None:
            maybe = self._rnet_sieve(cut)[1][:, 0] > threshold - RNET_SLACK
            boxes, cut, threshold = boxes[maybe], cut[maybe], threshold[maybe]
        offsets, scores = self._rnet(cut)
        sure = scores[:, 0] > threshold
        boxes = moved(boxes[sure], offsets[sure])
        return square(boxes[suppress(boxes, scores[sure, 0], REFINED_OVERLAP)])

    def _faces(self, image: Image, boxes: Floats, *sure: Detections) -> Detections:
        """Correct the boxes for the last time, drop more, and find the landmarks; beside those that are `sure`."""
        found = self._look(image, boxes)
        clear, small = found.scores > self.thresholds[2], self._are_small(boxes)
        weak = ~clear & small & (found.scores > WEAK)
        # Whether O-Net sees a face can hang on half a pixel. One that it is in doubt about gets a second look, at
        # the box that the first look made of it.
        again = self._look(image, square(found.boxes[~clear & ~small & (found.scores > DOUBT)]))
        found = Detections.concatenate([found[clear | weak], again[again.scores > self.thresholds[2]], *sure])
        height, width = image.shape[:2]
        boxes = found.boxes.clip(0, np.array([width, height] * 2, np.float32))
        kept = suppress(boxes, found.scores, 0.7, of_smaller=True)
        kept = kept[(boxes[kept, 2:] > boxes[kept, :2]).all(axis=1)]
        return Detections(boxes[kept], found.scores[kept], found.landmarks[kept])

    def _are_small(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """(n,) which of n square boxes are small faces'."""
        small: npt.NDArray[np.bool_] = boxes[:, 2] - boxes[:, 0] < self._small
        return small

    def _look(self, image: Image, boxes: Floats) -> Detections:
        """What O-Net makes of n square boxes; of small ones, with a second opinion: their mirror image's."""
        cut = crops(image, boxes, 48)
        offsets, points, scores = self._onet(cut)
        small = np.flatnonzero(self._are_small(boxes))
        if len(small):
            # Of few pixels O-Net makes too much, and not the same of both: the mean is right more often.
            mirrored = self._onet(np.ascontiguousarray(cut[small, :, ::-1]))
            offsets[small] = (offsets[small] + mirrored[0][:, [2, 1, 0, 3]] * SIGNS) / 2
            back = mirrored[1].reshape(-1, 2, 5)[..., MIRRORED]
            back[:, 0] = 1 - back[:, 0]
            points[small] = (points[small] + back.reshape(-1, 10)) / 2
            odds = np.sqrt(_odds(scores[small]) * _odds(mirrored[2]))
            scores[small] = odds / (1 + odds)
        corners, sizes = boxes[:, np.newaxis, :2], (boxes[:, 2:] - boxes[:, :2])[:, np.newaxis]
        landmarks = corners + sizes * points.reshape(-1, 2, 5).swapaxes(1, 2)
        return Detections(moved(boxes, offsets), scores[:, 0], landmarks)


def _odds(scores: Floats) -> Floats:
    odds: Floats = scores / (1 - np.minimum(scores, np.float32(0.999999)))
    return odds


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
