"""A second look at each doubtful face of a scan: enlarged with what surrounds it, and mirrored.

The network finds a face of 10 px in an image that is enlarged 2.5 times, where it is 25 px high. In larger ones it
finds no more faces, and more that are none; but enlarged further it tells better which of those that it found are
some. The constants were chosen on every other image of benchmarks/recall.py, the even ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.vision.detection import Detections, Floats, Image
from engine.vision.mtcnn.boxes import antialiased_crops
from engine.vision.retinaface.network import AnchorNetwork, logit, sigmoid

#: Scores, the network's own, from which a face is looked at again, and from which that is not needed.
DOUBTFUL, CLEAR = 0.27, 0.95
#: Side of the picture of a second look, px, and of the face in it. With 64 px for a face of 40, or without the
#: surroundings, a tenth fewer heads are found at the same precision.
SIDE, FACE = 96, 50
#: How far from the middle, in units of the face, is still the same face; and the score of none at all.
REACH, NONE = 0.4, 0.01
#: The share of the two second looks, at the picture and at its mirror image, in the mean of the logits.
WEIGHT = 1 / 3


def look_again(network: AnchorNetwork, image: Image, faces: Detections) -> Detections:
    """The n `faces` of `image` with scores that also tell what a second look at the doubtful ones says."""
    doubtful = np.flatnonzero((faces.scores >= DOUBTFUL) & (faces.scores < CLEAR))
    if not len(doubtful):
        return faces
    scores = faces.scores.copy()
    again = logit(_enlarged(network, image, faces.boxes[doubtful])).mean(axis=0)
    scores[doubtful] = sigmoid((1 - WEIGHT) * logit(scores[doubtful]) + WEIGHT * again)
    return Detections(faces.boxes, scores, faces.landmarks)


def _enlarged(network: AnchorNetwork, image: Image, boxes: Floats) -> npt.NDArray[np.float64]:
    """(2, n) the network's scores of the faces in n `boxes`, enlarged or reduced to FACE px, and mirrored."""
    patches, _, _ = patches_around(image, boxes, SIDE, FACE)
    scores = np.full((2, len(boxes)), NONE)
    for row, pictures in zip(scores, (patches, np.ascontiguousarray(patches[:, :, ::-1])), strict=True):
        number, found = network(pictures, NONE)
        middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        near = np.abs(middles - SIDE / 2).max(axis=1) < REACH * FACE
        np.maximum.at(row, number[near], found.scores[near])
    return scores.clip(max=1 - NONE / 100)


def patches_around(image: Image, boxes: Floats, side: int, face: float) -> tuple[Image, Floats, Floats]:
    """Pictures (n, side, side, 3) around n `boxes`, in which their longer sides are `face` px.

    Also (n, 2) the size of a patch's pixel, and (n, 2) its upper left corner, in px of the image.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sizes: Floats = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    pixel: Floats = np.repeat(sizes / np.float32(face), 2, axis=1)
    corners = centres - pixel * np.float32(side / 2)
    return antialiased_crops(image, np.hstack([corners, corners + pixel * side]), side), pixel, corners
