"""The protocol of face detectors, their detections, and their regions of interest.

One convention holds for all coordinates: pixels are squares, (0, 0) is the upper left corner of the image's first
pixel, (0.5, 0.5) its centre, and (width, height) the lower right corner of the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Detections:
    """The n faces of one image, in descending order of score. Raises ValueError for arrays of other shapes."""

    boxes: Floats
    """(n, 4) x1, y1, x2, y2 in px, within the image, x1 < x2 and y1 < y2: from the brows to the chin, and as wide
    as the face. The width decides what the expression network is shown."""
    scores: Floats
    """(n,) in [0, 1]. A student's track starts at `Settings.birth_score` (0.9, where MTCNN is right in 98.5 % of
    its faces); lower scores continue one."""
    landmarks: Floats
    """(n, 5, 2) x, y in px, in the order of `engine.faces.LANDMARKS`; they may lie outside the image."""

    def __post_init__(self) -> None:
        n = len(self.scores)
        for name, shape in {"boxes": (n, 4), "scores": (n,), "landmarks": (n, 5, 2)}.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, selection: npt.NDArray[Any]) -> Self:
        """The detections that a mask (n,) or an array of indices selects."""
        return type(self)(self.boxes[selection], self.scores[selection], self.landmarks[selection])

    @classmethod
    def concatenate(cls, parts: Iterable[Detections]) -> Self:
        """All detections of one or more `parts`, in their order."""
        columns = zip(*((part.boxes, part.scores, part.landmarks) for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))


class FullScan(NamedTuple):
    """A scan of the whole image that other ones follow, so that it may be a coarse one."""

    number: int = 0
    """0: nothing is known of the image, as of the first one; then 1, 2, ...: a detector that leaves something out
    of every scan leaves out another part of an even one than of an odd one."""


@dataclass(frozen=True, eq=False)
class RegionsOfInterest:
    """Regions of one image to search for faces. The caller is responsible for all others."""

    expected: Floats
    """(n, 4) boxes where a face is expected."""
    missing: Floats
    """(m, 4) boxes around which a face may reappear."""
    full_scan: FullScan | None = None
    """How to scan the whole image for other faces; None: not in this image."""
    bands: tuple[tuple[float, float], ...] = ()
    """The same scans in parts, for a detector that takes long for a whole image: the bands of rows, from the top's
    share of the height to the bottom's, that are due in this image. A detector scans the bands, or in full."""


class Detector(Protocol):
    """Finds faces in an image. Any class with this one method is a detector.

    A detector is made once for each process and called for many images, never by several threads at once. The same
    image and regions must give the same faces, whatever the images before: segments of a recording are processed in
    any order, by any process, and must give the same rows.

    Another package offers one through an entry point of the group `classpulse.detectors`: a name, and a callable
    that takes the session's `engine.settings.Settings` and returns the detector (docs/extending.md). From the
    settings it should honour `min_face` (px), and may read `detector_weights`
    (`engine.vision.detectors.read_weights`), `device` and `thresholds`. Wrong settings are an
    `engine.errors.UsageError`, in one line.
    """

    def detect(self, image: Image, regions: RegionsOfInterest | None = None) -> Detections:
        """Find the faces of `image`, (height, width, 3) uint8 RGB, upright.

        With `regions`, it is enough to search them, which saves time; a detector may search the whole image. A
        region alone is no evidence: only faces that are visible in the image may be returned.
        """
        ...
