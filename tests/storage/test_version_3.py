"""What version 3 of the schema renamed: every row of a database of version 2 is there, under new and old names."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks import same_rows
from engine.sessions.session import find
from engine.settings import Settings
from engine.version import __version__
from storage import queries
from storage.schema import metadata
from storage.store import Store
from storage.upgrading import upgrade
from tests.storage.conftest import Write
from tests.storage.processes import KILLED

HERE = Path(__file__).parent
VERSION_2 = (HERE / "version_2.sql").read_text("utf-8")

#: Names of tables that changed; all others stayed.
TABLES = {
    "repairs": "corrections",
    "marks": "phases",
    "student_parts": "student_phases",
    "class_parts": "class_phases",
}
#: The tables whose columns alone changed, which can be read as they were under another name.
READ_AS = {name: f"{name}_v2" for name in ("sessions", "judgements", "faces", "profiles")}
#: The tables that version 4 brought.
SINCE = {"claims", "class_shares", "connections", "fingerprints", "shots", "sources", "warnings"}
STATES = {"seeing": "detecting", "seen": "detected", "done": "done"}
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file as the release before left it."""
    path = tmp_path / "school.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_2)
    return path


def names(kind: str) -> list[str]:
    """The tables or views of version 2."""
    return re.findall(rf"^CREATE {kind} (\w+)", VERSION_2, re.MULTILINE)


def rows(path: Path, tables: dict[str, str]) -> Rows:
    """All rows of each, in any one order, under the keys of `tables`."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return {key: sorted(connection.execute(f"SELECT * FROM {name}"), key=str) for key, name in tables.items()}


def test_fixture_has_something_in_every_table(old: Path) -> None:
    found = rows(old, {name: name for name in names("TABLE")})
    assert {name for name, values in found.items() if not values} == set()
    assert sorted(row[14] for row in found["sessions"]) == ["done", "done", "seeing", "seen"]
    assert {name: len(found[name]) for name in ("faces", "repairs", "marks", "student_parts", "class_parts")} == {
        "faces": 114, "repairs": 4, "marks": 2, "student_parts": 16, "class_parts": 4,
    }  # fmt: skip


def test_every_row_is_there_under_the_new_names(old: Path) -> None:
    before = rows(old, {name: name for name in names("TABLE")})
    assert upgrade(old).from_version == 2
    after = rows(old, {name: TABLES.get(name, name) for name in before})
    before["sessions"] = [(*row[:14], STATES[row[14]], *row[15:]) for row in before["sessions"]]
    for name, values in before.items():
        assert len(after[name]) == len(values) > 0
        width = len(values[0])
        assert [row[:width] for row in after[name]] == values, name
        new = {value for row in after[name] for value in row[width:]}
        # What is new is empty, but for the numbers of judgements, the one that was made last with the highest, and
        # the role of students, of whom none was static.
        filled: dict[str, set[object]] = {"judgements": {1, 2, 3}, "students": {"student"}}
        assert new <= filled.get(name, {None}), name


def test_every_table_and_view_reads_as_before_under_its_old_name(old: Path) -> None:
    relations = {name: name for name in (*names("TABLE"), *names("VIEW"))}
    before = rows(old, relations)
    widths = {name: len(values[0]) for name, values in before.items() if values}
    upgrade(old)
    after = rows(old, relations | READ_AS)
    for name, width in widths.items():
        assert [row[:width] for row in after[name]] == before[name], name


def test_old_names_have_the_old_columns(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        before = {name: columns(connection, name) for name in (*TABLES, *READ_AS, "v_marks", "v_student_parts")}
    upgrade(old)
    with closing(sqlite3.connect(old)) as connection:
        assert {name: columns(connection, READ_AS.get(name, name)) for name in before} == before


def columns(connection: sqlite3.Connection, name: str) -> list[str]:
    return [str(column) for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", [name])]


def test_the_comparison_of_databases_finds_them_alike_and_one_change(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "before.db"
    with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    upgrade(old)
    assert same_rows.main(copy, old) == 0
    said = capsys.readouterr().out
    assert "faces: 114 and 114 rows, 24 columns, 0 differ; only one has conditions, loglik_negative," in said
    assert "corrections: 4 and 4 rows, 5 columns, 0 differ" in said
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE faces SET score_4 = score_4 + 0.25 WHERE (session_id, pts, face) = (1, 0, 1)")
        connection.execute("DELETE FROM phases WHERE phase = 2")
    assert same_rows.main(copy, old) == 1
    said = capsys.readouterr().out
    assert re.search(r"faces \(1, 0, 1\) score_4: \S+ was, \S+ is", said)
    assert "phases (1, 2): is gone" in said


def test_every_old_session_has_the_seven_classes_of_its_network(old: Path) -> None:
    upgrade(old)
    with Store.open(old) as store:
        sessions = queries.sessions(store)["session_id"].tolist()
        assert sessions == [1, 2, 3, 4]
        for session_id in sessions:
            assert queries.classes(store, session_id).to_numpy().tolist() == [
                [1, "angry", "negative"], [2, "disgust", "negative"], [3, "fear", "negative"],
                [4, "happy", "positive"], [5, "sad", "negative"], [6, "surprise", "positive"],
                [7, "neutral", "neutral"],
            ]  # fmt: skip


def test_number_of_a_deleted_session_is_given_to_none(old: Path, write: Write) -> None:
    """The fixture's fifth session was deleted before; SQLite counts on from it all the same."""
    upgrade(old)
    with Store.open(old) as store:
        assert write.session(store) == 6


