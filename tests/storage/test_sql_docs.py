"""docs/sql.md says what the schema says, and each of its queries runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Connection

from classpulse.report import schema
from storage import queries
from storage.database import old_names
from storage.named import Named, named_queries
from storage.schema import metadata
from storage.store import Store
from storage.views import views
from tests.storage.conftest import Write

DOCS = (Path(__file__).parents[2] / "docs" / "sql.md").read_text("utf-8")
VALUES = {"session": 1, "student": "S01", "name": "Ada"}


def test_tables_and_views_are_documented_as_they_are() -> None:
    """What `classpulse schema --format markdown` prints."""
    for table in [*metadata.tables.values(), *views().values()]:
        assert "\n".join(schema.markdown([table])) in DOCS


def test_every_column_and_table_has_a_comment() -> None:
    for table in metadata.tables.values():
        assert table.comment
        assert [column.name for column in table.c if not column.comment] == []


def test_every_view_is_documented(store: Store) -> None:
    views = queries.query(store.path, "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name")["name"]
    assert sorted(set(re.findall(r"^\| `(v_\w+)` \|", DOCS, re.MULTILINE))) == [
        view for view in views if view not in old_names()
    ]


def test_the_questions_are_documented_as_they_are() -> None:
    """Each with its note, the command, and the SQL; none that has no name."""
    for query in named_queries().values():
        given = "".join(
            f" -p {name}={value if name != 'session' else chr(34) + 'Physics 8b' + chr(34)}"
            for name, value in VALUES.items()
            if name in query.parameters
        )
        note = f"{query.note}\n\n" if query.note else ""
        command = f"```sh\nclasspulse query --named {query.name}{given}\n```\n\n"
        assert f"## {query.question}\n\n{note}{command}```sql\n{query.sql}\n```\n" in DOCS
    assert len(re.findall("^```sql$", DOCS, re.MULTILINE)) == len(named_queries()) >= 10


def test_the_file_of_questions_is_read_as_a_whole() -> None:
    text = (Path(queries.__file__).with_name("queries.sql")).read_text("utf-8")
    assert len(named_queries()) == text.count(";\n")
    assert all(query.sql in text for query in named_queries().values())


@pytest.fixture
def term(lesson: Store, write: Write) -> Store:
    """Ada (S01) was interested, then not; S02 was hardly seen, and is who they are by a weak link only."""
    write.judgement(lesson, 1, name="later", verdict="not interested")
    with lesson.writing() as connection:
        connection.exec_driver_sql("INSERT INTO people (person, name) VALUES (1, 'Ada')")
        connection.exec_driver_sql("UPDATE students SET person = 1")
        change(connection, "students", student=2, label="'S02'", person="NULL", weakest_link=0.5, coverage=0.1)
        change(connection, "student_windows", student=2, verdict="'insufficient'", balance="NULL", faces=0)
        for table in ("student_windows", "class_windows"):
            change(connection, table, window=1, start=10, stop=20, balance="balance - 0.75")
        change(connection, "attention_windows", window=1, facing=0.1)
        shares = 'SELECT judgement_id, student, "window", 4, 0.75 FROM student_windows WHERE "window" = 0'
        connection.exec_driver_sql(f"INSERT INTO class_shares {shares} AND student = 1")
        connection.exec_driver_sql("INSERT INTO phases VALUES (1, 1, 5, NULL, 'group work', '2026-01-01T00:00Z')")
        as_part(connection, "class_windows", "class_phases")
        as_part(connection, "student_windows", "student_phases", visible=0.5, facing=1, movement=0.2)
    return lesson


def change(connection: Connection, table: str, **values: object) -> None:
    """The table's rows once more, with other values."""
    names = [f'"{column.name}"' for column in metadata.tables[table].c]
    taken = [str(values.get(name.strip('"'), name)) for name in names]
    connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(taken)} FROM {table}")


def as_part(connection: Connection, windows: str, parts: str, **more: object) -> None:
    """The first windows as verdicts about the part that is marked."""
    values = {"phase": 1, "start": 5, "stop": 16, **more}
    names = [column.name for column in metadata.tables[parts].c]
    taken = ", ".join(str(values.get(name, name)) for name in names)
    connection.exec_driver_sql(
        f'INSERT INTO {parts} ({", ".join(names)}) SELECT {taken} FROM {windows} WHERE "window" = 0'
    )


