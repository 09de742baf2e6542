"""A window as a mixture: which shares of time the three moods have, from how likely its faces are in each of them.

The mean of what a network says of faces is pulled to the middle by its confusions. What is wanted is the share of
time of each mood, and how sure it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import of_unit_sum
from engine.verdicts.dependence import effective_numbers
from engine.verdicts.uncertainty import CONFIDENCE

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Parts of a whole in which shares are tried.
_STEPS = 16
#: Faces that the level of a student weighs beside those of a window, and how much they weigh in all moods alike.
_LEVEL, _EVEN = 1.0, 0.6
#: Faces that the level of the class weighs beside a student's own, and equal shares beside the class's.
_CLASS, _EQUAL = 20.0, 5.0
#: Faces beyond which one window adds nothing to a level: it is one window.
_MOST = 10.0
#: Variance of a balance that no number of faces takes away: likelihoods are fitted on other people.
_MISFIT = 0.05**2
#: Degrees of freedom of an interval, beside one a face.
_FREEDOM = 4.0
#: Faces in one piece of the arithmetic, and windows, which stay in a cache then.
_PIECE, _WINDOWS = 1 << 15, 1 << 10


class Shares(NamedTuple):
    """Of groups (students' windows); NaN for a group without a face."""

    mean: Array
    """(groups, 3) shares of time of positive, neutral and negative."""
    margin: Array
    """(groups,) half-width of the 90 % interval of the balance, positive minus negative time."""
    probability: Array
    """(groups, 3) that the window is interested, neutral, not interested."""
    worth: Array
    """(groups,) effective number of faces."""


def shares_of(loglik: Array, group: Ints, student: Ints, groups: int, band: float) -> Shares:
    """Estimate the shares of time of groups of faces with `loglik` (n, 3), in order of (group, time).

    The posterior over a grid of shares, of faces whose evidence counts as that of their effective number; the prior
    is the student's level in the other windows, which is pulled towards the class's. What is asked for is the
    window's own level, that of the moods which its faces have, not of what might have made them: so each face is
    read with these shares, and what is open is the moods of the faces, and the shares as far as faces are in doubt
    (the missing information principle of Orchard and Woodbury, Proceedings of the 6th Berkeley Symposium on
    Mathematical Statistics and Probability 1 (1972) 697-715).
    """
    likelihood = of_unit_sum(np.exp(loglik))
    worth = effective_numbers(likelihood, group, student, groups)
    number = np.bincount(group, minlength=groups)
    fit = _summed_logs(likelihood, group, groups) * (worth / np.maximum(number, 1))[:, None]
    owner = np.zeros(groups, np.int64)
    owner[group] = student
    some = number > 0
    first = _normalised(fit) @ GRID
    prior = _EVEN + _LEVEL * _levels(first, np.minimum(worth, _MOST), owner)
    posterior = _normalised(fit + (prior - 1) @ np.log(GRID.T))
    shares = posterior @ GRID
    spread = posterior @ _BALANCE**2 - (posterior @ _BALANCE) ** 2
    mean, doubt = _own_level(likelihood, shares, group, number)
    # Of shares that are known, faces of doubtful moods are all that is left; those that are not move these moods by
    # the share of the information that the doubt takes away.
    of_moods = shares[:, 0] + shares[:, 2] - (shares[:, 0] - shares[:, 2]) ** 2
    missing = np.clip(doubt / np.maximum(of_moods, 1e-9), 0, 1)
    own = doubt / np.maximum(worth, 1e-9) + missing**2 * spread + _MISFIT
    scale = np.sqrt(own / np.maximum(spread, 1e-12))
    probability = np.zeros((groups, 3))
    for start in range(0, groups, _WINDOWS):
        rows = slice(start, start + _WINDOWS)
        positive, neutral, negative = (
            mean[rows, mood, None] + scale[rows, None] * (GRID[:, mood] - shares[rows, mood, None])
            for mood in range(3)
        )
        probability[rows] = verdict_probabilities(posterior[rows], positive, neutral, negative, band)
    nothing = ~some
    for column in (mean, probability):
        column[nothing] = np.nan
    from scipy.special import stdtrit  # costs a tenth of a second, and only here

    margin = stdtrit(worth + _FREEDOM, (1 + CONFIDENCE) / 2) * np.sqrt(own)
    return Shares(mean, np.where(nothing, np.nan, margin), probability, worth)


def verdict_probabilities(posterior: Array, positive: Array, neutral: Array, negative: Array, band: float) -> Array:
    """(groups, 3) probabilities of the verdicts, of shares of time (groups, g) each with these weights."""
    balance = positive - negative
    prevails = (np.abs(balance) <= band) | (neutral > np.maximum(positive, negative))
    verdicts = ~prevails & (balance > 0), prevails, ~prevails & (balance <= 0)
    return np.stack([np.einsum("wg,wg->w", posterior, verdict) for verdict in verdicts], axis=1)


def _own_level(likelihood: Array, shares: Array, group: Ints, number: Ints) -> tuple[Array, Array]:
    """(groups, 3) share of each mood among the faces, and (groups,) mean variance of a face's mood, -1, 0 or 1."""
    mood = of_unit_sum(likelihood * shares[group])
    seems = mood[:, 0] - mood[:, 2]
    columns = *mood.T, mood[:, 0] + mood[:, 2] - seems**2
    sums = np.stack([np.bincount(group, column, len(number)) for column in columns], axis=1)
    means = sums / np.maximum(number, 1)[:, None]
    return means[:, :3], means[:, 3]


def _levels(mean: Array, weight: Array, owner: Ints) -> Array:
    """(groups, 3) each student's level in the other windows, pulled to the class's, and that to equal shares."""
    weighted = mean * weight[:, None]
    whole = (weighted.sum(axis=0) + _EQUAL / 3) / (weight.sum() + _EQUAL)
    students = int(owner.max(initial=-1)) + 1
    sums = np.stack([np.bincount(owner, column, students) for column in weighted.T], axis=1)
    total = np.bincount(owner, weight, students)
    others = sums[owner] - weighted + _CLASS * whole
    level: Array = others / (total[owner] - weight + _CLASS)[:, None]
    return level


def _summed_logs(likelihood: Array, group: Ints, groups: int) -> Array:
    """(groups, g) log-likelihood of all faces of a group, for the shares of each point of the grid."""
    summed = np.zeros((groups, len(GRID)))
    grid = GRID.astype(np.float32)
    # One row a point: sums run along the memory, which is taken once, since a fresh piece costs more than its sums.
    memory = np.empty(len(GRID) * min(_PIECE, len(group)), np.float32)
    for start in range(0, len(group), _PIECE):
        rows = slice(start, start + _PIECE)
        faces = likelihood[rows].astype(np.float32).T
        logs = memory[: len(GRID) * faces.shape[1]].reshape(len(GRID), -1)
        np.log(np.matmul(grid, faces, out=logs), out=logs)
        first = np.flatnonzero(np.diff(group[rows], prepend=-1))
        summed[group[rows][first]] += np.add.reduceat(logs, first, axis=1).T
    return summed


def _normalised(logs: Array) -> Array:
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    result: Array = weights / weights.sum(axis=1, keepdims=True)
    return result


def _grid() -> Array:
    """(g, 3) shares, a third of a step inside of the simplex, so that each mood may have made any face."""
    places = [(a, b, _STEPS - a - b) for a in range(_STEPS + 1) for b in range(_STEPS + 1 - a)]
    return (np.array(places, np.float64) + 1 / 3) / (_STEPS + 1)


GRID = _grid()
_BALANCE = GRID[:, 0] - GRID[:, 2]
