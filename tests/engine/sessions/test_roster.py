"""Names that are kept by seat, and given to who sits there in the next session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Session
from engine.errors import UsageError
from storage import queries
from storage.store import Store
from tests.seated import LABELS, PEOPLE, write_seated

NAMES = {"S01": "Ada", "S02": "Ben", "S03": "Cem", "S04": "Dan"}


@pytest.fixture
def monday(tmp_path: Path) -> Session:
    session = write_seated(tmp_path / "classpulse.db", name="monday").name_students(NAMES)
    assert session.keep_seats("B12") == ["Ada", "Ben", "Cem", "Dan"]
    return session


def write_next(monday: Session, **changes: tuple[int, int, int]) -> Session:
    """The same people in the same database, save for the `changes` of who sits where."""
    people = tuple((who, changes.get(who, seat), span) for who, seat, span in PEOPLE if seat)
    return write_seated(Path(monday.database), people, name="tuesday")


def seats(session: Session, room: str = "B12") -> dict[str, tuple[float, float]]:
    with Store.open(session.database) as store:
        rows = queries.seats(store, room)
    return {row["name"]: (row["x"], row["y"]) for row in rows.to_dict("records")}


def test_seats_are_shares_of_the_picture(monday: Session) -> None:
    assert seats(monday)["Ada"] == pytest.approx((100 / 640, 100 / 480), abs=0.02)
    assert set(seats(monday)) == {"Ada", "Ben", "Cem", "Dan"}
    assert seats(monday, "B13") == {}


def test_names_are_carried_to_the_same_seats(monday: Session) -> None:
    tuesday = write_next(monday)
    carried = tuesday.carry_names("B12")
    assert carried.named == NAMES
    assert (carried.unmatched, carried.unnamed) == ([], ["S06"])  # the poster has no seat
    names = tuesday.students().set_index("label")["name"]
    assert names.dropna().to_dict() == NAMES
    assert tuesday.undo() == "rename S01 'Ada', S02 'Ben', S03 'Cem', S04 'Dan' (roster of B12)"
    assert tuesday.students()["name"].isna().all()
    assert monday.students()["name"].notna().sum() == 4


def test_who_sits_elsewhere_is_not_guessed(monday: Session) -> None:
    carried = write_next(monday, Ada=(330, 420, 50), Ben=(335, 220, 40)).carry_names("B12")
    assert sorted(carried.named.values()) == ["Cem", "Dan"]
    assert carried.unmatched == ["Ada", "Ben"]


def test_names_that_are_there_stay(monday: Session) -> None:
    tuesday = write_next(monday).rename("S01", "Zoe").rename("S02", "Cem")
    carried = tuesday.carry_names("B12")
    assert carried.named == {"S04": "Dan"}
    assert carried.unmatched == ["Ada", "Ben"]  # Cem is somebody here already
    assert carried.unnamed == ["S03", "S06"]


def test_nothing_to_carry_is_no_correction(monday: Session) -> None:
    tuesday = write_next(monday)
    tuesday.carry_names("B12")
    assert tuesday.carry_names("B12").named == {}
    assert len(tuesday.corrections()) == 1


def test_a_new_roster_replaces_the_seats_it_knows(monday: Session) -> None:
    """Ben has changed places, somebody else has Cem's; Ada and Dan are ill."""
    spans = {"Ada": None, "Dan": None}
    people = tuple(
        (who, (330, 420, 50) if who == "Ben" else seat, span) for who, seat, span in PEOPLE if who not in spans
    )
    tuesday = write_seated(Path(monday.database), people, name="tuesday")
    by_place = {round(row["y"] / 20): row["label"] for row in tuesday.students().to_dict("records")}
    tuesday.name_students({by_place[21]: "Ben", by_place[11]: "Zoe"})
    assert sorted(tuesday.keep_seats("B12")) == ["Ben", "Zoe"]
    assert set(seats(tuesday)) == {"Ada", "Ben", "Dan", "Zoe"}
    assert seats(tuesday)["Ben"] == pytest.approx((330 / 640, 420 / 480), abs=0.02)


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (lambda s: s.carry_names("B13"), "room 'B13' has no roster yet; create one with --seat S01=NAME"),
        (lambda s: s.keep_seats("B12"), "no student of session 1 has a name; name some with --seat S01=NAME"),
        (lambda s: s.keep_seats(" "), "invalid room ' ': it is empty; name one"),
        (lambda s: s.keep_seats("B\t12"), "invalid room 'B\\t12': it has characters that cannot be shown"),
        (lambda s: s.keep_seats("B" * 201), "invalid room 'BBBBBBBBBBBBBBBBBBBB'...: it is longer than 200"),
        (lambda s: s.name_students({"S01": "Ada", "S02": "Ada"}), "S02 is named 'Ada' already"),
        (lambda s: s.name_students({"S01": "Ada", "S19": "Ben"}), "no student 'S19'"),
    ],
)
def test_what_a_roster_cannot_do(tmp_path: Path, do: Callable[[Session], object], message: str) -> None:
    session = write_seated(tmp_path / "classpulse.db")
    with pytest.raises(UsageError) as caught:
        do(session)
    assert str(caught.value).startswith(message)
    assert session.students()["name"].isna().all()
    assert len(LABELS) == len(session.students())
