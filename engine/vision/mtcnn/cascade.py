"""Finds faces with MTCNN: three networks in a cascade, each looking closer at what the one before let through.

The method is of Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks (2016), with the weights and the thresholds of the `mtcnn` package. Where the package departs from an
unbiased geometry, this departs from the package: see `boxes.crops` and `proposals`.

One convention holds for all coordinates: pixels are squares, (0, 0) is the upper left corner of the image's first
pixel, (0.5, 0.5) its centre, and (width, height) the lower right corner of the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.vision.mtcnn.boxes import crops, inside, moved, overlaps, square, suppress
from engine.vision.mtcnn.proposals import Proposer, Sweep
from engine.vision.networks import Network, has_bf16

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

RNET_SLACK = 0.1
"""How far below the threshold R-Net's score may be in bf16 for the crop to be looked at in f32; the two differed by
0.03 at most over 5,058 crops."""
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

SURE, STEADY = 0.95, 0.8
"""O-Net's score at which a face where one was expected needs no other look; nor does one with less, if its box
overlaps (IoU) the one that it was looked for in by this much. Measured in benchmarks/results.md."""
ONET_LARGEST = (5.5, 4.8, 4.0)
"""What O-Net's first three layers give in 8 bits at most. Of 390 crops of a drawn lesson's faces, all but one value
in 10,000 were up to 4.7, 3.9 and 3.5, and all up to 6.8, 5.8 and 4.7."""
ROUGH = 0.05
"""How far above the threshold O-Net's score must be in 8 bits. It was 0.017 away from f32's (root of the mean
square) and 0.09 at most over 459 crops of 0.5 to 0.99; none with more than 0.85 had less than 0.8 in f32."""


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
    sweep: Sweep | None = None
    """How to look for any other face, everywhere."""


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
    first, and in f32 only at what may be one; `sieve=False` does without, for the same faces. With hints, what is
    clear in bf16, or to O-Net in 8 bits, is left at that.

    With a `min_face` under LEAST, weak faces come too, with scores from WEAK up to O-Net's threshold: they are for
    trackers, and not to be taken for faces for their own sake.

    With hints, O-Net looks at once where a face is expected, and twice in doubt. Where it is not sure of one, and
    around lost faces, P-Net looks at three levels of a small patch; in a sweep, at one cell in four of all the
    picture.
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
        self._proposer = Proposer(min_face, thresholds[0], device, threads, sieve=sieve)
        self._rnet = Network("rnet", device=device, threads=threads)
        self._onet = Network("onet", device=device, threads=threads)
        self._rnet_sieve: Network | None = None
        self._onet_at_hints = self._onet
        self._margin = 0.0
        if sieve and device == "cpu" and has_bf16():
            self._rnet_sieve = Network("rnet", threads=threads, precision="bf16")
            self._onet_at_hints = Network("onet", threads=threads, precision="bf16", largest=ONET_LARGEST)
            self._margin = ROUGH

    def detect(self, image: Image, hints: Hints | None = None) -> Detections:
        """Find the faces of `image`, (h, w, 3) uint8 RGB: in all of it, or with `hints` only where they say.

        An image with a side under 12 px has none. Raises UsageError for any other kind of array.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise UsageError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        if hints is None:
            return self._faces(image, self._refined(image, self._proposer.everywhere(image)))
        known, missing = self._expected(image, hints.boxes)
        around = self._proposer.around(image, np.concatenate([missing, hints.lost]))
        rest = self._proposer.sweep(image, hints.sweep) if hints.sweep else missing[:0]
        rest = rest[~inside(rest, known.boxes)]
        return self._faces(image, self._refined(image, np.concatenate([around, rest])), known)

    def _expected(self, image: Image, boxes: Floats) -> tuple[Detections, Floats]:
        """The faces that are where they were expected, and the boxes (m, 4) of those that are not."""
        seen = self._look(image, square(boxes), self._onet_at_hints)
        sure = self._are_sure(seen, boxes, self.thresholds[2] + self._margin)
        # A face that moved is seen a little beside its place, and is clear when looked at where it is.
        again = np.flatnonzero(~sure & (seen.scores > DOUBT))
        closer = self._look(image, square(seen.boxes[again]), self._onet)
        clear = self._are_sure(closer, seen.boxes[again], self.thresholds[2])
        missing = ~sure
        missing[again[clear]] = False
        return Detections.concatenate([seen[sure], closer[clear]]), boxes[missing]

    @staticmethod
    def _are_sure(seen: Detections, boxes: Floats, least: float) -> npt.NDArray[np.bool_]:
        """(n,) which of the faces `seen` need no other look, having been looked for in `boxes`.

        Their scores are above `least`. Of all places around a face O-Net is surest in the middle. One that it would
        not move is in the middle already: that it is not surer lies in the face.
        """
        steady = overlaps(seen.boxes, boxes) > STEADY
        return (seen.scores > least) & ((seen.scores > SURE) | steady)

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
        found = self._look(image, boxes, self._onet)
        clear, small = found.scores > self.thresholds[2], self._are_small(boxes)
        weak = ~clear & small & (found.scores > WEAK)
        # Whether O-Net sees a face can hang on half a pixel. One that it is in doubt about gets a second look, at
        # the box that the first look made of it.
        doubtful = ~clear & ~small & (found.scores > DOUBT)
        again = self._look(image, square(found.boxes[doubtful]), self._onet)
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

    def _look(self, image: Image, boxes: Floats, onet: Network) -> Detections:
        """What `onet` makes of n square boxes; of small ones, with a second opinion: their mirror image's."""
        cut = crops(image, boxes, 48)
        offsets, points, scores = onet(cut)
        small = np.flatnonzero(self._are_small(boxes))
        if len(small):
            # Of few pixels O-Net makes too much, and not the same of both: the mean is right more often.
            mirrored = onet(np.ascontiguousarray(cut[small, :, ::-1]))
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
