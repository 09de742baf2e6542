"""Measurability by seating area: how often a face was detected, and how often it was scorable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from engine.sessions.students import are_students

AREAS = [f"{row} {column}" for row in ("back", "middle", "front") for column in ("left", "centre", "right")]
#: Share of the sampled frames below which a student was hardly scorable, or seldom detected.
HARDLY, SELDOM = 0.2, 0.5
#: Size, px, under which most faces are too small to be scored: the side of a square, while settings mean the width.
SMALL = 24.0


def measured(students: pd.DataFrame, frames: int) -> pd.DataFrame:
    """A row for every student who has a seat, the back row first: how often a face was detected and scorable.

    `students` are those of a session (`Session.students`), `frames` how many were sampled. Columns: `student`,
    `label`, `name`, `row` (back, middle, front), `area` (back left, ...), `size` (px), `detected` and `scorable`,
    both shares of all sampled frames, 0 to 1. Teachers and posters are not among them, nor
    students tracked by an older version.
    """
    seated = students[students["area"].notna() & are_students(students)]
    table = seated[["student", "label", "name", "size"]].assign(
        row=seated["area"].str.split().str[0],
        area=pd.Categorical(seated["area"], AREAS, ordered=True),
        detected=seated["faces"] / max(frames, 1),
        scorable=seated["coverage"],
    )
    return table.sort_values(["area", "student"])


def by_area(rows: pd.DataFrame, area: str = "area") -> pd.DataFrame:
    """What `measured` gives by area (or by `row`): `students`, how many are `hardly` scorable, and medians."""
    return (
        rows.assign(hardly=rows["scorable"] < HARDLY)
        .groupby(area, sort=False, observed=True)
        .agg(students=("student", "size"), hardly=("hardly", "sum"), size=("size", "median"),
             detected=("detected", "median"), scorable=("scorable", "median"))
        .reset_index()
    )  # fmt: skip


def warnings(rows: pd.DataFrame, session: Mapping[str, Any]) -> Iterator[str]:
    """One line for each row of seats with hardly scorable students: how many, the cause, and the remedy.

    `rows` as `measured` gives them; `session` is its row, with its settings.
    """
    settings = json.loads(session["settings"])
    for _, row in by_area(rows, "row").iterrows():
        if not row["hardly"]:
            continue
        few = rows[(rows["row"] == row["row"]) & (rows["scorable"] < HARDLY)]
        size, detected = few["size"].median(), few["detected"].median()
        where = f"{row['row'].capitalize()} row{'s' if row['row'] == 'back' else ''}"
        line = (
            f"{where}: {row['hardly']} of {row['students']} students have scorable faces in less than a fifth of "
            f"the frames; their faces are {size:.0f} px"
        )
        if size < SMALL:
            line += ", too small to be scored: place the camera closer, or record in a higher resolution"
            if detected < SELDOM:
                line += f". They were detected in {detected:.0%} of the frames{_remedy(settings)}"
        elif detected < SELDOM:
            line += f" and were detected in {detected:.0%} of the frames: "
            line += "bowed, turned away, occluded or out of the image"
        else:
            line += f" and were detected in {detected:.0%} of the frames, turned away or blurred"
        yield f"{line}."


def _remedy(settings: Mapping[str, Any]) -> str:
    """Options that detect more small faces than these settings."""
    if settings.get("detector", "mtcnn") != "mtcnn":
        return ""
    small = "--min-face 10 or " if settings["min_face"] > 10 else ""
    return f": {small}--detector retinaface detects more of them"
