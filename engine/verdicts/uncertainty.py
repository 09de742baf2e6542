"""How far a balance may be off: it rests on few faces, and neighbouring faces resemble each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Probability with which a margin is meant to reach the balance that more faces of the same kind would show.
CONFIDENCE = 0.9
#: Lags, in faces, up to which autocovariances are measured.
_LAGS = 12
#: The AR(1) autocorrelations that are tried; the longest outlasts the default window.
_AUTOCORRELATIONS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97)
#: A window is taken to last this many lifetimes, 1 / (1 - autocorrelation), of a mood or more: within a shorter
#: one, a fading mood cannot be distinguished from a constant one.
_LIFETIMES = 2.5
#: Prior weight: session-wide pairs added to each student's autocovariance estimate.
_SHARED_PAIRS = 300.0
#: Prior weight of a student's usual variance beside that of one window, in independent faces ...
_PRIOR_FACES = 20.0
#: ... and the degrees of freedom that this adds to a window's effective sample size.
_PRIOR_FREEDOM = 4.0
#: Variance of one prior pseudo-face beside the observed ones: equal faces are no certainty.
_PRIOR_VARIANCE = 0.005
#: Longest window, in faces, for which the autocovariances are worked out; they hardly change from there on.
_LONGEST = 200


def margins(influence: Array, group: Ints, student: Ints, quality: Array, groups: int) -> Array:
    """Half-width of the 90 % confidence interval of each group's balance: (groups,), NaN where there is no face.

    A group is a student's window. `influence` (n,) is what each face would move its group's balance by if it were
    the only one, its residual over the mean denominator (the linearised ratio of Cochran 1977, "Sampling
    techniques", section 6.4); it sums to 0 over a group. `group`, `student` (both from 0) and `quality`, in [0, 1],
    are (n,) as well; the faces of a group stand in order of time.

    The variance of a mean of n faces follows from their autocovariances (Bayley and Hammersley 1946). These are
    modelled as an AR(1) process, which persists by a constant factor from face to face, plus idiosyncratic noise of
    each face. A face counts by its quality: one of 0.5 proves half as much.
    """
    from scipy.special import stdtrit  # costs a tenth of a second, and only here

    result = np.full(groups, np.nan)
    if not len(group):
        return result
    order = np.argsort(group, kind="stable")
    group, student, influence, quality = group[order], student[order], influence[order], quality[order]
    number = np.bincount(group)
    filled = np.flatnonzero(number)
    owner = np.zeros(groups, np.int64)
    owner[group] = student
    number, owner = number[filled], owner[filled]

    faces = np.maximum(np.bincount(student), 1)
    power = np.bincount(student, influence**2) / faces
    typical = int(np.clip(np.average(number, weights=number), 2, _LONGEST))
    scaled = influence / np.sqrt(np.where(power > 0, power, 1))[student]
    autocorrelation, persistent, idiosyncratic = _fit_autocovariance(scaled, group, student, typical)

    # Variance of a window's mean, for faces of unit variance: 1 / the number of independent faces.
    of_mean = persistent[owner] * _variance_of_mean(autocorrelation[owner], number) + idiosyncratic[owner] / number
    of_mean = np.clip(of_mean, 1e-9, 1)
    of_typical = persistent * _variance_of_mean(autocorrelation, typical) + idiosyncratic / typical
    # Deviations from a window's own mean miss the variance that all of its faces share.
    variance = np.bincount(group, influence**2)[filled] / number / np.maximum(1 - of_mean, 0.05)
    usual = (power / np.maximum(1 - of_typical, 0.05))[owner]
    variance = (variance / of_mean + _PRIOR_FACES * usual) / (1 / of_mean + _PRIOR_FACES)
    n_eff = np.maximum(np.bincount(group, quality)[filled] / number, 1e-3) / of_mean
    quantile = stdtrit(n_eff + _PRIOR_FREEDOM, (1 + CONFIDENCE) / 2)
    half_width = quantile * np.sqrt((variance + _PRIOR_VARIANCE / n_eff) / n_eff)
    result[filled] = np.minimum(half_width, 2)
    return result


def _fit_autocovariance(influence: Array, group: Ints, student: Ints, typical: int) -> tuple[Array, Array, Array]:
    """Each student's AR(1) autocorrelation, and the persistent and the idiosyncratic share of the variance.

    The autocorrelation is the one whose autocovariances fit the student's best (least squares over all lags).
    Those are about the windows' own means, and so compared with what a window of `typical` faces would show.
    """
    measured, pairs = _autocovariances(influence, group, student, lags=min(_LAGS + 1, typical))
    students, lags = measured.shape
    noise = _about_mean(np.eye(typical), lags)
    distance = np.abs(np.subtract.outer(np.arange(typical), np.arange(typical)))
    least = np.full(students, np.inf)
    best = np.zeros((3, students))
    for autocorrelation in _AUTOCORRELATIONS:
        if autocorrelation > max(0, 1 - _LIFETIMES / typical):
            break
        process = _about_mean(autocorrelation**distance, lags) if autocorrelation else noise
        persistent, idiosyncratic = _two_shares(measured, pairs, process, noise)
        residual = measured - np.outer(persistent, process) - np.outer(idiosyncratic, noise)
        miss = (pairs * residual**2).sum(axis=1)
        better = miss < least
        least = np.where(better, miss, least)
        best = np.where(better, np.stack([np.full(students, autocorrelation), persistent, idiosyncratic]), best)
    autocorrelations, persistent, idiosyncratic = best
    measurable = persistent + idiosyncratic > 0
    total = np.where(measurable, persistent + idiosyncratic, 1)
    return autocorrelations, persistent / total, np.where(measurable, idiosyncratic / total, 1)


def _autocovariances(influence: Array, group: Ints, student: Ints, lags: int) -> tuple[Array, Array]:
    """(students, lags) the mean product of faces so many apart in one group, and how many pairs it rests on."""
    students = int(student.max()) + 1
    sums, pairs = np.zeros((students, lags)), np.zeros((students, lags))
    for lag in range(lags):
        same = group[lag:] == group[: len(group) - lag]
        sums[:, lag] = np.bincount(student[lag:], influence[lag:] * influence[: len(group) - lag] * same, students)
        pairs[:, lag] = np.bincount(student[lag:], same, students)
    sums += _SHARED_PAIRS * sums.sum(axis=0) / len(group)
    pairs += _SHARED_PAIRS * pairs.sum(axis=0) / len(group)
    return sums / np.maximum(pairs, 1e-9), pairs


def _two_shares(measured: Array, pairs: Array, process: Array, noise: Array) -> tuple[Array, Array]:
    """(students,) weighted least squares of `measured` on the two curves (lags,); neither share is below 0.

    Where one would be, it is 0 and the other is fitted alone.
    """
    pp, pn, nn = pairs @ process**2, pairs @ (process * noise), pairs @ noise**2
    pm, nm = (pairs * measured) @ process, (pairs * measured) @ noise
    det = pp * nn - pn**2
    solvable = det > 1e-9 * pp * nn
    det = np.where(solvable, det, 1)
    persistent, idiosyncratic = (nn * pm - pn * nm) / det, (pp * nm - pn * pm) / det
    noise_alone = ~solvable | (persistent < 0)
    process_alone = ~noise_alone & (idiosyncratic < 0)
    persistent = np.where(noise_alone, 0, np.where(process_alone, pm / pp, persistent))
    idiosyncratic = np.where(noise_alone, nm / nn, np.where(process_alone, 0, idiosyncratic))
    return persistent, idiosyncratic


def _variance_of_mean(autocorrelation: Array, n: npt.ArrayLike) -> Array:
    """Variance of the mean of n successive values of an AR(1) process of unit variance."""
    n, gap = np.asarray(n, np.float64), 1 - autocorrelation
    variance: Array = (
        (1 + autocorrelation) / gap - 2 * autocorrelation * (1 - autocorrelation**n) / (n * gap**2)
    ) / n
    return variance


def _about_mean(covariance: Array, lags: int) -> Array:
    """Autocovariance (lags,) about their own mean, of values with this covariance (n, n)."""
    centred = covariance - covariance.mean(axis=0) - covariance.mean(axis=1)[:, None] + covariance.mean()
    return np.array([np.diagonal(centred, lag).mean() for lag in range(lags)])
