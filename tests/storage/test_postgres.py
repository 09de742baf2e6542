"""What is PostgreSQL's own: who may read and write, who waits for whom, and what goes wrong with a server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.operations import Operations
from sqlalchemy import URL, create_engine, make_url

import storage.postgres
import storage.upgrading
from storage import queries
from storage.database import database_of
from storage.errors import DatabaseError, QueryError
from storage.named import named_queries
from storage.postgres import VERSION_TABLE
from storage.schema import SCHEMA_VERSION, metadata
from storage.store import Store
from storage.upgrading import upgrade
from tests.storage.conftest import Write
from tests.storage.processes import start, write_at_once
from tracking.path import CameraPath


@pytest.fixture
def target(postgres_url: str) -> str:
    return postgres_url


def run_sql(url: str | Path, *statements: str) -> list[tuple[Any, ...]]:
    """As another program would."""
    engine = create_engine(make_url(str(url)).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        found = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


# -- any SQL


def test_query(lesson: Store) -> None:
    table = queries.query(lesson.path, "SELECT label, count(*) AS n FROM v_faces GROUP BY label ORDER BY label")
    assert table["n"].tolist() == [4, 2]
    times = queries.query(lesson.path, "SELECT time FROM frames WHERE time > ? ORDER BY 1", [11])
    assert times["time"].tolist() == [12.0, 14.0]
    several = "SELECT :a || '50 % :b ?' AS \"a ?\", 7 % 4, 1::text /* :c */ -- ?"
    assert queries.query(lesson.path, several, {"a": "x"}).iloc[0].tolist() == ["x50 % :b ?", 3, "1"]
    numbers = queries.query(lesson.path, "SELECT sum(pts), avg(time), round(1.25, 1), NULL AS none FROM frames")
    assert numbers.iloc[0].tolist() == [42600, 7.0, 1.3, None]
    assert [str(kind) for kind in numbers.dtypes[:3]] == ["int64", "float64", "float64"]
    assert queries.query(lesson.path, "SELECT * FROM faces WHERE false").empty


@pytest.mark.parametrize("view", ["v_students", "v_faces", "v_judgements", "v_student_windows", "v_class_windows"])
def test_view(lesson: Store, view: str) -> None:
    assert not queries.query(lesson.path, f"SELECT * FROM {view} WHERE session = 'Physics 8b'").empty


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nose FROM faces", 'the SQL does not work: column "nose" does not exist (line 1, column 8)'),
        ("SELECT x1,\n  nose FROM faces", 'the SQL does not work: column "nose" does not exist (line 2, column 3)'),
        ("SELEKT 1", 'the SQL does not work: syntax error at or near "SELEKT" (line 1, column 1)'),
        ("SELECT 1; SELECT 2", "the SQL does not work: cannot insert multiple commands"),
        ("SELECT ?", "the SQL does not work: the query has 1 placeholders but 0 parameters were passed"),
        ("SELECT 1 / 0", "the SQL does not work: division by zero"),
        ("", "the SQL does not work: syntax error at end of input"),
    ],
)
def test_wrong_sql_is_one_line(lesson: Store, sql: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        queries.query(lesson.path, sql)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_place_of_a_fault_is_that_in_the_sql_as_it_was_given(lesson: Store) -> None:
    with pytest.raises(QueryError, match=r"line 1, column 38\)"):
        queries.query(lesson.path, "SELECT ':x', :label::text AS a, 5%3, nose FROM faces", {"label": "S01"})


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM faces",
        "UPDATE students SET label = 'x' RETURNING label",
        "WITH gone AS (DELETE FROM faces RETURNING 1) SELECT * FROM gone",
        "DROP VIEW v_faces CASCADE",
        "CREATE TABLE t (a INTEGER)",
        "SELECT * INTO t FROM faces",
        "SELECT * FROM faces FOR UPDATE",
        "SELECT nextval('sessions_session_id_seq')",
        "SELECT setval('sessions_session_id_seq', 99)",
        "COPY faces TO '/tmp/faces'",
        "COPY faces TO PROGRAM 'cat'",
        "COMMIT; DELETE FROM faces",
        "SELECT 1; DELETE FROM faces",
        "SET default_transaction_read_only = off",
        "EXPLAIN ANALYZE DELETE FROM faces",
        "DO $$ BEGIN DELETE FROM faces; END $$",
        "SELECT lo_create(0)",  # which older servers allow, and is undone
    ],
)
def test_query_cannot_write(lesson: Store, sql: str) -> None:
    with suppress(QueryError) if "lo_create" in sql else pytest.raises(QueryError):
        queries.query(lesson.path, sql)
    assert run_sql(lesson.path, "SELECT count(*) FROM pg_largeobject_metadata") == [(0,)]
    assert len(queries.faces(lesson, 1)) == 6
    assert queries.query(lesson.path, "SELECT last_value FROM sessions_session_id_seq").iat[0, 0] == 1


# -- who waits for whom


def test_processes_lose_nothing(target: str) -> None:
    write_at_once(target)
    with Store.open(target) as store:
        assert {len(queries.faces(store, session)) for session in (1, 2, 3)} == {10_000}


def test_killed_at_work(target: str) -> None:
    script = """
        with Store.open(sys.argv[1]) as store:
            session = begin(store)
            for segment in range(100000):
                store.write_segment(session, segment, *columns(segment))
                print(segment, flush=True)
    """
    child = start(script, target)
    assert child.stdout is not None
    child.stdout.readline()
    child.kill()
    told = len(child.stdout.read().splitlines()) + 1
    child.wait()
    with Store.open(target) as store, store.writing():  # which waits until the server has noticed
        there = store.committed_segments(1)
        assert len(there) - told in (0, 1)
        assert there == set(range(len(there)))
        assert len(queries.faces(store, 1)) == 2000 * len(there)


def test_writers_of_one_session_wait_for_each_other_and_others_do_not(
    lesson: Store, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.postgres, "LOCK_SECONDS", 0.2)
    other = write.session(lesson, name="Maths")
    with Store.open(lesson.path) as busy, busy.writing(1):
        write.segment(lesson, other, 0)
        with pytest.raises(DatabaseError) as caught:
            write.segment(lesson, 1, 7)
        said = str(caught.value)
        assert ": another process is writing to it (process " in said
        assert "classpulse at the same machine); run the same command again when that has ended" in said
        with pytest.raises(DatabaseError, match="another process is writing to it"):
            lesson.delete_session(other)
        assert len(queries.sessions(lesson)) == 2  # reading goes on
    with Store.open(lesson.path) as busy, busy.writing(), pytest.raises(DatabaseError, match="another process"):
        write.segment(lesson, other, 1)
    write.segment(lesson, 1, 7)
    assert lesson.committed_segments(1) == {0, 1, 7}


def test_no_pass_of_a_session_waits_for_a_writer_of_another(
    lesson: Store, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.postgres, "LOCK_SECONDS", 0.2)
    session = write.session(lesson, name="Maths")
    with Store.open(lesson.path) as busy, busy.writing(1):
        faces = write.segment(lesson, session, 0)
        lesson.write_gaps(session, [2])
        lesson.finish_detection(session, 6.0)
        write.following(lesson, session, faces)
        lesson.write_path(session, {"pts": faces.pts[:1], **CameraPath.unmoved(1).columns()})
        write.judgement(lesson, session)
    assert lesson.session(session)["state"] == "done"


def test_waiting_writer_goes_on(lesson: Store, write: Write) -> None:
    with Store.open(lesson.path) as busy, busy.writing(1):
        waiting = threading.Thread(target=write.segment, args=(lesson, 1, 7))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(10)
    assert lesson.committed_segments(1) == {0, 1, 7}


def test_reader_sees_one_state(lesson: Store, write: Write) -> None:
    with lesson.reading() as connection:
        count = "SELECT count(*) FROM segments"
        before = connection.exec_driver_sql(count).scalar_one()
        with Store.open(lesson.path) as other:
            write.segment(other, 1, 7)
        assert connection.exec_driver_sql(count).scalar_one() == before


def test_lost_server_is_named_and_the_next_command_works(lesson: Store, write: Write) -> None:
    victim = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'classpulse'"

    def write_while_it_ends() -> None:
        with lesson.writing():
            run_sql(lesson.path, victim)
            write.segment(lesson, 1, 7)

    with pytest.raises(DatabaseError, match="run the same command again, what was committed is kept"):
        write_while_it_ends()
    assert lesson.committed_segments(1) == {0, 1}


# -- servers and databases that cannot be used


def refusal(url: str, **options: Any) -> tuple[str, int]:
    with pytest.raises(DatabaseError) as caught:
        Store.open(url, **options)
    said = str(caught.value)
    assert "\n" not in said
    assert "secret" not in said
    assert said.startswith(str(database_of(url)))
    return said, caught.value.exit_status


def test_password_is_never_told(postgres_server: str) -> None:
    url = "postgresql://guarded:secret@/postgres?host=/tmp&password=secret"
    assert str(database_of(url)) == "postgresql://guarded:***@/postgres?host=%2Ftmp&password=%2A%2A%2A"


@pytest.mark.parametrize("password", ["p@ss", "p@ss@word", "p/ss", "p?ss", "p:ss", "p%ss", "p%40ss", "p?s@s"])
def test_password_with_any_sign_is_read_whole_and_never_told(password: str) -> None:
    database = database_of(f"postgresql://ada:{password}@host:5432/school?connect_timeout=3")
    assert str(database) == "postgresql://ada:***@host:5432/school?connect_timeout=3"
    url = make_url(str(database.target))
    assert (url.username, url.password) == ("ada", password.replace("%40", "@"))
    assert (url.host, url.port, url.database) == ("host", 5432, "school")
    with pytest.raises(DatabaseError) as caught:
        database_of(f"mysql://ada:{password}@host/school?ssl_password=ss")
    assert "ss@" not in str(caught.value)
    assert str(caught.value).startswith("mysql://ada:***@host/school?ssl_password=")


@pytest.mark.parametrize(
    ("address", "username", "host"),
    [
        ("postgresql://host:5432/school?user=ada@school", None, "host"),
        ("postgresql://host:5432?user=ada@school", None, "host"),
        ("postgresql://ada@server:secret@host/school", "ada@server", "host"),
    ],
)
def test_another_at_is_no_end_of_a_password(address: str, username: str | None, host: str) -> None:
    url = make_url(str(database_of(address).target))
    assert (url.username, url.host) == (username, host)


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("fe_sendauth: no password supplied", "the server asks for a password; write it in the URL, in PGPASSWORD"),
        ("FATAL:  sorry, too many clients already", "the server has too many connections"),
        ("FATAL:  the database system is starting up", "the server is starting up or shutting down"),
        ('FATAL:  database "none" does not exist', "the server has no such database"),
        ("Connection refused", "the server cannot be reached"),
    ],
)
def test_why_a_connection_could_not_be_made(message: str, remedy: str) -> None:
    error = psycopg.OperationalError(f'connection failed: connection to server at "host" failed: {message}')
    said = database_of("postgresql://ada@host/school").explain(error)
    assert said.startswith(remedy)
    assert said.endswith(f"({message})")


def test_server_that_cannot_be_reached(postgres_server: str) -> None:
    said, status = refusal("postgresql://ada:secret@127.0.0.1:1/school")
    assert "the server cannot be reached; see whether it runs, and whether the address is right" in said
    assert "Connection refused" in said
    assert status == 1
    said, _ = refusal("postgresql://ada:secret@nowhere.invalid/school")
    assert "the server cannot be reached" in said


def test_wrong_password(postgres_server: str, target: str) -> None:
    if "/classpulse-postgres-" not in postgres_server:
        pytest.skip("the server that CLASSPULSE_POSTGRES names may ask for no password")
    role = "SELECT 1 FROM pg_roles WHERE rolname = 'guarded'"
    if not run_sql(target, role):
        run_sql(target, "CREATE ROLE guarded LOGIN PASSWORD 'right'")
    url = make_url(target).set(username="guarded", password="secret")
    said, status = refusal(url.render_as_string(False))
    assert "the server refuses the user or the password" in said
    assert status == 1
    said, _ = refusal(make_url(target).set(username="guarded").render_as_string(False))
    assert "the server asks for a password; write it in the URL, in PGPASSWORD or in ~/.pgpass (fe_sendauth" in said
    options = url.query["options"]
    assert isinstance(options, str)
    run_sql(target, f"GRANT ALL ON SCHEMA {options.partition('=')[2]} TO guarded")
    Store.open(url.set(password="right").render_as_string(False)).close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda url: url.set(database="none"), "the server has no such database; make it with createdb"),
        (lambda url: url.set(username="nobody"), "the server refuses the user or the password"),
        (
            lambda url: url.update_query_dict({"options": "-csearch_path=none"}),
            "the server has no such schema; make it with CREATE SCHEMA",
        ),
        (lambda url: url.update_query_dict({"taste": "sour"}), 'invalid connection option "taste"'),
    ],
)
def test_wrong_address(target: str, change: Callable[[URL], URL], message: str) -> None:
    assert message in refusal(change(make_url(target)).render_as_string(False))[0]


@pytest.mark.parametrize("options", [{"must_exist": True}, {"read_only": True}])
def test_empty_database_is_not_filled_by_who_reads(target: str, options: dict[str, bool]) -> None:
    said, status = refusal(target, **options)
    assert said.endswith(": nothing is in it; analyse a recording first")
    assert status == 2
    assert run_sql(target, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema") == [(0,)]


def test_tables_of_another_program_are_left_as_they_are(target: str) -> None:
    run_sql(target, "CREATE TABLE faces (nose TEXT)")
    assert "a database of another program, and left as it is" in refusal(target)[0]
    run_sql(target, "DROP TABLE faces", "CREATE TABLE recipes (cake TEXT)")
    Store.open(target).close()  # what is not in our way may stay
    assert run_sql(target, "SELECT * FROM recipes") == []


def test_store_that_only_reads_cannot_write(lesson: Store, write: Write) -> None:
    with Store.open(lesson.path, read_only=True) as reader:
        assert len(queries.faces(reader, 1)) == 6
        with pytest.raises(DatabaseError, match="it is read-only"):
            reader.delete_session(1)
        with pytest.raises(DatabaseError, match="it is read-only"):
            write.segment(reader, 1, 7)


def test_comments_are_in_the_database(lesson: Store) -> None:
    sql = "SELECT obj_description('faces'::regclass), col_description('faces'::regclass, 4)"
    assert run_sql(lesson.path, sql) == [(metadata.tables["faces"].comment, metadata.tables["faces"].c.x1.comment)]


# -- other versions


def test_other_versions(target: str) -> None:
    Store.open(target).close()
    run_sql(target, f"UPDATE {VERSION_TABLE} SET version = {SCHEMA_VERSION + 1}")
    assert "install a newer classpulse" in refusal(target)[0]
    run_sql(target, f"UPDATE {VERSION_TABLE} SET version = {SCHEMA_VERSION - 1}")
    assert "run `classpulse upgrade-db --db " in refusal(target)[0]


def grow(op: Operations) -> None:
    op.execute("ALTER TABLE seats ADD COLUMN colour TEXT")


def fail(op: Operations) -> None:
    grow(op)
    op.execute("SELECT 1 FROM nowhere")


def test_upgrade_happens_as_a_whole_or_not_at_all(lesson: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_sql(lesson.path, f"UPDATE {VERSION_TABLE} SET version = {SCHEMA_VERSION - 1}")
    columns = (
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'seats' AND column_name = 'colour'"
    )
    columns += " AND table_schema = current_schema"
    monkeypatch.setattr(storage.upgrading, "STEPS", {SCHEMA_VERSION: fail})
    with pytest.raises(DatabaseError, match='relation "nowhere" does not exist'):
        upgrade(lesson.path)
    assert run_sql(lesson.path, columns) == [(0,)]
    monkeypatch.setattr(storage.upgrading, "STEPS", {SCHEMA_VERSION: grow})
    done = upgrade(lesson.path)
    assert (done.from_version, done.version, done.backup) == (SCHEMA_VERSION - 1, SCHEMA_VERSION, None)
    assert run_sql(lesson.path, columns) == [(1,)]
    assert upgrade(lesson.path).from_version == SCHEMA_VERSION
    assert not queries.query(lesson.path, "SELECT * FROM v_faces").empty


@pytest.mark.parametrize("name", list(named_queries()))
def test_question_with_a_name(lesson: Store, name: str) -> None:
    question = named_queries()[name]
    known = {"session": 1, "student": "S01", "name": "Ada", "area": "front left"}
    queries.query(
        lesson.path, question.sql, {parameter: known.get(parameter, 1) for parameter in question.parameters}
    )
