"""What goes wrong with files, disks and processes: one line that names it, and nothing committed is ever lost."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from storage import queries
from storage.errors import DatabaseError, StorageError
from storage.schema import SCHEMA_VERSION
from storage.store import Store
from tests.storage.conftest import Write
from tests.storage.processes import check_whole_segments, ordinary_user, start

NEWER = SCHEMA_VERSION + 1

# -- files that cannot be used


def make_text(path: Path) -> None:
    path.write_text("Dear diary,\n" * 200)


def make_other_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (cake)")
    connection.close()


def make_version(version: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        Store.open(path).close()
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()

    return make


def make_truncated(path: Path) -> None:
    Store.open(path).close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def make_pipe(path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("no file is a pipe here")
    os.mkfifo(path)


def make_scrambled(path: Path) -> None:
    Store.open(path).close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_text, "not an SQLite database, and left as it is; name another file"),
        (make_other_program, "a database of another program, and left as it is; name another file"),
        (make_version(NEWER), f"has schema version {NEWER}, expected {SCHEMA_VERSION}; install a newer"),
        (make_version(1), f"has schema version 1, expected {SCHEMA_VERSION}; run `classpulse upgrade-db --db /"),
        (make_version(0), f"has schema version 0, expected {SCHEMA_VERSION}; analyse into a new database"),
        (make_truncated, "it is damaged, and was left as it is; restore a copy, or name another database"),
        (make_scrambled, "it is damaged, and was left as it is; restore a copy, or name another database"),
        (Path.mkdir, "it is a folder; name a file, for example classpulse.db"),
        (make_pipe, "it is not a file; name a file, for example classpulse.db"),
    ],
)
def test_unusable_file_is_named_and_left_as_it_is(
    path: Path, make: Callable[[Path], None], message: str, read_only: bool
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(DatabaseError) as caught:
        Store.open(path, read_only=read_only)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, OSError)
    assert before == (path.read_bytes() if path.is_file() else None)


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("none.db", {"must_exist": True}, "none.db: there is no such database; analyse a recording first"),
        ("none.db", {"read_only": True}, "none.db: there is no such database; analyse a recording first"),
        ("no/where.db", {}, "no/where.db: there is no folder no; make it first"),
        ("mysql://ada:secret@host/school", {}, "mysql://ada:***@host/school: not a database of ours; write"),
        ("sqlite://", {}, "sqlite://: not a database of ours; write"),
        (":memory:", {}, ":memory:: not a database of ours; write"),
        ("sqlite:///x.db?mode=ro", {}, "not a database of ours; write"),
        ("://", {}, "not a database of ours; write"),
    ],
)
def test_wrong_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, options: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseError) as caught:
        Store.open(target, **options)
    assert message in str(caught.value)
    assert caught.value.exit_status == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["sqlite:///school 100%?.db", "school 100%#.db", "ümläut.db"])
def test_addresses_that_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, write: Write) -> None:
    monkeypatch.chdir(tmp_path)
    if "?" in target:
        target = target.replace("?", "")
    for _ in range(2):
        with Store.open(target) as store:
            write.session(store)
    name = target.removeprefix("sqlite:///")
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with Store.open(tmp_path / name, read_only=True) as store:
        assert len(queries.sessions(store)) == 2


def test_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()  # as a kill at the wrong moment leaves it
    with Store.open(path) as store:
        assert queries.sessions(store).empty


def test_damage_that_opening_does_not_see_is_named_when_it_is_read(path: Path, write: Write) -> None:
    with Store.open(path) as store:
        session = write.session(store)
        write.segment(store, session, 0, (40,) * 5)
    with path.open("r+b") as file:
        file.seek(-3 * 4096, os.SEEK_END)
        file.write(b"\xff" * 3 * 4096)
    with Store.open(path) as store, pytest.raises(DatabaseError, match="it is damaged, and was left as it is"):
        queries.faces(store, session)


# -- permissions, as an ordinary user has them (root may write anywhere)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach: pytest's own are for one alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "options", "message"),
    [
        (0o000, 0o755, {}, "Permission denied; check the permissions of the file and its folder"),
        (0o000, 0o755, {"read_only": True}, "Permission denied; check the permissions of the file and its folder"),
        (0o444, 0o777, {}, "it is read-only; make it writable, or name another database"),
        (0o666, 0o555, {}, "its folder is read-only; make it writable, or name another database"),
        (0o666, 0o000, {}, "Permission denied; check the permissions of the file and its folder"),
        (None, 0o555, {}, "its folder is read-only; make it writable, or name another database"),
        (0o444, 0o555, {"read_only": True}, None),
        (0o444, 0o777, {"read_only": True}, None),
    ],
)
def test_permissions(
    open_folder: Path, file_mode: int | None, folder_mode: int, options: dict[str, Any], message: str | None
) -> None:
    path = open_folder / "classpulse.db"
    if file_mode is not None:
        Store.open(path).close()
        path.chmod(file_mode)
    open_folder.chmod(folder_mode)
    try:
        with ordinary_user():
            if message is None:
                with Store.open(path, **options) as store:
                    assert queries.sessions(store).empty
            else:
                with pytest.raises(DatabaseError) as caught:
                    Store.open(path, **options)
                assert str(caught.value) == f"{path}: {message}"
    finally:
        open_folder.chmod(0o777)


# -- full disks


def test_database_that_may_not_grow(path: Path, write: Write) -> None:
    with Store.open(path) as store:
        session = write.session(store)
        write.segment(store, session, 0)
        before = queries.faces(store, session)

        with store.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

        sqlalchemy.event.listen(store.engine, "checkout", limit)
        with pytest.raises(DatabaseError, match=r"classpulse.db: the disk is full; free some space and run the"):
            write.segment(store, session, 1, (40,) * 5)
        assert store.committed_segments(session) == {0}
        assert queries.faces(store, session).equals(before)
        pages += 1000
        write.segment(store, session, 1, (40,) * 5)
    assert check_whole_segments(path) == [0, 1]


def test_full_disk(small_disk: Path, write: Write) -> None:
    """Full when a segment is written, or when closing moves it to its place: both are fine the next time."""
    path = small_disk / "classpulse.db"
    with Store.open(path) as store:
        session = write.session(store)
    segment = 0
    with pytest.raises(StorageError, match=r"the disk (is full|does not read)") as caught:  # noqa: PT012
        while True:
            with Store.open(path) as store:
                write.segment(store, session, segment, (20,) * 5)
            segment += 1
    assert str(path) in str(caught.value)
    assert segment > 3
    assert check_whole_segments(path) == list(range(segment))


def test_full_disk_during_a_run(small_disk: Path) -> None:
    path = small_disk / "classpulse.db"
    script = """
        from storage.errors import StorageError
        with Store.open(sys.argv[1]) as store:
            session = begin(store)
            for segment in range(100):
                try:
                    store.write_segment(session, segment, *columns(segment))
                except StorageError as error:
                    print(segment, error)
                    break
    """
    said, _ = start(script, path).communicate()
    segments, message = said.split(" ", 1)
    assert "the disk is full; free some space and run the same command again" in message
    assert check_whole_segments(path) == list(range(int(segments)))


def test_disk_already_full(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(1 << 20))
    with pytest.raises(StorageError, match=r"the disk (is full|does not read or write)"):
        Store.open(small_disk / "classpulse.db")
    (small_disk / "ballast").unlink()
    Store.open(small_disk / "classpulse.db").close()
