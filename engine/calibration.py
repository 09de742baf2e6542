"""What FER's scores say of a face's mood: seven emotions to the shares of positive, neutral and negative."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.faces import EMOTIONS, NEGATIVE, POSITIVE

Array = npt.NDArray[np.float64]

#: Fitted by benchmarks/fit_calibration.py on a third of the faces of FER2013's public test split at 48 px, with
#: positive, neutral and negative moods weighing the same: 0.74, -0.64 and -0.92. The last was then raised by 0.1
#: on another third, where windows of negative mood had been missed more often than those of positive mood.
SCALE = 0.74
POSITIVE_BIAS = -0.64
NEGATIVE_BIAS = -0.82

#: Scorable faces of a student from which on a resting level is taken: two minutes at 5 frames/s.
RESTING_FACES = 600
#: Largest resting lean that is taken off, as a logarithm of odds.
_LARGEST_LEAN = 0.5
#: Floor of a score: FER is sure to ten digits of what it gets wrong, and four of them are stored.
_FLOOR = 1e-3
_GROUPS = np.array([[name in group for name in EMOTIONS] for group in (POSITIVE, ("neutral",), NEGATIVE)])


def mood_shares(emotions: npt.NDArray[np.floating]) -> Array:
    """Emotion scores (n, 7) to the probabilities (n, 3) that a face's mood is positive, neutral, negative.

    softmax(SCALE * log(scores of the group) + bias), the bias of neutral being 0: vector scaling (Guo et al. 2017,
    "On calibration of modern neural networks", section 4.2) of the three groups' sums, as if each of the three
    moods were as frequent as the others.
    """
    logits = SCALE * group_logs(emotions) + np.array([POSITIVE_BIAS, 0.0, NEGATIVE_BIAS])
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Array = shares / shares.sum(axis=1, keepdims=True)
    return result


def rested(emotions: npt.NDArray[np.floating], student: npt.NDArray[np.int64]) -> Array:
    """Emotion scores (n, 7) with what a student's face shows all session long taken off; `student` (n,) from 0.

    The lean of a face is log(positive / negative) of its mood's shares. The median of a student's faces is spread
    evenly over the two groups, at most a factor of e^0.5 between them, and the rows are scaled to a sum of 1 again.
    A student of fewer than RESTING_FACES keeps the scores as they are.
    """
    faces = np.bincount(student)
    logs = group_logs(emotions)
    lean = SCALE * (logs[:, 0] - logs[:, 2]) + POSITIVE_BIAS - NEGATIVE_BIAS
    order = np.lexsort((lean, student))
    first = np.cumsum(faces) - faces
    middle = lean[order][np.minimum(first + faces // 2, len(lean) - 1)]
    level = np.where(faces >= RESTING_FACES, np.clip(middle, -_LARGEST_LEAN, _LARGEST_LEAN), 0)
    factor = np.exp(np.outer(level / (2 * SCALE), _GROUPS[2].astype(float) - _GROUPS[0]))
    scaled = emotions * factor[student]
    result: Array = scaled / scaled.sum(axis=1, keepdims=True)
    return result


def group_logs(emotions: npt.NDArray[np.floating]) -> Array:
    """Logarithms (n, 3) of the summed scores of the positive emotions, of neutral, and of the negative ones."""
    logs: Array = np.log(emotions @ _GROUPS.T.astype(np.float64) + _FLOOR)
    return logs
