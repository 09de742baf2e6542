"""What most of a class is: a truth table, enumeration by hand, and drawn classes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from engine.settings import Settings
from engine.verdicts.judging import judge
from engine.verdicts.majorities import _beta_binomial_survival, _poisson_binomial, majorities, prevailing
from engine.verdicts.scale import DIVIDED, INSUFFICIENT, INTERESTED, NOT_INTERESTED
from tests.engine.verdicts.scored import evidence


def test_counts_are_those_of_all_cases() -> None:
    chance = np.array([0.2, 0.5, 0.9])
    expected = np.zeros(4)
    for case in product((0, 1), repeat=3):
        expected[sum(case)] += np.prod([p if one else 1 - p for p, one in zip(chance, case, strict=True)])
    np.testing.assert_allclose(_poisson_binomial(chance[None])[0], expected)


def test_others_are_as_the_measured_ones_are_with_what_is_open_about_that() -> None:
    """Uniform shares, alpha = beta = 1: each number of three is as probable."""
    found = _beta_binomial_survival(np.array([3, 0]), np.ones(2), np.ones(2), 4)
    np.testing.assert_allclose(found[0], [1, 0.75, 0.5, 0.25, 0, 0])
    np.testing.assert_allclose(found[1], [1, 0, 0, 0, 0, 0])


def whole(*students: int | None, away: int = 0, **settings: float) -> dict[str, np.ndarray]:
    """The class of students whose faces are clearly of a mood 0, 1 or 2, or cannot be measured (None)."""
    n = len(students)
    frames = 10
    times = np.arange(frames) / 5
    loglik = np.full((n, 3), -6.0)
    for row, mood in enumerate(students):
        loglik[row, mood or 0] = 0
    given = evidence(
        times,
        np.repeat(times, n),
        np.tile(np.arange(n), frames),
        np.tile(np.full(7, 1 / 7), (n * frames, 1)),
        duration=2.0,
        scorable=np.tile([mood is not None for mood in students], frames),
        loglik=np.tile(loglik, (frames, 1)),
    )
    return judge(given, Settings(window=2.0, **settings))[1]  # type: ignore[arg-type]


TABLE = {
    "all": ((0,) * 8, "interested", None),
    "most": ((2,) * 15 + (1,) * 9, "not interested", None),
    "most neutral": ((1,) * 6 + (0,) * 2, "neutral", None),
    "three kinds": ((0,) * 8 + (1,) * 8 + (2,) * 8, "divided", None),
    "half and half": ((0,) * 12 + (2,) * 12, "divided", None),
    "half of them measured": ((0,) * 8 + (None,) * 8, "interested", None),
    "under half of them": ((0,) * 7 + (None,) * 8, "insufficient", "too_few_students"),
    "two of three measured": ((0, 0, None), "insufficient", "too_few_students"),
    "two, and no more": ((0, 0), "interested", None),
    "one, and no more": ((2,), "not interested", None),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_the_class_is_what_most_of_its_students_are(row: tuple[tuple[int | None, ...], str, str | None]) -> None:
    students, verdict, reason = row
    found = whole(*students)
    assert found["verdict"].tolist() == [verdict]
    assert found["reason"].tolist() == [reason]
    assert found["present"].tolist() == [len(students)]
    assert found["measured"].tolist() == [sum(mood is not None for mood in students)]


def test_how_many_must_be_measured_can_be_set() -> None:
    assert whole(0, 0, None, min_students=2)["verdict"].tolist() == ["interested"]
    assert whole(*(0,) * 4, None, min_students=5)["reason"].tolist() == ["too_few_students"]


@pytest.mark.parametrize(
    ("most", "sure", "place"),
    [
        ((0.9, 0.05, 0.02), 0.65, INTERESTED),
        ((0.89, 0.05, 0.02), 0.65, INSUFFICIENT),
        ((0.01, 0.01, 0.93), 0.95, INSUFFICIENT),
        ((0.01, 0.01, 0.96), 0.95, NOT_INTERESTED),
        ((0.03, 0.03, 0.03), 0.65, DIVIDED),
        ((0.04, 0.04, 0.04), 0.65, INSUFFICIENT),
    ],
)
def test_a_class_has_a_verdict_from_nine_in_ten_on(most: tuple[float, ...], sure: float, place: int) -> None:
    assert prevailing(np.array([most]), np.array([True]), sure).tolist() == [place]
    assert prevailing(np.array([most]), np.array([False]), sure).tolist() == [INSUFFICIENT]


@pytest.mark.parametrize("number", [5, 10, 24, 100])
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_probabilities_of_drawn_classes_are_as_often_right_as_they_say(number: int, share: float) -> None:
    random = np.random.default_rng(number)
    classes = 400
    shares = random.dirichlet(np.ones(3), classes)
    mood = np.array([random.choice(3, number, p=each) for each in shares])
    apart = 2.2
    shown = apart * np.eye(3)[mood] + random.normal(0, 1, (classes, number, 3))
    chance = np.exp(apart * shown)
    chance /= chance.sum(axis=2, keepdims=True)
    measured = random.random((classes, number)).argsort(axis=1) < round(share * number)
    most = majorities(chance, measured, np.full(classes, number))
    counts = np.stack([(mood == kind).sum(axis=1) for kind in range(3)], axis=1)
    truth = np.where(counts.max(axis=1) > number / 2, counts.argmax(axis=1), 3)
    all_ = np.column_stack([most, 1 - most.sum(axis=1)])
    sure = all_.max(axis=1) >= 0.9
    assert (all_.argmax(axis=1) == truth)[sure].mean() >= 0.88
    assert abs((all_.argmax(axis=1) == truth).mean() - all_.max(axis=1).mean()) < 0.09
