"""Corrections, names and rosters: what a person said of students, as rows."""

from __future__ import annotations

import pandas as pd
import pytest

from storage import queries
from storage.corrections import add_correction, mark_undone, write_persons, write_seats
from storage.errors import DatabaseError
from storage.people import add_people, drop_names, write_names
from storage.store import Store
from tests.storage.conftest import Write, rows

pytestmark = pytest.mark.both_databases


def test_corrections_are_numbered_within_their_session(lesson: Store, write: Write) -> None:
    other = write.session(lesson)
    assert add_correction(lesson, 1, "rename", {"persons": {"S01": 7}}) == 1
    assert add_correction(lesson, 1, "merge", {"student": "S01", "other": "S02"}) == 2
    assert add_correction(lesson, other, "split", {"student": "S01", "time": 1.5, "new": "S02"}) == 1
    mark_undone(lesson, 1, 2)
    assert rows(lesson, "SELECT session_id, correction, action, arguments, undone IS NULL FROM corrections") == [
        (1, 1, "rename", '{"persons": {"S01": 7}}', 1),
        (1, 2, "merge", '{"student": "S01", "other": "S02"}', 0),
        (2, 1, "split", '{"student": "S01", "time": 1.5, "new": "S02"}', 1),
    ]
    with pytest.raises(DatabaseError, match="constraint"):
        add_correction(lesson, 1, "sing", {})


def test_persons(lesson: Store) -> None:
    assert add_people(lesson, ["Ada", "Ben", "Ada"]) == {"Ada": 1, "Ben": 2}
    write_persons(lesson, 1, {1: 2})
    assert rows(lesson, "SELECT label, name, person FROM v_students") == [("S01", "Ben", 2)]
    write_persons(lesson, 1, {})
    assert rows(lesson, "SELECT label, name, person FROM v_students") == [("S01", None, None)]


def test_dropped_names_leave_everything_else(lesson: Store) -> None:
    add_people(lesson, ["Ada", "Ben"])
    write_persons(lesson, 1, {1: 2})
    views = ("v_students", "v_faces", "v_student_windows")
    before = {view: rows(lesson, f"SELECT * FROM {view}") for view in views}
    assert drop_names(lesson) == 2
    assert {view: len(rows(lesson, f"SELECT * FROM {view}")) for view in views} == {
        v: len(t) for v, t in before.items()
    }
    for table in (queries.students(lesson, 1), queries.student_windows(lesson, 1)):
        assert table["name"].tolist() == [None]
    assert queries.people(lesson).to_dict("records") == [
        {"person": 1, "name": None, "sessions": 0, "rooms": 0},
        {"person": 2, "name": None, "sessions": 1, "rooms": 0},
    ]
    write_names(lesson, {1: "Ben", 2: "Ada"})
    write_names(lesson, {1: "Ada", 2: "Ben"})
    assert {view: rows(lesson, f"SELECT * FROM {view}") for view in views} == before
    with pytest.raises(DatabaseError, match="constraint"):
        write_names(lesson, {1: "Ben"})


def test_seats_of_a_room_replace_those_of_the_same_name(lesson: Store) -> None:
    def seats(*names: str, x: float) -> pd.DataFrame:
        people = add_people(lesson, names)
        return pd.DataFrame(
            {"person": [people[name] for name in names], "x": x, "y": 0.5, "size": 0.1, "spread": 0.2}
        )

    write_seats(lesson, "B12", 1, seats("Ada", "Ben", x=0.25))
    write_seats(lesson, "B13", 1, seats("Ada", x=0.5))
    write_seats(lesson, "B12", 1, seats("Ada", "Cem", x=0.75), forget=[2])
    write_seats(lesson, "B13", 1, seats(x=0))
    assert rows(lesson, "SELECT room, name, x, session_id FROM seats JOIN people USING (person)") == [
        ("B12", "Ada", 0.75, 1), ("B12", "Cem", 0.75, 1), ("B13", "Ada", 0.5, 1)
    ]  # fmt: skip
    assert queries.seats(lesson, "B12")["name"].tolist() == ["Ada", "Cem"]
    lesson.delete_session(1)  # a roster outlives the lesson that it was seen in
    assert rows(lesson, "SELECT DISTINCT session_id FROM seats") == [(None,)]
