"""How far students differ between two spans of time, with intervals that respect students and time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.verdicts.agreement import SAMPLES, Array, Ints, interval, safe_divide, samples
from engine.verdicts.scale import INSUFFICIENT

#: Windows with a verdict that a student has at least in each span to be compared.
LEAST = 3
#: Students of whom a difference is estimated at least.
FEWEST = 2


class Effect(NamedTuple):
    """The difference of the mean shares of windows of one kind, the second span less the first; NaN: undefined."""

    share_a: float
    share_b: float
    difference: float
    low: float
    high: float
    """The 95 % interval of the difference."""
    effect: float
    """Cohen's h, the difference of the arcsines: 0.2 is small, 0.5 medium, 0.8 large."""
    p: float
    """Of no difference, two-sided, by Student's t with the bootstrap's standard error. Its degrees of freedom are
    one less than the students, or than the blocks of time where those are fewer; the interval widens likewise. With
    a single block both are undefined."""
    students: int
    """How many were measurable in both; of different students, in either."""


def block_samples(windows: int, block: int, seed: int) -> Array:
    """(SAMPLES, w) how often each window is in a sample of as many, drawn in runs of `block` neighbours.

    Runs go on at the begin where they reach the end: the circular block bootstrap (Politis and Romano, 1992).
    Verdicts of neighbouring windows are alike, and so are those of all students at a time: every student gets the
    same runs.
    """
    block = max(min(block, windows), 1)
    starts = np.random.default_rng(seed).integers(0, windows, (SAMPLES, -(-windows // block)))
    drawn = ((starts[..., None] + np.arange(block)) % windows).reshape(SAMPLES, -1)[:, :windows]
    counts = np.zeros((SAMPLES, windows))
    np.add.at(counts, (np.arange(SAMPLES)[:, None], drawn), 1)
    return counts


def paired_effect(verdicts_a: Ints, verdicts_b: Ints, kind: int, block: int) -> Effect:
    """The effect in students who are in both spans, a row each: (s, a) and (s, b) places in VERDICTS.

    A student counts with the own difference, each as much as another, and if measurable in both. Whole students and
    runs of windows are drawn together: the pigeonhole bootstrap of Owen, Annals of Applied Statistics 1 (2007)
    386-411, whose intervals are rather too wide than too narrow.
    """
    both = measurable(verdicts_a) & measurable(verdicts_b)
    first, second = verdicts_a[both], verdicts_b[both]
    students = int(both.sum())
    if students < FEWEST:
        return _undefined(students)
    shares_a, shares_b = _shares(first, kind), _shares(second, kind)
    drawn = _drawn(second, kind, block, 1) - _drawn(first, kind, block, 0)
    values = _weighted(drawn, samples(students, seed=2))
    shares = float(shares_a.mean()), float(shares_b.mean())
    return _effect(*shares, values, students, min(students, _blocks(first, second, block)))


def unpaired_effect(verdicts_a: Ints, verdicts_b: Ints, kind: int, block: int) -> Effect:
    """The same where nobody is known to be in both: the students of each span are drawn on their own."""
    first, second = verdicts_a[measurable(verdicts_a)], verdicts_b[measurable(verdicts_b)]
    students = min(len(first), len(second))
    if students < FEWEST:
        return _undefined(len(first) + len(second))
    of_a = _weighted(_drawn(first, kind, block, 0), samples(len(first), seed=2))
    of_b = _weighted(_drawn(second, kind, block, 1), samples(len(second), seed=3))
    shares = float(_shares(first, kind).mean()), float(_shares(second, kind).mean())
    return _effect(*shares, of_b - of_a, len(first) + len(second), min(students, _blocks(first, second, block)))


def measurable(verdicts: Ints) -> np.ndarray:
    """(s,) whether each student has windows with a verdict enough."""
    enough: np.ndarray = (verdicts != INSUFFICIENT).sum(axis=1) >= LEAST
    return enough


def holm(p: Array) -> Array:
    """p-values as they hold for all comparisons: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70."""
    p = np.asarray(p, np.float64)
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _shares(verdicts: Ints, kind: int) -> Array:
    """(s,) the share of the windows with a verdict that are of the kind."""
    return safe_divide((verdicts == kind).sum(axis=1), (verdicts != INSUFFICIENT).sum(axis=1))


def _drawn(verdicts: Ints, kind: int, block: int, seed: int) -> Array:
    """(SAMPLES, s) the same of samples of windows; NaN for a student without a verdict in one."""
    weights = block_samples(verdicts.shape[1], block, seed)
    return safe_divide(weights @ (verdicts == kind).T, weights @ (verdicts != INSUFFICIENT).T)


def _weighted(values: Array, weights: Array) -> Array:
    """(SAMPLES,) the mean over students, each as often as drawn; those without a value apart."""
    known = np.isfinite(values)
    return safe_divide((np.where(known, values, 0) * weights).sum(axis=1), (known * weights).sum(axis=1))


def _blocks(verdicts_a: Ints, verdicts_b: Ints, block: int) -> int:
    """The blocks of the shorter span: as many independent moments, which may be fewer than the students."""
    return int(min(verdicts_a.shape[1], verdicts_b.shape[1]) // block)


def _undefined(students: int) -> Effect:
    nan = float("nan")
    return Effect(nan, nan, nan, nan, nan, nan, nan, students)


def _effect(share_a: float, share_b: float, values: Array, students: int, independent: int) -> Effect:
    from scipy.special import stdtr

    difference = share_b - share_a
    error = float(np.nanstd(values))
    p = float("nan")
    if independent >= FEWEST:
        p = 2 * float(stdtr(independent - 1, -abs(difference) / error)) if error > 0 else float(difference == 0)
    h = 2 * float(np.arcsin(np.sqrt(share_b)) - np.arcsin(np.sqrt(share_a)))
    return Effect(share_a, share_b, difference, *interval(values, independent), h, p, students)
