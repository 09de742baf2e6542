"""FER's scores calibrated: seven emotions to the probabilities of positive, neutral and negative valence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.arrays import of_unit_sum
from engine.faces import EMOTIONS, NEGATIVE, POSITIVE

Array = npt.NDArray[np.float64]

#: Fitted by benchmarks/fit_calibration.py on a third of the faces of FER2013's public test split at 48 px, with
#: positive, neutral and negative faces weighing the same: 0.74, -0.64 and -0.92. The last was then raised by 0.1
#: on another third, where windows of negative mood had been missed more often than those of positive mood.
SCALE = 0.74
POSITIVE_BIAS = -0.64
NEGATIVE_BIAS = -0.82

#: Scorable faces of a student from which on a baseline is estimated: two minutes at 5 frames/s.
BASELINE_FACES = 600
#: Share of neutral above which an expression is a neutral one.
NEUTRAL_SHARE = 0.5
#: Usual valence log-odds of a neutral expression: the median of those of the split that the calibration was fitted
#: on, by benchmarks/fit_calibration.py.
NEUTRAL_LOG_ODDS = -1.44
#: The same of the log-likelihoods of moods (`Faces.loglik`): positive minus negative.
NEUTRAL_LIKELIHOOD_RATIO = -0.90
#: A student whose neutral expression is this much off the usual one is one of many; only what is beyond is
#: corrected ...
_USUAL = 0.3
#: ... and by no more than that.
_LARGEST_CORRECTION = 0.5
#: Shares of neutral expressions up to which a student's baseline is unknown, and from which on it is known. Of
#: students in one mood all lesson long few are neutral: what these show then is that mood, not their neutral face.
_TOO_FEW, _ENOUGH = 0.2, 0.3
#: Floor of a score: FER is certain to ten digits of wrong classes, and four of them are stored.
_FLOOR = 1e-3
_GROUPS = np.array([[name in group for name in EMOTIONS] for group in (POSITIVE, ("neutral",), NEGATIVE)])


def valence_shares(emotions: npt.NDArray[np.floating]) -> Array:
    """Emotion scores (n, 7) to the probabilities (n, 3) that a face is of positive, neutral, negative valence.

    softmax(SCALE * log(scores of the group) + bias), the bias of neutral being 0: vector scaling (Guo et al. 2017,
    "On calibration of modern neural networks", section 4.2) of the three groups' sums, as if each of the three
    were as frequent as the others.
    """
    logits = SCALE * valence_logs(emotions) + np.array([POSITIVE_BIAS, 0.0, NEGATIVE_BIAS])
    largest = np.maximum(np.maximum(logits[:, 0], logits[:, 1]), logits[:, 2])
    return of_unit_sum(np.exp(logits - largest[:, None]))


def subtract_baseline(emotions: npt.NDArray[np.floating], student: npt.NDArray[np.int64]) -> Array:
    """Emotion scores (n, 7) minus each student's neutral baseline; `student` (n,) from 0.

    A student's baseline is the median valence log-odds of the student's neutral expressions, as far as it is beyond
    what is usual, and weighed by how many of the faces are neutral. It is spread evenly over the positive and the
    negative group, at most a factor of e^0.5 between them, and the rows are scaled to a sum of 1 again. A student
    of fewer than BASELINE_FACES keeps the scores as they are.
    """
    offset = baseline_offsets(emotions, student)
    if not offset.any():
        return emotions.astype(np.float64)
    factor = np.exp(np.outer(offset / (2 * SCALE), _GROUPS[2].astype(float) - _GROUPS[0]))
    scaled = emotions * factor[student]
    result: Array = scaled / scaled.sum(axis=1, keepdims=True)
    return result


def subtract_baseline_from(loglik: Array, student: npt.NDArray[np.int64]) -> Array:
    """Log-likelihoods (n, 3) of positive, neutral and negative minus each student's neutral baseline.

    It is measured as `subtract_baseline` does, and likewise spread evenly, but on the likelihoods themselves: what
    a bad picture does to FER's scores is not what it does to them.
    """
    half = baseline_offsets_from(loglik, student)[student] / 2
    shifted: Array = loglik + np.outer(half, [-1.0, 0.0, 1.0])
    return shifted


def baseline_offsets(emotions: npt.NDArray[np.floating], student: npt.NDArray[np.int64]) -> Array:
    """(students,) the log-odds that `subtract_baseline` subtracts; 0 for a usual neutral expression."""
    if np.bincount(student).max(initial=0) < BASELINE_FACES:
        return np.zeros(len(np.bincount(student)))
    neutral = np.flatnonzero(valence_shares(emotions)[:, 1] > NEUTRAL_SHARE)
    return _offsets(valence_log_odds(emotions[neutral]), student[neutral], student, NEUTRAL_LOG_ODDS)


def baseline_offsets_from(loglik: Array, student: npt.NDArray[np.int64]) -> Array:
    """(students,) the log-odds that `subtract_baseline_from` subtracts; 0 for a usual neutral expression."""
    if np.bincount(student).max(initial=0) < BASELINE_FACES:
        return np.zeros(len(np.bincount(student)))
    neutral = np.flatnonzero(of_unit_sum(np.exp(loglik))[:, 1] > NEUTRAL_SHARE)
    log_odds = loglik[neutral, 0] - loglik[neutral, 2]
    return _offsets(log_odds, student[neutral], student, NEUTRAL_LIKELIHOOD_RATIO)


def _offsets(log_odds: Array, owner: npt.NDArray[np.int64], student: npt.NDArray[np.int64], usual: float) -> Array:
    """(students,) what the median of the neutral expressions' `log_odds`, each an `owner`'s, is beyond the usual.

    `student` (n,) are the owners of all faces, which say what share of them the neutral ones are.
    """
    faces = np.bincount(student)
    number = np.bincount(owner, minlength=len(faces))
    order = np.lexsort((log_odds, owner))
    middle = np.cumsum(number) - number + number // 2
    median = np.append(log_odds[order], 0.0)[np.minimum(middle, len(order))]
    off = median - usual
    confidence = np.clip((number / np.maximum(faces, 1) - _TOO_FEW) / (_ENOUGH - _TOO_FEW), 0, 1)
    confidence = np.where(faces >= BASELINE_FACES, confidence, 0)
    offset: Array = confidence * np.sign(off) * np.clip(np.abs(off) - _USUAL, 0, _LARGEST_CORRECTION)
    return offset


def valence_log_odds(emotions: npt.NDArray[np.floating]) -> Array:
    """(n,) logarithm of the positive over the negative share of faces with these scores (n, 7)."""
    logs = valence_logs(emotions)
    log_odds: Array = SCALE * (logs[:, 0] - logs[:, 2]) + POSITIVE_BIAS - NEGATIVE_BIAS
    return log_odds


def valence_logs(emotions: npt.NDArray[np.floating]) -> Array:
    """Logarithms (n, 3) of the summed scores of the positive emotions, of neutral, and of the negative ones."""
    logs: Array = np.log(emotions @ _GROUPS.T.astype(np.float64) + _FLOOR)
    return logs