def test_settings_of_old_sessions_can_be_read(old: Path) -> None:
    upgrade(old)
    for session_id in (1, 2, 3, 4):
        settings = Settings.from_json(find(session_id, old).info()["settings"])
        assert (settings.sample_rate, settings.max_age) == (1.0, 2.0)


def test_upgraded_session_can_be_judged_and_corrected(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        query = (
            "SELECT verdict FROM class_windows JOIN judgements ON id = judgement_id WHERE name = ? ORDER BY start"
        )
        before = [verdict for (verdict,) in connection.execute(query, ["sum, 10 s"])]
    upgrade(old)
    session = find("Physics 8b", old)
    assert session.students()["name"].tolist()[:2] == ["Ada", "Ben"]
    assert session.corrections()["what"].tolist() == [
        "rename S01 'Ada'", "rename S02 'Ben'", "split S03 at 0:07, later S04", "merge S03 S04",
    ]  # fmt: skip
    assert session.phases()["label"].tolist() == ["talk", "group work"]
    assert len(session.class_phase_verdicts("sum, 10 s")) == 2
    assert session.faces()["happy"].between(0, 1).all()
    assert session.judge(strategy="sum", window=10).class_verdicts()["verdict"].tolist() == before
    assert session.undo().startswith("split S03")
    assert len(session.students()) == 3


INTERRUPTED = """
    import os, shutil, signal, sys
    from pathlib import Path
    from sqlalchemy import Engine, event
    from storage.upgrading import upgrade

    def run(path, last=None):
        done = 0
        def count(*_):
            nonlocal done
            done += 1
            if done == last:
                os.kill(os.getpid(), signal.SIGKILL)
        for moment in ("before_cursor_execute", "commit"):
            event.listen(Engine, moment, count)
        upgrade(path)
        return done

    old = Path(sys.argv[1])
    whole = old.with_name("whole.db")
    shutil.copy(old, whole)
    pipe = os.pipe()
    if not os.fork():  # in a child, or its listeners would stay
        os.write(pipe[1], str(run(whole)).encode())
        os._exit(0)
    os.wait()
    total = int(os.read(pipe[0], 20))
    for moment in range(20):
        path = old.with_name(f"killed-{moment}.db")
        shutil.copy(old, path)
        if not os.fork():
            run(path, last=1 + round(moment * (total - 1) / 19))
            os._exit(0)
        print(os.WTERMSIG(os.wait()[1]), flush=True)
    print(total)
"""


def test_killed_at_twenty_moments_nothing_is_lost(old: Path, tmp_path: Path) -> None:
    """From the first statement to the commit."""
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that a copy of the file is whole
    before = rows(old, {name: name for name in names("TABLE")})
    root = HERE.parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(old)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    assert said[:20] == [str(-KILLED)] * 20
    assert int(said[20]) > 60  # statements, so the moments are different ones
    for moment in range(20):
        path = tmp_path / f"killed-{moment}.db"
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert rows(path, {name: name for name in names("TABLE")}) == before
        assert upgrade(path).from_version == 2
        assert same_rows.main(old, path) == 0
    assert same_rows.main(old, tmp_path / "whole.db") == 0


# -- on a server


@pytest.fixture
def old_server(postgres_url: str, old: Path) -> str:
    """A schema as the release before left it, with the rows of the file."""
    from sqlalchemy import create_engine, make_url

    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection, closing(sqlite3.connect(old)) as file:
        script = re.sub(r"^--.*\n", "", (HERE / "version_2_postgres.sql").read_text("utf-8"), flags=re.MULTILINE)
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        for table in re.findall(r"^CREATE TABLE (\w+)", script, re.MULTILINE)[:-1]:
            booleans = {"faces": ("scorable",), "students": ("static",), "tracks": ("static",)}.get(table, ())
            cursor = file.execute(f"SELECT * FROM {table}")
            head = [column for column, *_ in cursor.description]
            for row in cursor:
                values = [bool(v) if name in booleans else v for name, v in zip(head, row, strict=True)]
                places = ", ".join(["%s"] * len(head))
                quoted = ", ".join(f'"{name}"' for name in head)
                connection.exec_driver_sql(f"INSERT INTO {table} ({quoted}) VALUES ({places})", tuple(values))
        connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('sessions', 'id'), 5)")
    engine.dispose()
    return postgres_url