ANSWERS: dict[str, dict[str, str | float]] = {
    "sessions": {"session": 1, "name": "Physics 8b", "students": 2},
    "lost-the-class": {"at": "0:00:10", "verdict": "not interested", "balance": -0.4167},
    "turning-points": {"at": "0:00:10", "before": 0.3333, "change": -0.75},
    "students-fared": {"label": "S01", "name": "Ada", "not_interested": 2, "insufficient": 0, "balance": -0.0417},
    "one-student": {"at": "0:00:00", "verdict": "not interested", "balance": 0.3333},
    "unmeasured": {"label": "S02", "unmeasured": 1.0, "detected": 0.0, "why": "seldom in the picture"},
    "attendance": {"at": "0:00:00", "students": 1, "coverage": 0.5},
    "least-detected": {"label": "S02", "coverage": 0.1},
    "how-sure": {"verdict": "insufficient", "windows": 2},
    "areas": {"area": "front centre", "students": 2},
    "weak-links": {"label": "S02", "weakest_link": 0.5},
    "lessons": {"session": "Physics 8b", "strategy": "weighted", "windows": 2},
    "students-term": {"session": "Physics 8b", "strategy": "weighted", "not_interested": 2, "balance": -0.0417},
    "judgements-agree": {"one": "weighted 10 s", "other": "later", "windows": 4, "agree": 0.5},
    "emotions": {"minute": 0, "faces": 3},
    "classes-prevailed": {"label": "S01", "class": "happy", "verdicts": 0, "windows": 1, "share": 0.75},
    "attention-elsewhere": {"label": "S01", "at": "0:00:10", "facing": 0.1},
    "phases": {"phase_label": "group work", "at": "0:00:05", "verdict": "not interested", "balance": 0.3333},
    "student-phases": {"phase_label": "group work", "visible": 0.5, "balance": 0.3333},
    "class-looked-away": {"at": "0:00:10", "students": 1, "facing": 0.1},
}


@pytest.mark.parametrize("query", named_queries().values(), ids=named_queries())
def test_named_query(term: Store, query: Named) -> None:
    answer = queries.query(term.path, query.sql, {name: VALUES[name] for name in query.parameters})
    first = answer.to_dict("records")[0]
    assert {name: first[name] for name in ANSWERS[query.name]} == pytest.approx(ANSWERS[query.name], abs=1e-4)


def test_lessons_of_two_strategies_say_so(term: Store, write: Write) -> None:
    """A mean of verdicts by emotion and of verdicts by attention means nothing."""
    with term.writing() as connection:
        connection.exec_driver_sql("UPDATE judgements SET strategy = 'attention'")
    for name in ("lessons", "students-term"):
        query = named_queries()[name]
        answer = queries.query(term.path, query.sql, {name: VALUES[name] for name in query.parameters})
        assert answer["strategy"].tolist() == ["attention"]


def test_emotions_are_the_classes_of_the_session(term: Store) -> None:
    """Of a scorer with two classes, not FER's."""
    with term.writing() as connection:
        connection.exec_driver_sql("DELETE FROM classes")
        rows = "(1, 1, 'listening', 'positive'), (1, 2, 'away', 'negative')"
        connection.exec_driver_sql(f"INSERT INTO classes (session_id, number, name, polarity) VALUES {rows}")
        connection.exec_driver_sql("UPDATE faces SET score_1 = 0.25, score_2 = 0.75 WHERE score_1 IS NOT NULL")
    answer = queries.query(term.path, named_queries()["emotions"].sql, {"session": 1})
    assert answer[["class", "polarity", "score"]].to_numpy().tolist() == [
        ["away", "negative", 0.75],
        ["listening", "positive", 0.25],
    ]


@pytest.mark.parametrize("name", ["students-term", "one-student", "lost-the-class"])
def test_a_question_about_some_windows_does_not_read_all(lesson: Store, name: str) -> None:
    sql = named_queries()[name].sql
    values = {parameter: VALUES[parameter] for parameter in named_queries()[name].parameters}
    plan = queries.query(lesson.path, f"EXPLAIN QUERY PLAN {sql}", values)["detail"]
    assert [step for step in plan if step.startswith("SCAN") and "_windows" in step] == []
