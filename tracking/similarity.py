"""How much more likely two looks are of one person than of two, learned from the session's own tracks.

The two-covariance model of Ioffe (Probabilistic linear discriminant analysis, ECCV 2006): within a track looks vary
with one covariance, between tracks with another; in a basis where both are diagonal the likelihoods are products.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Dimensions kept, the most telling first.
DIMENSIONS = 16
#: Fewest tracks with two looks that the model can be learned from.
FEWEST_TRACKS = 4
#: Variance, in units of that within a track, by which one person's look differs from track to track, and that which
#: more tracks do not even out: light and posture change slowly.
BETWEEN_TRACKS, LASTING = 1.0, 0.2
#: Samples that are taken as real numbers at a time: an hour's would fill the memory.
STRETCH = 4096


class Likeness:
    """A model of looks; `between` (k,) is the variance between persons where that within a track is 1."""

    def __init__(self, sample: npt.NDArray[np.uint8], sample_track: Indices, tracks: int) -> None:
        """Learn from samples (s, d), each of a track; with too few of them nothing is telling (k = 0)."""
        self.centre = np.zeros(sample.shape[1])
        self.basis = np.zeros((sample.shape[1], 0))
        self.between = np.zeros(0)
        count = np.bincount(sample_track, minlength=tracks)
        own = count >= 2
        if own.sum() < FEWEST_TRACKS:
            return
        total = np.zeros((tracks, sample.shape[1]))
        np.add.at(total, sample_track, sample)
        means = total / np.maximum(count, 1)[:, None]
        within = np.zeros(2 * sample.shape[1:])
        for start in range(0, len(sample), STRETCH):
            track = sample_track[start : start + STRETCH]
            rest = (sample[start : start + STRETCH] - means[track])[own[track]]
            within += rest.T @ rest
        within /= max(1, count[own].sum() - own.sum())
        within += np.eye(len(within)) * (0.1 * np.trace(within) / len(within) + 1.0)
        whiten = np.linalg.inv(np.linalg.cholesky(within)).T
        self.centre = means[own].mean(axis=0)
        spread = (means[own] - self.centre) @ whiten
        variance, axes = np.linalg.eigh(spread.T @ spread / own.sum())
        between = variance - np.mean(1 / count[own]) - BETWEEN_TRACKS
        best = [i for i in np.argsort(-between, kind="stable")[:DIMENSIONS] if between[i] > 0]
        self.basis, self.between = whiten @ axes[:, best], between[best]

    def project(self, look: Floats) -> Floats:
        """(n, k) coordinates of looks (n, d) in the model's basis; NaN becomes 0, the middle."""
        return np.nan_to_num((look - self.centre) @ self.basis)

    def score(self, a: Floats, weight_a: Floats, b: Floats, weight_b: Floats) -> Floats:
        """(n, m) log likelihood ratio of one person against two, of projected means `a` (n, k) and `b` (m, k).

        `weight_a` (n,) and `weight_b` (m,) are what `weight` gave, added up over the tracks behind a mean; 0 says
        nothing about the look.
        """
        va = (LASTING + 1 / np.maximum(weight_a, 1e-9))[:, None, None]
        vb = (LASTING + 1 / np.maximum(weight_b, 1e-9))[None, :, None]
        common = self.between
        sa, sb = va + common, vb + common
        determinant = sa * sb - common**2
        a, b = a[:, None], b[None, :]
        apart = a**2 / sa + b**2 / sb
        together = (sb * a**2 + sa * b**2 - 2 * common * a * b) / determinant
        ratio: Floats = 0.5 * (np.log(sa * sb / determinant) + apart - together).sum(axis=2)
        return ratio


def weight(looks: Indices) -> Floats:
    """(n,) how much the mean look of a track counts that has so many samples: one over its variance."""
    return np.where(looks > 0, 1 / (BETWEEN_TRACKS + 1 / np.maximum(looks, 1)), 0.0)
