"""Classes without polarity: which one prevails, whether that is proven, and what the class is."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import UsageError
from engine.faces import Class, Classes
from engine.settings import Settings
from engine.verdicts.categories.judging import class_shares
from engine.verdicts.categories.scales import scale_of, scale_of_rows
from engine.verdicts.evidence import Evidence
from engine.verdicts.judging import judge
from engine.verdicts.scale import BALANCE, Scale
from engine.verdicts.strategies import STRATEGIES, Weighted
from tests.engine.verdicts.scored import evidence

THREE = Classes(tuple(Class(name, "neutral") for name in ("up", "down", "away")))
MASKED = Classes((Class("up", "neutral"), Class("masked", "ignored"), Class("down", "neutral")))
SETTINGS = Settings(strategy="weighted", window=10.0)


def of(scores: np.ndarray, quality: float | np.ndarray = 1.0, classes: Classes = THREE) -> Evidence:
    """(students, n, k): five faces a second of each."""
    students, n, k = scores.shape
    times = np.arange(n) / 5
    order = np.argsort(np.tile(times, students), kind="stable")
    return evidence(
        times,
        np.tile(times, students)[order],
        np.repeat(np.arange(students), n)[order],
        scores.reshape(-1, k)[order],
        duration=n / 5,
        quality=quality if isinstance(quality, float) else quality.ravel()[order],
        classes=classes,
    )


def constant(*shares: tuple[float, ...], n: int = 50) -> np.ndarray:
    """A student for each, whose faces all score the same."""
    return np.repeat(np.array(shares)[:, None, :], n, axis=1)


def test_the_shares_are_weighted_by_quality() -> None:
    scores = np.concatenate([constant((0.8, 0.1, 0.1), n=25), constant((0.0, 0.9, 0.1), n=25)], axis=1)
    quality = np.repeat([0.5, 1.0], 25)[None]
    shares = class_shares(of(scores, quality), SETTINGS, of(scores).windows(10))
    assert shares is not None
    assert shares["share"] == pytest.approx([(0.4 + 0) / 1.5, (0.05 + 0.9) / 1.5, (0.05 + 0.1) / 1.5], abs=1e-6)
    assert shares["number"].tolist() == [1, 2, 3]
    plain = class_shares(of(scores, quality), Settings(strategy="sum", window=10.0), of(scores).windows(10))
    assert plain is not None
    assert plain["share"] == pytest.approx([0.4, 0.5, 0.1], abs=1e-6)


def test_a_lead_that_may_be_chance_is_no_verdict_of_weighted_but_one_of_sum() -> None:
    rng = np.random.default_rng(1)
    noisy = rng.dirichlet((0.2, 0.2, 0.2), 50)[None]
    settings = Settings(strategy="sum", window=10.0)
    found = judge(of(noisy), SETTINGS)[0]
    assert (found["verdict"][0], found["reason"][0]) == ("insufficient", "undecided")
    assert judge(of(noisy), settings)[0]["verdict"][0] == np.array(THREE.names)[noisy[0].sum(axis=0).argmax()]
    sure = judge(of(constant((0.2, 0.5, 0.3))), SETTINGS)[0]
    assert (sure["verdict"][0], sure["reason"][0]) == ("down", None)


def test_an_ignored_class_is_never_the_verdict_and_has_no_share() -> None:
    given = of(constant((0.1, 0.7, 0.2)), classes=MASKED)
    assert judge(given, SETTINGS)[0]["verdict"][0] == "down"
    shares = class_shares(given, SETTINGS, given.windows(10))
    assert shares is not None
    assert shares["number"].tolist() == [1, 3]
    assert shares["share"] == pytest.approx([1 / 3, 2 / 3], abs=1e-6)


def test_the_class_is_divided_where_no_half_agrees_and_a_student_has_one_vote() -> None:
    up, down, away = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.0, 0.4, 0.6)
    most = judge(of(constant(up, down, down)), SETTINGS)[1]
    assert (most["verdict"][0], most["reason"][0], most["insufficient"][0]) == ("down", None, 0)
    assert judge(of(constant(up, down, away)), SETTINGS)[1]["verdict"][0] == "divided"
    assert judge(of(constant(up, down)), SETTINGS)[1]["verdict"][0] == "divided"


def test_a_class_of_which_too_few_have_a_verdict_is_insufficient() -> None:
    rng = np.random.default_rng(1)
    noisy = rng.dirichlet((0.2, 0.2, 0.2), (4, 50))
    scores = np.concatenate([noisy, constant((0.9, 0.05, 0.05))])
    whole = judge(of(scores), SETTINGS)[1]
    assert (whole["verdict"][0], whole["reason"][0], whole["insufficient"][0]) == (
        "insufficient",
        "too_few_students",
        4,
    )


def test_a_strategy_that_weighs_sides_alone_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sided(Weighted):
        def observe(self, evidence, settings):  # type: ignore[no-untyped-def]
            return super().observe(evidence, settings)._replace(shares=None)

    monkeypatch.setitem(STRATEGIES._built_in, "sided", f"{__name__}:SIDED")
    monkeypatch.setitem(globals(), "SIDED", Sided())
    with pytest.raises(UsageError, match="up, down, away have no polarity; judge by weighted, sum or dominant"):
        judge(of(constant((0.2, 0.5, 0.3))), Settings(strategy="sided"))


def test_a_scale_has_the_names_with_a_sign_each() -> None:
    scale = scale_of(THREE, "weighted")
    assert scale.verdicts == ("up", "down", "away", "insufficient")
    assert scale.signs == {"up": "u", "down": "d", "away": "a", "insufficient": "."}
    assert Scale(("bored", "busy", "by bus", "b"), polar=False).signs == {
        "bored": "b", "busy": "u", "by bus": "y", "b": "1", "insufficient": "."
    }  # fmt: skip
    assert scale_of(THREE, "attention") == scale_of(None, "sum") == scale_of_rows([], [], "sum") == BALANCE
    sided = scale_of_rows(["up", "down"], ["neutral", "negative"], "sum")
    assert sided == BALANCE


def test_a_class_without_polarity_is_not_called_as_what_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="cannot be called insufficient or divided"):
        Classes((Class("divided", "neutral"), Class("b", "ignored")))
    assert Classes((Class("divided", "neutral"), Class("b", "positive"))).polar
