"""Which share of the true faces is found, by their height and by whom."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engine.detection import Detections

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]

#: O-Net's threshold: faces under it are weak ones, for trackers alone.
SURE = 0.8


def heads(shared: Path) -> Iterator[tuple[Image, Floats]]:
    """The 80 images of SCUT-HEAD: RGB (h, w, 3), and the (n, 4) boxes of all heads, also bowed ones and backs."""
    for path in sorted((shared / "eval/heads").glob("*.xml")):
        image = cv2.cvtColor(cv2.imread(str(path.with_suffix(".jpg"))), cv2.COLOR_BGR2RGB)
        boxes = [
            [float(box.findtext(edge, "")) for edge in ("xmin", "ymin", "xmax", "ymax")]
            for box in ET.parse(path).getroot().iter("bndbox")
        ]
        yield image, np.array(boxes, np.float64).reshape(-1, 4)


class Heads:
    """Counts: a face is right where its middle lies in a head, and a head is hit once, however often."""

    def __init__(self) -> None:
        self.heads = self.hit = self.found = self.right = 0

    def add(self, faces: Detections, heads: Floats) -> None:
        """Count the sure ones of the `faces` of an image with these `heads`."""
        inside = middles_in(faces.boxes[faces.scores >= SURE], heads)
        self.heads += len(heads)
        self.found += len(inside)
        self.right += int(inside.any(axis=1).sum())
        # Where heads overlap, a face is one of them only.
        self.hit += len(set(inside.argmax(axis=1)[inside.any(axis=1)].tolist()))

    @property
    def precision(self) -> float:
        """Share of the found ones that are right."""
        return self.right / max(self.found, 1)


def middles_in(boxes: npt.NDArray[np.floating], truth: Floats) -> npt.NDArray[np.bool_]:
    """(n, m) whether the middle of each of the `boxes` (n, 4) lies in each true one (m, 4)."""
    middles = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
    inside: npt.NDArray[np.bool_] = ((middles >= truth[:, :2]) & (middles <= truth[:, 2:])).all(axis=2)
    return inside
