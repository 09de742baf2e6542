"""Attendance: how many students are in view, and what can be told of them: three kinds of students."""

from __future__ import annotations

from typing import Any

import pandas as pd

from engine.verdicts.reasons import MEASURABLE, MEASURED


def kinds(windows: pd.DataFrame) -> dict[int, str]:
    """A key of MEASURABLE by student: what can be told in at least half of the windows with the student in view.

    `windows` are the students' of a judgement. In those of older versions it is not known, and of students who are
    never in view there is nothing to tell: these have none.
    """
    seen = windows[windows["measurable"].notna()]
    found = {}
    for student, told in seen.groupby("student")["measurable"]:
        # What is told of a measured student includes where the head points.
        share = [told.isin([*MEASURABLE][: place + 1]).mean() for place in range(len(MEASURABLE))]
        found[int(str(student))] = next(
            kind for kind, reached in zip(MEASURABLE, share, strict=True) if reached >= 0.5
        )
    return found


def attended(class_windows: pd.DataFrame) -> dict[str, float] | None:
    """Means over the windows of a class: `students` of the session, `present` ones, and how many are of each kind.

    None where no window of it tells, as of older versions.
    """
    known = class_windows[class_windows["present"].notna() & class_windows["attention_only"].notna()]
    if known.empty:
        return None
    means = known[["students", "present", "measured", "attention_only"]].astype(float).mean()
    rest = means["present"] - means["measured"] - means["attention_only"]
    return {**{str(name): float(value) for name, value in means.items()}, "present_only": float(rest)}


def marks(windows: pd.DataFrame) -> dict[int, str]:
    """What a terminal adds to the verdicts of those who are not measured, by student: "  attention only"."""
    return {student: f"  {MEASURABLE[kind]}" for student, kind in kinds(windows).items() if kind != MEASURED}


def lines(class_windows: pd.DataFrame) -> list[str]:
    """One line: `Attendance: 27 of 30 students in view, 19 measured, 5 attention only, 3 present only`; or none."""
    means = attended(class_windows)
    if means is None:
        return []
    some = [kind for kind in MEASURABLE if means[kind] or kind == MEASURED]
    told = ", ".join(f"{means[kind]:.3g} {MEASURABLE[kind]}" for kind in some)
    averaged = " (means of the windows)" if len(class_windows) > 1 else ""
    return [f"Attendance: {means['present']:.3g} of {means['students']:.0f} students in view, {told}{averaged}"]


def over_time(class_windows: pd.DataFrame) -> dict[str, Any]:
    """`attendance` for a plot of the class: students `present` and `measured` by window; empty where unknown."""
    if "present" not in class_windows or class_windows["present"].isna().any():
        return {}
    return {"attendance": {name: class_windows[name].astype(int).tolist() for name in ("present", "measured")}}
