"""Who did not consent is left out: of an analysis from the start, or of a session afterwards."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import Session, Settings, analyze
from engine.errors import UsageError
from engine.sessions.excluding import squares
from engine.sessions.forgetting import exclude_student
from storage import queries
from storage.store import Store
from tests.drawn import SETTINGS, rows
from tests.seated import HEIGHT, WIDTH, write_seated


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "classpulse.db"
    session = write_seated(path, name="monday").name_students({"S01": "Ada", "S02": "Ben"})
    session.keep_seats("B12")
    return path


def seat(path: Path, session: int, label: str) -> np.ndarray:
    students = Session(path, session).students().set_index("label")
    return students.loc[label, ["x", "y", "size"]].to_numpy(float)


def test_faces_on_the_seat_are_never_measured(analysed: Session, recording: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(analysed.database, tmp_path / "classpulse.db"))
    session = analyze(recording, path, settings=SETTINGS, exclude=["1/S02"])
    with Store.open(path) as store:
        (square,) = queries.excluded(store, session.session_id)[["x", "y", "size"]].to_numpy()
        assert Settings.from_json(session.info()["settings"]).exclude == (tuple(square),)
    assert square == pytest.approx(seat(path, 1, "S02") * [1, 1, 3], abs=0.06)
    before, after = analysed.faces(), session.faces()
    middle = (before[["x1", "y1"]].to_numpy() + before[["x2", "y2"]].to_numpy()) / 2
    there = (np.abs(middle - square[:2]) <= square[2] / 2).all(axis=1)
    assert 0.2 < there.mean() < 0.3  # one of four
    measured = ["pts", "x1", "y1", "x2", "y2", "score", "happy", "angry", "quality"]
    assert after[measured].equals(before.loc[~there, measured].reset_index(drop=True))
    assert len(session.students()) == len(analysed.students()) - 1
    with Store.open(path) as store:
        assert queries.frames(store, session.session_id)["faces"].sum() == len(after)
    assert analyze(recording, path, settings=SETTINGS, exclude=["1/S02"]).was_done
    with pytest.raises(
        UsageError, match="a student was excluded from session 2 of this recording; add --exclude 2"
    ):
        analyze(recording, path, settings=dataclasses.replace(SETTINGS, min_face=41.0))


def test_afterwards(path: Path) -> None:
    with Store.open(path) as store:
        assert exclude_student(store, 1, "Ben") == "S02"
        (row,) = queries.excluded(store, 1).to_dict("records")
        assert queries.seats(store, "B12")["name"].tolist() == ["Ada", "Ben"]  # to be left out the next time
        assert squares(store, ["1"], WIDTH, HEIGHT) == [(row["x"], row["y"], row["size"])]
    assert row["size"] == pytest.approx(120, abs=5)
    assert (row["x"], row["y"]) == pytest.approx((250, 160), abs=10)
    assert "S02" not in Session(path, 1).students()["label"].tolist()


def test_who_is_in_no_roster_loses_the_name(path: Path) -> None:
    write_seated(path, name="tuesday").rename("S03", "Cem")
    with Store.open(path) as store:
        exclude_student(store, 2, "Cem")
    assert [row["name"] for row in rows(path)["people"]] == ["Ada", "Ben"]


def test_what_can_be_named(path: Path) -> None:
    x, y, size = seat(path, 1, "S01")
    with Store.open(path) as store:
        assert squares(store, ["100,50.25,30"], WIDTH, HEIGHT) == [(100, 50.2, 30)]
        for who in ("Ada@B12", "monday/S01", "1/Ada"):
            assert squares(store, [who], WIDTH, HEIGHT)[0] == pytest.approx((x, y, 3 * size), abs=0.2)
            assert squares(store, [who], 2 * WIDTH, 3 * HEIGHT)[0] == pytest.approx(
                (2 * x, 3 * y, 9 * size), abs=0.4
            )


@pytest.mark.parametrize(
    ("who", "message"),
    [
        ("Ada@B13", "no seat of 'Ada' in the roster of 'B13'; see `classpulse roster --room`"),
        ("Zoe@B12", "no seat of 'Zoe' in the roster of 'B12'"),
        ("monday/S19", "no student 'S19' in this session"),
        ("monday", "no student was excluded from session 1; name one as in monday/S07"),
    ],
)
def test_what_cannot(path: Path, who: str, message: str) -> None:
    with Store.open(path) as store, pytest.raises(UsageError, match=message):
        squares(store, [who], WIDTH, HEIGHT)


@pytest.mark.parametrize("square", [(1.0, 2.0), (1.0, 2.0, 0.0), (1.0, float("nan"), 3.0)])
def test_squares_that_cannot_be(square: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError, match=r"exclude is .* it must be squares of x, y and a side above 0 px"):
        Settings(exclude=(square,))
