"""What goes wrong with files, disks and processes: one line that names it, and nothing committed is ever lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy

import storage.holders
import storage.sqlite
from storage import queries
from storage.errors import DatabaseError, StorageError
from storage.schema import SCHEMA_VERSION
from storage.store import Store

ROOT = Path(__file__).parents[2]
NEWER = SCHEMA_VERSION + 1

#: Begins a session and writes segments of 2,000 faces without end, for a test to interrupt.
WRITER = """
    import sys
    from fractions import Fraction
    import numpy as np
    from storage import schema
    from storage.store import Store

    def columns(segment):
        pts = np.arange(segment * 50, segment * 50 + 50)
        names = [column.name for column in schema.faces.c if column.name not in ("session_id", "track")]
        values = dict.fromkeys(names, np.zeros(2000, int))
        values |= {"pts": pts.repeat(40), "face": np.tile(np.arange(40), 50), "score_4": np.full(2000, 1 / 7)}
        values["landmarks"] = np.full(2000, bytes(40), object)
        return {"pts": pts, "time": pts / 5}, values

    def begin(store, name="lesson"):
        return store.add_session(
            name=name, source="lesson.mp4", sha256="", settings="{}", version="0", models="{}",
            time_base=Fraction(1, 5), start_pts=0, width=1, height=1,
        )
"""


def start(script: str, *arguments: str | Path, **options) -> subprocess.Popen[str]:
    code = textwrap.dedent(WRITER) + textwrap.dedent(script)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=environment, cwd="/", **pipes, **options)


def check_whole_segments(path: Path) -> list[int]:
    """The committed segments; fails unless each has all its rows, and no row is without its segment."""
    with Store.open(path) as store, store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        counted = connection.exec_driver_sql(
            "SELECT segment, count(*), sum(there) FROM frames LEFT JOIN (SELECT session_id, pts, count(*) AS there"
            " FROM faces GROUP BY session_id, pts) USING (session_id, pts) GROUP BY session_id, segment"
        ).all()
        noted = connection.exec_driver_sql("SELECT segment, frames, faces FROM segments").all()
    assert counted == noted
    return [row[0] for row in noted]


# -- files that cannot be used


def make_text(path: Path) -> None:
    path.write_text("Dear diary,\n" * 200)


def make_other_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (cake)")
    connection.close()


def make_version(version: int):
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
        (os.mkfifo, "it is not a file; name a file, for example classpulse.db"),
    ],
)
def test_unusable_file_is_named_and_left_as_it_is(path, make, message, read_only):
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
def test_wrong_address(tmp_path, monkeypatch, target, options, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseError) as caught:
        Store.open(target, **options)
    assert message in str(caught.value)
    assert caught.value.exit_status == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["sqlite:///school 100%?.db", "school 100%#.db", "ümläut.db"])
def test_addresses_that_work(tmp_path, monkeypatch, target, write):
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


def test_empty_file_becomes_a_database(path):
    path.touch()  # as a kill at the wrong moment leaves it
    with Store.open(path) as store:
        assert queries.sessions(store).empty


def test_damage_that_opening_does_not_see_is_named_when_it_is_read(path, write):
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
def open_folder():
    """A folder that every user can reach: pytest's own are for one alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@contextmanager
def ordinary_user():
    if os.getuid() != 0:
        yield
        return
    os.setresgid(65534, 65534, 0)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


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
def test_permissions(open_folder, file_mode, folder_mode, options, message):
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


# -- processes that end in the middle


def test_killed_within_a_segment(path):
    """Killed when the segment's row and frames are inserted, and its faces are not."""
    script = """
        import os, signal

        class Deadly(dict):
            def items(self):
                os.kill(os.getpid(), signal.SIGKILL)

        with Store.open(sys.argv[1]) as store:
            session = begin(store)
            for segment in range(2):
                frames, faces = columns(segment)
                store.write_segment(session, segment, frames, faces if segment == 0 else Deadly(faces))
    """
    child = start(script, path)
    assert child.communicate() == ("", None)
    assert child.returncode == -signal.SIGKILL
    assert check_whole_segments(path) == [0]


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_any_moment(path, seed):
    script = """
        with Store.open(sys.argv[1]) as store:
            session = begin(store)
            for segment in range(100000):
                store.write_segment(session, segment, *columns(segment))
                print(segment, flush=True)
    """
    child = start(script, path)
    assert child.stdout is not None
    told = [int(child.stdout.readline())]  # the process is at work
    time.sleep(np.random.default_rng(seed).uniform(0, 0.3))
    child.kill()
    told += [int(line) for line in child.stdout.read().splitlines()]
    child.wait()
    there = check_whole_segments(path)
    assert there == list(range(len(there)))
    assert len(told) <= len(there) <= len(told) + 1  # what was told is there; the last may not have been told


