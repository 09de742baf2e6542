"""What is forgotten is gone: from every table, from the judgements, and from the bytes of the file."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from engine import Session
from engine.errors import UsageError
from engine.sessions.forgetting import choose_before, choose_student, describe, forget
from storage import queries
from storage.errors import DatabaseError
from storage.forgetting import clean
from storage.schema import metadata
from storage.store import Store
from tests.drawn import rows
from tests.seated import PEOPLE, write_seated


@pytest.fixture(scope="module")
def seated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lessons, both with names and a second judgement, and the roster of a room."""
    path = tmp_path_factory.mktemp("seated") / "classpulse.db"
    monday = write_seated(path, name="monday")
    monday.judge("short", window=10, strategy="sum")
    monday.merge("S03", "S06")
    monday.name_students({"S01": "Ada Lovelace", "S02": "Ben", "S03": "Cem"})
    monday.keep_seats("B12")
    people = tuple((who, (x + 3, y, size), span) for who, (x, y, size), span in PEOPLE)
    write_seated(path, people, name="tuesday").name_students({"S01": "Ada Lovelace", "S02": "Zoe"})
    return path


@pytest.fixture
def path(seated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(seated, tmp_path / "classpulse.db"))


def do_forget(path: Path, student: str) -> None:
    with Store.open(path) as store:
        forget(store, choose_student(store, student))


def test_a_person_who_has_the_name_of_another_ones_number(path: Path) -> None:
    """As an older version allowed; P1 is Ada."""
    with Store.open(path) as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE people SET name = 'P1' WHERE name = 'Ben'")
    before = rows(path)
    with pytest.raises(
        UsageError, match=r"several persons are called 'P1': P1 \(Ada Lovelace\), P2 \(P1\); rename"
    ):
        do_forget(path, "P1")
    assert rows(path) == before
    do_forget(path, "P2")
    with Store.open(path) as store:
        assert queries.people(store)["name"].tolist() == ["Ada Lovelace", "Cem", "Zoe"]


def test_a_name_with_a_slash_is_a_person(path: Path) -> None:
    Session(path, 2).rename("Zoe", "monday/S02")
    with Store.open(path) as store:
        assert choose_student(store, "monday/S02").students == [(2, "S02")]


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def landmarks(path: Path, session: int, label: str) -> list[bytes]:
    with Store.open(path) as store, store.reading() as connection:
        return list(
            connection.exec_driver_sql(
                "SELECT landmarks FROM faces JOIN tracks USING (session_id, track)"
                f" JOIN students USING (session_id, student) WHERE session_id = {session} AND label = '{label}'"
            ).scalars()
        )


def test_a_student_of_one_session(path: Path) -> None:
    before, session = rows(path), Session(path, 1)
    theirs = landmarks(path, 1, "S02")
    assert len(theirs) == 224
    assert all(marker in on_disk(path) for marker in (b"Ben", theirs[0], theirs[-1]))
    do_forget(path, "monday/S02")
    after = rows(path)
    assert not [marker for marker in (b"Ben", *theirs) if marker in on_disk(path)]
    for table in metadata.tables.values():
        if {"session_id", "student"} <= set(table.c.keys()):
            assert not [row for row in after[table.name] if row["session_id"] == 1 and row["student"] == 1]
    assert session.students()["label"].tolist() == ["S01", "S03", "S04", "S05"]
    for name in ("weighted, 30 s", "short"):
        assert set(session.verdicts(name)["label"]) == {"S01", "S03", "S04"}
        assert session.class_verdicts(name)["students"].eq(3).all()
    assert sum(row["faces"] for row in after["frames"] if row["session_id"] == 1) == len(faces_of(after, 1))
    assert [row["faces"] for row in after["segments"] if row["session_id"] == 1] == [
        sum(frame["faces"] for frame in after["frames"] if (frame["session_id"], frame["segment"]) == (1, segment))
        for segment in range(12)
    ]
    # The others are as they were, and the other lesson untouched.
    for name in ("students", "faces"):
        assert [row for row in before[name] if row in after[name]] == after[name]
    assert [row for row in after["tracks"] if row["session_id"] == 2] == [
        row for row in before["tracks"] if row["session_id"] == 2
    ]
    assert [row["name"] for row in after["people"]] == ["Ada Lovelace", "Cem", "Zoe"]
    assert len(after["seats"]) == 2


def faces_of(tables: dict[str, list[dict[str, Any]]], session: int) -> list[dict[str, Any]]:
    return [row for row in tables["faces"] if row["session_id"] == session]


def test_a_person_in_every_session(path: Path) -> None:
    do_forget(path, "Ada Lovelace")
    assert b"Ada" not in on_disk(path)
    for number in (1, 2):
        assert "S01" not in Session(path, number).students()["label"].tolist()
    with Store.open(path) as store:
        assert "Ada Lovelace" not in queries.seats(store, "B12")["name"].tolist()


def test_who_is_in_another_session_keeps_the_name_there(path: Path) -> None:
    do_forget(path, "monday/S01")
    assert Session(path, 2).students()["name"].tolist()[0] == "Ada Lovelace"
    with Store.open(path) as store:
        assert "Ada Lovelace" in queries.seats(store, "B12")["name"].tolist()


