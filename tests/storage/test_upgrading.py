"""A database of an older version becomes what a new one is, and nothing that was in it is lost."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from sqlalchemy import create_engine, inspect

import storage.upgrading
from engine.sessions.roster import Carried
from engine.sessions.session import find
from storage.errors import DatabaseError
from storage.migrations import STEPS, version_4
from storage.schema import SCHEMA_VERSION
from storage.store import Store
from storage.upgrading import upgrade
from tests.storage.processes import KILLED

ROOT = Path(__file__).parents[2]
VERSION_1 = (Path(__file__).with_name("version_1.sql")).read_text("utf-8")
VERSION_2 = (Path(__file__).with_name("version_2.sql")).read_text("utf-8")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file as the first released version left it."""
    path = tmp_path / "school.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_1)
    return path


def schema_of(path: Path) -> dict[str, Any]:
    """All that makes the schema of a file, however its text was put together."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = inspect(connection)
        schema: dict[str, Any] = {name: found.get_view_definition(name) for name in found.get_view_names()}
        for name in found.get_table_names():
            schema[name] = {
                "columns": connection.exec_driver_sql(f"PRAGMA table_xinfo({name})").all(),
                "references": sorted(connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})").all(), key=str),
                "checks": sorted((check["name"], check["sqltext"]) for check in found.get_check_constraints(name)),
                "unique": sorted(found.get_unique_constraints(name), key=str),
                "names": sorted(key["name"] or "" for key in found.get_foreign_keys(name)),
                "indexes": sorted(found.get_indexes(name), key=str),
                "options": found.get_table_options(name),
                "numbered": "AUTOINCREMENT" in connection.exec_driver_sql(
                    "SELECT sql FROM sqlite_master WHERE name = ?", (name,)
                ).scalar_one(),
            }  # fmt: skip
        schema["header"] = [
            connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
            for pragma in ("user_version", "application_id", "journal_mode")
        ]
    engine.dispose()
    return schema


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the tables that version 1 had, as they read under its names."""
    names = re.findall(r"^CREATE TABLE (\w+)", VERSION_1, re.MULTILINE)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
        read = {name: f"{name}_v2" if f"{name}_v2" in kept else name for name in names}
        return {name: sorted(connection.execute(f"SELECT * FROM {read[name]}"), key=str) for name in names}


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("version", [1, 2, 3])
def test_upgraded_file_has_the_very_schema_of_a_new_one(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    if version > 1:
        old.unlink()
        with closing(sqlite3.connect(old)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(VERSION_2)
    if version == 3:
        with monkeypatch.context() as before:
            before.setattr(storage.upgrading, "SCHEMA_VERSION", 3)
            upgrade(old)
    assert upgrade(old).from_version == version
    Store.open(tmp_path / "new.db").close()
    expected = schema_of(tmp_path / "new.db")
    found = schema_of(old)
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name] == expected[name], name
    assert found["header"][0] == SCHEMA_VERSION


def test_nothing_is_lost(old: Path, tmp_path: Path) -> None:
    before = rows_of(old)
    assert {name: len(rows) for name, rows in before.items()} == {
        "sessions": 1, "segments": 2, "frames": 14, "faces": 42, "students": 4, "tracks": 4, "repairs": 3,
        "seats": 1, "judgements": 2, "student_windows": 20, "class_windows": 5,
    }  # fmt: skip
    done = upgrade(old)
    assert (done.from_version, done.version) == (1, SCHEMA_VERSION)
    assert done.backup == tmp_path / "school.db.v1-backup"
    assert rows_of(done.backup) == before
    assert version_of(done.backup) == 1
    assert files(tmp_path) == ["school.db", "school.db.v1-backup"]
    assert {name: len(rows) for name, rows in rows_of(old).items()} == {n: len(rows) for n, rows in before.items()}
    same = ("sessions", "faces", "tracks", "judgements")
    assert {name: rows_of(old)[name] for name in same} == {name: before[name] for name in same}
    # Nothing is known of probabilities and reasons, nor of how many students were measured.
    for table, unknown in (("student_windows", 5), ("class_windows", 7)):
        assert rows_of(old)[table] == [(*row, *[None] * unknown) for row in before[table]]
    # No digest is known, nor who detected it.
    assert rows_of(old)["segments"] == [(*row, None, None, None) for row in before["segments"]]


def test_upgraded_session_can_be_worked_with(old: Path) -> None:
    upgrade(old)
    session = find("Physics 8b", old)
    carried = session.carry_names("B12")
    assert session.students()["label"].tolist() == ["S01", "S02", "S03", "S04"]
    assert session.students()["name"].iloc[0] == "Ada"
    assert session.corrections()["what"].tolist() == [
        "rename S01 'Ada'",
        "rename S02 'Ben'",
        "split S03 at 0:07, later S04",
    ]
    assert carried == Carried({}, [], ["S02", "S03", "S04"])  # Ada, who is in the roster, sits there already
    before = session.class_verdicts("sum, 10 s")["verdict"].tolist()
    assert session.judge(window=10, strategy="sum").class_verdicts()["verdict"].tolist() == before
    assert session.undo().startswith("split S03")
    assert len(session.students()) == 3


def test_second_upgrade_does_nothing_and_no_backup_is_overwritten(old: Path, tmp_path: Path) -> None:
    (tmp_path / "school.db.v1-backup").write_text("of last week")
    assert upgrade(old).backup == tmp_path / "school.db.v1-backup-2"
    assert (tmp_path / "school.db.v1-backup").read_text() == "of last week"
    before = old.read_bytes()
    done = upgrade(old)
    assert (done.from_version, done.version, done.backup) == (SCHEMA_VERSION, SCHEMA_VERSION, None)
    assert old.read_bytes() == before


def test_backup_is_as_private_as_the_file(old: Path) -> None:
    old.chmod(0o640)
    backup = upgrade(old).backup
    assert backup is not None
    assert backup.stat().st_mode & 0o777 == 0o640


def test_view_of_the_user_stays(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE VIEW mine AS SELECT label FROM v_students ORDER BY label")
    upgrade(old)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT * FROM mine").fetchall() == [("S01",), ("S02",), ("S03",), ("S04",)]


@pytest.mark.parametrize("read_only", [False, True])
def test_older_database_is_refused_everywhere_else(old: Path, read_only: bool) -> None:
    before = old.read_bytes()
    with pytest.raises(DatabaseError, match=rf"run `classpulse upgrade-db --db {old}`, which keeps a copy"):
        Store.open(old, read_only=read_only)
    assert old.read_bytes() == before


def test_newer_database_is_refused(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(DatabaseError, match="install a newer classpulse"):
        upgrade(old)


# -- faults


def break_half_way(op: Operations) -> None:
    op.execute("DELETE FROM faces")
    op.drop_column("students", "spread")
    op.execute("SELECT 1 FROM nowhere")


def lose_a_parent(op: Operations) -> None:
    version_4.upgrade(op)
    op.execute("DELETE FROM segments WHERE segment = 1")


@pytest.mark.parametrize(
    ("step", "message"),
    [(break_half_way, "no such table: nowhere"), (lose_a_parent, "a row of frames refers to none of segments")],
)
def test_step_that_fails_changes_nothing(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Callable[[Operations], None], message: str
) -> None:
    before, schema = rows_of(old), schema_of(old)
    monkeypatch.setattr(storage.upgrading, "STEPS", {**STEPS, SCHEMA_VERSION: step})
    with pytest.raises(DatabaseError, match=rf"school.db: .*{message}"):
        upgrade(old)
    assert (rows_of(old), schema_of(old)) == (before, schema)
    assert files(tmp_path) == ["school.db"]
    monkeypatch.undo()
    assert upgrade(old).from_version == 1


def start(script: str, path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_killed_during_a_migration(old: Path) -> None:
    """Killed after every row of the faces is gone and a table is made anew, before the commit."""
    before = rows_of(old)
    script = """
        import os, signal, sys
        import storage.upgrading

        def step(op):
            op.execute("DELETE FROM faces")
            with op.batch_alter_table("students") as students:
                students.alter_column("spread", nullable=True)
            os.kill(os.getpid(), signal.SIGKILL)

        storage.upgrading.STEPS = {**storage.upgrading.STEPS, 2: step}
        storage.upgrading.upgrade(sys.argv[1])
    """
    child = start(script, old)
    assert child.communicate()[0] == ""
    assert child.returncode == KILLED
    assert version_of(old) == 1
    assert rows_of(old) == before
    done = upgrade(old)
    # the first is whole, too, and stays
    assert (done.from_version, done.backup) == (1, old.with_name("school.db.v1-backup-2"))
    assert rows_of(old.with_name("school.db.v1-backup")) == before


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15, 0.3])
def test_killed_at_any_moment(old: Path, delay: float) -> None:
    before = rows_of(old)["faces"]
    child = start("import sys, storage.upgrading as u; print(flush=True); u.upgrade(sys.argv[1])", old)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(delay)
    child.kill()
    child.communicate()
    assert version_of(old) in (1, SCHEMA_VERSION)
    upgrade(old)
    assert rows_of(old)["faces"] == before
    with Store.open(old) as store:
        assert store.committed_segments(1) == {0, 1}


def test_two_migrations_at_once(old: Path, tmp_path: Path) -> None:
    """One does it, the others wait for it and find it done."""
    script = """
        import sys
        from storage.upgrading import upgrade
        print(upgrade(sys.argv[1]).from_version)
    """
    children = [start(script, old) for _ in range(3)]
    assert sorted(child.communicate()[0] for child in children) == [
        "1\n",
        f"{SCHEMA_VERSION}\n",
        f"{SCHEMA_VERSION}\n",
    ]
    assert files(tmp_path) == ["school.db", "school.db.v1-backup"]
    Store.open(old).close()


@pytest.mark.parametrize("room", [0, 32, 96, 160])
def test_full_disk(old: Path, small_disk: Path, room: int) -> None:
    """Full while the copy is made, or while tables change: the file is as it was, and the copy gone."""
    path = small_disk / "school.db"
    shutil.copy(old, path)
    before = rows_of(path)
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(bytes(max(free - room * 1024, 0)))
    try:
        upgrade(path)
    except OSError as error:
        assert re.search(r"the disk (is full|does not read)|No space left", str(error))  # noqa: PT017
        assert not [name for name in files(small_disk) if "backup" in name]
    (small_disk / "ballast").unlink()  # without any room, nothing can even be read
    assert rows_of(path)["faces"] == before["faces"]
    upgrade(path)
    assert rows_of(path)["faces"] == before["faces"]
