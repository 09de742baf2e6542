"""A session in one sentence: hand-made rows, and drawn sessions in which nothing changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from classpulse.report.changepoints import levels
from classpulse.report.sentence import session_sentence, student_sentence, sustained_changes

NOBODY = pd.DataFrame({"student": [], "verdict": [], "reason": []})


def class_rows(
    balance: Sequence[float] | npt.NDArray[np.float64], window: float = 10, bound: float = 0.15, of: int = 24
) -> pd.DataFrame:
    """Windows of a class with these balances; NaN has no verdict. |balance| is the share on its side."""
    values = np.asarray(balance, np.float64)
    sided = np.nan_to_num(np.round(np.abs(values) * of)).astype(int)
    verdict = np.select(
        [np.isnan(values), values > bound, values < -bound],
        ["insufficient", "interested", "not interested"],
        "neutral",
    )
    start = np.arange(len(values)) * window
    up, down = np.where(values > 0, sided, 0), np.where(values < 0, sided, 0)
    return pd.DataFrame(
        {
            "window": np.arange(len(values)),
            "start": start,
            "stop": start + window,
            "verdict": verdict,
            "balance": values,
            "margin": 0.1,
            "reason": ["undecided" if missing else None for missing in np.isnan(values)],
            "interested": up,
            "neutral": of - up - down,
            "not_interested": down,
            "insufficient": 0,
        }
    )


def starts(number: int) -> npt.NDArray[np.float64]:
    """When so many windows of 10 s start."""
    times: npt.NDArray[np.float64] = np.arange(number, dtype=np.float64) * 10
    return times


def people(number: int, role: str = "student") -> pd.DataFrame:
    return pd.DataFrame(
        {"student": range(number), "label": [f"S{k + 1:02d}" for k in range(number)], "name": None, "role": role}
    )


def windows_of(verdicts: dict[int, list[tuple[str, str | None]]]) -> pd.DataFrame:
    rows = [(student, verdict, reason) for student, of in verdicts.items() for verdict, reason in of]
    return pd.DataFrame(rows, columns=["student", "verdict", "reason"])


def memory(random: np.random.Generator, number: int, share: float) -> npt.NDArray[np.float64]:
    """An AR(1) process of variance 1: nothing changes but by chance."""
    noise = random.standard_normal(number)
    for k in range(1, number):
        noise[k] = share * noise[k - 1] + (1 - share**2) ** 0.5 * noise[k]
    process: npt.NDArray[np.float64] = noise
    return process


def lesson(seed: int = 1) -> npt.NDArray[np.float64]:
    """45 minutes of 10 s with dips in minutes 13 to 21 and 33 to 42."""
    balance = 0.05 + 0.03 * np.random.default_rng(seed).standard_normal(270)
    balance[13 * 6 : 21 * 6] -= 0.45
    balance[33 * 6 : 42 * 6] -= 0.5
    return balance


def test_two_dips_are_told_with_their_minutes_and_the_most_students() -> None:
    rows = class_rows(lesson())
    first, second = sustained_changes(rows)
    assert (first.start, first.stop, second.start, second.stop) == pytest.approx((780, 1260, 1980, 2520), abs=60)
    assert not first.rise
    most = int(rows["not_interested"].max())
    assert session_sentence(rows, NOBODY, people(0)) == (
        f"Mostly neutral (168 of 270 windows); two dips, 13–21 and 33–42 min, up to {most} of 24 not interested."
    )


def test_a_rise_in_a_short_session_is_told_in_minutes_and_seconds() -> None:
    balance = np.tile([0.0, 0.02, -0.02, 0.01], 24)[:54] - 0.01
    balance[36:] += 0.6
    assert session_sentence(class_rows(balance), NOBODY, people(0)) == (
        "Mostly neutral (36 of 54 windows); one rise, 6:00–9:00, up to 15 of 24 interested."
    )


def test_a_single_window_is_no_sustained_change() -> None:
    balance = 0.03 * np.random.default_rng(3).standard_normal(270)
    balance[100] = -0.9
    assert sustained_changes(class_rows(balance)) == []


def test_a_dip_to_neutral_is_told_by_its_balance() -> None:
    balance = 0.4 + 0.02 * np.random.default_rng(4).standard_normal(270)
    balance[120:180] -= 0.35
    sentence = session_sentence(class_rows(balance), NOBODY, people(0))
    assert sentence == "Mostly interested (210 of 270 windows); one dip, 20–30 min, balance +0.05 after +0.40."


def test_students_who_never_had_a_verdict_are_named_with_the_reason_while_seen() -> None:
    windows = windows_of(
        {
            0: [("neutral", None), ("insufficient", "undecided")],
            1: [("insufficient", "too_small"), ("insufficient", "not_seen"), ("insufficient", "not_seen")],
            2: [("insufficient", "not_seen"), ("insufficient", "not_seen")],
        }
    )
    sentence = session_sentence(class_rows([0.0, 0.0, np.nan]), windows, people(3))
    assert sentence == (
        "Neutral throughout (2 of 3 windows, 1 without a verdict); "
        "2 of 3 never measurable: S02 (face too small), S03 (not in the picture)."
    )


def test_of_many_students_without_a_verdict_only_the_number_is_told() -> None:
    small: list[tuple[str, str | None]] = [("insufficient", "too_small")]
    turned: list[tuple[str, str | None]] = [("insufficient", "turned_away")]
    windows = windows_of({k: [("neutral", None)] if k < 24 else small for k in range(30)})
    assert session_sentence(class_rows([0.0] * 3), windows, people(30)) == (
        "Neutral throughout (3 of 3 windows); 6 of 30 never measurable: face too small."
    )
    mixed = windows_of({k: [("neutral", None)] if k < 24 else turned if k > 27 else small for k in range(30)})
    assert "6 of 30 never measurable: 4 face too small, 2 turned away" in session_sentence(
        class_rows([0.0]), mixed, people(30)
    )


def test_a_teacher_is_no_student_who_was_never_measurable() -> None:
    windows = windows_of({0: [("neutral", None)], 1: [("insufficient", "too_small")]})
    who = people(2).assign(role=["student", "teacher"])
    assert "never" not in session_sentence(class_rows([0.0]), windows, who)


@pytest.mark.parametrize(
    ("balance", "sentence"),
    [
        ([], "There are no windows to judge."),
        ([np.nan] * 2, "No window has a verdict: undecided."),
        ([0.5, -0.5], "As often interested as not interested (1 of 2 windows each)."),
        ([0.5, -0.5, 0, 0, 0.5, 0.5, -0.5], "Most often interested (3 of 7 windows)."),
    ],
)
def test_what_prevails(balance: list[float], sentence: str) -> None:
    assert session_sentence(class_rows(balance), NOBODY, people(0)) == sentence


def test_a_students_own_sentence() -> None:
    columns = ["start", "stop", "verdict", "balance", "reason"]
    rows = class_rows(lesson())[columns]
    assert student_sentence(rows) == (
        "Mostly neutral (168 of 270 windows); two dips, 13–21 and 33–42 min, balance −0.46 after +0.05."
    )
    never = rows.assign(verdict="insufficient", reason="turned_away")
    assert student_sentence(never) == "Never measurable: turned away."


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_few_sessions_without_a_change_have_one(share: float) -> None:
    """200 lessons of 45 minutes, whose memory is of no, 14 and 45 s: under 5 % of them, with room for chance."""
    random = np.random.default_rng(2026)
    start = starts(270)
    false = sum(len(levels(start, start + 10, memory(random, 270, share))) > 1 for _ in range(200))
    assert false <= 12


def test_most_lessons_with_two_dips_are_told_as_such() -> None:
    """Dips of four standard deviations of a window, in noise that remembers half of what it was."""
    random = np.random.default_rng(7)
    right = 0
    for _ in range(40):
        balance = 0.1 * memory(random, 270, 0.5)
        balance[80:126] -= 0.4
        balance[198:252] -= 0.4
        dips = [(c.start, c.stop) for c in sustained_changes(class_rows(balance)) if not c.rise]
        right += dips[:2] == [pytest.approx(dip, abs=60) for dip in ((800, 1260), (1980, 2520))]
    assert right >= 32


def test_of_too_few_values_no_change_is_sure() -> None:
    balance = np.array([0.4] * 6 + [-0.4] * 6)
    start = starts(12)
    assert levels(start, start + 10, balance) == [(0, 12)]
    assert levels(start[:0], start[:0], balance[:0]) == []


def test_the_same_rows_give_the_same_stretches() -> None:
    balance = lesson(5)
    start = starts(270)
    assert levels(start, start + 10, balance) == levels(start, start + 10, balance)


def test_every_stretch_lasts_a_minute() -> None:
    balance, start = lesson(6), starts(270)
    assert all(10 * (after - first) >= 60 for first, after in levels(start, start + 10, balance))
