"""Windows as mixtures: shares of time from likelihoods, how sure they are, and what held expressions are worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from engine.arrays import of_unit_sum
from engine.faces import FER
from engine.settings import Settings
from engine.verdicts.calibration import valence_shares
from engine.verdicts.dependence import effective_numbers, error_variance
from engine.verdicts.judging import judge
from engine.verdicts.mixture import _PIECE, GRID, _summed_logs, shares_of
from tests.engine.verdicts.scored import evidence

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: How far apart the moods are in what a face shows, in its standard deviations.
APART = 2.0


def faces_of(mood: Ints, random: np.random.Generator, apart: float = APART) -> Array:
    """(n, 3) exact log-likelihoods of faces that show their mood (n,) and normal noise."""
    shown = apart * np.eye(3)[mood] + random.normal(0, 1, (len(mood), 3))
    loglik = apart * shown - apart**2 / 2
    result: Array = loglik - np.logaddexp.reduce(loglik, axis=1, keepdims=True)
    return result


def lesson(
    windows: int, length: int, memory: float, seed: int, apart: float = APART
) -> tuple[Array, Ints, Ints, Array]:
    """Log-likelihoods of ten students' faces, of which each is the one before with this probability; their groups
    and students, and the balance of each group's own moods."""
    random = np.random.default_rng(seed)
    n = windows * length
    shares = np.repeat(random.dirichlet([0.8] * 3, windows), length, axis=0)
    mood = (random.random(n)[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    mood = np.minimum(mood, 2)
    new = (random.random(n) >= memory) | (np.arange(n) % length == 0)
    same = np.flatnonzero(new)[np.cumsum(new) - 1]
    loglik = faces_of(mood, random, apart)[same]
    group = np.repeat(np.arange(windows), length)
    sign = np.array([1, 0, -1])[mood[same]]
    return loglik, group, group * 10 // windows, sign.reshape(windows, length).mean(axis=1)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, 0.98, 0.995])
@pytest.mark.parametrize("length", [5, 10, 25, 50, 150, 300])
def test_the_interval_holds_the_windows_own_balance(length: int, memory: float) -> None:
    loglik, group, student, balance = lesson(300, length, memory, seed=length)
    shares = shares_of(loglik, group, student, 300, 0.1)
    found = shares.mean[:, 0] - shares.mean[:, 2]
    held = (np.abs(found - balance) <= shares.margin).mean()
    assert held >= 0.8
    # Likelihoods are exact here; of many faces nothing is left but the allowance for those that are fitted.
    assert held <= 0.99 or shares.worth.mean() > 100


def test_an_effective_number_is_that_of_the_expressions_that_are_held() -> None:
    random = np.random.default_rng(1)
    for held, low, high in ((1, 1, 1.5), (5, 4, 6.5), (50, 40, 50)):
        mood = np.repeat(random.integers(0, 3, 40 * held), 50 // held)
        loglik = np.repeat(faces_of(mood[:: 50 // held], random), 50 // held, axis=0)
        group = np.repeat(np.arange(40), 50)
        worth = effective_numbers(np.exp(loglik), group, group // 10, 40)
        assert low <= worth.mean() <= high


def test_a_mood_that_lasts_is_not_taken_for_an_error_that_does() -> None:
    """One mood all lesson long, read anew in every frame: every face is evidence."""
    random = np.random.default_rng(2)
    loglik = faces_of(np.zeros(500, np.int64), random)
    group = np.repeat(np.arange(10), 50)
    worth = effective_numbers(np.exp(loglik), group, np.zeros(500, np.int64), 10)
    assert (worth > 25).all()


@pytest.mark.parametrize("apart", [0.7, 1.0, 2.0, 3.0])
def test_likelihoods_say_themselves_how_large_their_errors_are(apart: float) -> None:
    mood = np.arange(60_000) % 3
    likelihood = np.exp(faces_of(mood, np.random.default_rng(3), apart))
    seems = likelihood[:, 0] - likelihood[:, 2]
    doubt = likelihood[:, 0] + likelihood[:, 2] - seems**2
    measured = np.mean([seems[mood == each].var() for each in range(3)])
    assert error_variance(np.array([doubt.mean()]))[0] == pytest.approx(measured, rel=0.15)


def test_groups_without_faces_are_worth_nothing_and_have_no_shares() -> None:
    loglik = faces_of(np.zeros(10, np.int64), np.random.default_rng(4))
    group = np.repeat([0, 2], 5)
    shares = shares_of(loglik, group, np.zeros(10, np.int64), 4, 0.1)
    assert (shares.worth[[1, 3]] == 0).all()
    assert np.isnan(shares.mean[[1, 3]]).all()
    assert np.isnan(shares.margin[[1, 3]]).all()
    np.testing.assert_allclose(shares.probability[[0, 2]].sum(axis=1), 1)
    empty = shares_of(loglik[:0], group[:0], group[:0], 3, 0.1)
    assert np.isnan(empty.probability).all()


def test_a_window_that_stands_in_two_pieces_of_the_arithmetic_is_summed_whole() -> None:
    loglik = faces_of(np.random.default_rng(4).integers(0, 3, _PIECE + 150), np.random.default_rng(5))
    likelihood = of_unit_sum(np.exp(loglik))
    group = np.concatenate([np.zeros(_PIECE - 100, np.int64), np.full(200, 2), np.full(50, 3)])
    summed = _summed_logs(likelihood, group, 4)
    for one in (2, 3):
        expected = np.log(likelihood[group == one] @ GRID.T).sum(axis=0)
        np.testing.assert_allclose(summed[one], expected, rtol=1e-5)
    assert not summed[1].any()


def test_shares_are_not_pulled_to_the_middle() -> None:
    """Three in four faces of one mood: the mean of what is said of each is far from it, the mixture is not."""
    random = np.random.default_rng(5)
    mood = np.repeat(np.tile([2, 2, 2, 1], 75), 10)
    loglik = faces_of(mood, random, apart=1.2)
    group = np.repeat(np.arange(10), 300)
    shares = shares_of(loglik, group, np.zeros(3000, np.int64), 10, 0.1)
    assert np.exp(loglik)[:, 2].mean() < 0.6
    np.testing.assert_allclose(shares.mean[:, 2], 0.75, atol=0.12)
    assert shares.mean[:, 2].mean() == pytest.approx(0.75, abs=0.04)


def given(loglik: Array) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """One student of a session of 50 frames, judged with these log-likelihoods."""
    times = np.arange(50) / 5
    scores = np.full((50, 7), 1 / 7)
    zeros = np.zeros(50, np.int64)
    return judge(evidence(times, times, zeros, scores, duration=10.0, loglik=loglik), Settings())


def test_a_verdict_is_the_most_probable_one_that_reaches_the_threshold() -> None:
    random = np.random.default_rng(6)
    students, _ = given(faces_of(np.repeat([0, 2], [45, 5]), random))
    assert students["verdict"].tolist() == ["interested"]
    assert students["p_interested"][0] > 0.9
    assert students["reason"].tolist() == [None]
    nothing, _ = given(np.full((50, 3), np.log(1 / 3)))
    assert nothing["verdict"].tolist() == ["insufficient"]
    assert nothing["reason"].tolist() == ["undecided"]
    total = sum(nothing[name][0] for name in ("p_interested", "p_neutral", "p_not_interested"))
    assert total == pytest.approx(1)


def test_faces_of_an_older_version_are_read_by_their_scores() -> None:
    """Half of the faces have none: what is known of them is their calibrated scores."""
    random = np.random.default_rng(7)
    scores = random.dirichlet(np.ones(7), 50)
    loglik = faces_of(np.zeros(50, np.int64), random)
    full = loglik.copy()
    full[25:] = np.log(valence_shares(np.asarray(scores, np.float32)[25:].astype(np.float64)))
    loglik[25:] = np.nan
    times, zeros = np.arange(50) / 5, np.zeros(50, np.int64)
    found, expected = (
        judge(evidence(times, times, zeros, scores, duration=10.0, loglik=each), Settings())[0]
        for each in (loglik, full)
    )
    np.testing.assert_allclose(found["balance"], expected["balance"])
    assert len(FER) == scores.shape[1]


def test_the_plain_strategies_read_no_likelihoods() -> None:
    random = np.random.default_rng(8)
    scores = random.dirichlet(np.ones(7), 50)
    times, zeros = np.arange(50) / 5, np.zeros(50, np.int64)
    loglik = faces_of(np.zeros(50, np.int64), random)
    for strategy in ("sum", "dominant"):
        with_, without = (
            judge(evidence(times, times, zeros, scores, duration=10.0, loglik=each), Settings(strategy=strategy))
            for each in (loglik, None)
        )
        for one, other in zip(with_, without, strict=True):
            for name in one:
                np.testing.assert_array_equal(one[name], other[name])
        assert np.isnan(with_[0]["p_neutral"]).all()
