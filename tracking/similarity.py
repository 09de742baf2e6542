"""Appearance similarity: how much more likely two appearance descriptors are of one person than of two.

Two-covariance PLDA (Ioffe, Probabilistic linear discriminant analysis, ECCV 2006), learned from the session's own
tracks: descriptors vary with one covariance within a track and with another between tracks; in a basis where both
are diagonal the likelihoods are products.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Dimensions kept, the most discriminative first.
DIMENSIONS = 16
#: Fewest tracks with two descriptors that the model can be learned from.
MIN_TRACKS = 4
#: Variances in units of the variance within a track: of one person's appearance from track to track, and the part
#: of it that more tracks do not average out, since light and posture change slowly.
BETWEEN_TRACKS, PERSISTENT = 1.0, 1.0
#: Probability that looks have changed from one track to another so that they say nothing: a lamp, a jacket, a coat
#: on the chair. docs/identity.md says how this and PERSISTENT were chosen.
CHANGED = 0.05
#: Least variance of each number of a descriptor within a track, squared levels: in one shot, and across shots, as
#: after a cut compression and light differ by more than they do between frames of a still picture.
LEAST_VARIANCE, VARIANCE_ACROSS_SHOTS = 1.0, 10.0
#: Descriptors that are converted to float64 at a time: an hour's at once would fill the memory.
CHUNK_ROWS = 4096


class AppearanceSimilarity:
    """A model of descriptors; `between` (k,) is the variance between persons where that within a track is 1."""

    def __init__(
        self,
        sample: npt.NDArray[np.uint8],
        sample_track: Indices,
        tracks: int,
        least_variance: float = LEAST_VARIANCE,
    ) -> None:
        """Learn from descriptors `sample` (s, d), each of the track `sample_track` (s,), of `tracks` tracks.

        `least_variance` is added to what each number of a descriptor varies by within a track. With fewer than
        MIN_TRACKS tracks to learn from no dimension is kept (k = 0), and every score is 0.
        """
        self.centre = np.zeros(sample.shape[1])
        self.basis = np.zeros((sample.shape[1], 0))
        self.between = np.zeros(0)
        count = np.bincount(sample_track, minlength=tracks)
        repeated = count >= 2
        if repeated.sum() < MIN_TRACKS:
            return
        total = np.zeros((tracks, sample.shape[1]))
        np.add.at(total, sample_track, sample)
        means = total / np.maximum(count, 1)[:, None]
        within = np.zeros(2 * sample.shape[1:])
        for start in range(0, len(sample), CHUNK_ROWS):
            track = sample_track[start : start + CHUNK_ROWS]
            residual = (sample[start : start + CHUNK_ROWS] - means[track])[repeated[track]]
            within += residual.T @ residual
        within /= max(1, count[repeated].sum() - repeated.sum())
        within += np.eye(len(within)) * (0.1 * np.trace(within) / len(within) + least_variance)
        whiten = np.linalg.inv(np.linalg.cholesky(within)).T
        self.centre = means[repeated].mean(axis=0)
        deviation = (means[repeated] - self.centre) @ whiten
        variance, axes = np.linalg.eigh(deviation.T @ deviation / repeated.sum())
        # Means of few descriptors vary by themselves, by 1 / count, and one person's from track to track.
        between = variance - np.mean(1 / count[repeated]) - BETWEEN_TRACKS
        best = [i for i in np.argsort(-between, kind="stable")[:DIMENSIONS] if between[i] > 0]
        self.basis, self.between = whiten @ axes[:, best], between[best]

    def project(self, appearance: Floats) -> Floats:
        """(n, k) coordinates of descriptors (n, d) in the model's basis; NaN becomes 0, the mean."""
        return np.nan_to_num((appearance - self.centre) @ self.basis)

    def score(self, a: Floats, weight_a: Floats, b: Floats, weight_b: Floats) -> Floats:
        """(n, m) log likelihood ratio of one person against two, of projected means `a` (n, k) and `b` (m, k).

        The descriptors of one person are a mixture: as the model has it, and with a probability of CHANGED as
        unlike as two people's. So looks alone never prove that two tracks are two people: no score is below
        log(CHANGED). There is no upper bound: nobody else looks quite like a person in every number.
        `weight_a` (n,) and `weight_b` (m,) are `mean_weight`, added up over the tracks behind a mean; a weight of 0
        means that nothing is known of the appearance, and gives 0.
        """
        va = (PERSISTENT + 1 / np.maximum(weight_a, 1e-9))[:, None, None]
        vb = (PERSISTENT + 1 / np.maximum(weight_b, 1e-9))[None, :, None]
        common = self.between
        sa, sb = va + common, vb + common
        determinant = sa * sb - common**2
        a, b = a[:, None], b[None, :]
        apart = a**2 / sa + b**2 / sb
        together = (sb * a**2 + sa * b**2 - 2 * common * a * b) / determinant
        ratio: Floats = 0.5 * (np.log(sa * sb / determinant) + apart - together).sum(axis=2)
        return np.asarray(np.logaddexp(np.log1p(-CHANGED) + ratio, np.log(CHANGED)))


def mean_weight(count: Indices) -> Floats:
    """(n,) weight of the mean of a track's `count` (n,) descriptors: one over its variance, 0 for none."""
    return np.where(count > 0, 1 / (BETWEEN_TRACKS + 1 / np.maximum(count, 1)), 0.0)
