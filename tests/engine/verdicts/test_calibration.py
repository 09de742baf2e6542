"""The calibrated moods, on labelled faces that nothing was fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fit_calibration import RAISED, fit, neutral_log_odds
from benchmarks.verdicts import SPLITS, draw, labelled_faces, recalls, resting, verdicts
from engine.faces import EMOTIONS
from engine.settings import Settings
from engine.verdicts.calibration import NEGATIVE_BIAS, NEUTRAL_LOG_ODDS, POSITIVE_BIAS, SCALE, valence_shares

WINDOW = Settings(window=15.0)


@given(st.integers(0, 2**32), st.sampled_from([0.05, 1.0, 20.0]))
def test_shares_are_probabilities_and_grow_with_their_own_emotions(seed: int, even: float) -> None:
    emotions = np.random.default_rng(seed).dirichlet(np.full(len(EMOTIONS), even), 20)
    shares = valence_shares(emotions)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    for place, name in enumerate(("happy", "neutral", "angry")):
        more = emotions.copy()
        more[:, EMOTIONS.index(name)] += 0.5
        assert (valence_shares(more / 1.5)[:, place] >= shares[:, place]).all()


def test_the_committed_numbers_are_those_of_the_fit(shared: Path) -> None:
    assert fit() == pytest.approx((SCALE, POSITIVE_BIAS, NEGATIVE_BIAS - RAISED), abs=0.006)
    assert neutral_log_odds() == pytest.approx(NEUTRAL_LOG_ODDS, abs=0.006)


@pytest.mark.parametrize(("size", "least", "least_of_a_mood"), [(24, 0.85, 0.75), (48, 0.97, 0.95)])
def test_windows_of_faces_of_the_report_split_get_their_moods_verdict(
    shared: Path, size: int, least: float, least_of_a_mood: float
) -> None:
    faces = labelled_faces("report", size)
    drawn, moods = draw(faces.mood, 1500, seed=SPLITS.index("report"))
    overall, each = recalls(verdicts(faces, drawn, WINDOW), moods)
    assert overall >= least
    assert min(each) >= least_of_a_mood


def test_the_resting_level_helps_the_dour_and_harms_nobody_on_the_report_split(shared: Path) -> None:
    found = resting(labelled_faces("report", 48), windows=300)
    assert found["neutral", "dour"][1] > found["neutral", "dour"][0] + 0.05
    assert found["mostly neutral", "dour"][1] > found["mostly neutral", "dour"][0] + 0.05
    assert {lesson: round(on - off, 3) for lesson, (off, on) in found.items() if on < off - 0.015} == {}
