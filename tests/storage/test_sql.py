"""What is wrong with SQL is said with its line and column, and with the name that was meant."""

from __future__ import annotations

import sqlite3

import pytest

from storage import queries
from storage.errors import QueryError
from storage.sql import parameters, without_texts
from storage.sqlite import SqliteDatabase
from storage.store import Store


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("SELEKT", 'near "SELEKT": syntax error (line 1, column 1)'),
        ("SELECT label\nFORM v_students", 'near "v_students": syntax error (line 2, column 6)'),
        # the third FROM, neither the text nor the right one
        ("SELECT 'FROM' AS a -- FROM\nFROM v_students WHERE FROM", 'near "FROM": syntax error (line 2, column 23)'),
        ("SELECT 'it''s' AS a,, 1", 'near ",": syntax error (line 1, column 21)'),
        ("SELECT 1 ORDER ORDER BY 1", 'near "ORDER": syntax error (line 1, column 16)'),
        ("SELECT 'a', 'it''s", "unrecognized token: \"'it''s\" (line 1, column 13)"),
        ("SELECT 'abc", 'unrecognized token: "\'abc" (line 1, column 8)'),
        ("SELECT '@', @ FROM faces", 'unrecognized token: "@" (line 1, column 13)'),
        ("SELECT (1\n", "incomplete input (line 1, column 10)"),
        ("SELECT lable FROM v_students", "no such column: lable (line 1, column 8); did you mean label?"),
        ("SELECT s.lable FROM v_students s", "no such column: s.lable (line 1, column 10); did you mean label?"),
        ("SELECT * FROM v_student", "no such table: v_student (line 1, column 15); did you mean v_students?"),
        ("SELECT xyzzy FROM faces", "no such column: xyzzy (line 1, column 8)"),
        # good in the first place, wrong in the second
        (
            "SELECT label FROM v_students UNION SELECT label FROM frames",
            "no such column: label (line 1, column 43)",
        ),
        ("SELECT foo(1)", "no such function: foo (line 1, column 8)"),
        ("SELECT round(1, 2, 3)", "wrong number of arguments to function round() (line 1, column 8)"),
        ("SELECT pts FROM faces JOIN frames ON 1", "ambiguous column name: pts (line 1, column 8)"),
        ("SELECT 1 WHERE sum(1) > 2", "misuse of aggregate function sum() (line 1, column 16)"),
    ],
)
def test_where_the_error_is(lesson: Store, sql: str, where: str) -> None:
    with pytest.raises(QueryError) as caught:
        queries.query(lesson.path, sql)
    assert str(caught.value) == f"the SQL does not work: {where}"


def test_where_the_error_is_beside_parameters(lesson: Store) -> None:
    with pytest.raises(QueryError, match=r"no such column: b \(line 1, column 12\)$"):
        queries.query(lesson.path, "SELECT :a, b", {"a": 1})
    with pytest.raises(QueryError, match=r'near "b": syntax error \(line 1, column 12\)$'):
        queries.query(lesson.path, "SELECT ? a b", [1])


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT :a, :b, :a", ["a", "b"]),
        ("SELECT ':a', \":b\" -- :c\n, /* :d\n */ :e", ["e"]),
        ("SELECT 1::int, x:y, '12:30', :größe", ["y", "größe"]),
        ("SELECT 'it''s :a' /* open :b", []),
    ],
)
def test_parameters(sql: str, names: list[str]) -> None:
    assert parameters(sql) == names


def test_a_parameter_without_a_value(lesson: Store) -> None:
    for values in ((), {"b": 1}):
        with pytest.raises(QueryError, match=r"the SQL needs a value for :a; add -p a=VALUE$"):
            queries.query(lesson.path, "SELECT :a", values)


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("SELECT 'Ada', \"label\" FROM faces -- 'x'", 'SELECT ?, "label" FROM faces'),
        (
            "SELECT * FROM people WHERE name = 'O''Hara' AND person = 7",
            "SELECT * FROM people WHERE name = ? AND person = 7",
        ),
        ("SELECT 'Ada", "SELECT ?"),  # a name is not told for want of a quote
        ("SELECT 'it''s Ada", "SELECT ?"),
        ("SELECT 5 % 3, :name::text", "SELECT 5 % 3, :name::text"),
        ("", ""),
    ],
)
def test_texts_are_masked_and_all_else_stays(sql: str, masked: str) -> None:
    assert without_texts(sql) == masked


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM faces",
        "WITH gone AS (SELECT 1) INSERT INTO people SELECT 1, 'x'",
        "CREATE TEMP TABLE t AS SELECT * FROM faces",
        "PRAGMA user_version = 7",
        "PRAGMA query_only = OFF",
        "ATTACH 'other.db' AS other",
        "ANALYZE",
    ],
)
def test_sql_that_would_do_more_than_read_is_told_so(lesson: Store, sql: str) -> None:
    with pytest.raises(QueryError, match=r"^the SQL would change a database; a query only reads$"):
        queries.query(lesson.path, sql)


def test_a_reader_is_asked_for_everything_by_sqlite_itself(lesson: Store) -> None:
    """Not by the file's mode alone: what only reads may still be told of the tables."""
    assert isinstance(lesson.database, SqliteDatabase)
    reader = lesson.database.reader()
    assert reader.execute("PRAGMA table_info(people)").fetchall()
    for sql in ("PRAGMA cache_size = 1", "CREATE TEMP TABLE t (a)", "DETACH main"):
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            reader.execute(sql)
    reader.close()
