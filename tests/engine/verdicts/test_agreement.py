"""Statistics of agreement against published examples, and against what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from engine.verdicts import agreement

#: Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), table 18.1: kappa 0.68.
FLEISS = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]], float)
#: Two radiologists on 85 mammograms, Boyd et al. (1982), in Altman, Practical Statistics for Medical Research
#: (1991), section 14.3: kappa 0.47, linearly weighted 0.57.
MAMMOGRAMS = np.array([[21, 12, 0, 0], [4, 17, 1, 0], [3, 9, 15, 2], [0, 0, 0, 1]], float)
#: Krippendorff (2011), section C: four observers, twelve units; alpha for ordinal data 0.815.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]
#: Hanley and McNeil (1982), table I: ratings 1 to 5 of 58 normal and 51 abnormal CT images; area 0.893.
NORMAL, ABNORMAL = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)


def test_kappa_is_the_published_one() -> None:
    assert agreement.kappa(FLEISS, agreement.nominal(3)) == pytest.approx(0.676, abs=5e-4)
    assert agreement.kappa(MAMMOGRAMS, agreement.nominal(4)) == pytest.approx(0.4728, abs=5e-5)
    assert agreement.kappa(MAMMOGRAMS, agreement.linear(4)) == pytest.approx(0.5684, abs=5e-5)


def test_alpha_is_the_published_one() -> None:
    codes = np.array(OBSERVERS).T
    unit, observer = np.nonzero(codes)
    several = np.bincount(unit)[unit] > 1
    unit, observer = unit[several], observer[several]
    table = agreement.coincidences(unit, codes[unit, observer] - 1, np.zeros_like(unit), 5)
    assert table.sum() == pytest.approx(40)
    assert agreement.krippendorff_alpha(table[0]) == pytest.approx(0.815, abs=5e-4)


def test_the_area_is_the_published_one() -> None:
    rating = np.repeat(np.tile(np.arange(5.0), 2), [*NORMAL, *ABNORMAL])
    abnormal = np.repeat([False, True], [sum(NORMAL), sum(ABNORMAL)])
    pairs = agreement.concordant_pairs(rating, abnormal, np.arange(len(rating)) % 7)
    assert agreement.auc(pairs.sum(axis=(0, 1))) == pytest.approx(0.893, abs=5e-4)
    found = agreement.estimate_auc(pairs)
    assert found.low < found.value < found.high


codes = st.lists(st.tuples(*[st.integers(0, 2)] * 2, st.integers(0, 4)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(codes)
def test_perfect_is_1_and_nothing_is_more(rows: list[tuple[int, int, int]]) -> None:
    one, other, student = np.array(rows).T
    for mine, theirs in ((one, other), (one, one)):
        table = agreement.contingency(mine, theirs, student, (5, 3, 3)).sum(axis=0)
        values = [agreement.kappa(table, distance) for distance in (agreement.nominal(3), agreement.linear(3))]
        units = np.arange(len(mine)).repeat(2)
        met = agreement.coincidences(units, np.column_stack([mine, theirs]).ravel(), student.repeat(2), 3)
        values.append(agreement.krippendorff_alpha(met.sum(axis=0)))
        assert met.sum() == pytest.approx(2 * len(mine))
        if mine is theirs:
            assert agreement.percent_agreement(table) == 1
            expected = 1.0 if len(set(one.tolist())) > 1 else np.nan
            assert values == pytest.approx([expected] * 3, nan_ok=True)
        else:
            assert all(value <= 1 for value in values if np.isfinite(value))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 4)), min_size=1, max_size=60))
def test_the_area_is_mann_whitneys(rows: list[tuple[int, bool, int]]) -> None:
    value, positive, student = (np.array(column) for column in zip(*rows, strict=True))
    area = agreement.auc(agreement.concordant_pairs(value, positive, student).sum(axis=(0, 1)))
    if positive.all() or not positive.any():
        assert np.isnan(area)
    else:
        best = positive.sum() * (~positive).sum()
        assert area == pytest.approx(mannwhitneyu(value[positive], value[~positive]).statistic / best)


def test_chance_is_near_0() -> None:
    random = np.random.default_rng(3)
    one, other = random.choice(3, (2, 20_000), p=(0.6, 0.3, 0.1))
    table = agreement.contingency(one, other, np.zeros_like(one), (1, 3, 3))[0]
    assert abs(agreement.kappa(table, agreement.nominal(3))) < 0.02
    assert abs(agreement.kappa(table, agreement.linear(3))) < 0.02


def test_intervals_know_that_stretches_of_a_student_are_alike() -> None:
    """Twenty students who each are right or wrong throughout: the interval is that of 20, not of 400 stretches."""
    right = np.arange(20) % 4 > 0
    tables = np.zeros((20, 2, 2))
    tables[right, [0, 1] * 7 + [0], [0, 1] * 7 + [0]] = 20
    tables[~right, 0, 1] = 20
    found = agreement.estimate(agreement.percent_agreement, tables)
    assert found.value == 0.75
    assert (found.low, found.high) == pytest.approx((0.55, 0.95), abs=0.051)
    few = agreement.estimate(agreement.percent_agreement, tables[:4])
    assert few.high - few.low > 1.5 * (found.high - found.low)
    assert agreement.estimate(agreement.percent_agreement, tables) == found  # the same samples every time


def test_what_is_undefined_has_no_interval() -> None:
    assert np.isnan(agreement.estimate(agreement.percent_agreement, np.zeros((3, 2, 2))).value)
    assert np.isnan(agreement.estimate(agreement.percent_agreement, np.ones((1, 2, 2))).low)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Students differ in what they show and how well it is seen; the truth is that of very many of them."""
    random = np.random.default_rng(0)

    def drawn(students: int) -> np.ndarray:
        shown = random.dirichlet((2, 2, 2), students)
        hit = random.beta(6, 3, students)
        chance = shown[:, :, None] / 3 * (1 - hit)[:, None, None]
        shares = chance + np.eye(3) * (shown * hit[:, None])[:, :, None]
        return random.multinomial(30, shares.reshape(students, 9)).reshape(students, 3, 3).astype(float)

    truth = agreement.kappa(drawn(100_000).sum(axis=0), agreement.nominal(3))
    for students in (6, 20):
        found = [
            agreement.estimate(lambda t: agreement.kappa(t, agreement.nominal(3)), drawn(students))
            for _ in range(200)
        ]
        assert 0.88 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99
