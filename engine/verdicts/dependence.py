"""How many faces a window's faces are worth: neighbours repeat each other's errors, and so does one person.

What a face seems to show, y = p(positive) - p(negative) under equal moods, is what it shows and an error. Only the
error matters for a window's own level, and a mood that lasts must not be taken for an error that does. What tells
them apart is that calibrated likelihoods say themselves how large their errors are (`error_variance`). Faces that
differ from their neighbours by less than that repeat one error, whatever they show.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Lags in faces at which differences are measured; those between are interpolated, longer ones are as the last.
LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
#: Variance of a mood of -1, 0 or 1, each as frequent.
_MOODS = 2 / 3
#: Pairs of the whole session that join a student's own at every lag: a student may have few.
_SHARED_PAIRS = 300.0


def error_variance(doubt: Array) -> Array:
    """The variance of y given the mood, of calibrated likelihoods whose mean `doubt` is E[Var(mood | face)].

    Var(mood) = Var(y) + doubt, and since y is the mean of the mood, Cov(y, mood) = Var(y): of y the part that goes
    with the mood has a variance of Var(y)² / Var(mood), and the rest is error.
    """
    explained = np.clip(_MOODS - doubt, 0, _MOODS)
    variance: Array = explained * (1 - explained / _MOODS)
    return variance


def effective_numbers(likelihood: Array, group: Ints, student: Ints, groups: int) -> Array:
    """(groups,) how many independent faces the faces of each group (a student's window) are worth; 0 for none.

    `likelihood` (n, 3) is p(face | positive, neutral, negative), each row with a sum of 1; `group` and `student`
    (n,) are numbers from 0, in order of (group, time).

    Half the mean square of the difference of y between faces a lag apart, the variogram (Matheron, Economic Geology
    58 (1963) 1246-1266), is 0 for faces that repeat each other and levels off for those that do not: at the
    variance of the error, or higher where moods change within a window. A student's is measured within windows,
    joined by the session's.
    The effective number is that of a mean whose correlations it gives (Bayley and Hammersley, Supplement to the
    Journal of the Royal Statistical Society 8 (1946) 184-197). What never levels off, as of one who is misread all
    lesson long, limits it.
    """
    number = np.bincount(group, minlength=groups)
    worth = np.zeros(groups)
    if not len(group):
        return worth
    seems = likelihood[:, 0] - likelihood[:, 2]
    doubt = likelihood[:, 0] + likelihood[:, 2] - seems**2
    students = int(student.max()) + 1
    faces = np.bincount(student, minlength=students).astype(np.float64)
    shared = _SHARED_PAIRS / len(student)
    error = error_variance((np.bincount(student, doubt, students) + shared * doubt.sum()) / (faces + _SHARED_PAIRS))
    differences, pairs = _variogram(seems, group, student, students, int(number.max()))
    known = pairs > 0
    # Of no pair at all nothing is known to differ, and nothing to repeat.
    measured = np.where(known, differences / np.where(known, pairs, 1), error[:, None])
    sill = np.maximum(error, _level(measured, pairs))
    correlation = np.clip(1 - measured / np.maximum(sill, 1e-9)[:, None], 0, 1)
    correlation = np.minimum.accumulate(correlation, axis=1)  # a longer lag is no better known
    owner = np.zeros(groups, np.int64)
    owner[group] = student
    filled = number > 0
    worth[filled] = number[filled] / _inflation(correlation, owner[filled], number[filled])
    return worth


def _variogram(seems: Array, group: Ints, student: Ints, students: int, longest: int) -> tuple[Array, Array]:
    """(students, lags) summed half squares of differences and numbers of pairs, with a share of the session's."""
    lags = [lag for lag in LAGS if lag < longest] or [1]
    sums, pairs = np.zeros((students, len(lags))), np.zeros((students, len(lags)))
    for place, lag in enumerate(lags):
        same = group[lag:] == group[:-lag]
        half = np.where(same, (seems[lag:] - seems[:-lag]) ** 2 / 2, 0)
        sums[:, place] = np.bincount(student[lag:], half, students)
        pairs[:, place] = np.bincount(student[lag:], same, students)
    weight = _SHARED_PAIRS / len(student)
    return sums + weight * sums.sum(axis=0), pairs + weight * pairs.sum(axis=0)


def _level(measured: Array, pairs: Array) -> Array:
    """(students,) where the variogram levels off: its mean over the longer half of the lags."""
    half = measured.shape[1] // 2
    weight = pairs[:, half:]
    total = weight.sum(axis=1)
    level: Array = (measured[:, half:] * weight).sum(axis=1) / np.where(total > 0, total, 1)
    return level


def _inflation(correlation: Array, student: Ints, number: Ints) -> Array:
    """(groups,) by how much the variance of a mean of so many faces exceeds that of independent ones."""
    lags = np.array(LAGS[: correlation.shape[1]], np.float64)
    every = np.arange(1, int(number.max()) + 1)
    place = np.minimum(np.searchsorted(lags, every), len(lags) - 1)
    before = np.maximum(place - 1, 0)
    step = np.where(place > 0, (every - lags[before]) / np.maximum(lags[place] - lags[before], 1), 1)
    step = np.clip(step, 0, 1)
    at = correlation[:, before] * (1 - step) + correlation[:, place] * step
    first, second = np.cumsum(at, axis=1), np.cumsum(at * every, axis=1)
    lag = number - 2  # the last of the lags within a group of so many faces, as a place in `every`
    last = np.maximum(lag, 0)
    summed = first[student, last] - second[student, last] / number
    inflation: Array = 1 + 2 * np.where(lag >= 0, summed, 0)
    return inflation