def test_corrections_are_settled(path: Path) -> None:
    """What was merged stays merged, names can be changed, and nothing brings the student back."""
    do_forget(path, "monday/S02")
    session = Session(path, 1)
    assert session.corrections()["what"].tolist() == ["forget S02"]
    with pytest.raises(UsageError, match="forget S02 cannot be undone, nor can any earlier correction"):
        session.undo()
    session.rename("S04", "Dan")
    assert session.split("S03", 55) == "S07"
    assert session.students()["name"].dropna().tolist() == ["Ada Lovelace", "Cem", "Dan"]
    assert session.undo().startswith("split S03")
    assert session.undo() == "rename S04 'Dan'"
    do_forget(path, "monday/Cem")
    assert session.corrections()["what"].tolist() == ["forget S02, S03"]
    assert session.students()["label"].tolist() == ["S01", "S04", "S05"]
    assert b"Cem" not in on_disk(path)


def test_roles_of_others_outlive_who_is_forgotten(path: Path) -> None:
    session = Session(path, 1).set_role("S04", "teacher").set_role("S02", "screen").set_role("S05", "student")
    do_forget(path, "monday/S02")
    expected = {"S01": "student", "S03": "student", "S04": "teacher", "S05": "student"}
    assert session.students().set_index("label")["role"].to_dict() == expected
    session.rename("S04", "Dan").split("S01", 30)  # replayed over what was settled
    roles = session.students().set_index("label")["role"].to_dict()
    assert roles == expected | {"S07": "student"}


def test_faces_of_nobody_on_the_seat_go_too(path: Path) -> None:
    with Store.open(path) as store, store.writing() as connection:
        track = "SELECT min(track) FROM tracks WHERE session_id = 1 AND student = 1"
        connection.exec_driver_sql(f"UPDATE tracks SET student = NULL WHERE session_id = 1 AND track = ({track})")
        seats = "SELECT count(*) FROM faces WHERE session_id = 1 AND abs((x1 + x2) / 2 - 250) < 40"
        assert connection.exec_driver_sql(seats).scalar_one() > 200
    do_forget(path, "monday/S02")
    with Store.open(path) as store, store.reading() as connection:
        assert connection.exec_driver_sql(seats).scalar_one() == 0


def test_everybody_can_be_forgotten(path: Path) -> None:
    for label in ("S01", "S02", "S03", "S04", "S05"):
        do_forget(path, f"monday/{label}")
    session = Session(path, 1)
    assert session.students().empty
    assert session.class_verdicts()["verdict"].eq("insufficient").all()
    assert not faces_of(rows(path), 1)


def test_a_session(path: Path) -> None:
    theirs = landmarks(path, 2, "S02")
    with Store.open(path) as store:
        chosen = choose_before(store, "2999-01-01")
        assert list(chosen.sessions) == [1, 2]
        assert not choose_before(store, "2020-01-01")
        assert describe(store, chosen) == "session 1 (monday), session 2 (tuesday)"
        forget(store, type(chosen)(sessions=[2]))
    tables = rows(path)
    for table in metadata.tables.values():
        if "session_id" in table.c and table.name != "audit":
            assert not [row for row in tables[table.name] if row["session_id"] == 2]
    assert not [marker for marker in (b"Zoe", b"tuesday", *theirs) if marker in on_disk(path)]
    assert [row["name"] for row in tables["people"]] == ["Ada Lovelace", "Ben", "Cem"]


def test_what_was_deleted_long_ago_is_cleaned(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM people WHERE name = 'Zoe'")
    connection.close()
    assert b"Zoe" in on_disk(path)
    with Store.open(path) as store:
        clean(store)
        assert b"Zoe" not in on_disk(path)


def test_who_reads_meanwhile_is_in_the_way_and_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sqlite.BUSY_SECONDS", 0.1)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM faces").fetchone()
    with pytest.raises(DatabaseError, match=r"the rows are gone, .* run `classpulse forget --clean`"):
        do_forget(path, "monday/S02")
    assert "S02" not in Session(path, 1).students()["label"].tolist()
    reader.close()
    with Store.open(path) as store:
        clean(store)
        assert b"Ben" not in on_disk(path)


@pytest.mark.parametrize(
    ("who", "message"),
    [
        ("monday/S19", "no student 'S19' in this session"),
        ("Ida", "no person named 'Ida'; name a student of a session as in monday.mp4/S07"),
        ("P99", "no person named 'P99'"),
    ],
)
def test_who_is_not_there(path: Path, who: str, message: str) -> None:
    before = rows(path)
    with pytest.raises(UsageError, match=message):
        do_forget(path, who)
    assert rows(path) == before


def test_a_forgetting_that_breaks_off_leaves_everything_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(path)

    def broken(*arguments: object, **options: object) -> None:
        raise OSError("no more power")

    monkeypatch.setattr("engine.sessions.forgetting.remake", broken)
    with pytest.raises(OSError, match="no more power"):
        do_forget(path, "monday/S02")
    assert rows(path) == before
