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
#: Share of neutral from which on a face is one at rest.
RESTING = 0.5
#: Usual lean of a face at rest (see `leans`): the median of those of the split that the calibration was fitted on,
#: by benchmarks/fit_calibration.py.
RESTING_LEAN = -1.44
#: A student whose resting lean is this much off the usual one is one of many; only what is beyond is taken off ...
_USUAL = 0.3
#: ... and no more than that.
_LARGEST_LEAN = 0.5
#: Shares of faces at rest up to which a student's resting level is not known, and from which on it is. Of students
#: in one mood all lesson long few are: what these show then is that mood, not their resting face.
_TOO_FEW, _ENOUGH = 0.2, 0.3
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
    """Emotion scores (n, 7) with what a student's face shows at rest taken off; `student` (n,) from 0.

    A student's level is the median lean of the student's faces at rest, as far as it is beyond what is usual, and
    weighed by how many of the faces are at rest. It is spread evenly over the positive and the negative group, at
    most a factor of e^0.5 between them, and the rows are scaled to a sum of 1 again. A student of fewer than
    RESTING_FACES keeps the scores as they are.
    """
    level = resting_levels(emotions, student)
    if not level.any():
        return emotions.astype(np.float64)
    factor = np.exp(np.outer(level / (2 * SCALE), _GROUPS[2].astype(float) - _GROUPS[0]))
    scaled = emotions * factor[student]
    result: Array = scaled / scaled.sum(axis=1, keepdims=True)
    return result


def resting_levels(emotions: npt.NDArray[np.floating], student: npt.NDArray[np.int64]) -> Array:
    """(students,) what `rested` takes off each student's lean; 0 for one who looks as most do at rest."""
    faces = np.bincount(student)
    if faces.max(initial=0) < RESTING_FACES:
        return np.zeros(len(faces))
    resting = np.flatnonzero(mood_shares(emotions)[:, 1] > RESTING)
    number = np.bincount(student[resting], minlength=len(faces))
    lean = leans(emotions[resting])
    order = np.lexsort((lean, student[resting]))
    middle = np.cumsum(number) - number + number // 2
    median = np.append(lean[order], 0.0)[np.minimum(middle, len(order))]
    off = median - RESTING_LEAN
    known = np.clip((number / np.maximum(faces, 1) - _TOO_FEW) / (_ENOUGH - _TOO_FEW), 0, 1)
    known = np.where(faces >= RESTING_FACES, known, 0)
    level: Array = known * np.sign(off) * np.clip(np.abs(off) - _USUAL, 0, _LARGEST_LEAN)
    return level


def leans(emotions: npt.NDArray[np.floating]) -> Array:
    """(n,) logarithm of the positive over the negative share of faces with these scores (n, 7)."""
    logs = group_logs(emotions)
    lean: Array = SCALE * (logs[:, 0] - logs[:, 2]) + POSITIVE_BIAS - NEGATIVE_BIAS
    return lean


def group_logs(emotions: npt.NDArray[np.floating]) -> Array:
    """Logarithms (n, 3) of the summed scores of the positive emotions, of neutral, and of the negative ones."""
    logs: Array = np.log(emotions @ _GROUPS.T.astype(np.float64) + _FLOOR)
    return logs
