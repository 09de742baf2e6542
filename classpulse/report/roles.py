"""How those who are no students are shown: after the students, with what they are in place of verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.sessions.students import PICTURE, STUDENT, are_students


def not_counted(student: Mapping[Any, Any]) -> str:
    """Why somebody, a row of `students`, is not judged: "teacher, not counted as a student"; empty for students."""
    role = str(student["role"])
    if role == STUDENT:
        return ""
    # A face that never moved may be on either, unless a person said so.
    what = "poster or screen" if role == PICTURE and student["static"] else role
    return f"{what}, not counted as a student"


def students_first(students: pd.DataFrame) -> pd.DataFrame:
    """The rows with those who are judged first, in their order otherwise."""
    return pd.concat([students[are_students(students)], students[~are_students(students)]])
