"""A database that one process writes and others read: never called damaged, and nobody waits without a word."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import storage.holders
import storage.sqlite
from storage import queries
from storage.errors import DatabaseError
from storage.forgetting import clean
from storage.store import Store
from tests.storage.conftest import write_segment, write_session
from tests.storage.processes import become, is_root, ordinary_user


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A database in a folder that others may read and not write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(folder / "classpulse.db") as store:
            for _ in range(50):
                write_segment(store, write_session(store), 0, (4,) * 5)
        folder.chmod(0o755)
        (folder / "classpulse.db").chmod(0o644)
        yield folder / "classpulse.db"


def write_and_clean(path: Path) -> None:
    """As another user: the file shrinks to a part of itself, so that pages of before are anywhere."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM sessions WHERE session_id > 2")
        connection.execute("VACUUM")


WRITTEN = r"classpulse\.db: another process has begun to write to it; run the same command again"


@pytest.mark.skipif(not is_root(), reason="only root can be another user")
def test_a_healthy_database_that_others_write_is_not_called_damaged(theirs: Path) -> None:
    with ordinary_user(), Store.open(theirs, read_only=True) as store:
        assert len(queries.sessions(store)) == 50
        assert theirs.with_name("classpulse.db-shm").exists() is False, "it is read as one that nobody writes"
        become(0)
        write_and_clean(theirs)
        become(65534)
        with pytest.raises(DatabaseError, match=WRITTEN):
            queries.sessions(store)
        with Store.open(theirs, read_only=True) as again:
            assert len(queries.sessions(again)) == 2


@pytest.mark.skipif(not is_root(), reason="only root can be another user")
def test_nor_while_another_has_it_open(theirs: Path) -> None:
    with ordinary_user(), Store.open(theirs, read_only=True) as store:
        become(0)
        with Store.open(theirs) as writer:
            write_session(writer)
            become(65534)
            with pytest.raises(DatabaseError, match=WRITTEN):
                queries.sessions(store)
            with Store.open(theirs, read_only=True) as again:
                assert len(queries.sessions(again)) == 51
            become(0)
        become(65534)


def test_opening_it_twice_does_not_end_the_locks_of_the_first(path: Path) -> None:
    """Or another process would take itself for the last one, and remove the log that is written."""
    other = f"""
import sqlite3
connection = sqlite3.connect({str(path)!r})
print(connection.execute("SELECT count(*) FROM segments").fetchone()[0])
connection.close()
"""
    with Store.open(path) as store:
        session = write_session(store)
        for segment in range(3):
            write_segment(store, session, segment)
            Store.open(path, read_only=True).close()
            Store.open(path).close()
            done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=True)
            assert done.stdout == f"{segment + 1}\n"
            assert path.with_name("classpulse.db-wal").exists()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# -- who waits says for what

READER = """
import sys
from storage.store import Store
with Store.open(sys.argv[1], read_only=True) as store, store.reading() as connection:
    connection.exec_driver_sql("SELECT count(*) FROM sessions").all()
    print("reading", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def reader(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of reading."""
    with Store.open(path) as store:
        write_session(store)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(
        command, text=True, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        yield process
        process.stdin.close()


def test_cleaning_beside_a_reader_says_what_it_waits_for(path: Path, reader: subprocess.Popen[str]) -> None:
    said: list[str] = []

    def on_wait(text: str) -> None:
        said.append(text)
        assert reader.stdin is not None
        reader.stdin.close()  # it ends now, and the cleaning goes on

    with Store.open(path, on_wait=on_wait) as store:
        write_session(store)
        clean(store)
    holder = f" (process {reader.pid}, {Path(sys.executable).name})" if storage.holders.LOCKS.exists() else ""
    assert said == [f"{path} is in use{holder}; waiting for up to 300 s"]


def test_cleaning_gives_up_and_names_the_reader(path: Path, reader: subprocess.Popen[str]) -> None:
    with Store.open(path, patience=0.1) as store:
        write_session(store)
        with pytest.raises(DatabaseError, match="but not yet what the file still holds of them") as caught:
            clean(store)
    assert f"another process uses it (process {reader.pid}" in str(caught.value) or sys.platform != "linux"


def test_cleaning_alone_says_nothing(path: Path) -> None:
    with Store.open(path, on_wait=lambda text: pytest.fail(text)) as store:
        write_session(store)
        idle = Store.open(path, read_only=True)
        clean(store)
        idle.close()


def test_on_a_server_too(postgres_url: str) -> None:
    said: list[str] = []
    with Store.open(postgres_url) as store, Store.open(postgres_url) as other:
        write_session(store)
        with other.reading() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sessions").all()

            def on_wait(text: str) -> None:
                said.append(text)
                connection.rollback()

            store.database.on_wait = on_wait
            clean(store)
    assert len(said) == 1
    assert said[0].endswith("; waiting for up to 300 s")
