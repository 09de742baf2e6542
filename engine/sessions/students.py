"""How students are labelled, found and named: one rule for every command, file and page."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from engine.errors import UsageError

#: The score of a link between tracks, 0 to 1, under which it is uncertain whether they are one student's.
UNCERTAIN_LINK = 0.95
#: What reads like the label of a student (S07) or of a person (P7).
_LIKE_LABEL = re.compile(r"[SsPp]\d+")
#: The longest name, characters.
_LONGEST_NAME = 200


def label_of(student: int) -> str:
    """The label of student 0, 1, ...: S01, S02, ..."""
    return f"S{student + 1:02d}"


def number_of(label: str) -> int:
    """The student that `label_of` gave this label."""
    return int(label[1:]) - 1


def find_student(students: pd.DataFrame, key: str) -> dict[str, Any]:
    """The row of the student with the label (s07 is S07) or the name `key`, of a table with `label` and `name`.

    Rows that share a label, such as a student's windows, are one student. Raises UsageError where there is none,
    and where several have the name.
    """
    key = key.strip()
    rows = students[(students["label"] == key.upper()) | (students["name"] == key)].drop_duplicates("label")
    if len(rows) == 1:
        return {str(name): value for name, value in rows.iloc[0].to_dict().items()}
    if rows.empty:
        labels = ", ".join(students["label"].drop_duplicates()) or "none"
        raise UsageError(f"no student {key!r} in this session; there are {labels}")
    raise UsageError(f"several students are called {key!r}; give a label: {', '.join(rows['label'])}")


def checked_name(name: str) -> str:
    """The name as it is stored, without blanks around it; empty for none.

    Raises UsageError for one that reads like a label, has characters that cannot be shown, or is too long.
    """
    name = name.strip()
    if _LIKE_LABEL.fullmatch(name):
        raise UsageError(f"invalid name {name!r}: it reads like a label; choose another name")
    if not name.isprintable():
        raise UsageError(f"invalid name {name!r}: it has characters that cannot be shown; choose another name")
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"invalid name {name[:20]!r}...: it is longer than {_LONGEST_NAME} characters")
    return name
