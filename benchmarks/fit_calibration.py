"""Fits the four numbers of engine/verdicts/calibration.py: `python -m benchmarks.fit_calibration` prints them.

Least cross-entropy of the three moods on the split `fit` (see benchmarks/verdicts.py) at 48 px, with every mood
weighing the same. Then NEGATIVE_BIAS is raised by RAISED; the steps it was chosen from, on the split `choose`, are
printed too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from benchmarks.verdicts import SIZES, Ints, draw, labelled_faces, recalls, verdicts
from engine.arrays import of_unit_sum
from engine.settings import Settings
from engine.verdicts import calibration
from engine.verdicts.calibration import valence_logs
from engine.vision.expression import FerScorer

#: The smallest step that gets 95 % of the windows of each mood right at 48 px on `choose`; more of it costs faces
#: of 24 px dearly.
RAISED = 0.1


def fit(sizes: tuple[int, ...] = (48,)) -> tuple[float, float, float]:
    """SCALE, POSITIVE_BIAS and NEGATIVE_BIAS."""
    scorer = FerScorer()
    faces = [labelled_faces("fit", size, scorer) for size in sizes]
    mood = np.concatenate([each.mood for each in faces])
    logs = valence_logs(np.concatenate([each.emotions for each in faces]))
    weight = 1 / np.bincount(mood)[mood] / 3

    def loss(numbers: np.ndarray) -> float:
        scale, positive, negative = numbers
        likelihood = log_softmax(scale * logs + np.array([positive, 0, negative]), axis=1)
        return -float(weight @ likelihood[np.arange(len(mood)), mood])

    scale, positive, negative = minimize(loss, [1.0, 0.0, 0.0], method="BFGS").x.tolist()
    return scale, positive, negative


def neutral_log_odds() -> float:
    """NEUTRAL_LOG_ODDS: of the faces of `fit` that are at rest, every mood weighing the same."""
    faces = labelled_faces("fit", 48)
    at_rest = calibration.valence_shares(faces.emotions)[:, 1] > calibration.NEUTRAL_SHARE
    return _median(calibration.valence_log_odds(faces.emotions), faces.mood, at_rest)


def neutral_likelihood_ratio() -> float:
    """NEUTRAL_LIKELIHOOD_RATIO: the same of the log-likelihoods."""
    faces = labelled_faces("fit", 48)
    assert faces.loglik is not None
    loglik = faces.loglik.astype(np.float64)
    at_rest = of_unit_sum(np.exp(loglik))[:, 1] > calibration.NEUTRAL_SHARE
    return _median(loglik[:, 0] - loglik[:, 2], faces.mood, at_rest)


def _median(lean: npt.NDArray[np.float64], mood: Ints, at_rest: npt.NDArray[np.bool_]) -> float:
    """Of the faces `at_rest`, all moods weighing the same."""
    lean, weight = lean[at_rest], (1 / np.bincount(mood))[mood[at_rest]]
    order = np.argsort(lean)
    return float(lean[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)])


def main() -> None:
    """Print the numbers, and what raising the last one would do."""
    scale, positive, negative = fit()
    print(f"SCALE = {scale:.2f}\nPOSITIVE_BIAS = {positive:.2f}\nNEGATIVE_BIAS = {negative + RAISED:.2f}")
    print(f"NEUTRAL_LOG_ODDS = {neutral_log_odds():.2f}")
    print(f"NEUTRAL_LIKELIHOOD_RATIO = {neutral_likelihood_ratio():.2f}\n")
    print("raised by, px: right of all windows of `choose`, of positive, neutral, negative mood")
    for size in SIZES:
        faces = labelled_faces("choose", size)
        drawn, moods = draw(faces.mood, 1500, seed=7)
        for raised in (0.0, 0.05, 0.1, 0.15, 0.2):
            calibration.NEGATIVE_BIAS = round(negative + raised, 2)
            overall, each = recalls(verdicts(faces, drawn, Settings(window=15.0)), moods)
            print(f"{raised:.2f}, {size}: {overall:.3f}, {each[0]:.3f}, {each[1]:.3f}, {each[2]:.3f}", flush=True)


if __name__ == "__main__":
    main()
