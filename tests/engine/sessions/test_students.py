"""How students are labelled, found and named."""

from __future__ import annotations

import pandas as pd
import pytest

from engine.errors import UsageError
from engine.sessions.students import checked_name, find_person, find_student, label_of, number_of

STUDENTS = pd.DataFrame(
    {"student": [0, 6, 7, 8], "label": ["S01", "S07", "S08", "S09"], "name": ["Ada", None, "Ben", "Ben"]}
)


@pytest.mark.parametrize(("key", "student"), [("S01", 0), ("s07", 6), ("Ada", 0), (" Ada ", 0), ("s09", 8)])
def test_a_student_is_found_by_label_in_any_case_or_by_name(key: str, student: int) -> None:
    assert find_student(STUDENTS, key)["student"] == student


def test_a_name_that_two_students_have_is_an_error_that_names_both() -> None:
    with pytest.raises(UsageError, match="several students are called 'Ben'; give a label: S08, S09"):
        find_student(STUDENTS, "Ben")


@pytest.mark.parametrize("key", ["S02", "ada", "", "None"])
def test_an_unknown_student_is_an_error_that_names_those_there_are(key: str) -> None:
    with pytest.raises(UsageError, match=f"no student '{key}' in this session; there are S01, S07, S08, S09"):
        find_student(STUDENTS, key)
    with pytest.raises(UsageError, match="there are none"):
        find_student(STUDENTS.iloc[:0], key)


def test_the_windows_of_one_student_are_one_student() -> None:
    windows = pd.concat([STUDENTS.assign(window=k) for k in range(3)])
    assert find_student(windows, "Ada")["label"] == "S01"
    with pytest.raises(UsageError, match="several students are called 'Ben'; give a label: S08, S09"):
        find_student(windows, "Ben")


@pytest.mark.parametrize("student", [0, 8, 9, 98, 99, 1233])
def test_labels_count_from_one_and_are_read_back(student: int) -> None:
    assert label_of(student) == "S" + str(student + 1).rjust(2, "0")
    assert number_of(label_of(student)) == student


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Ada", "Ada"),
        ("  Ada ", "Ada"),
        ("", ""),
        ("  ", ""),
        ("Søren Å.", "Søren Å."),
        ("S", "S"),
        ("P.J.", "P.J."),
        ("x" * 200, "x" * 200),
        ("Zoe\u0308", "Zo\xeb"),
    ],
)
def test_names_are_stored_without_blanks_around_them(name: str, stored: str) -> None:
    assert checked_name(name) == stored


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("S07", "reads like a label"),
        (" s7 ", "reads like a label"),
        ("P12", "reads like a label"),
        ("P\uff11", "reads like a label"),
        ("A\nB", "cannot be shown"),
        ("A\x1b[2J", "cannot be shown"),
        ("x" * 201, "longer than 200"),
    ],
)
def test_other_names_are_refused(name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        checked_name(name)


PEOPLE = pd.DataFrame({"person": [1, 2, 3, 4], "name": ["Ada", "P1", None, "Zoe\u0308"]})  # of an older version


@pytest.mark.parametrize(("key", "person"), [("Ada", 1), (" P2 ", 2), ("p3", 3), ("Zo\xeb", 4), ("Zoe\u0308", 4)])
def test_a_person_is_found_by_name_or_number(key: str, person: int) -> None:
    assert find_person(PEOPLE, key) == person


def test_the_number_of_one_person_and_the_name_of_another_are_never_told_apart_by_chance() -> None:
    with pytest.raises(
        UsageError, match=r"several persons are called 'P1': P1 \(Ada\), P2 \(P1\); rename one of them"
    ):
        find_person(PEOPLE, "P1")


@pytest.mark.parametrize("key", ["ada", "P5", "", "None", "nan", "1"])
def test_an_unknown_person_is_an_error(key: str) -> None:
    with pytest.raises(UsageError, match=f"no person named '{key}'"):
        find_person(PEOPLE, key)
