"""Attendance: the mean of windows, and of which kind a student is."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from classpulse.report import attendance, drawing


def student_windows(*told: str | None) -> pd.DataFrame:
    return pd.DataFrame({"student": 3, "measurable": [*told]})


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (["measured"] * 2 + ["present_only"] * 2, "measured"),
        (["measured"] + ["attention_only"] + ["present_only"] * 2, "attention_only"),
        (["measured"] + ["present_only"] * 2, "present_only"),
        (["measured"] + [None] * 9, "measured"),  # elsewhere most of the time, and measured when there
    ],
)
def test_a_student_is_of_the_kind_of_half_of_the_windows_in_view(told: list[str | None], kind: str) -> None:
    assert attendance.kinds(student_windows(*told)) == {3: kind}


def test_a_terminal_marks_whoever_is_not_measured() -> None:
    rows = pd.DataFrame({"student": [1, 2, 3], "measurable": ["measured", "attention_only", "present_only"]})
    assert attendance.marks(rows) == {2: "  attention only", 3: "  present only"}


def test_a_student_who_is_never_in_view_is_of_no_kind() -> None:
    assert attendance.kinds(student_windows(None, None)) == {}


def class_windows(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"students": 30, **columns})


def test_attendance_is_the_mean_of_the_windows_and_its_kinds_add_up() -> None:
    rows = class_windows(present=[28, 26], measured=[20, 18], attention_only=[5, 6])
    assert attendance.lines(rows) == [
        "Attendance: 27 of 30 students in view, 19 measured, 5.5 attention only, 2.5 present only"
        " (means of the windows)"
    ]
    everybody = class_windows(present=[28], measured=[28], attention_only=[0])
    assert attendance.lines(everybody) == ["Attendance: 28 of 30 students in view, 28 measured"]
    assert attendance.lines(rows[:1])[0].endswith(
        "28 of 30 students in view, 20 measured, 5 attention only, 3 present only"
    )


def test_of_older_judgements_attendance_is_unknown() -> None:
    rows = class_windows(present=[None, None], measured=[None, None], attention_only=[None, None])
    assert (attendance.lines(rows), attendance.over_time(rows)) == ([], {})
    # judged when students in view were counted already, but not of which kind they are
    rows = class_windows(present=[5.0, 6.0], measured=[4.0, 4.0], attention_only=[None, None])
    assert attendance.lines(rows) == []
    assert attendance.over_time(rows) == {"attendance": {"present": [5, 6], "measured": [4, 4]}}


def test_lines_of_attendance_lie_at_their_share_of_all_students() -> None:
    counts = {"interested": [1, 0], "neutral": [1, 2], "not_interested": [0, 0], "insufficient": [6, 6]}
    data = {"start": [0.0, 10.0], "stop": [10.0, 20.0], "length": 20.0, **counts}
    data["attendance"] = {"present": [8, 4], "measured": [2, 2]}
    assert drawing.attendance_paths(data) == {
        "present": "M0.0 0H500.0M500.0 50H1000.0",
        "measured": "M0.0 75H500.0M500.0 75H1000.0",
    }
