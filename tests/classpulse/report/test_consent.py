"""Who did not consent is shown in no picture, also after the camera moved in a way that could not be measured."""

from __future__ import annotations

import base64
import dataclasses
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from classpulse.report import page
from classpulse.report.annotating import Annotator
from classpulse.report.clip import annotate
from engine import Session
from engine.sessions.forgetting import exclude_student
from engine.sessions.tracking import Rows, track_session
from engine.vision.sources.video import Video
from storage.store import Store
from tests.panned import (
    DURATION,
    FOURTH,
    PAN,
    PAN_AT,
    RATE,
    SEATS,
    SETTINGS,
    SIZE,
    contrast,
    picture,
    write_panned,
)
from tests.pictures import Image, decoded

#: The excluded student, and one who is not.
OUT, OTHER = "S02", "S03"
SHOWN, UNRECOGNISABLE = 80.0, 20.0


@pytest.fixture(params=["path stored by tracking", "database of an older version, which has no path"])
def excluded(request: pytest.FixtureRequest, tmp_path: Path) -> Session:
    """The panned lesson, from which two of four were excluded after it was analysed: too few to tell the pan."""
    session = write_panned(tmp_path)
    assert session.students()["label"].tolist() == list(SEATS)
    if "older" in request.param:
        with sqlite3.connect(session.database) as connection:
            connection.execute(
                "UPDATE frames SET path_a = NULL, path_b = NULL, path_x = NULL, path_y = NULL, path_section = NULL"
            )
    with Store.open(session.database) as store:
        for label in (FOURTH, OUT):
            exclude_student(store, session.session_id, label)
    return session


def test_the_faces_show_that_the_lesson_is_as_the_tests_mean_it() -> None:
    for time in (1.0, PAN_AT + 0.1, DURATION - 0.1):
        assert contrast(picture(time), OUT, time) > SHOWN


def test_tracking_stores_the_pan_that_only_the_faces_show(excluded: Session) -> None:
    with Store.open(excluded.database) as store:
        path = Rows.read(store, excluded.session_id).path
    times = excluded.frames()["time"].to_numpy()
    shift = np.where(times > PAN_AT, -PAN, 0)
    np.testing.assert_allclose(path.to_first[:, 0, 2], shift, atol=1e-3)
    assert path.section.tolist() == (times > PAN_AT).astype(int).tolist()


def test_an_annotated_clip_shows_the_excluded_face_in_no_frame_and_the_others_in_every_one(
    excluded: Session, tmp_path: Path
) -> None:
    written = annotate(excluded, tmp_path / "out.mp4")
    assert written == DURATION * RATE
    with Video(tmp_path / "out.mp4") as video:
        for frame in video.frames(None):
            assert contrast(frame.image, OUT, frame.time) < UNRECOGNISABLE, frame.time
            assert contrast(frame.image, OTHER, frame.time) > SHOWN, frame.time


def test_while_the_camera_jumps_the_square_covers_both_places(excluded: Session) -> None:
    image = picture(PAN_AT - 0.05)
    Annotator(excluded).draw(image, PAN_AT - 0.05)
    assert contrast(image, OUT, PAN_AT - 0.05) < UNRECOGNISABLE
    image = picture(PAN_AT + 0.05)
    Annotator(excluded).draw(image, PAN_AT + 0.05)
    assert contrast(image, OUT, PAN_AT + 0.05) < UNRECOGNISABLE


def test_the_picture_behind_the_seats_shows_nothing_of_a_face_larger_than_all_that_are_kept(
    excluded: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture is made so coarse that the largest face that is stored cannot be told: an excluded one is not."""
    seen: list[Image] = []

    def as_it_is(image: Image, _: float) -> Image:
        seen.append(image)
        return image

    monkeypatch.setattr("classpulse.report.backdrop.coarse", as_it_is)
    for time in (1.0, PAN_AT + 1.1):
        with sqlite3.connect(excluded.database) as connection:  # the fullest frame is the one that is shown
            connection.execute(
                "UPDATE frames SET faces = CASE WHEN abs(time - ?) < 0.01 THEN 9 ELSE 2 END", (time,)
            )
        html = page.section("seats", excluded, picture=True)
        assert contrast(seen[-1], OUT, time) < UNRECOGNISABLE
        assert contrast(seen[-1], OTHER, time) > SHOWN
        address = re.search(r'<image href="data:image/png;base64,([^"]+)"', html)
        assert address
        shown = decoded(base64.b64decode(address[1]))
        assert contrast(shown, OUT, time) < UNRECOGNISABLE


def test_tracking_anew_keeps_the_path_that_all_faces_told(excluded: Session) -> None:
    with Store.open(excluded.database) as store:
        before = Rows.read(store, excluded.session_id).path.columns()
        track_session(store, excluded.session_id, dataclasses.replace(SETTINGS, min_hits=2))
        after = Rows.read(store, excluded.session_id).path.columns()
    assert before["path_x"][-1] == -PAN
    for name, column in before.items():
        np.testing.assert_array_equal(after[name], column)


def test_a_seat_that_is_excluded_from_the_start_has_no_face_after_a_pan_either(tmp_path: Path) -> None:
    """Detection knows where the seat is in the first frame, and not what the camera did since."""
    x, y = SEATS[OUT]
    session = write_panned(tmp_path, excluded=(x, y, 2.0 * SIZE))
    places = session.students()[["x", "y"]].to_numpy()
    np.testing.assert_allclose(places, [SEATS["S01"], SEATS["S03"], SEATS[FOURTH]], atol=0.1)
    faces = session.faces()
    middle = (faces["x1"] + faces["x2"]) / 2 + np.where(faces["time"] > PAN_AT, -PAN, 0)
    assert np.abs(middle - x).min() > SIZE
    assert session.frames()["faces"].sum() == len(faces) == 3 * len(session.frames())
    image = picture(PAN_AT + 1)
    Annotator(session).draw(image, PAN_AT + 1)
    assert contrast(image, OUT, PAN_AT + 1) < UNRECOGNISABLE
