"""What `doctor --db` finds: each kind of damage by itself, and 30 overwritten sectors wherever they are."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from engine.faces import Faces
from storage.checking import check
from storage.errors import DatabaseError
from storage.store import Store
from tests.storage.conftest import write_judgement, write_segment, write_session, write_tracking

#: Bytes that a disk writes at once, and how many of them a trial overwrites.
SECTOR, SECTORS = 512, 30
TRIALS = 27


def findings(target: str | Path) -> dict[str, str]:
    """The faults of each check that found some."""
    with Store.open(target, read_only=True) as store:
        return {item: result for item, result, good in check(store) if not good}


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.both_databases
def test_a_healthy_database(lesson: Store) -> None:
    of_files = ["pages", "text"] if isinstance(lesson.path, Path) else []
    assert [finding.item for finding in check(lesson)] == ["references", "tables", "segments", *of_files]
    assert findings(lesson.path) == {}


NO_DIGEST = ["UPDATE segments SET digest = NULL"]
NOT_UTF_8 = "CAST(x'436166e9' AS TEXT)"


@pytest.mark.parametrize(
    ("damage", "item", "result"),
    [
        ([*NO_DIGEST, "UPDATE segments SET faces = 9 WHERE segment = 1"], "segments", "segment 1 of session 1 is"),
        ([*NO_DIGEST, "DELETE FROM faces WHERE pts = 100 AND face = 1"], "segments", "segment 0 of session 1 is"),
        (["UPDATE faces SET x1 = x1 + 0.01 WHERE pts = 100 AND face = 1"], "segments", "segment 0 of session 1 is"),
        (["UPDATE frames SET camera_x = 0 WHERE pts = 12100"], "segments", "segment 1 of session 1 is"),
        (["UPDATE faces SET landmarks = zeroblob(40) WHERE pts = 100 AND face = 0"], "segments", "segment 0 of"),
        (["DELETE FROM students"], "references", "a row of "),
        (["DELETE FROM tracks WHERE track = 1"], "references", "faces of session 1 refer to track 1, which is"),
        (["DROP VIEW v_students"], "tables", "there is no view v_students"),
        (["ALTER TABLE faces ADD COLUMN mood TEXT"], "tables", "the columns of faces are not those of"),
        (["DROP TABLE audit"], "tables", "there is no table audit"),
        ([f"UPDATE sessions SET name = {NOT_UTF_8}"], "text", "1 values of sessions.name are not text in UTF-8"),
        ([f"UPDATE students SET label = {NOT_UTF_8}"], "text", "1 values of students.label are not text in UTF-8"),
        (["UPDATE sessions SET name = x'00ff'"], "text", "1 values of sessions.name are not text in UTF-8"),
    ],
)  # fmt: skip
def test_each_kind_of_damage_is_named(lesson: Store, path: Path, damage: list[str], item: str, result: str) -> None:
    lesson.close()
    execute(path, "PRAGMA legacy_alter_table = ON", *damage)
    found = findings(path)
    assert result in found[item]
    assert found[item].endswith("; restore a copy of the database")
    assert set(found) - {item} <= {"text"} if item != "references" else item in found


def test_pages_that_do_not_hang_together(lesson: Store, path: Path) -> None:
    lesson.close()
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size + 5)
        file.write(b"\xff\xff")
    assert "pages" in findings(path)


def test_many_faults_are_not_all_named(lesson: Store, path: Path) -> None:
    for _ in range(8):
        session = write_session(lesson)
        write_segment(lesson, session, 0)
    lesson.close()
    execute(path, "UPDATE faces SET y1 = 0")
    result = findings(path)["segments"]
    assert result.count(" is not as it was written") == 5
    assert "; and more; restore a copy" in result


# -- 30 sectors


@pytest.fixture(scope="module")
def class_of_ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of 40 segments with ten faces a frame: 2,000 faces."""
    path = tmp_path_factory.mktemp("checked") / "classpulse.db"
    with Store.open(path) as store:
        session = write_session(store)
        found = [write_segment(store, session, segment, (10,) * 5) for segment in range(40)]
        store.finish_detection(session, 400.0)
        write_tracking(store, session, Faces.concatenate(found))
        write_judgement(store, session)
    return path


def content(path: Path) -> object:
    """Every row of every table, or that it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = bytes
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            ).fetchall()
            return {name: connection.execute(f'SELECT * FROM "{name.decode()}"').fetchall() for (name,) in names}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)


def overwrite(path: Path, seed: int) -> None:
    """30 sectors become noise, or every other time zeros."""
    rng = np.random.default_rng(seed)
    with path.open("r+b") as file:
        for sector in rng.choice(path.stat().st_size // SECTOR, SECTORS, replace=False).tolist():
            file.seek(sector * SECTOR)
            file.write(rng.bytes(SECTOR) if seed % 2 else bytes(SECTOR))


def is_found(path: Path) -> bool:
    try:
        return bool(findings(path))
    except DatabaseError:  # it cannot even be opened, and the message says so
        return True


def trials(whole: Path, folder: Path, damage: Callable[[Path, int], None]) -> tuple[int, int]:
    """How many trials changed rows, and in how many of them that was found."""
    before = content(whole)
    changed = found = 0
    for seed in range(200):
        copy = Path(shutil.copy(whole, folder / "copy.db"))
        damage(copy, seed)
        if content(copy) != before:
            changed += 1
            found += is_found(copy)
        if changed == TRIALS:
            break
    return changed, found


def test_thirty_overwritten_sectors_are_found_in_every_trial(class_of_ten: Path, tmp_path: Path) -> None:
    changed, found = trials(class_of_ten, tmp_path, overwrite)
    assert (changed, found) == (TRIALS, TRIALS)


def flip(path: Path, seed: int) -> None:
    """One bit of a value that a face or a frame has, so that the file itself stays in order."""
    rng = np.random.default_rng(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        column = ("x1", "y2", "score", "score_3", "sharpness", "quality")[seed % 6]
        where = f"WHERE (pts, face) IN (SELECT pts, face FROM faces LIMIT 1 OFFSET {rng.integers(2000)})"
        connection.execute(f"UPDATE faces SET {column} = {column} + 0.01 {where}")


def test_so_is_one_changed_value(class_of_ten: Path, tmp_path: Path) -> None:
    changed, found = trials(class_of_ten, tmp_path, flip)
    assert changed == found == TRIALS


def test_a_message_of_sqlite_that_is_not_utf_8_says_that_the_file_is_damaged(lesson: Store, path: Path) -> None:
    """SQLite quotes the name of a table whose definition it cannot read."""
    lesson.close()
    damage = f"UPDATE sqlite_master SET name = {NOT_UTF_8}, sql = 'CREATE TABLE' WHERE name = 'audit'"
    execute(path, "PRAGMA writable_schema = ON", damage)
    with pytest.raises(DatabaseError, match=r"classpulse\.db: it is damaged, and was left as it is; rest"):
        Store.open(path)
