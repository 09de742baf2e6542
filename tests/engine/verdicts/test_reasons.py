"""Each window without a verdict says why, and no other window does."""

from __future__ import annotations

import numpy as np
import pytest

from engine.settings import Settings
from engine.verdicts.judging import judge
from engine.verdicts.reasons import MEASURABLE, REASONS, Flaw, flaws, worded
from storage.schema import verdicts as stored
from tests.engine.verdicts.scored import evidence


def reason(flaw: list[int], frames: int = 10, scores: tuple[float, ...] = (0, 0, 0, 1, 0, 0, 0)) -> object:
    """Of the only window of a student with a face of each `flaw`, one a frame."""
    n = len(flaw)
    times = np.arange(frames) / 5
    given = evidence(
        times,
        times[:n],
        np.zeros(n, np.int64),
        np.tile(scores, (n, 1)),
        duration=frames / 5,
        scorable=np.array(flaw) == Flaw.NONE,
        flaw=np.array(flaw, np.int64),
    )
    students, _ = judge(given, Settings(window=frames / 5))
    assert (students["verdict"][0] == "insufficient") == (students["reason"][0] is not None)
    return students["reason"][0]


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        ([Flaw.NONE] * 10, None),
        ([Flaw.SMALL] * 6 + [Flaw.TURNED] * 4, "too_small"),
        ([Flaw.SMALL] * 4 + [Flaw.TURNED] * 6, "turned_away"),
        ([Flaw.BLURRED] * 10, "too_few_faces"),
        ([Flaw.NONE] * 4 + [Flaw.SMALL] * 1, "too_small"),  # all five would have been enough
        ([Flaw.NONE] * 3 + [Flaw.SMALL] * 1, "too_few_faces"),  # all four would not
        ([Flaw.NONE] * 4, "too_few_faces"),
    ],
)
def test_what_spoils_most_faces_is_the_reason_where_all_of_them_would_have_been_enough(
    flaw: list[int], code: str | None
) -> None:
    assert reason(flaw) == code


@pytest.mark.parametrize(
    ("conditions", "scorable", "code"),
    [
        ([1] * 6 + [0] * 4, 10, "dark"),
        ([1] * 5 + [0] * 5, 10, "undecided"),  # half of the faces are not more than half
        ([2] * 10, 10, "bright"),
        ([5] * 6 + [4] * 2 + [0] * 2, 10, "noisy"),  # dark and noisy: what more of them are
        ([-1] * 10, 10, "undecided"),
        ([4] * 10, 3, "noisy"),
        ([0] * 10, 3, "too_few_faces"),
    ],
)
def test_what_the_light_does_to_most_faces_is_the_reason(conditions: list[int], scorable: int, code: str) -> None:
    times = np.arange(10) / 5
    mixed = np.eye(7)[[3] * 6 + [4] * 4]
    given = evidence(
        times, times, np.zeros(10, np.int64), mixed, duration=2.0,
        scorable=np.arange(10) < scorable, conditions=np.array(conditions, np.int64),
    )  # fmt: skip
    assert judge(given, Settings(window=2.0))[0]["reason"].tolist() == [code]
    clear = evidence(
        times, times, np.zeros(10, np.int64), np.tile(np.eye(7)[3], (10, 1)), duration=2.0,
        conditions=np.array(conditions, np.int64),
    )  # fmt: skip
    assert judge(clear, Settings(window=2.0))[0]["verdict"].tolist() == ["interested"]  # no verdict is taken away


def test_a_student_who_is_away_is_not_seen_and_a_balance_that_may_be_chance_is_undecided() -> None:
    times = np.arange(20) / 5
    given = evidence(times, times[:10], np.zeros(10, np.int64), np.tile(np.eye(7)[3], (10, 1)), duration=4.0)
    students, whole = judge(given, Settings(window=2.0))
    assert students["reason"].tolist() == [None, "not_seen"]
    assert whole["reason"].tolist() == [None, "not_seen"]
    mixed = np.eye(7)[[3] * 6 + [4] * 4]
    given = evidence(times[:10], times[:10], np.zeros(10, np.int64), mixed, duration=2.0)
    assert judge(given, Settings(window=2.0))[0]["reason"].tolist() == ["undecided"]


def test_a_gap_in_the_recording_is_no_picture() -> None:
    times = np.append(np.arange(10) / 5, 6.0 + np.arange(10) / 5)
    given = evidence(times, times, np.zeros(20, np.int64), np.tile(np.eye(7)[3], (20, 1)), duration=8.0)
    students, whole = judge(given, Settings(window=2.0))
    assert students["reason"].tolist() == [None, "no_picture", "no_picture", None]
    assert whole["reason"].tolist() == [None, "no_picture", "no_picture", None]


def test_the_smallest_factor_of_the_quality_is_the_flaw() -> None:
    side = np.array([15.0, 40.0, 40.0, 21.0, 40.0])
    yaw = np.array([0.0, 75.0, 10.0, 0.0, 0.0])
    quality = np.array([0.3, 0.2, 0.1, 0.3, 0.9])
    found = flaws(side, yaw, np.zeros(5), quality, quality > 0.5, 20.0)
    assert found.tolist() == [Flaw.SMALL, Flaw.TURNED, Flaw.BLURRED, Flaw.BLURRED, Flaw.NONE]


def test_the_codes_have_one_order_on_each_floor_and_words_for_people() -> None:
    assert tuple(REASONS) == stored.REASONS
    assert tuple(MEASURABLE) == stored.MEASURABLE
    assert worded("insufficient", "too_small") == "insufficient: face too small"
    assert worded("neutral", None) == "neutral"
    assert worded("insufficient", float("nan")) == "insufficient"
