"""What the layers above the networks read and say: activations of FER's trunk in, log-likelihoods out."""

from __future__ import annotations

import numpy as np

from engine.vision.scorers import Floats

#: Maps before FER's last layer, and the side of its window.
MAPS, WINDOW = 128, 3
ACTIVATIONS = MAPS * WINDOW * WINDOW
#: Floor of a score under its logarithm.
FLOOR = 1e-4
#: Lowest log-likelihood beside the highest: no single face proves more than this.
LOWEST = -6.0


def shifted_means(maps: Floats) -> Floats:
    """(n, 1152) of maps (n, 128, h, w), what FER's last convolution takes: what that layer is linear in.

    It is a convolution of 3 x 3, then the mean over the picture. A mean of sums is a sum of means: of the maps as
    shifted by each place of the convolution's window, with zeros from outside. Each is the sum of all places less
    the row and the column that are shifted out.
    """
    height, width = maps.shape[2:]
    whole = maps.sum(axis=(2, 3))
    rows, columns = maps.sum(axis=3), maps.sum(axis=2)
    last = np.array([height - 1, -1, 0]), np.array([width - 1, -1, 0])  # shifted out; -1: none
    sums = np.empty((len(maps), MAPS, WINDOW, WINDOW), np.float32)
    for y, row in enumerate(last[0]):
        for x, column in enumerate(last[1]):
            out: Floats = np.zeros_like(whole)
            if row >= 0:
                out = out + rows[:, :, row]
            if column >= 0:
                out = out + columns[:, :, column]
            if row >= 0 and column >= 0:
                out = out - maps[:, :, row, column]
            sums[:, :, y, x] = whole - out
    sums /= height * width
    return sums.reshape(len(maps), ACTIVATIONS)


def mood_features(scores: Floats, maps: Floats) -> Floats:
    """(n, 1159) float32: the logarithms of FER's seven scores (n, 7), then its activations."""
    return np.concatenate([np.log(scores + np.float32(FLOOR)), shifted_means(maps)], axis=1)


def log_likelihoods(logits: Floats) -> Floats:
    """Of a layer's logits (n, 3) the log-likelihoods of a positive, a neutral and a negative face.

    They are p(face | mood) up to a factor of each face, which is chosen so that the three sum to 1; none is under
    LOWEST.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    result: Floats = np.maximum(shifted, np.float32(LOWEST))
    return result
