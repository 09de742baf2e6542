"""Overlap of boxes, and the optimal one-to-one assignment."""

from __future__ import annotations

import numpy as np
import pytest

from tracking.association import iou, match


def test_intersection_over_union_of_boxes() -> None:
    a = np.array([[0.0, 0.0, 10.0, 10.0]])
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 20, 20], [2, 2, 4, 4]], float)
    np.testing.assert_allclose(iou(a, b), [[1, 1 / 3, 0, 1 / 4, 4 / 100]])


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 2), (3, 0)])
def test_no_rows_or_no_columns_give_no_pairs(rows: int, columns: int) -> None:
    matching = match(np.zeros((rows, columns)), 0.3)
    assert [len(part) for part in matching] == [0, 0, rows, columns]


def test_the_total_score_counts_not_the_best_single_pair() -> None:
    matching = match(np.array([[0.9, 0.8], [0.8, 0.0]]), 0.3)
    assert list(zip(matching.rows, matching.columns, strict=True)) == [(0, 1), (1, 0)]


def test_pairs_under_the_threshold_are_left_unmatched() -> None:
    matching = match(np.array([[0.9, 0.0, 0.0], [0.0, 0.2, 0.0]]), 0.3)
    assert [part.tolist() for part in matching] == [[0], [0], [1], [1, 2]]


def test_a_pair_that_scores_exactly_the_threshold_is_matched() -> None:
    matching = match(np.array([[0.3]]), 0.3)
    assert [part.tolist() for part in matching] == [[0], [0], [], []]
