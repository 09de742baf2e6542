"""RetinaFace's network: batches of pictures to boxes, scores and landmarks, over its grid of anchors."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.vision.detection import Detections, Floats, Image
from engine.vision.networks import Network

#: Distance in px between the cells of each level of the network, and the sides of a cell's two anchors.
LEVELS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
#: The network gives offsets of centres in units of a tenth of the anchor, and of the logarithm of sizes in fifths.
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
#: How much lower its boxes lie than MTCNN's, for which crops are made, as a share of their height: between the
#: median of 116 faces of 35 to 77 px in ../shared/footage, 0.027, and that of 15 of 119 px in eval/photos, 0.007.
#: Their sides are equal within 4 %.
LOWER = 0.015


class AnchorNetwork:
    """The committed network. Pictures of a batch are run `block` at a time; `precision` is `Network`'s."""

    def __init__(self, *, device: str, threads: int, block: int, precision: str = "f32") -> None:
        self._network = Network("retinaface", device=device, threads=threads, block=block, precision=precision)

    def __call__(self, images: Image, least: float) -> tuple[npt.NDArray[np.intp], Detections]:
        """The faces of `images` (n, h, w, 3) uint8 RGB before NMS: (m,) which image each is in, and the m faces.

        Their scores are the network's own, `least` or more. Boxes and landmarks are in px of that image, and may
        lie beyond its edges.
        """
        offsets, logits, points = self._network(images)
        number, anchor = np.nonzero(logits[..., 0] >= logit(least))
        anchors = anchors_of(*images.shape[2:0:-1])[anchor]
        offsets, points = offsets[number, anchor], points[number, anchor].reshape(-1, 5, 2)
        centres, sides = anchors[:, :2], anchors[:, 2:]
        middle = centres + CENTRE_VARIANCE * sides * offsets[:, :2]
        half = sides * np.exp(SIZE_VARIANCE * offsets[:, 2:]) / 2
        middle[:, 1] -= LOWER * 2 * half[:, 1]
        boxes = np.hstack([middle - half, middle + half])
        landmarks = centres[:, np.newaxis] + CENTRE_VARIANCE * sides[:, np.newaxis] * points
        scores = sigmoid(logits[number, anchor, 0])
        return number, Detections(*(array.astype(np.float32) for array in (boxes, scores, landmarks)))


def mapped(faces: Detections, scale: Floats, corner: Floats) -> Detections:
    """The n `faces` of pictures in px of the image: `scale` (n or 1, 2) times as large, and moved to `corner`."""
    boxes = faces.boxes * np.tile(scale, 2) + np.tile(corner, 2)
    return Detections(boxes, faces.scores, faces.landmarks * scale[:, np.newaxis] + corner[:, np.newaxis])


@lru_cache(maxsize=8)
def anchors_of(width: int, height: int) -> Floats:
    """(n, 3) centre x, y and side in px of every anchor in an image, in the order of the network's outputs."""
    levels: list[npt.NDArray[np.float64]] = []
    for stride, sides in LEVELS:
        y, x = np.mgrid[: -(-height // stride), : -(-width // stride)]
        centres = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride
        levels.append(np.column_stack([centres.repeat(len(sides), axis=0), np.tile(sides, len(centres))]))
    return np.concatenate(levels).astype(np.float32)


def logit(score: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The logarithm of the odds of scores in (0, 1)."""
    score = np.asarray(score, np.float64)
    odds: npt.NDArray[np.float64] = np.log(score / (1 - score))
    return odds


def sigmoid(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The scores of logits."""
    scores: npt.NDArray[np.floating] = 1 / (1 + np.exp(-logits))
    return scores
