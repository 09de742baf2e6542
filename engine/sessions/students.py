"""How students and persons are labelled, found and named: one rule for every command, file and page."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import UsageError
from engine.texts import checked_text, normalised

#: The role of those who have verdicts, and that of a static face, of which nobody said more.
STUDENT, PICTURE = "student", "picture"
#: The score of a link between tracks, 0 to 1, under which it is uncertain whether they are one student's.
UNCERTAIN_LINK = 0.95
#: Share of the class's faces behind uncertain links from which a session is warned of, and how many are named.
MOST_IN_DOUBT, MOST_NAMED = 0.1, 3
#: What reads like the label of a student (S07) or of a person (P7).
_LIKE_LABEL = re.compile(r"[SsPp]\d+")


def label_of(student: int) -> str:
    """The label of student 0, 1, ...: S01, S02, ..."""
    return f"S{student + 1:02d}"


def number_of(label: str) -> int:
    """The student that `label_of` gave this label."""
    return int(label[1:]) - 1


def are_students(students: pd.DataFrame) -> pd.Series:
    """Which of the rows of `students`, with a `role`, are judged and count in the class."""
    return students["role"].eq(STUDENT)


def uncertain_links(tracks: pd.DataFrame) -> pd.DataFrame:
    """The rows of `tracks`, in order of student and time, whose link to their student is uncertain.

    A link is that of every track of a student but the first. Sorted by how many faces are wrong if the link is:
    those of the track, or all others of the student where these are fewer; the column `at_stake` has their number.
    """
    of_students = tracks[tracks["student"].notna()].sort_values(["student", "first", "track"])
    faces = of_students["faces"].astype(int)
    others = faces.groupby(of_students["student"]).transform("sum") - faces
    links = of_students.assign(at_stake=np.minimum(faces, others))[of_students.duplicated("student")]
    uncertain = links[links["link_score"].astype(float) < UNCERTAIN_LINK]
    return uncertain.sort_values(["at_stake", "first", "track"], ascending=[False, True, True])


def share_in_doubt(tracks: pd.DataFrame, students: pd.DataFrame) -> float:
    """Share of the faces of `students` that are somebody else's if no uncertain link is right, 0 to 1.

    Of each student the largest part that certain links hold together is the student.
    """
    of_class = students["student"][are_students(students)]
    counted = tracks[tracks["student"].isin(of_class)]
    total = int(counted["faces"].sum())
    if not total:
        return 0.0
    uncertain = counted.index.isin(uncertain_links(counted).index)
    together = counted[~uncertain].groupby("student")["faces"].sum()
    apart = counted[uncertain].groupby("student")["faces"].max().reindex(together.index, fill_value=0)
    return float(1 - np.maximum(together, apart).sum() / total)


def find_student(students: pd.DataFrame, key: str) -> dict[str, Any]:
    """The row of the student with the label (s07 is S07) or the name `key`, of a table with `label` and `name`.

    Rows that share a label, such as a student's windows, are one student. Raises UsageError where there is none,
    and where several are called so.
    """
    key = normalised(key)
    rows = students[(students["label"] == key.upper()) | is_called(students, key)].drop_duplicates("label")
    if len(rows) == 1:
        return {str(name): value for name, value in rows.iloc[0].to_dict().items()}
    if rows.empty:
        labels = ", ".join(students["label"].drop_duplicates()) or "none"
        raise UsageError(f"no student {key!r} in this session; there are {labels}")
    raise UsageError(f"several students are called {key!r}; give a label: {', '.join(rows['label'])}")


def find_person(people: pd.DataFrame, key: str) -> int:
    """The number of the person whom `key` means: by name, or by number as P7, in a table with `person` and `name`.

    Raises UsageError where there is none, and where it is one's number and another's name, as an older version
    allowed.
    """
    key = normalised(key)
    number = "P" + people["person"].astype(str)
    rows = people[is_called(people, key) | (number == key.upper())]
    if len(rows) == 1:
        return int(rows["person"].iloc[0])
    if rows.empty:
        raise UsageError(f"no person named {key!r}; name a student of a session as in monday.mp4/S07")
    called = ", ".join(f"P{person} ({name or 'no name'})" for person, name in rows[["person", "name"]].to_numpy())
    raise UsageError(f"several persons are called {key!r}: {called}; rename one of them first")


def checked_name(name: str) -> str:
    """The name of a student as it is stored, without blanks around it; empty for none.

    Raises UsageError for one that reads like a label, has characters that cannot be shown, or is too long.
    """
    name = checked_text(name, "name")
    if _LIKE_LABEL.fullmatch(name):
        raise UsageError(f"invalid name {name!r}: it reads like a label; choose another name")
    return name


def is_called(rows: pd.DataFrame, key: str) -> pd.Series:
    """Which of the rows, with a column `name` (None: no name), have the name `key`, which is normalised."""
    return rows["name"].map(lambda name: isinstance(name, str) and normalised(name) == key).astype(bool)
