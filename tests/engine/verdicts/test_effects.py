"""Differences between spans of time: what they are, and how often their intervals cover what is true."""

from __future__ import annotations

import numpy as np
import pytest

from engine.verdicts import effects
from engine.verdicts.agreement import SAMPLES, Ints
from engine.verdicts.effects import block_samples, holm, paired_effect, unpaired_effect
from engine.verdicts.scale import INSUFFICIENT, INTERESTED, NEUTRAL, NOT_INTERESTED


def drawn(random: np.random.Generator, students: int, windows: int, level: float | np.ndarray = 0.0) -> Ints:
    """Verdicts of students with tempers of their own, moods that last, and a class that moves together."""
    temper = random.normal(0, 0.7, (students, 1))

    def lasting(rows: int) -> np.ndarray:
        noise = random.normal(0, np.sqrt(1 - 0.9**2), (rows, windows))
        noise[:, 0] = random.normal(0, 1, rows)
        for place in range(1, windows):
            noise[:, place] += 0.9 * noise[:, place - 1]
        return noise

    value = level + temper + 0.7 * lasting(students) + 0.5 * lasting(1) + random.normal(0, 0.5, (students, windows))
    verdicts = np.where(value > 0.5, INTERESTED, np.where(value < -0.5, NOT_INTERESTED, NEUTRAL))
    return np.where(random.random(verdicts.shape) < 0.2, INSUFFICIENT, verdicts).astype(np.int64)


def test_a_difference_is_of_each_student_with_the_own_windows_and_all_count_alike() -> None:
    first = np.array([[0] * 8 + [1] * 2, [0] * 2 + [1] * 2 + [3] * 6, [0] * 10])
    second = np.array([[0] * 5 + [1] * 5, [1] * 4 + [3] * 6, [3] * 10])  # the third is not measurable in it
    found = paired_effect(first, second, INTERESTED, block=2)
    assert found.students == 2
    assert found.share_a == pytest.approx((0.8 + 0.5) / 2)
    assert found.share_b == pytest.approx((0.5 + 0.0) / 2)
    assert found.difference == pytest.approx(-0.4)
    assert found.effect == pytest.approx(2 * (np.arcsin(0.5) - np.arcsin(np.sqrt(0.65))))
    assert np.isnan(paired_effect(first[:1], second[:1], INTERESTED, block=2).low)


def test_runs_of_a_sample_are_neighbours_and_every_window_comes_as_often() -> None:
    counts = block_samples(12, 4, seed=1)
    assert counts.shape == (SAMPLES, 12)
    assert (counts.sum(axis=1) == 12).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.1)
    # Two neighbours are drawn together in three of four runs, two windows half a circle apart only by chance.
    together = np.cov(counts, rowvar=False) / counts.var(axis=0).mean()
    assert together[0, 1] > 0.5
    assert together[0, 6] < 0.1
    assert (block_samples(3, 99, seed=1) == 1).all(), "one run is the whole span"


@pytest.mark.parametrize("paired", [True, False])
def test_where_nothing_differs_a_difference_is_found_as_rarely_as_promised(
    paired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "SAMPLES", 400)
    monkeypatch.setattr("engine.verdicts.agreement.SAMPLES", 400)
    random = np.random.default_rng(5)
    covered, naive, runs = 0, 0, 120
    for _ in range(runs):
        whole = drawn(random, 14, 160)
        other = whole[:, 80:] if paired else drawn(random, 14, 80)
        first, second = whole[:, :80], other
        effect = (paired_effect if paired else unpaired_effect)(first, second, INTERESTED, 12)
        covered += effect.low <= 0 <= effect.high
        # What a test of all windows as if they were independent says.
        shares, sizes = zip(
            *(((part == INTERESTED).sum(), (part != INSUFFICIENT).sum()) for part in (first, second)), strict=True
        )
        rates = [share / size for share, size in zip(shares, sizes, strict=True)]
        error = np.sqrt(sum(rate * (1 - rate) / size for rate, size in zip(rates, sizes, strict=True)))
        naive += abs(rates[1] - rates[0]) < 1.96 * error
    assert covered / runs >= 0.9
    assert naive / runs < 0.6, "the drawn lessons would not be hard"


def test_a_difference_that_is_there_is_found() -> None:
    random = np.random.default_rng(6)
    whole = drawn(random, 20, 480, level=np.repeat([0.0, 1.2], 240))
    effect = paired_effect(whole[:, :240], whole[:, 240:], INTERESTED, 12)
    assert effect.low > 0.1
    assert effect.p < 0.01
    same = paired_effect(whole, whole, INTERESTED, 12)
    assert same.difference == 0
    assert same.low < 0 < same.high


def test_p_values_are_adjusted_in_order_and_unknown_ones_do_not_count() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04, 0.03])), [0.03, np.nan, 0.06, 0.06])
    assert holm(np.array([0.6, 0.9])).tolist() == [1.0, 1.0]
