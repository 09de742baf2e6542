"""Two sessions side by side."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from classpulse.report import page
from classpulse.report.comparing import differing, named, people
from engine import Session, analyze
from tests.classpulse.report.conftest import data_of, told
from tests.classpulse.report.test_page import Outline
from tests.drawn import SETTINGS


@pytest.fixture(scope="module")
def two(analysed: Session, recording: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Session]:
    """The lesson twice in one database, the second time as Friday's and judged otherwise."""
    db = shutil.copy(analysed.database, tmp_path_factory.mktemp("two") / "classpulse.db")
    friday = analyze(recording, db, name="Friday", settings=SETTINGS, again=True)
    friday.judge(window=10)
    friday.rename("S02", "Ada")
    return Session(db, 1).rename("S02", "Ada"), friday


def test_both_are_on_the_same_axes(two: tuple[Session, Session]) -> None:
    html = page.compare(*two)
    Outline(html)
    one, other = html.split("<article")[1:]
    assert len(data_of(one, "timeline")["start"]) == 7
    assert len(data_of(other, "timeline")["start"]) == 4
    for axis in ("end", "length"):
        assert data_of(one, "timeline")[axis] == data_of(other, "timeline")[axis]


def test_says_what_they_were_not_judged_alike_by(two: tuple[Session, Session]) -> None:
    html = page.compare(*two)
    assert "They were judged with different settings" in html
    assert "window 5.0 and 10" in html
    assert "They were judged with different settings" not in page.compare(two[0], two[0])


def test_students_with_one_name_are_beside_each_other(two: tuple[Session, Session]) -> None:
    section = told(page.compare(*two)).split('id="section-people"')[1]
    assert "Ada" in section
    assert not re.search(r"\bS01\b", section)


def test_differing() -> None:
    assert differing({"band": 0.1, "window": 5}, {"window": 10, "band": 0.1, "new": 1}) == [
        ("new", None, 1),
        ("window", 5, 10),
    ]


def test_people_are_met_by_name() -> None:
    students = pd.DataFrame(
        {"student": [0, 1], "label": ["S01", "S02"], "name": [None, "Ada"], "coverage": [1, 0.5]}
    )
    windows = pd.DataFrame(
        {
            "student": [1, 1, 1],
            "verdict": ["interested", "insufficient", "neutral"],
            "balance": [0.6, -1.0, 0.0],
        }
    )
    rows = named(students, windows)
    assert rows.to_dict("records") == [
        {"name": "Ada", "label": "S02", "coverage": 0.5, "balance": pytest.approx(0.3), "interested": 0.5}
    ]
    assert [row["name"] for row in people(rows, rows)] == ["Ada"]
    assert people(rows, rows.assign(name="Ben")) == []
