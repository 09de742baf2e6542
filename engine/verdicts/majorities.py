"""What most of a class's students are, from each one's probabilities: counts that are not certain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.verdicts.scale import DIVIDED, INSUFFICIENT, INTERESTED, NEUTRAL, NOT_INTERESTED

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Students that a class is taken to have beside those who are measured, as many of each kind.
_PRIOR = 2.0
#: Probability from which on a class has a verdict. One statement on many students asks for more than one on each:
#: in drawn classes of which three in five are measured 97 in 100 verdicts are right then (docs/verdicts.md).
SURE = 0.9
#: Steps after which the shares of the kinds hardly change.
_STEPS = 20


def majorities(probability: Array, measured: Bools, present: Ints) -> Array:
    """(windows, k) the probability that more than half of the `present` students (windows,) are of each kind.

    `probability` (windows, students, k) is each student's of each kind, which sum to 1; only those of the
    `measured` (windows, students) are used, each once, and as `pooled` with the others of the class. They are
    independent, so that the number of each kind has a Poisson binomial distribution; how many of the others are of
    a kind is a beta-binomial one, of which the measured ones are the sample. Kinds that more than half are of
    exclude each other: what is missing to 1 is a divided class.
    """
    windows, students, kinds = probability.shape
    chance = pooled(np.where(measured[:, :, None], np.nan_to_num(probability), 0), measured)
    others = present - measured.sum(axis=1)
    most = np.empty((windows, kinds))
    for kind in range(kinds):
        count = _poisson_binomial(chance[:, :, kind])
        expected = chance[:, :, kind].sum(axis=1)
        share = _PRIOR / kinds + expected, _PRIOR * (1 - 1 / kinds) + measured.sum(axis=1) - expected
        survival = _beta_binomial_survival(others, *share, students)
        needed = present[:, None] // 2 + 1 - np.arange(students + 1)
        reached = np.take_along_axis(survival, np.clip(needed, 0, students + 1), axis=1)
        most[:, kind] = (count * reached).sum(axis=1)
    return np.clip(most, 0, 1)


def prevailing(most: Array, enough: Bools, sure: float) -> Ints:
    """Places in CLASS_VERDICTS (windows,): what more than half of the students are, with these `majorities`.

    Divided where no half is of one kind; insufficient where neither has a probability of SURE, or of `sure` where
    that is more, and where not `enough` students are measured.
    """
    found = np.column_stack([most, 1 - most.sum(axis=1)])
    places = np.array([INTERESTED, NEUTRAL, NOT_INTERESTED, DIVIDED])[found.argmax(axis=1)]
    return np.where(enough & (found.max(axis=1) >= max(sure, SURE)), places, INSUFFICIENT)


def pooled(probability: Array, measured: Bools) -> Array:
    """(windows, students, k) each student's probabilities given what share of the class is of each kind.

    A student who cannot be told well from the others is most likely as they are. The shares are those that make
    the measured students likeliest, by EM, as those of the moods in a window are.
    """
    number = measured.sum(axis=1)
    kinds = probability.shape[2]
    shares = np.full((len(number), kinds), 1 / kinds)
    weighted = probability
    for _ in range(_STEPS):
        weighted = probability * shares[:, None]
        total = weighted.sum(axis=2, keepdims=True)
        weighted = weighted / np.where(total > 0, total, 1)
        shares = (weighted.sum(axis=1) + _PRIOR / kinds) / (number + _PRIOR)[:, None]
    return weighted


def _poisson_binomial(chance: Array) -> Array:
    """(windows, students + 1) how probable each count is, of events with these chances (windows, students)."""
    windows, students = chance.shape
    count = np.zeros((windows, students + 1))
    count[:, 0] = 1
    for one in chance.T:
        moved = count[:, :-1] * one[:, None]
        count *= 1 - one[:, None]
        count[:, 1:] += moved
    return count


def _beta_binomial_survival(number: Ints, alpha: Array, beta: Array, most: int) -> Array:
    """(windows, most + 2) the probability that of so many or more, 0 to most + 1, of `number` (windows,)."""
    from scipy.special import betaln, gammaln  # costs a tenth of a second, and only here

    counts = np.arange(most + 1)
    of, alpha, beta = number[:, None], alpha[:, None], beta[:, None]
    rest = of - counts
    possible = rest >= 0
    rest = np.maximum(rest, 0)
    ways = gammaln(of + 1) - gammaln(counts + 1) - gammaln(rest + 1)
    logs = ways + betaln(counts + alpha, rest + beta) - betaln(alpha, beta)
    probability = np.where(possible, np.exp(logs), 0)
    survival: Array = np.cumsum(probability[:, ::-1], axis=1)[:, ::-1]
    return np.pad(survival, ((0, 0), (0, 1)))
