"""The rules of a student's verdict, on numbers that are drawn where the rules change their mind."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from engine.settings import Settings
from engine.verdicts.judging import judge, verdicts_of
from engine.verdicts.scale import VERDICTS
from tests.engine.verdicts.scored import evidence

BANDS = (0.0, 0.1, 0.25, 0.5)


@st.composite
def windows(draw: st.DrawFn) -> tuple[dict[str, float], Settings]:
    """A window's numbers, and the settings; half the time on or near an edge of the rules."""
    band = draw(st.sampled_from(BANDS))
    edges = st.sampled_from([band, -band, np.nextafter(band, 1), -np.nextafter(band, 1), 0.0])
    balance = draw(edges | st.floats(-1, 1))
    margin = draw(
        st.floats(0.5, 0.6, exclude_max=True)
        | st.floats(0.001, 2)
        | st.sampled_from([0.5, np.nextafter(0.5, 0), abs(balance), 2.0])
    )
    faces, least = draw(st.tuples(st.integers(0, 12), st.sampled_from([0, 1, 5])))
    number = draw(st.integers(0, faces) | st.just(faces))
    shares = draw(st.sampled_from([(0.6, 0.2), (0.2, 0.6), (0.2, 0.2), (0.5, 0.0), (0.25, 0.25), (0.0, 0.0)]))
    return {
        "balance": balance if number else np.nan,
        "margin": margin if number else np.nan,
        "coverage": draw(st.sampled_from([0.0, 0.2, np.nextafter(0.2, 0), 1.0])),
        "scorable": number,
        "faces": faces,
        "positive": number * shares[0],
        "negative": number * shares[1],
    }, Settings(band=band, min_faces=least, strategy=draw(st.sampled_from(["weighted", "sum"])))


def by_the_rules(window: dict[str, float], settings: Settings) -> str:
    """docs/verdicts.md, sentence by sentence."""
    number, balance, margin = window["scorable"], window["balance"], window["margin"]
    if number == 0 or window["faces"] == 0 or number < settings.min_faces or window["coverage"] < 0.2:
        return "insufficient"
    neutral = number - window["positive"] - window["negative"]
    proven = settings.strategy == "weighted"
    if abs(balance) <= settings.band or (proven and neutral > max(window["positive"], window["negative"])):
        return "insufficient" if proven and margin >= 0.5 else "neutral"
    if proven and margin >= abs(balance):
        return "insufficient"
    return "interested" if balance > 0 else "not interested"


def test_every_verdict_is_that_of_the_written_rules_and_their_edges_are_reached() -> None:
    reached: Counter[str] = Counter()

    @effort(max_examples=600, deadline=None)
    @given(windows())
    def check(drawn: tuple[dict[str, float], Settings]) -> None:
        window, settings = drawn
        verdict = VERDICTS[
            int(verdicts_of({name: np.array([value]) for name, value in window.items()}, settings)[0])
        ]
        assert verdict == by_the_rules(window, settings)
        cases = {
            "balance on the band": abs(window["balance"]) == settings.band,
            "neutral, with a margin of 0.5 to 0.6": settings.strategy == "weighted"
            and abs(window["balance"]) <= settings.band
            and 0.5 <= window["margin"] < 0.6
            and window["scorable"] >= max(settings.min_faces, 1)
            and window["coverage"] >= 0.2,
            "as many faces as asked for": window["scorable"] == settings.min_faces > 0,
            "as much coverage as asked for": window["coverage"] == 0.2,
            "a margin as wide as the balance": window["margin"] == abs(window["balance"]),
            "no face": window["faces"] == 0,
        }
        for case in (name for name, holds in cases.items() if holds):
            event(case)
            reached[case] += 1
        reached[verdict] += 1

    check()
    assert min(reached.values()) >= 10, reached
    assert len(reached) == 6 + len(VERDICTS)


def test_a_session_judged_with_one_of_its_balances_for_the_band_is_neutral_there() -> None:
    """From the faces on: the balance that judging finds and the one that it compares are the same number."""
    reached: Counter[str] = Counter()

    @effort(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32), st.integers(6, 20), st.sampled_from(["weighted", "sum", "dominant"]))
    def check(seed: int, frames: int, strategy: str) -> None:
        scores = np.random.default_rng(seed).dirichlet(np.full(7, 0.3), frames)
        times = np.arange(frames) / 5
        given_ = evidence(times, times, np.zeros(frames, np.int64), scores, duration=frames / 5)
        first = judge(given_, Settings(strategy=strategy))[0]
        band = float(abs(first["balance"][0]))
        if 0 < band < 1:
            again = judge(given_, Settings(strategy=strategy, band=band))[0]
            allowed = ("neutral",) if first["margin"][0] < 0.5 or strategy != "weighted" else ("insufficient",)
            assert again["verdict"][0] in allowed
            event(again["verdict"][0])
            reached[str(again["verdict"][0])] += 1

    check()
    assert reached["neutral"] >= 20, reached


@pytest.mark.parametrize("margin", [0.5, 0.55, 0.5999])
def test_neutral_asks_for_a_margin_under_a_half(margin: float) -> None:
    window = {"balance": 0.0, "coverage": 1.0, "scorable": 9, "faces": 9, "positive": 3.0, "negative": 3.0}

    def verdict(**changes: float) -> str:
        columns = {name: np.array([value]) for name, value in (window | changes).items()}
        return VERDICTS[int(verdicts_of(columns, Settings())[0])]

    assert verdict(margin=margin) == "insufficient"
    assert verdict(margin=0.4999) == "neutral"
