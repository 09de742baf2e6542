"""Who could not be measured, in plain words."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from classpulse.report import terminal
from classpulse.report.areas import by_area, measured, warnings

FRAMES = 100


def students(*rows: tuple[str, float, int, float]) -> pd.DataFrame:
    """Students of (area, size, faces, coverage); a poster hangs in the back."""
    table = pd.DataFrame(rows, columns=["area", "size", "faces", "coverage"])
    table = pd.concat([table, pd.DataFrame([(None, 90.0, 100, 1.0)], columns=table.columns)])
    number = range(len(table))
    return table.assign(
        student=number,
        label=[f"S{n + 1:02}" for n in number],
        name=None,
        role=["student" if n < len(table) - 1 else "picture" for n in number],
    )


def said(table: pd.DataFrame, **settings: object) -> list[str]:
    row = {"settings": json.dumps({"min_face": 20.0, "detector": "mtcnn"} | settings)}
    return list(warnings(measured(table, FRAMES), row))


CLASS = students(
    ("front left", 60, 98, 0.9),
    ("back right", 14, 30, 0.0),
    ("back left", 13, 20, 0.0),
    ("back right", 15, 40, 0.0),
    ("back left", 28, 90, 0.8),
    ("middle centre", 40, 80, 0.1),
    ("middle centre", 40, 85, 0.7),
)


def test_by_student_and_by_area_the_back_first() -> None:
    rows = measured(CLASS, FRAMES)
    assert rows["label"].tolist() == ["S03", "S05", "S02", "S04", "S06", "S07", "S01"]
    (back,) = rows[rows["label"] == "S03"][["row", "detected", "scorable"]].to_dict("records")
    assert back == {"row": "back", "detected": 0.2, "scorable": 0.0}
    areas = by_area(rows)
    assert areas["area"].tolist() == ["back left", "back right", "middle centre", "front left"]
    assert areas["students"].tolist() == [2, 2, 2, 1]
    assert areas["hardly"].tolist() == [1, 2, 1, 0]
    assert areas["detected"].tolist() == pytest.approx([0.55, 0.35, 0.825, 0.98])


def test_the_rows_are_named_with_why_and_what_helps() -> None:
    back, middle = said(CLASS)
    assert back == (
        "Back rows: 3 of 4 students have scorable faces in less than a fifth of the frames; their faces are 14 px, "
        "too small to be scored: place the camera closer, or record in a higher resolution. They were detected in "
        "30% of the frames: --min-face 10 or --detector retinaface detects more of them."
    )
    assert middle == (
        "Middle row: 1 of 2 students have scorable faces in less than a fifth of the frames; their faces are 40 px "
        "and were detected in 80% of the frames, turned away or blurred."
    )


def test_nothing_is_recommended_that_was_done_already() -> None:
    assert "--detector retinaface detects more" in said(CLASS, min_face=10.0)[0]
    assert "--min-face" not in said(CLASS, min_face=10.0)[0]
    assert "yunet" not in said(CLASS, detector="yunet")[0]


def test_who_was_measured_is_not_worth_a_line() -> None:
    assert said(students(("front left", 60, 98, 0.9))) == []
    assert said(students()) == []


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(terminal.areas_table(measured(CLASS, FRAMES)))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["back", "left", "2", "20", "55%", "40%"]
    assert lines[2] == ["S03", "13", "20%", "0%"]
    assert len(lines) == 1 + 4 + 7
