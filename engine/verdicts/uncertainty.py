"""How far a balance may be off: it rests on few faces, and neighbouring ones are alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Probability with which a margin is meant to reach the balance that more faces of the same kind would show.
CONFIDENCE = 0.9
#: Lags, in faces, up to which the likeness of neighbours is measured.
_LAGS = 12
#: Among these a memory is looked for; the longest outlasts the default window.
_MEMORIES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97)
#: A window is taken to last this many lifetimes, 1 / (1 - memory), of a mood or more: within a shorter one, a mood
#: that fades is not told from one that does not change.
_REACH = 2.5
#: Faces of the whole session that join a student's own for it: a short session has too few of each student.
_SHARED = 300.0
#: Independent faces of the student's other windows that join a window's own for its spread ...
_BORROWED = 20.0
#: ... and that many more degrees of freedom than independent faces it is trusted with.
_FREEDOM = 4.0
#: Spread (variance) of one imagined face beside those that were seen: equal faces are no certainty.
_PRIOR = 0.005
#: Longest window, in faces, for which the autocovariances are worked out; they hardly change from there on.
_LONGEST = 200


def margins(influence: Array, cell: Ints, student: Ints, quality: Array, cells: int) -> Array:
    """Half-width of the 90 % confidence interval of each cell's balance: (cells,), NaN where there is no face.

    A cell is a student's window. `influence` (n,) is what each face would move its cell's balance by if it were the
    only one, its residual over the mean denominator (the linearised ratio of Cochran 1977, "Sampling techniques",
    section 6.4); it sums to 0 over a cell. `cell`, `student` (both from 0) and `quality`, in [0, 1], are (n,) as
    well; the faces of a cell stand in order of time.

    The variance of a mean of n faces follows from their autocovariances (Bayley and Hammersley 1946). These are
    taken to be those of a mood that fades by a constant factor from face to face, its memory, plus noise that every
    face has for itself. A face counts by its quality: one of 0.5 proves half as much.
    """

    from scipy.special import stdtrit

    result = np.full(cells, np.nan)
    if not len(cell):
        return result
    order = np.argsort(cell, kind="stable")
    cell, student, influence, quality = cell[order], student[order], influence[order], quality[order]
    number = np.bincount(cell, minlength=cells)
    seen = np.flatnonzero(number)
    owner = np.zeros(cells, np.int64)
    owner[cell] = student
    number, owner = number[seen], owner[seen]

    faces = np.maximum(np.bincount(student), 1)
    power = np.bincount(student, influence**2) / faces
    typical = int(np.clip(np.average(number, weights=number), 2, _LONGEST))
    scaled = influence / np.sqrt(np.where(power > 0, power, 1))[student]
    memory, lasting, own = _memory(scaled, cell, student, typical)

    # Variance of a window's mean, for faces of unit variance: 1 / the number of independent faces it is worth.
    gap = np.clip(lasting[owner] * _of_mean(memory[owner], number) + own[owner] / number, 1e-9, 1)
    lost = lasting * _of_mean(memory, typical) + own / typical
    # About its own mean, a window misses the spread that all of its faces share.
    spread = np.bincount(cell, influence**2, cells)[seen] / number / np.maximum(1 - gap, 0.05)
    usual = (power / np.maximum(1 - lost, 0.05))[owner]
    spread = (spread / gap + _BORROWED * usual) / (1 / gap + _BORROWED)
    worth = np.maximum(np.bincount(cell, quality, cells)[seen] / number, 1e-3) / gap
    half = stdtrit(worth + _FREEDOM, (1 + CONFIDENCE) / 2) * np.sqrt((spread + _PRIOR / worth) / worth)
    result[seen] = np.minimum(half, 2)
    return result


def _memory(influence: Array, cell: Ints, student: Ints, typical: int) -> tuple[Array, Array, Array]:
    """Each student's memory, and the shares of what lasts and of each face's own noise in the variance.

    The memory is the one whose autocovariances come nearest to the student's (least squares over all lags). Those
    are about the windows' own means, and so compared with what a window of `typical` faces would show.
    """
    students = int(student.max()) + 1
    lags = min(_LAGS + 1, typical)
    sums, pairs = np.zeros((students, lags)), np.zeros((students, lags))
    for lag in range(lags):
        same = cell[lag:] == cell[: len(cell) - lag]
        sums[:, lag] = np.bincount(student[lag:], influence[lag:] * influence[: len(cell) - lag] * same, students)
        pairs[:, lag] = np.bincount(student[lag:], same, students)
    sums += _SHARED * sums.sum(axis=0) / len(cell)
    pairs += _SHARED * pairs.sum(axis=0) / len(cell)
    found = sums / np.maximum(pairs, 1e-9)

    noise = _about_mean(np.eye(typical), lags)
    distance = np.abs(np.subtract.outer(np.arange(typical), np.arange(typical)))
    least = np.full(students, np.inf)
    best = np.zeros((3, students))
    for memory in _MEMORIES:
        if memory > max(0, 1 - _REACH / typical):
            break
        lasts = _about_mean(memory**distance, lags) if memory else noise
        # Two shares, neither below 0: where one would be, the other alone.
        ll, ln, nn = pairs @ lasts**2, pairs @ (lasts * noise), pairs @ noise**2
        lf, nf = (pairs * found) @ lasts, (pairs * found) @ noise
        det = ll * nn - ln**2
        solvable = det > 1e-9 * ll * nn
        det = np.where(solvable, det, 1)
        lasting, own = (nn * lf - ln * nf) / det, (ll * nf - ln * lf) / det
        only_own = ~solvable | (lasting < 0)
        only_lasting = ~only_own & (own < 0)
        lasting = np.where(only_own, 0, np.where(only_lasting, lf / ll, lasting))
        own = np.where(only_own, nf / nn, np.where(only_lasting, 0, own))
        miss = (pairs * (found - np.outer(lasting, lasts) - np.outer(own, noise)) ** 2).sum(axis=1)
        better = miss < least
        least = np.where(better, miss, least)
        best = np.where(better, np.stack([np.full(students, memory), lasting, own]), best)
    memories, lasting, own = best
    total = np.where(lasting + own > 0, lasting + own, 1)
    return memories, lasting / total, np.where(lasting + own > 0, own / total, 1)


def _of_mean(memory: Array, n: npt.ArrayLike) -> Array:
    """Variance of the mean of n successive values of unit variance with this memory."""
    n, gap = np.asarray(n, np.float64), 1 - memory
    variance: Array = ((1 + memory) / gap - 2 * memory * (1 - memory**n) / (n * gap**2)) / n
    return variance


def _about_mean(covariance: Array, lags: int) -> Array:
    """Autocovariance (lags,) about their own mean, of values with this covariance (n, n)."""
    centred = covariance - covariance.mean(axis=0) - covariance.mean(axis=1)[:, None] + covariance.mean()
    return np.array([np.diagonal(centred, lag).mean() for lag in range(lags)])
