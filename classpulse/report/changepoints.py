"""Sustained changes of a balance: where its level changes for a minute or more, by more than noise would."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Both sides of a change last so long, s, and it is one if it is more probable than this.
LASTING, SURE = 60.0, 0.95
#: What is looked at are medians of so long, s: noise from window to window hides how long moods last, and a single
#: window is no change.
_BLOCK = 60.0
#: Series without a change that the found one is compared with, and how many are drawn at once.
_DRAWS, _AT_ONCE = 199, 50
#: Changes that are taken for sure where the noise beside them is measured, and one for so many values at most.
_TENTATIVE, _SHORT = 4, 12
#: What a memory told from n values is taken to be too small by, times the root of n: chosen on drawn series without
#: a change, of which not more than 1 - SURE have one (the tests count them), whatever their memory under a minute.
_BIAS = 3.0
#: The largest memory from one minute to the next that is taken to be noise: what lasts longer is a change. In short
#: series it cannot be told from changes.
_LONGEST_MEMORY, _IN_SHORT = 0.7, 0.95


def levels(start: Array, stop: Array, balance: Array) -> list[tuple[int, int]]:
    """The stretches (first, after) of one level each, of windows (n,) with a verdict in the order of time.

    Circular binary segmentation (Olshen et al. 2004): the stretch whose mean differs most from the rest's is cut
    out if fewer than 1 - SURE of series without a change have one that differs as much, and each part is looked at
    again. Such a series is an AR(1) process with the memory of the series itself. Every stretch lasts LASTING s or
    more, gaps apart. The same values give the same stretches.
    """
    if not len(balance):
        return []
    size = max(round(_BLOCK / float(np.median(stop - start))), 1)
    edges = np.append(np.arange(0, max(len(balance) - size, 0) + 1, size), len(balance))
    values = np.array([np.median(balance[first:after]) for first, after in pairwise(edges)])
    lasts = np.add.reduceat(stop - start, edges[:-1])
    least = max(math.ceil(LASTING / float(np.median(lasts)) - 1e-9), 1)
    cuts = [0, *sorted(_cuts(values, 0, len(values), least, _noise(values, least))), len(values)]
    return [(int(edges[first]), int(edges[after])) for first, after in pairwise(cuts)]


def _cuts(values: Array, first: int, after: int, least: int, noise: tuple[float, float]) -> set[int]:
    """Where the level changes between `first` and `after`; `noise` as `_noise` gives it."""
    inside = values[first:after]
    if len(inside) < 2 * least or np.ptp(inside) < 1e-9:
        return set()
    score, begin, end = _best_arc(inside[None, :], least)
    if not _is_sure(float(score[0]), len(inside), least, *noise):
        return set()
    cuts = {first + begin, first + end} - {first, after}
    bounds = [first, *sorted(cuts), after]
    for left, right in pairwise(bounds):
        cuts |= _cuts(values, left, right, least, noise)
    return cuts


def _is_sure(score: float, number: int, least: int, scale: float, memory: float) -> bool:
    """Whether fewer than 1 - SURE of series of so many values without a change have an arc that differs as much."""
    random = np.random.default_rng(number)
    exceeding, allowed = 0, (1 - SURE) * (_DRAWS + 1) - 1
    for drawn in range(0, _DRAWS, _AT_ONCE):
        noise = random.standard_normal((min(_AT_ONCE, _DRAWS - drawn), number))
        for k in range(1, number):
            noise[:, k] = memory * noise[:, k - 1] + math.sqrt(1 - memory**2) * noise[:, k]
        exceeding += int((_best_arc(noise, least)[0] * scale >= score).sum())
        if exceeding > allowed:
            return False
    return True


def _noise(values: Array, least: int) -> tuple[float, float]:
    """The standard deviation of a series, and its memory from one value to the next, 0 to 1, changes apart.

    In an AR(1) process with variance v and memory r, half of the mean squared difference of values k apart is
    v (1 - r^k); the ratio of those two apart to those of neighbours is 1 + r. Only differences within what would be
    levels if a few changes were taken for sure count, apart from the values beside those changes.
    """
    bounds = {0, len(values)}
    for _ in range(min(max(len(values) // _SHORT, 1), _TENTATIVE)):
        edges = sorted(bounds)
        arcs = [
            (*_best_arc(values[None, left:right], least), left)
            for left, right in pairwise(edges)
            if right - left >= 2 * least
        ]
        if not arcs:
            break
        _, begin, end, left = max(arcs, key=lambda arc: float(arc[0][0]))
        bounds |= {left + begin, left + end}
    place = np.arange(len(values))
    level = np.searchsorted(sorted(bounds), place, "right")
    apart = np.abs(place[:, None] - np.array(sorted(bounds - {0, len(values)}), np.int64)[None] + 0.5) < 1
    values = np.where(apart.any(axis=1), np.nan, values)
    near, far = (_mean_square((values[lag:] - values[:-lag])[level[lag:] == level[:-lag]]) for lag in (1, 2))
    if math.inf in (near, far):
        return math.inf, 0.0
    longest = _LONGEST_MEMORY if len(values) >= 2 * _SHORT else _IN_SHORT
    told = max(min(far, 4 * near) / max(near, 1e-12) - 1, 0)
    memory = min(told + _BIAS / math.sqrt(len(values)), longest)
    return math.sqrt(near / 2 / (1 - memory)) + 1e-6, memory


def _mean_square(differences: Array) -> float:
    """Of no differences nothing is known: so much that no change is sure."""
    known = differences[~np.isnan(differences)]
    return float((known**2).mean()) if len(known) else math.inf


def _best_arc(series: Array, least: int) -> tuple[Array, int, int]:
    """Of each series (k, n) by how much the mean of the best stretch differs from the rest's; the first's place.

    The difference is times sqrt(a b / (a + b)) of the numbers of values in it and beside it: in independent values
    of variance 1 it has variance 1. The stretch and what is beside it are `least` long or longer, on each side.
    """
    number = series.shape[1]
    sums = np.pad(np.cumsum(series - series.mean(axis=1, keepdims=True), axis=1), ((0, 0), (1, 0)))
    best, begin, end = np.full(len(series), -1.0), 0, number
    for length in range(least, number - least + 1):
        apart = np.abs(sums[:, length:] - sums[:, :-length])
        apart[:, 1:least] = 0
        apart[:, max(number - length - least + 1, 1) : number - length] = 0
        score = apart.max(axis=1) * math.sqrt(number / (length * (number - length)))
        if score[0] > best[0]:
            begin = int(apart[0].argmax())
            end = begin + length
        best = np.maximum(best, score)
    return best, begin, end
