"""The views are described as they are: every column with its type and meaning, real numbers with their unit."""

from __future__ import annotations

import pytest
from sqlalchemy import REAL, Double, Integer

from storage import dictionary, queries
from storage.database import old_names
from storage.store import Store
from storage.views import views
from tests.storage.conftest import Write

#: Ratios without a range, and what each strategy counts in its own way.
WITHOUT_UNIT = {
    "loglik_positive",
    "loglik_neutral",
    "loglik_negative",
    "blockiness",
    "camera_a",
    "camera_b",
    "path_a",
    "path_b",
    "positive",
    "negative",
}


def columns_of(store: Store, view: str) -> list[tuple[str, str]]:
    rows = queries.query(store.path, "SELECT name, type FROM pragma_table_info(?)", [view])
    return list(zip(rows["name"], rows["type"], strict=True))


def test_every_view_is_described(store: Store) -> None:
    made = queries.query(store.path, "SELECT name FROM sqlite_master WHERE type = 'view'")["name"]
    assert set(views()) == set(made) - set(old_names())


@pytest.mark.parametrize("view", views())
def test_columns_are_those_that_the_database_has(store: Store, view: str) -> None:
    found = columns_of(store, view)
    assert [column.name for column in views()[view].c] == [name for name, _ in found]
    for column, (_, sql_type) in zip(views()[view].c, found, strict=True):
        assert sql_type in ("", str(column.type)), column.name  # SQLite knows none of what is computed


@pytest.mark.parametrize("table", dictionary.relations())
def test_every_column_has_a_meaning_and_every_real_number_a_unit(table: str) -> None:
    described = dictionary.relations()[table]
    assert described.comment
    for column in described.c:
        assert column.comment, column.name
        assert '"' not in column.comment  # which Mermaid could not quote
        if isinstance(column.type, REAL | Double) and column.name not in WITHOUT_UNIT:
            about_a_share = "share" in column.comment or "balance" in column.comment
            assert dictionary.unit(column.comment) or about_a_share, column.name


@pytest.mark.parametrize("view", views())
def test_a_column_that_cannot_be_null_is_not(lesson: Store, view: str) -> None:
    rows = queries.query(lesson.path, f"SELECT * FROM {view}")
    for column in views()[view].c:
        if not column.nullable:
            assert rows[column.name].notna().all(), column.name
        if isinstance(column.type, Integer):
            assert str(rows[column.name].dtype) in ("int64", "Int64", "object"), column.name


def test_nullable_as_the_joins_make_them() -> None:
    faces = views()["v_faces"].c
    assert (faces.label.nullable, faces.student.nullable, faces.time.nullable) == (True, True, False)


@pytest.mark.parametrize(
    ("comment", "unit"),
    [
        ("first face, s", "s"),
        ("px; the background", "px"),
        ("degrees, positive upwards", "degrees"),
        ("median distance from the seat, in face sizes", "face sizes"),
        ("positive against negative evidence, -1 to 1 (docs)", "-1 to 1"),
        ("0 (blurred) to 1 (sharp)", "0 to 1"),
        ("S01, S02, ...", ""),
        ("faces detected", ""),
    ],
)
def test_units(comment: str, unit: str) -> None:
    assert dictionary.unit(comment) == unit


@pytest.mark.parametrize(
    ("start", "at"), [(0.0, "0:00:00"), (50.0, "0:00:50"), (754.9999, "0:12:35"), (3661.0, "1:01:01")]
)
def test_a_window_says_when_it_begins(lesson: Store, start: float, at: str) -> None:
    with lesson.writing() as connection:
        for table in ("student_windows", "class_windows"):
            connection.exec_driver_sql(f"UPDATE {table} SET start = ?", (start,))
    for view in ("v_student_windows", "v_class_windows"):
        assert queries.query(lesson.path, f"SELECT at FROM {view}")["at"].tolist() == [at]


UNMEASURED = "SELECT label, windows, unmeasured, detected, scorable, why FROM v_unmeasured WHERE latest"


@pytest.mark.parametrize(
    ("faces", "scorable", "size", "why"),
    [
        (1, 1, 40, "seldom in the picture"),
        (0, 0, 40, "seldom in the picture"),
        (9, 1, 20, "too small"),
        (9, 1, 40, "turned away or blurred"),
        (9, 9, 40, "too uncertain"),
    ],
)
def test_who_could_not_be_measured_and_why(
    lesson: Store, write: Write, faces: int, scorable: int, size: int, why: str
) -> None:
    write.judgement(lesson, 1, name="later", verdict="insufficient")
    with lesson.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE student_windows SET frames = 10, faces = ?, scorable = ?", (faces, scorable)
        )
        connection.exec_driver_sql("UPDATE students SET size = ?", (size,))
    answer = queries.query(lesson.path, UNMEASURED)
    (row,) = answer.itertuples(index=False)
    assert (row.label, row.windows, row.unmeasured, row.detected, row.why) == ("S01", 1, 1.0, faces / 10, why)
    if faces:
        assert row.scorable == scorable / faces
    else:
        assert answer["scorable"].isna().all()


def test_who_was_measured_is_not_among_them(lesson: Store) -> None:
    assert queries.query(lesson.path, UNMEASURED).empty


@pytest.mark.parametrize("role", ["teacher", "picture", "screen"])
def test_who_is_no_student_is_not_among_them(lesson: Store, write: Write, role: str) -> None:
    write.judgement(lesson, 1, name="later", verdict="insufficient")
    with lesson.writing() as connection:
        connection.exec_driver_sql(f"UPDATE students SET role = '{role}'")
    assert queries.query(lesson.path, UNMEASURED).empty
