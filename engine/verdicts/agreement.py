"""How well codes agree: kappa, alpha and the area under the ROC curve, with intervals by bootstrap over students.

Each statistic is a function of sums over students, so that a bootstrap sample of students is a sum with weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CONFIDENCE = 0.95
SAMPLES = 2000


class Estimate(NamedTuple):
    """A statistic and its interval; NaN where it is undefined."""

    value: float
    low: float
    high: float


def contingency(codes_a: Ints, codes_b: Ints, student: Ints, shape: tuple[int, int, int]) -> Array:
    """How often code i of `codes_a` meets code j of `codes_b` (n,) in each student: (s, k, m), the `shape`."""
    place = np.ravel_multi_index((student, codes_a, codes_b), shape)
    return np.bincount(place, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)


def nominal(rows: int, columns: int | None = None) -> Array:
    """(k, m) distance of codes: 1 wherever they differ."""
    return 1 - np.eye(rows, columns)


def linear(kinds: int) -> Array:
    """(k, k) distance of ordinal codes as a share of the scale."""
    place = np.arange(kinds)
    distance: Array = np.abs(place[:, None] - place) / (kinds - 1)
    return distance


def kappa(table: Array, distance: Array) -> Array:
    """Cohen's kappa of tables (..., k, m): 1 - observed over expected disagreement; NaN where none is expected.

    With `nominal` distances that of Cohen, Educational and Psychological Measurement 20 (1960) 37-46, formula 1,
    with `linear` ones weighted kappa, Cohen, Psychological Bulletin 70 (1968) 213-220, formula 4.
    """
    total = table.sum(axis=(-1, -2))
    expected = table.sum(axis=-1)[..., :, None] * table.sum(axis=-2)[..., None, :]
    return 1 - safe_divide(total * (table * distance).sum(axis=(-1, -2)), (expected * distance).sum(axis=(-1, -2)))


def percent_agreement(table: Array) -> Array:
    """The share of equal codes in tables (..., k, k)."""
    return safe_divide(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-1, -2)))


def coincidences(unit: Ints, code: Ints, student: Ints, kinds: int) -> Array:
    """(students, k, k) how often codes meet within a unit, each unit weighing as much as it has codes.

    `unit`, `code` and `student` (n,) are those of each code given. Krippendorff, "Computing Krippendorff's
    Alpha-Reliability" (2011), section C.
    """
    units = int(unit.max(initial=-1)) + 1
    counts = np.zeros((units, kinds))
    np.add.at(counts, (unit, code), 1)
    of_unit = np.zeros(units, np.int64)
    of_unit[unit] = student
    pairs = counts[:, :, None] * (counts[:, None, :] - np.eye(kinds))
    pairs /= np.maximum(counts.sum(axis=1) - 1, 1)[:, None, None]
    table = np.zeros((int(student.max(initial=-1)) + 1, kinds, kinds))
    np.add.at(table, of_unit, pairs)
    return table


def krippendorff_alpha(table: Array) -> Array:
    """Krippendorff's alpha for codes in an order, of coincidences (..., k, k); NaN where all codes are the same.

    Krippendorff (2011), as above, section D, with the metric of ordinal data: the distance of ranks.
    """
    number = table.sum(axis=-1)
    total = number.sum(axis=-1)
    rank = number.cumsum(axis=-1) - number / 2
    distance = (rank[..., :, None] - rank[..., None, :]) ** 2
    expected = (number[..., :, None] * number[..., None, :] * distance).sum(axis=(-1, -2))
    return 1 - safe_divide((total - 1) * (table * distance).sum(axis=(-1, -2)), expected)


def concordant_pairs(value: Array, positive: npt.NDArray[np.bool_], student: Ints) -> Array:
    """(s, s, 2): concordant and all pairs of a positive value of student i and a negative one of student j.

    A pair is concordant if the positive value is higher, and half of one if both are equal.
    """
    students = int(student.max(initial=-1)) + 1
    pairs = np.zeros((students, students, 2))
    negatives = [np.sort(value[~positive & (student == student_b)]) for student_b in range(students)]
    for student_a in range(students):
        positives = value[positive & (student == student_a)]
        for student_b, negatives_b in enumerate(negatives):
            under = np.searchsorted(negatives_b, positives, "left") + np.searchsorted(
                negatives_b, positives, "right"
            )
            pairs[student_a, student_b] = under.sum() / 2, len(positives) * len(negatives_b)
    return pairs


def auc(pairs: Array) -> Array:
    """The area under the ROC curve of (..., 2) concordant and all pairs: the concordant share.

    Hanley and McNeil, Radiology 143 (1982) 29-36: the Wilcoxon statistic.
    """
    return safe_divide(pairs[..., 0], pairs[..., 1])


def samples(students: int, seed: int = 0) -> Array:
    """(SAMPLES, s) how often each student is in a bootstrap sample of as many students.

    Whole students are drawn, since what is coded of one student is not independent: the cluster bootstrap of Field
    and Welsh, Journal of the Royal Statistical Society B 69 (2007) 369-390.
    """
    drawn = np.random.default_rng(seed).multinomial(students, np.full(students, 1 / students), SAMPLES)
    return drawn.astype(np.float64)


def estimate(statistic: Callable[[Array], Array], tables: Array) -> Estimate:
    """A statistic of the sum of tables (s, ...) of students, and its interval over samples of them."""
    weights = samples(len(tables))
    resampled = np.tensordot(weights, tables, axes=1)
    return Estimate(float(statistic(tables.sum(axis=0))), *interval(statistic(resampled), len(tables)))


def estimate_auc(pairs: Array) -> Estimate:
    """The area of `concordant_pairs` (s, s, 2), and its interval."""
    weights = samples(len(pairs))
    resampled = np.einsum("bi,ijc,bj->bc", weights, pairs, weights, optimize=True)
    return Estimate(float(auc(pairs.sum(axis=(0, 1)))), *interval(auc(resampled), len(pairs)))


def interval(values: Array, students: int) -> tuple[float, float]:
    """The percentiles of a statistic's bootstrap samples; NaN for one student, or where most are undefined.

    They lie further out the fewer students there are, as far as Student's t does and the bootstrap falls short: the
    expanded percentile interval of Hesterberg, The American Statistician 69 (2015) 371-386, section 4.3.
    """

    from scipy.special import ndtr, stdtrit

    defined = values[np.isfinite(values)]
    if students < 2 or len(defined) < len(values) / 2:
        return np.nan, np.nan
    tail = ndtr(np.sqrt(students / (students - 1)) * stdtrit(students - 1, (1 - CONFIDENCE) / 2))
    low, high = np.quantile(defined, (tail, 1 - tail))
    return float(low), float(high)


def safe_divide(numerator: Array, denominator: Array) -> Array:
    """The quotient; NaN where the denominator is 0."""
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1), np.nan)
