"""Moods in their order: the chain against all sequences by hand, and what it makes of windows."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from engine.faces import FER, Class, Classes
from engine.settings import Settings
from engine.verdicts.evidence import Evidence
from engine.verdicts.judging import judge
from engine.verdicts.scale import PROBABILITIES
from engine.verdicts.strategies import WEIGHTED
from engine.verdicts.temporal.chain import Chain, drawn, filtered, fit_chain, smoothed
from engine.verdicts.temporal.strategy import TEMPORAL, Moods, _between
from tests.engine.verdicts.scored import evidence

Array = npt.NDArray[np.float64]
TRANSITION = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.25, 0.05, 0.7]])
FIRST = np.array([0.5, 0.3, 0.2])
CHAIN = Chain(TRANSITION[None], FIRST[None])
SETTINGS = Settings(strategy="temporal", window=10.0)


def by_hand(loglik: Array) -> dict[tuple[int, ...], float]:
    """The probability of every sequence of moods, given log-likelihoods (steps, 3)."""
    weights = {}
    for moods in product(range(3), repeat=len(loglik)):
        weight = FIRST[moods[0]] * np.exp(loglik[0, moods[0]])
        for step in range(1, len(loglik)):
            weight *= TRANSITION[moods[step - 1], moods[step]] * np.exp(loglik[step, moods[step]])
        weights[moods] = float(weight)
    return {moods: weight / sum(weights.values()) for moods, weight in weights.items()}


def loglik_of(steps: int, seed: int = 1) -> Array:
    values: Array = np.random.default_rng(seed).normal(0, 1.5, (steps, 3))
    values[2] = 0  # nobody was seen
    return values


def test_each_step_has_the_probability_of_all_sequences_through_it() -> None:
    loglik = loglik_of(5)
    expected = np.zeros((5, 3))
    for moods, weight in by_hand(loglik).items():
        expected[np.arange(5), moods] += weight
    found, forward = smoothed(CHAIN, loglik[:, None])
    assert found[:, 0] == pytest.approx(expected, abs=1e-12)
    for step in range(5):
        part = by_hand(loglik[: step + 1])
        until = np.bincount([moods[-1] for moods in part], [*part.values()], 3)
        assert forward[step, 0] == pytest.approx(until, abs=1e-12)


def test_what_is_filtered_knows_nothing_of_what_follows() -> None:
    loglik, later = loglik_of(8), loglik_of(8)
    later[5:] += [3.0, 0.0, -3.0]
    assert (filtered(CHAIN, loglik[:, None])[:5] == filtered(CHAIN, later[:, None])[:5]).all()
    assert np.abs(smoothed(CHAIN, loglik[:, None])[0][4] - smoothed(CHAIN, later[:, None])[0][4]).max() > 0.02


def test_drawn_moods_are_as_frequent_as_they_are_probable_and_follow_each_other_so() -> None:
    loglik = loglik_of(5)
    _, forward = smoothed(CHAIN, loglik[:, None])
    moods = drawn(CHAIN, forward, 20_000)[:, 0]
    expected = by_hand(loglik)
    pairs = np.zeros((3, 3))
    for sequence, weight in expected.items():
        pairs[sequence[1], sequence[2]] += weight
    found = np.bincount(moods[1] * 3 + moods[2], minlength=9).reshape(3, 3) / 20_000
    assert found == pytest.approx(pairs, abs=0.015)
    assert (drawn(CHAIN, forward, 50) == drawn(CHAIN, forward, 50)).all()


@pytest.mark.parametrize("dwell", [4.0, 20.0])
def test_how_long_moods_last_is_learnt_from_the_session(dwell: float) -> None:
    rng = np.random.default_rng(3)
    steps, students = 1200, 8
    mood = np.zeros((steps, students), np.int64)
    for step in range(1, steps):
        leave = rng.random(students) < 1 / dwell
        mood[step] = np.where(leave, (mood[step - 1] + rng.integers(1, 3, students)) % 3, mood[step - 1])
    loglik = 2 * (np.where(np.arange(3) == mood[:, :, None], 2.0, 0.0) + rng.normal(0, 1, (steps, students, 3)))
    seen = rng.random((steps, students)) < 0.8
    loglik[~seen] = 0
    left = 1 - np.diagonal(fit_chain(loglik, seen).transition, axis1=1, axis2=2)
    assert 1 / left.mean() == pytest.approx(dwell, rel=0.25)


def of(moods: Array, sure: float, seconds: float, *, doubtful: slice = slice(0, 0)) -> Evidence:
    """Students whose faces, five a second, speak for `moods` (seconds, students), but for `doubtful` seconds."""
    students = moods.shape[1]
    n = int(seconds * 5)
    rng = np.random.default_rng(5)
    second = np.arange(n) // 5
    wanted = moods[second].astype(np.int64)
    shown = np.where(rng.random((n, students)) < 0.8, wanted, rng.integers(0, 3, (n, students)))
    loglik = np.where(np.arange(3) == shown[:, :, None], sure, 0.0)
    loglik[doubtful.start * 5 : doubtful.stop * 5] *= 0.02
    scores = np.full((n * students, 7), 1 / 7)
    times = np.repeat(np.arange(n) / 5, students)
    return evidence(
        np.arange(n) / 5,
        times,
        np.tile(np.arange(students), n),
        scores,
        duration=seconds,
        loglik=loglik.reshape(-1, 3),
    )


def lasting(seconds: int, dwell: int, students: int = 6) -> Array:
    """Moods that take turns, the next one after `dwell` s."""
    return np.asarray((np.arange(seconds)[:, None] // dwell + np.arange(students)) % 3, np.float64)


def probabilities(given: Evidence, name: str) -> Array:
    """(windows, students, 3)"""
    rows = judge(given, Settings(strategy=name, window=10.0))[0]
    return np.stack([rows[each] for each in PROBABILITIES], axis=1).reshape(-1, len(given.students), 3)


def test_a_doubtful_window_is_as_those_around_it_where_moods_last() -> None:
    given = of(lasting(600, 60), 2.0, 600, doubtful=slice(200, 210))
    alone, together = (probabilities(given, name)[20] for name in ("weighted", "temporal"))
    wanted = lasting(600, 60)[205].astype(int)
    assert (alone.max(axis=1) < 0.65).sum() >= 4
    assert (together.argmax(axis=1) == wanted).all()
    assert (together.max(axis=1) > 0.8).all()


def test_where_moods_do_not_outlast_a_window_its_own_faces_decide_as_in_weighted() -> None:
    given = of(lasting(600, 4), 2.0, 600)
    alone, together = (probabilities(given, name) for name in ("weighted", "temporal"))
    assert (alone.argmax(axis=2) == together.argmax(axis=2)).all()
    assert judge(given, SETTINGS)[0]["balance"] == pytest.approx(
        judge(given, Settings(strategy="weighted", window=10.0))[0]["balance"]
    )


def test_probabilities_are_less_sure_than_those_of_weighted_and_add_up() -> None:
    """By an exponent of .55; a half is added to each count of 200 draws."""
    given = of(np.zeros((300, 1)), 4.0, 300)
    found = probabilities(given, "temporal")
    assert found.sum(axis=2) == pytest.approx(1)
    most = 1 / (1 + 2 * (0.5 / 200.5) ** 0.55)
    assert found.max() == pytest.approx(most, abs=1e-3)


def test_a_window_has_the_mean_of_its_steps_in_part_where_it_ends_within_one() -> None:
    steps = np.array([[0.0], [1.0], [0.5], [0.25]])
    edges = np.array([[0.0, 0.5, 3.0], [2.0, 2.5, 4.0]])
    assert _between(steps, edges)[:, 0] == pytest.approx([0.5, (0.0 + 1.0 + 0.25) / 2, 0.25])


def test_seconds_without_a_face_are_unobserved() -> None:
    given = of(lasting(600, 60, 1), 3.0, 600)
    kept = (given.faces.time < 330) | (given.faces.time >= 350)
    faces = given.faces
    gone = evidence(
        given.frame_times, faces.time[kept], faces.student[kept], faces.scores[kept], duration=600,
        loglik=None if faces.loglik is None else faces.loglik[kept],
    )  # fmt: skip
    moods = TEMPORAL.observe(gone, SETTINGS).moods
    assert isinstance(moods, Moods)
    assert np.ptp(moods.loglik[330:350], axis=2).max() == 0
    probability = moods.probability[:, 0]
    mood = int(lasting(600, 60, 1)[340, 0])
    assert probability[340, mood] > 0.6
    assert probability[320, mood] > probability[340, mood]
    rows = judge(gone, SETTINGS)[0]
    assert (rows["verdict"][33], rows["reason"][33], rows["scorable"][33]) == ("insufficient", "not_seen", 0)


def test_classes_without_polarity_are_judged_as_by_weighted_and_others_by_their_sides() -> None:
    times = np.arange(300) / 5
    student = np.zeros(300, np.int64)
    scores = np.random.default_rng(1).dirichlet((4.0, 1.0, 1.0), 300)

    def scored(*polarities: str) -> Evidence:
        classes = Classes.of(("a", "b", "c"), polarities)
        return evidence(times, times, student, scores, duration=60.0, classes=classes)

    rows = judge(scored("neutral", "neutral", "neutral"), SETTINGS)[0]
    assert set(rows["verdict"]) == {"a"}
    assert TEMPORAL.observe(scored("neutral", "neutral", "neutral"), SETTINGS).moods is None
    assert set(judge(scored("positive", "neutral", "negative"), SETTINGS)[0]["verdict"]) == {"interested"}
    assert set(judge(scored("negative", "neutral", "positive"), SETTINGS)[0]["verdict"]) == {"not interested"}


def test_faces_are_those_of_weighted() -> None:
    given = of(lasting(60, 20), 2.0, 60)
    seen, read = TEMPORAL.observe(given, SETTINGS), WEIGHTED.observe(given, SETTINGS)
    assert seen.loglik is not None
    assert read.loglik is not None
    assert (seen.loglik == read.loglik).all()
    assert given.faces.classes == FER
    assert Class("happy", "positive") in FER.members
