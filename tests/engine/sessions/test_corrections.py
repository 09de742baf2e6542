"""Manual identity corrections of a stored session: judged again, undone, as a whole."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine import Session, analyze
from engine.errors import UsageError
from engine.sessions import corrections
from engine.sessions.judgements import judge
from tests.drawn import SETTINGS, rows
from tests.seated import LABELS, write_seated

#: What depends on who is who.
MADE = ("faces", "tracks", "students", "judgements", "student_windows", "class_windows")


@pytest.fixture(scope="module")
def seated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seated") / "classpulse.db"
    write_seated(path).judge("short", window=10, strategy="sum")
    return path


@pytest.fixture
def session(seated: Path, tmp_path: Path) -> Session:
    return Session(shutil.copy(seated, tmp_path / "classpulse.db"), 1)


def made(session: Session) -> dict[str, list[dict[str, object]]]:
    return {name: table for name, table in rows(Path(session.database)).items() if name in MADE}


def labels(session: Session) -> list[str]:
    return session.students()["label"].tolist()


def seen(session: Session, label: str) -> tuple[float, float, int]:
    students = session.students().set_index("label")
    first, last, tracks = (students[name].to_dict()[label] for name in ("first", "last", "tracks"))
    return first, last, tracks


# -- what following finds


def test_who_is_found(session: Session) -> None:
    students = session.students().set_index("label")
    assert students.index.tolist() == list(LABELS)
    assert students.index[students["static"]].tolist() == ["S05"]
    assert seen(session, "S02") == (0, 119.5, 2)
    assert students["weakest_link"].notna().tolist() == [label in ("S02", "S04") for label in LABELS]
    assert students["weakest_link"].dropna().between(0.9, 1).all()
    assert session.health() == {
        "students": 5,
        "reidentified": 2,
        "uncertain": 2,
        "unassigned": 0,
        "teachers": 0,
        "pictures": 1,
    }


def test_a_poster_is_not_in_class(session: Session) -> None:
    assert set(session.verdicts()["label"]) == set(LABELS) - {"S05"}
    assert session.class_verdicts()["students"].eq(5).all()
    assert session.faces()["label"].eq("S05").sum() == 240  # and yet its faces are there, and say whose they are


def test_seats(session: Session) -> None:
    seats = {row.label: (row.x, row.y, row.size) for row in session.students().itertuples()}
    for label, (x, y, size) in {"S01": (100, 100, 40), "S05": (100, 440, 40), "S06": (560, 360, 60)}.items():
        assert seats[label] == pytest.approx((x, y, size), abs=10)


# -- corrections


def test_merge(session: Session) -> None:
    session.merge("S06", "S03")
    assert labels(session) == ["S01", "S02", "S03", "S04", "S05"]
    assert seen(session, "S03") == (0, 119.5, 2)
    assert set(session.judgements()["name"]) == {"weighted, 30 s", "short"}
    for name in ("weighted, 30 s", "short"):
        assert set(session.verdicts(name)["label"]) == {"S01", "S02", "S03", "S04"}
        assert session.class_verdicts(name)["students"].eq(4).all()
    assert session.health()["reidentified"] == 3


def test_split_between_tracks(session: Session) -> None:
    assert session.split("S04", 60) == "S07"
    assert (seen(session, "S04"), seen(session, "S07")) == ((0, 54.5, 1), (62, 119.5, 1))
    assert session.students()["weakest_link"].notna().sum() == 1  # the link of the two is gone


def test_split_within_a_track(session: Session) -> None:
    assert session.split("S01", 30) == "S07"
    assert (seen(session, "S01"), seen(session, "S07")) == ((0, 29.5, 1), (30, 119.5, 1))
    verdicts = session.verdicts("short").set_index(["label", "window"])["faces"]
    assert (verdicts["S01", 2], verdicts["S01", 3], verdicts["S07", 2], verdicts["S07", 3]) == (20, 0, 0, 20)


def test_names_stay_with_their_students(session: Session) -> None:
    session.rename("S06", "Cem").rename("S04", "Dan").merge("S03", "Cem")
    session.split("Dan", 60)
    session.rename("S07", "Eve").rename("S01", "Ada ")
    names = session.students().set_index("label")["name"]
    assert names.dropna().to_dict() == {"S01": "Ada", "S03": "Cem", "S04": "Dan", "S07": "Eve"}
    assert session.rename("Ada", "").students()["name"].notna().sum() == 3


def test_a_teacher_is_not_judged(session: Session) -> None:
    before, whole = session.verdicts("short"), session.class_verdicts("short")
    session.set_role("S02", "teacher")
    assert session.students().set_index("label")["role"].to_dict() == {
        "S01": "student", "S02": "teacher", "S03": "student", "S04": "student", "S05": "picture", "S06": "student"
    }  # fmt: skip
    for name in ("weighted, 30 s", "short"):
        assert set(session.verdicts(name)["label"]) == set(LABELS) - {"S02", "S05"}
        assert session.class_verdicts(name)["students"].eq(4).all()
    assert session.class_verdicts("short")["faces"].sum() == whole["faces"].sum() - 224  # those of S02
    assert set(session.phase_verdicts()["label"]) <= {"S01", "S03", "S04", "S06"}
    assert session.health()["teachers"] == 1
    assert pd.isna(session.students().set_index("label")["area"]["S02"])
    assert session.faces()["label"].eq("S02").sum() == 224  # still known, and whose they are
    assert session.corrections()["what"].tolist() == ["role S02 teacher"]
    assert session.undo() == "role S02 teacher"
    assert session.verdicts("short").equals(before)


def test_a_person_knows_better_than_a_face_that_does_not_move(session: Session) -> None:
    session.set_role("S05", "student")
    assert session.class_verdicts()["students"].eq(6).all()
    assert session.students().set_index("label")["static"]["S05"]  # as measured, all the same
    session.split("S05", 60)
    roles = session.students().set_index("label")["role"]
    assert (roles["S05"], roles["S07"]) == ("student", "picture")  # another person, of whom nobody said anything


@pytest.mark.parametrize(
    ("roles", "merged"),
    [
        ({"S06": "teacher"}, "teacher"),
        ({"S03": "teacher"}, "teacher"),
        ({"S03": "screen", "S06": "teacher"}, "screen"),
        ({}, "student"),
    ],
)
def test_who_is_merged_keeps_the_role_that_was_given(session: Session, roles: dict[str, str], merged: str) -> None:
    for label, role in roles.items():
        session.set_role(label, role)
    session.merge("S06", "S03")
    assert session.students().set_index("label")["role"]["S03"] == merged


def test_a_role_is_confirmed_once(session: Session) -> None:
    session.set_role("S03", "student")
    with pytest.raises(UsageError, match="S03 has the role student already"):
        session.set_role("S03", "student")
    assert session.set_role("S03", "teacher").students().set_index("label")["role"]["S03"] == "teacher"
    with pytest.raises(UsageError, match="invalid role 'dean'; use student, teacher, picture or screen"):
        session.set_role("S03", "dean")


def test_undo_goes_back_the_way_it_came(session: Session) -> None:
    states = [made(session)]
    for correction in (
        lambda: session.split("S01", 30),
        lambda: session.rename("S07", "Zoe"),
        lambda: session.merge("S03", "S06"),
        lambda: session.split("S07", 62.5),
        lambda: session.rename("S03", "Cem"),
    ):
        correction()
        states.append(made(session))
    expected = ["rename S03 'Cem'", "split S07 at 1:02.5, later S08", "merge S03 S06", "rename S07 'Zoe'"]
    for what, before in zip([*expected, "split S01 at 0:30, later S07"], states[-2::-1], strict=True):
        assert session.undo() == what
        assert made(session) == before
    with pytest.raises(UsageError, match="session 1 has no correction to undo"):
        session.undo()
    corrections = session.corrections()
    assert corrections["correction"].tolist() == [1, 2, 3, 4, 5]
    assert corrections["undone"].notna().all()


def test_no_label_is_given_twice(session: Session) -> None:
    assert session.split("S01", 30) == "S07"
    session.undo()
    assert session.split("S02", 30) == "S08"
    session.merge("S02", "S08")
    assert session.split("S02", 30) == "S09"


def test_judgements_keep_their_number_settings_and_order(session: Session) -> None:
    before = session.judgements()
    session.merge("S03", "S06")
    after = session.judgements()
    assert after.equals(before)
    assert len(session.class_verdicts()) == 12  # of the latest, the short one


def test_only_what_a_correction_says_changes(session: Session) -> None:
    before = made(session)
    session.rename("S01", "Ada")
    after = made(session)
    assert after.pop("students") != before.pop("students")
    assert after == before


@pytest.mark.parametrize(
    ("correction", "message"),
    [
        (
            lambda s: s.merge("S01", "S02"),
            "S01 and S02 both have faces at 0:00 (224 frames in all), so they are two people",
        ),
        (lambda s: s.merge("S02", "S06"), "S02 and S06 both have faces at 1:00 (120 frames in all)"),
        (lambda s: s.merge("S03", "S03"), "S03 cannot be merged with itself"),
        (
            lambda s: s.merge("S03", "S19"),
            "no student 'S19' in this session; there are S01, S02, S03, S04, S05, S06",
        ),
        (lambda s: s.split("S06", 30), "S06 has faces from 1:00 to 1:59.5; choose a time in between"),
        (lambda s: s.split("S06", 60), "S06 has faces from 1:00"),
        (lambda s: s.split("S06", 119.6), "S06 has faces from 1:00"),
        (lambda s: s.split("S06", float("nan")), "S06 has faces from 1:00"),
        (lambda s: s.rename("Ida", "Ada"), "no student 'Ida'"),
        (lambda s: s.rename("S01", "S02"), "invalid name 'S02': it reads like a label; choose another name"),
        (lambda s: s.undo(), "session 1 has no correction to undo"),
    ],
)
def test_what_cannot_be_corrected(session: Session, correction: Callable[[Session], object], message: str) -> None:
    before = rows(Path(session.database))
    with pytest.raises(UsageError) as caught:
        correction(session)
    assert str(caught.value).startswith(message)
    assert caught.value.exit_status == 2
    assert rows(Path(session.database)) == before


def test_a_name_belongs_to_one(session: Session) -> None:
    session.rename("S01", "Ada")
    with pytest.raises(UsageError, match="S01 is named 'Ada' already; if they are one person, merge S01 S02"):
        session.rename("S02", "Ada")
    session.rename("S01", "Ada")  # itself may be called so again


def test_a_correction_that_breaks_off_leaves_everything_as_it_was(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The students are replaced, and one of two judgements is made, when it breaks."""
    before = rows(Path(session.database))
    calls = 0

    def broken(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError("no more power")
        judge(*arguments)

    monkeypatch.setattr(corrections, "judge", broken)
    with pytest.raises(OSError, match="no more power"):
        session.merge("S03", "S06")
    assert rows(Path(session.database)) == before
    monkeypatch.undo()
    assert labels(session.merge("S03", "S06")) == ["S01", "S02", "S03", "S04", "S05"]


def test_following_otherwise_would_lose_corrections(analysed: Session, recording: Path, tmp_path: Path) -> None:
    database = Path(shutil.copy(analysed.database, tmp_path / "classpulse.db"))
    session = Session(database, 1).rename("S01", "Ada")
    before = rows(database)
    with pytest.raises(
        UsageError, match=r"session 1 was corrected by a person; .* or make a second session with --again"
    ):
        analyze(recording, database, settings=dataclasses.replace(SETTINGS, min_hits=1))
    assert rows(database) == before
    assert analyze(recording, database, settings=SETTINGS).was_done
    session.undo()
    analyze(recording, database, settings=dataclasses.replace(SETTINGS, min_hits=1))
