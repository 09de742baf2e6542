"""Why a session has no students, and what would help."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import Session, analyze, find
from engine.settings import Settings
from storage.store import Store
from tests.drawn import SETTINGS
from tests.engine.synthetic import write_video
from tests.seated import write_seated

PEOPLE = tuple((f"P{place}", (100 + 150 * place, 200, 40), (0, 60)) for place in range(3))


def changed(path: Path, *statements: str) -> Session:
    """The seated lesson without students, and with these changes."""
    write_seated(path, PEOPLE)
    with Store.open(path) as store, store.writing() as connection:
        without = ("UPDATE faces SET track = NULL", "UPDATE tracks SET student = NULL", "DELETE FROM students")
        for statement in (*without, *statements):
            connection.exec_driver_sql(statement)
    return find(1, path)


def test_a_session_with_students_needs_no_reason(tmp_path: Path) -> None:
    assert write_seated(tmp_path / "db", PEOPLE).why_no_students() is None


def plain(folder: Path, frames: int) -> Path:
    images = [np.full((180, 320, 3), (96, 104, 110), np.uint8)] * frames
    return write_video(folder / "plain.mp4", range(frames), images=images, time_base=Fraction(1))


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (
            4,
            "no face was detected in 4 frames; faces under 20 px are not looked for: try a lower --min-face, "
            "or --scan full",
        ),
        (
            1,
            "only 1 frame was analysed (5 frames a second), and a track needs 3; use a higher --sample-rate, "
            "or a lower --min-hits",
        ),
    ],
)
def test_nothing_in_the_picture(tmp_path: Path, frames: int, reason: str) -> None:
    session = analyze(plain(tmp_path, frames), tmp_path / "db")
    assert session.why_no_students() == f"No students: {reason}"


LARGE = (
    "No students: 360 faces were detected, the largest 40 px high, but none in 2 consecutive frames (2 frames a "
    "second); use a higher --sample-rate, or a lower --min-hits"
)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ((), LARGE),
        (
            ("UPDATE faces SET y2 = y1 + 17.6",),
            "No students: 360 faces were detected, the largest 18 px high, too small for a track; record closer "
            "or in a higher resolution",
        ),
        (("UPDATE frames SET blockiness = 1.49",), LARGE),
        (("UPDATE frames SET blockiness = CASE WHEN time < 50 THEN 1.62 ELSE 1.0 END",), LARGE),
        (
            ("UPDATE frames SET blockiness = CASE WHEN time < 70 THEN 1.62 ELSE 1.0 END",),
            f"{LARGE}; the picture is too compressed (blockiness 1.6): analyse the camera's own recording",
        ),
    ],
)
def test_faces_that_nobody_follows(tmp_path: Path, statements: tuple[str, ...], reason: str) -> None:
    assert changed(tmp_path / "db", *statements).why_no_students() == reason


def test_posters_alone(tmp_path: Path) -> None:
    session = write_seated(tmp_path / "db", (("poster", (100, 440, 40), (0, 120)),))
    assert session.why_no_students() == (
        "No students: all that was tracked does not move, as posters and screens (1) do not"
    )


def test_a_class_alone_is_not_called_empty(recording: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, aggregate_only=True)
    assert analyze(recording, tmp_path / "db", settings=settings).why_no_students() is None


def blocks(image: np.ndarray) -> np.ndarray:
    """The picture in flat blocks of 8 px, but for a little noise."""
    flat = image[::8, ::8].repeat(8, 0).repeat(8, 1)
    return (flat + np.random.default_rng(1).integers(0, 3, flat.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("change", "warned"), [(blocks, True), (lambda image: image, False)])
def test_a_picture_that_is_too_compressed_is_a_warning(
    tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], warned: bool
) -> None:
    rng = np.random.default_rng(0)
    texture = cv2.resize(
        rng.integers(40, 200, (30, 40)).astype(np.uint8), (320, 240), interpolation=cv2.INTER_CUBIC
    )
    image = np.repeat(texture[..., None], 3, axis=2)
    options = {"crf": "1", "g": "1"}
    video = write_video(
        tmp_path / "a.mp4", range(4), images=[change(image)] * 4, time_base=Fraction(1), options=options
    )
    session = analyze(video, tmp_path / "db", settings=Settings(min_face=60))
    told = [warning for warning in session.warnings if "too compressed" in warning]
    assert len(told) == int(warned)
    assert all("a.mp4: the picture is too compressed (blockiness " in warning for warning in told)
    assert ("too compressed" in (session.why_no_students() or "")) is warned
