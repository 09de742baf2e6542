"""Faces to log-likelihoods of three moods: FER's network and a second one, fused by a layer fitted on FER2013."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.settings import Device, Settings
from engine.vision.expression import FerScorer, normalised
from engine.vision.models.layers import FLOOR, log_likelihoods
from engine.vision.networks import Network
from engine.vision.scorers import Crops, Floats, no_model

#: Side of the faces that the second network takes, px.
SECOND_SIDE = 112
#: Faces in one call: more of them cost memory and gain no time.
_BATCH = 16


def make_fused(settings: Settings) -> FusedScorer:
    """The scorer `fused`."""
    no_model(settings)
    return FusedScorer(settings.device)


class FusedScorer(FerScorer):
    """The scorer `fused`: what FER's network says of every face, and `fused` of those that are asked for.

    The second network and the fusion run on the CPU in 32 bits whatever the device is: few faces need them, and
    their numbers are to be the same everywhere.
    """

    def __init__(self, device: Device = "cpu") -> None:
        super().__init__(device)
        self._fusion = Fusion()

    def fused(self, crops: Crops) -> Floats:
        """Of crops (n, 64, 64) the (n, 3) that `Fusion` gives."""
        return self._fusion(crops)


class Fusion:
    """The two networks and the layer above them, by its name; None leaves it out, for `features` alone."""

    def __init__(self, layer: str | None = "fusion") -> None:
        self._fer = Network("fer", trunk=True)
        self._second = Network("faceapi")
        self._layer = Network(layer) if layer else None

    def __call__(self, crops: Crops) -> Floats:
        """Of grey crops (n, 64, 64) the log-likelihoods (n, 3); see `log_likelihoods`."""
        if self._layer is None:
            raise ValueError("this fusion was made without its layer")
        (logits,) = self._layer(self.features(crops))
        return log_likelihoods(logits)

    def features(self, crops: Crops) -> Floats:
        """(n, 654) float32: logarithms of the scores of both networks (7 and 7), then their activations.

        Those are the mean, maximum and deviation over the crop of FER's last 128 channels, and 256 of the second
        network.
        """
        parts = [self._of_batch(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, 654), np.float32)

    def _of_batch(self, crops: Crops) -> Floats:
        scores, trunk = self._fer(normalised(crops)[:, None])
        size = (SECOND_SIDE, SECOND_SIDE)
        larger = np.stack([cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC) for crop in crops])
        second: tuple[npt.NDArray[np.float32], ...] = self._second(larger[:, None].astype(np.float32))
        pooled = trunk.mean(axis=(2, 3)), trunk.max(axis=(2, 3)), trunk.std(axis=(2, 3))
        floor = np.float32(FLOOR)
        return np.concatenate([np.log(scores + floor), np.log(second[0] + floor), *pooled, second[1]], axis=1)