def rounded(row: Any) -> list[Any]:
    """A server's four bytes hold six digits."""
    return [round(value, 4) if isinstance(value, float) else value for value in row]


def test_on_a_server_every_row_is_there_and_the_schema_is_a_new_ones(
    old_server: str, old: Path, write: Write
) -> None:
    from sqlalchemy import inspect

    assert upgrade(old_server).from_version == 2
    upgrade(old)
    with Store.open(old_server) as server, Store.open(old) as file:
        with server.reading() as theirs, file.reading() as ours:
            for name, table in metadata.tables.items():
                order = table.primary_key.columns
                statement = table.select().order_by(*order)
                found, expected = ([*map(rounded, of.execute(statement))] for of in (theirs, ours))
                assert found == expected, name
                assert (len(found) > 0) == (name not in SINCE)
            described = inspect(theirs)
            for name, table in metadata.tables.items():
                assert described.get_table_comment(name)["text"] == table.comment
                assert {column["name"]: column["comment"] for column in described.get_columns(name)} == {
                    column.name: column.comment for column in table.c
                }
                checks = {check["name"] for check in described.get_check_constraints(name)}
                assert checks == {str(c.name) for c in table.constraints if str(c.name).startswith("ck_")}
                assert described.get_pk_constraint(name)["name"] == f"pk_{name}"
        assert write.session(server) == 6
    session = find("Physics 8b", old_server)
    assert (
        session.judge(strategy="sum", window=10).class_verdicts()["verdict"].tolist()
        == find("Physics 8b", old).class_verdicts("sum, 10 s")["verdict"].tolist()
    )


def test_on_a_server_the_old_names_can_be_read(old_server: str) -> None:
    upgrade(old_server)
    counts = {
        name: queries.query(old_server, f"SELECT count(*) AS n FROM {READ_AS.get(name, name)}")["n"][0]
        for name in (*TABLES, *READ_AS, "v_marks", "v_student_parts", "v_class_parts")
    }
    assert counts == {
        "repairs": 4, "marks": 2, "student_parts": 16, "class_parts": 4, "sessions": 4, "judgements": 3,
        "faces": 114, "profiles": 1, "v_marks": 2, "v_student_parts": 16, "v_class_parts": 4,
    }  # fmt: skip
    assert __version__ == "0.2.0", "the release after drops storage/old_names.sql, and this test"
