"""FER's network without its last layer: what it makes of faces, and the network with another last layer.

The last layer is a convolution of 3 x 3 over 128 maps, then the mean over the picture. A mean of sums is a sum of
means: so it is one linear layer over 128 x 3 x 3 = 1,152 activations, the means of the maps as shifted by each
place of the convolution's window, with zeros from outside.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from classpulse.training.layer import Layer
from classpulse.training.network_file import last_convolution, with_metadata, with_tensors
from engine.vision.expression import normalised
from engine.vision.models.layers import ACTIVATIONS, MAPS, WINDOW, shifted_means
from engine.vision.networks import MODELS, Network
from engine.vision.scorers import Crops

#: Faces that go through the network at once.
_BATCH = 64

Floats = npt.NDArray[np.float32]


class Trunk:
    """FER's network up to its last layer."""

    def __init__(self) -> None:
        self._network = Network("fer", block=_BATCH, trunk=True)

    def activations(self, crops: Crops) -> Floats:
        """(n, 1152) of crops (n, 64, 64) of faces, as `engine.vision.expression.crop_faces` makes them."""
        activations = np.empty((len(crops), ACTIVATIONS), np.float32)
        for start in range(0, len(crops), _BATCH):
            batch = slice(start, start + _BATCH)
            maps = self._network(normalised(crops[batch])[:, None])[-1]
            activations[batch] = shifted_means(maps)
        return activations

    def with_layer(self, layer: Layer, properties: Mapping[str, str]) -> bytes:
        """The ONNX file of the network with this last layer over the activations, and these metadata."""
        classes = len(layer.bias)
        weights = layer.weights.reshape(classes, MAPS, WINDOW, WINDOW).astype(np.float32)
        data = (MODELS / "fer.onnx").read_bytes()
        tensors = dict(zip(last_convolution(data), (weights, layer.bias.astype(np.float32)), strict=True))
        return with_metadata(with_tensors(data, tensors, classes), properties)
