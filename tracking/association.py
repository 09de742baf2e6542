"""Association of two sets of boxes: their overlap (IoU), and the optimal one-to-one assignment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class Matching(NamedTuple):
    """Pairs of rows and columns, and the unmatched of both."""

    rows: Indices
    """(k,) matched rows, ascending."""
    columns: Indices
    """(k,) the column of each of them."""
    unmatched_rows: Indices
    unmatched_columns: Indices


def iou(a: Floats, b: Floats) -> Floats:
    """(n, m) intersection over union, in [0, 1], of boxes `a` (n, 4) and `b` (m, 4) as x1, y1, x2, y2."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inside = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a, area_b = np.prod(a[:, 2:] - a[:, :2], axis=1), np.prod(b[:, 2:] - b[:, :2], axis=1)
    union = area_a[:, None] + area_b[None, :] - inside
    overlap: Floats = np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)
    return overlap


def match(score: Floats, threshold: float) -> Matching:
    """The one-to-one assignment of rows to columns with the highest total score, without pairs under `threshold`.

    `score` is (n, m) and finite. The total is maximised over all pairs first and thresholded after, as in SORT.
    Raises ValueError for a score of NaN or infinity.
    """

    from scipy.optimize import linear_sum_assignment

    rows, columns = score.shape
    if rows == 0 or columns == 0:
        none = np.empty(0, np.int64)
        return Matching(none, none, np.arange(rows), np.arange(columns))
    row, column = linear_sum_assignment(score, maximize=True)
    good = score[row, column] >= threshold
    row, column = row[good], column[good]
    return Matching(row, column, np.setdiff1d(np.arange(rows), row), np.setdiff1d(np.arange(columns), column))