def test_killed_while_the_database_is_made(tmp_path):
    script = """
        import storage.database
        print("ready", flush=True)
        Store.open(sys.argv[1])
        sys.stdin.read()
    """
    for delay in (0, 0.005, 0.02):
        path = tmp_path / f"{delay}.db"
        child = start(script, path, stdin=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.kill()
        child.communicate()
        assert check_whole_segments(path) == []


# -- several processes


def test_two_processes_lose_nothing(path):
    """Both make the database at the same moment, and write their sessions at the same time."""
    script = """
        with Store.open(sys.argv[1]) as store:
            session = begin(store, sys.argv[2])
            for segment in range(5):
                store.write_segment(session, segment, *columns(segment))
    """
    children = [start(script, path, name) for name in ("a", "b", "c")]
    assert [child.communicate()[0] for child in children] == ["", "", ""]
    check_whole_segments(path)
    with Store.open(path) as store:
        assert sorted(queries.sessions(store)["name"]) == ["a", "b", "c"]
        assert [store.committed_segments(session) for session in (1, 2, 3)] == [set(range(5))] * 3


def test_waits_for_another_process_and_then_says_so(path, write, monkeypatch):
    monkeypatch.setattr(storage.sqlite, "BUSY_SECONDS", 0.2)
    with Store.open(path) as store:
        session = write.session(store)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError) as caught:
            write.segment(store, session, 0)
        holder = f" (process {os.getpid()}" if sys.platform == "linux" else ";"  # then its name, if it has one
        assert f"another process is writing to it{holder}" in str(caught.value)
        assert "; run the same command again when that has ended (database is locked)" in str(caught.value)
        assert queries.sessions(store).shape[0] == 1  # reading goes on
        other.execute("COMMIT")
        write.segment(store, session, 0)
        other.close()


def test_nobody_is_named_where_the_system_does_not_tell_who_holds_a_file(path, monkeypatch):
    """As on macOS and Windows; the line is the same without the name."""
    monkeypatch.setattr(storage.holders, "LOCKS", path.with_name("no such file"))
    with Store.open(path) as store, store.writing():
        assert storage.holders.writers_of(path) == ""


@pytest.mark.skipif(not storage.holders.LOCKS.exists(), reason="only Linux tells who holds a file")
def test_holder_is_named_without_its_arguments(path):
    script = """
        with Store.open(sys.argv[1]) as store, store.writing():
            print("locked", flush=True)
            sys.stdin.read()
    """
    child = start(script, path, stdin=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert storage.holders.writers_of(path) == f" (process {child.pid}, {Path(sys.executable).name})"
    child.communicate()
    assert storage.holders.writers_of(path) == ""


@pytest.mark.parametrize("others", [False, True])
def test_who_only_reads_leaves_no_files_behind(tmp_path, path, write, others):
    with Store.open(path) as store:
        write.session(store)
        if others:
            with Store.open(path, read_only=True) as reader:
                assert len(queries.sessions(reader)) == 1
            write.session(store)  # the writer's log is still its own
    before = path.read_bytes()
    with Store.open(path, read_only=True) as reader:
        assert len(queries.sessions(reader)) == 1 + others
    queries.query(path, "SELECT * FROM v_students")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


# -- full disks


def test_database_that_may_not_grow(path, write):
    with Store.open(path) as store:
        session = write.session(store)
        write.segment(store, session, 0)
        before = queries.faces(store, session)

        with store.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

        def limit(connection, *_):
            connection.execute(f"PRAGMA max_page_count = {pages}")

        sqlalchemy.event.listen(store._engine, "checkout", limit)
        with pytest.raises(DatabaseError, match=r"classpulse.db: the disk is full; free some space and run the"):
            write.segment(store, session, 1, (40,) * 5)
        assert store.committed_segments(session) == {0}
        assert queries.faces(store, session).equals(before)
        pages += 1000
        write.segment(store, session, 1, (40,) * 5)
    assert check_whole_segments(path) == [0, 1]


def test_full_disk(small_disk, write):
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


def test_full_disk_during_a_run(small_disk):
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


def test_disk_already_full(small_disk):
    (small_disk / "ballast").write_bytes(bytes(1 << 20))
    with pytest.raises(StorageError, match=r"the disk (is full|does not read or write)"):
        Store.open(small_disk / "classpulse.db")
    (small_disk / "ballast").unlink()
    Store.open(small_disk / "classpulse.db").close()
