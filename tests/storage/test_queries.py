"""What is read: DataFrames with their types, columns as arrays, and SQL that can do nothing but read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from storage import queries
from storage.errors import DatabaseError, QueryError
from storage.store import Store
from tests.storage.conftest import Write

pytestmark = pytest.mark.both_databases


def test_faces_name_their_student(lesson: Store) -> None:
    table = queries.faces(lesson, 1)
    assert list(table.columns) == [
        "time", "track", "student", "label", "name", "pts", "face", "x1", "y1", "x2", "y2", "score", "angry",
        "disgust", "fear", "happy", "sad", "surprise", "neutral", "sharpness", "yaw", "pitch", "roll", "quality",
        "scorable", "loglik_positive", "loglik_neutral", "loglik_negative", "conditions",
    ]  # fmt: skip
    assert table["time"].tolist() == [0.0, 0.0, 4.0, 10.0, 10.0, 14.0]
    assert table["student"].tolist() == [1, pd.NA, 1, 1, pd.NA, 1]
    assert [None if pd.isna(label) else label for label in table["label"]] == [
        "S01",
        None,
        "S01",
        "S01",
        None,
        "S01",
    ]
    assert table["name"].isna().all()
    assert table["happy"].isna().tolist() == [True, False, False, True, False, False]
    assert {str(table[name].dtype) for name in ("track", "student")} == {"Int64"}
    assert (str(table["pts"].dtype), str(table["x1"].dtype), str(table["scorable"].dtype)) == (
        "int64", "float64", "bool"
    )  # fmt: skip


def test_columns_for_the_passes(lesson: Store) -> None:
    columns = queries.face_columns(lesson, 1, ("time", "student", "scorable", "score_4", "landmarks"))
    assert list(columns) == ["time", "student", "scorable", "score_4", "landmarks"]
    assert columns["time"].tolist() == [0.0, 0.0, 4.0, 10.0, 10.0, 14.0]
    assert columns["student"].tolist() == [1, -1, 1, 1, -1, 1]
    assert columns["scorable"].dtype == np.bool_
    assert np.isnan(columns["score_4"]).tolist() == [True, False, False, True, False, False]
    assert {len(blob) for blob in columns["landmarks"]} == {40}
    frames = queries.frame_columns(lesson, 1)
    assert {name: [None if x != x else x for x in values.tolist()] for name, values in frames.items()} == {
        "pts": [100, 2100, 4100, 10100, 12100, 14100],
        "segment": [0, 0, 0, 1, 1, 1],
        "time": [0.0, 2.0, 4.0, 10.0, 12.0, 14.0],
        "faces": [2, 0, 1, 2, 0, 1],
        "camera_a": [None, 1.0, 1.0] * 2,
        "camera_b": [None, 0.0, 0.0] * 2,
        "camera_x": [None, 2.5, 2.5] * 2,
        "camera_y": [None, -1.0, -1.0] * 2,
        **dict.fromkeys(("path_a", "path_b", "path_x", "path_y"), [None] * 6),
        "path_section": [-1] * 6,
        "unexplained": [None] * 6,
        "blockiness": [None] * 6,
    }


def test_columns_of_a_session_that_was_not_followed(store: Store, write: Write) -> None:
    session = write.session(store)
    write.segment(store, session, 0)
    assert queries.face_columns(store, session, ("track", "student"))["student"].tolist() == [-1, -1, -1]
    with pytest.raises(KeyError, match="nose"):
        queries.face_columns(store, session, ("nose",))


def test_students_and_tracks(lesson: Store) -> None:
    assert queries.students(lesson, 1).drop(columns=["name", "person", "weakest_link"]).to_dict("records") == [
        {"student": 1, "label": "S01", "first": 0.0, "last": 14.0, "tracks": 1, "faces": 4, "scorable": 3,
         "coverage": 0.5, "static": False, "x": 320.0, "y": 200.0, "size": 40.0, "spread": 0.25,
         "area": "front centre", "role": "student"}
    ]  # fmt: skip
    tracks = queries.tracks(lesson, 1)
    assert tracks["student"].tolist() == [1, pd.NA]
    assert tracks["link_score"].fillna(-1).tolist() == [-1, 0.25]
    assert tracks["static"].tolist() == [False, True]
    assert tracks["found"].tolist() == [1, pd.NA]


def test_windows(lesson: Store) -> None:
    both = {"window": 0, "start": 0.0, "stop": 10.0, "verdict": "interested", "balance": 0.3333, "coverage": 0.5,
            "faces": 4, "scorable": 3}  # fmt: skip
    students = queries.student_windows(lesson, 1)
    later = ["p_interested", "p_neutral", "p_not_interested", "reason", "measurable"]
    assert students[later].isna().all(axis=None)
    assert students.drop(columns=["margin", "name", *later]).to_dict("records") == [
        both | {"student": 1, "label": "S01", "frames": 3, "positive": 1.0, "negative": 0.5}
    ]
    assert list(students.columns) == [
        "window", "start", "stop", "student", "label", "name", "verdict", "balance", "margin", "coverage", "frames",
        "faces", "scorable", "positive", "negative", *later,
    ]  # fmt: skip
    classes = queries.class_windows(lesson, 1)
    counted = [*later[:-1], "present", "measured", "attention_only"]
    assert classes[counted].isna().all(axis=None)
    assert classes.drop(columns=["margin", *counted]).to_dict("records") == [
        both | {"students": 1, "interested": 1, "neutral": 0, "not_interested": 0, "insufficient": 0}
    ]
    assert classes["margin"].isna().all()


def test_windows_are_in_order_of_time_and_student(lesson: Store, write: Write) -> None:
    values = {"window": [1, 0], "start": [10.0, 0.0], "stop": [20.0, 10.0], "verdict": ["neutral", "insufficient"]}
    numbers = ("balance", "margin", "coverage", "frames", "faces", "scorable", "positive", "negative")
    rest = dict.fromkeys(numbers, (0, 0))
    columns = {name: np.array(array) for name, array in (values | rest | {"student": [1, 1]}).items()}
    judgement = lesson.write_judgement(1, "two", "sum", "{}", columns, {"window": np.empty(0, int)})
    assert queries.student_windows(lesson, judgement)["verdict"].tolist() == ["insufficient", "neutral"]


def test_tables_without_rows_have_their_types(store: Store) -> None:
    for table in (queries.sessions(store), queries.faces(store, 1), queries.students(store, 1)):
        assert table.empty
    assert str(queries.faces(store, 1)["student"].dtype) == "Int64"
    assert str(queries.tracks(store, 1)["student"].dtype) == "Int64"
    assert str(queries.class_windows(store, 1)["balance"].dtype) == "float64"


def test_sessions_and_judgements_newest_last(lesson: Store, write: Write) -> None:
    write.session(lesson, name="Maths")
    assert queries.sessions(lesson)["name"].tolist() == ["Physics 8b", "Maths"]
    write.judgement(lesson, 1, name="sum 5 s")
    assert queries.judgements(lesson, 1)["name"].tolist() == ["weighted 10 s", "sum 5 s"]
    assert queries.judgements(lesson, 2).empty


# -- any SQL, as SQLite has it


@pytest.mark.both_databases(False)
def test_query(lesson: Store) -> None:
    table = queries.query(
        lesson.path, "SELECT label, count(*) AS n, avg(x1) FROM v_faces GROUP BY label ORDER BY label"
    )
    assert table["n"].tolist() == [2, 4]
    assert list(table.columns) == ["label", "n", "avg(x1)"]
    times = queries.query(lesson.path, "SELECT time FROM frames WHERE time > ?", [11])
    assert times["time"].tolist() == [12.0, 14.0]
    assert queries.query(lesson.path, "SELECT :a || '50 %'", {"a": "x"}).iat[0, 0] == "x50 %"
    assert queries.query(f"sqlite:///{lesson.path}", "WITH t AS (SELECT 1 AS a, 2 AS a) SELECT * FROM t").shape == (
        1,
        2,
    )
    assert queries.query(lesson.path, "SELECT * FROM faces WHERE 0").empty
    assert queries.query(lesson.path, "PRAGMA table_info(faces)").shape[0] == 33


@pytest.mark.both_databases(False)
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nose FROM faces", "the SQL does not work: no such column: nose"),
        ("SELECT * FROM noses", "the SQL does not work: no such table: noses"),
        ("SELEKT 1", 'the SQL does not work: near "SELEKT": syntax error'),
        ("SELECT 1; SELECT 2", "the SQL does not work: You can only execute one statement at a time."),
        ("SELECT ?", "the SQL does not work: Incorrect number of bindings supplied."),
        ("SELECT :a", "the SQL needs a value for :a; add -p a=VALUE"),
        ("SELECT CAST(x'ff' AS TEXT)", "the SQL does not work: Could not decode to UTF-8"),
        ("SELECT abs(-9223372036854775808)", "the SQL does not work: integer overflow"),
        ("", "the SQL returns no rows; a query begins with SELECT"),
        ("-- nothing", "the SQL returns no rows; a query begins with SELECT"),
        ("COMMIT", "the SQL returns no rows; a query begins with SELECT"),
    ],
)
def test_wrong_sql_is_one_line(lesson: Store, sql: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        queries.query(lesson.path, sql)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


@pytest.mark.both_databases(False)
@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM faces",
        "INSERT INTO sessions (name) VALUES ('x')",
        "UPDATE students SET name = 'x' RETURNING name",
        "DROP VIEW v_faces",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t AS SELECT * FROM faces",
        "VACUUM",
        "VACUUM INTO '{folder}/copy.db'",
        "ATTACH '{folder}/other.db' AS other",
        "ATTACH 'file:{folder}/other.db?mode=rwc' AS other",
        "PRAGMA query_only = OFF",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = ON",
        "SELECT writefile('{folder}/x', 'x')",
        "SELECT load_extension('x')",
        "REINDEX",
        "BEGIN EXCLUSIVE",
    ],
)
def test_query_cannot_write(path: Path, tmp_path: Path, lesson: Store, sql: str) -> None:
    lesson.close()  # everything is in the one file now
    before = path.read_bytes()
    # Some PRAGMAs answer, and do nothing.
    with suppress(QueryError) if sql.startswith("PRAGMA") else pytest.raises(QueryError):
        queries.query(path, sql.format(folder=tmp_path))
    assert path.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} <= {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    with Store.open(path) as store:
        assert len(queries.faces(store, 1)) == 6
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_query_of_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no such database"):
        queries.query(tmp_path / "none.db", "SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_reader_sees_what_another_writes_meanwhile(lesson: Store, write: Write) -> None:
    with Store.open(lesson.path, read_only=True) as reader:
        assert len(queries.frames(reader, 1)) == 6
        write.segment(lesson, 1, 2)
        assert len(queries.frames(reader, 1)) == 9
        with pytest.raises(DatabaseError, match="it is read-only"):
            reader.delete_session(1)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "


def test_a_question_that_never_ends_is_given_up(lesson: Store) -> None:
    for what in ("max(i) FROM n", "i FROM n WHERE i < 0"):
        with pytest.raises(QueryError, match=r"longer than 0\.2 s"):
            queries.query(lesson.path, ENDLESS + what, seconds=0.2)
    # A new question is not kept waiting by the last.
    assert queries.query(lesson.path, "SELECT 1 AS one", seconds=5)["one"].tolist() == [1]


def test_only_so_many_rows(lesson: Store) -> None:
    assert queries.query(lesson.path, ENDLESS + "i FROM n", most=3, seconds=5)["i"].tolist() == [1, 2, 3]
