"""Attacks by SQL: statements, PRAGMAs and functions that do more than read, on both databases."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from storage import rights
from storage.errors import DatabaseError, QueryError
from storage.queries import answered, query
from storage.sqlite import SqliteDatabase
from storage.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "classpulse.db"):
        return tmp_path / "classpulse.db"


def pragmas() -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM pragma_pragma_list")]


#: What a question may learn from a PRAGMA without an argument.
TOLD = {"compile_options", "database_list", "encoding", "page_count", "table_list", "user_version", "journal_mode"}


@pytest.mark.parametrize("name", pragmas())
def test_no_pragma_but_harmless_reads(path: Path, name: str) -> None:
    """`hard_heap_limit` once stopped a whole server, `temp_store_directory` outlived the question."""
    with closing(SqliteDatabase(path).reader()) as reader:
        for argument in ("= 1", "(1)", "= '/tmp'"):
            if name not in rights._TELLING:
                with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                    reader.execute(f"PRAGMA {name} {argument}")
        allowed = True
        try:
            reader.execute(f"PRAGMA {name}").fetchall()
        except sqlite3.DatabaseError as error:
            allowed = "not authorized" not in str(error)
        assert allowed == (name in rights._TELLING_ALONE)
        assert allowed or name not in TOLD


@pytest.mark.parametrize(
    "name",
    ["hard_heap_limit", "soft_heap_limit", "temp_store_directory", "optimize", "incremental_vacuum",
     "shrink_memory", "wal_checkpoint", "mmap_size", "locking_mode", "writable_schema", "threads",
     "busy_timeout", "secure_delete"],
)  # fmt: skip
def test_pragmas_that_do_something_are_refused_by_a_question(path: Path, name: str) -> None:
    for sql in (f"PRAGMA {name}", f"PRAGMA {name} = 1", f"SELECT * FROM pragma_{name}"):
        with pytest.raises((QueryError, DatabaseError)):
            query(path, sql)
    assert query(path, "SELECT 1 AS one")["one"].tolist() == [1]


@pytest.mark.parametrize(
    "call", ["load_extension('x')", "fts3_tokenizer('simple')", "sqlite_log(1, 'x')", "last_insert_rowid()"]
)
def test_functions_that_do_more_than_reckon_are_refused(path: Path, call: str) -> None:
    with pytest.raises((QueryError, DatabaseError), match="not authorized"):
        query(path, f"SELECT {call}")


def test_functions_that_reckon_are_there(path: Path) -> None:
    sql = (
        "SELECT round(sqrt(2), 2) AS a, json_extract('[7]', '$[0]') AS b, strftime('%Y', '2026-01-01') AS c, "
        "'[1]' ->> 0 AS d"
    )
    assert query(path, sql).iloc[0].tolist() == [1.41, 7, "2026", 1]
    assert query(path, "SELECT value FROM json_each('[3, 4]')")["value"].tolist() == [3, 4]
    assert len(query(path, "SELECT * FROM pragma_table_info('students')")) > 3


def test_a_value_may_not_fill_the_memory(path: Path) -> None:
    for sql in (
        "SELECT zeroblob(900000000)",
        "SELECT hex(randomblob(9000000))",
    ):
        with (
            pytest.raises(QueryError, match="too long"),
            answered(path, sql, longest=1_000_000) as (_, rows),
        ):
            list(rows)


def test_rows_may_not_fill_the_memory(path: Path) -> None:
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, printf('%.1000c', 'x') FROM n"
    with pytest.raises(QueryError, match="larger than 5 MB"):
        query(path, sql, most_bytes=5_000_000)
    assert len(query(path, sql, most=100, most_bytes=5_000_000)) == 100


def test_no_way_of_writing_hides_a_name() -> None:
    for sql in ("SELECT pg_sleep (1)", 'SELECT "pg_sleep"(1)', "SELECT E'\\\\'' || pg_sleep(1) || E'\\\\''"):
        assert "pg_sleep" in rights.words(sql)
    for hidden in (r'SELECT U&"\0070g_sleep"(1)', r'SELECT u& "\0070g_sleep"(1)'):
        with pytest.raises(QueryError, match="U&"):
            rights.words(hidden)


# -- PostgreSQL


@pytest.fixture
def url(postgres_url: str) -> str:
    with Store.open(postgres_url):
        return postgres_url


@pytest.mark.parametrize(
    "call",
    ["pg_advisory_lock(1129074773, 0)", "pg_sleep(0)", '"pg_sleep"(0)', "pg_catalog.pg_sleep(0)",
     "set_config('statement_timeout', '0', false)", "pg_terminate_backend(1)", "lo_create(1)",
     "query_to_xml('SELECT 1', true, true, '')", "pg_read_file('/etc/passwd')", "pg_ls_dir('.')", "nextval('x')"],
)  # fmt: skip
def test_functions_that_reach_the_server_are_refused(url: str, call: str) -> None:
    with pytest.raises(QueryError, match="may not call"):
        query(url, f"SELECT {call}")


def test_functions_that_reckon_are_there_on_a_server_too(url: str) -> None:
    sql = "SELECT random() < 2 AS a, count(*) AS b, coalesce(NULL, 3) AS c FROM generate_series(1, 4)"
    assert query(url, sql).iloc[0].tolist() == [True, 4, 3]


def test_the_server_itself_ends_a_long_question(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cancellation by us never reaches it."""
    monkeypatch.setattr(threading.Timer, "start", lambda _: None)
    began = time.monotonic()
    with pytest.raises(DatabaseError):
        query(url, "SELECT count(*) FROM generate_series(1, 10000000000)", seconds=0.2)
    assert time.monotonic() - began < 15
