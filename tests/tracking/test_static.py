"""Static faces: posters against the background, and how much a person must move to be none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from tracking.path import CameraPath
from tracking.static import static_faces

if TYPE_CHECKING:
    from tests.tracking.conftest import Tracked

BOX = np.array([100.0, 100.0, 140.0, 140.0])
#: Eyes, nose and corners of the mouth of BOX.
LANDMARKS = np.array([120.0, 120.0]) + np.array([[-8, -8], [8, -8], [0, 0], [-6, 9], [6, 9]])


def is_static(shift: npt.ArrayLike, faces: int = 50, sway: float = 0.0, scale: float = 1.0) -> bool:
    """Whether a face of 40 px is static that has `shift` (k,) px to the right, in k intervals of `faces` faces.

    It goes `sway` px to the left and right of there, and is in a picture that is `scale` times as large.
    """
    shift = np.asarray(shift, np.float64)
    times = (10.0 * np.arange(len(shift))[:, None] + np.arange(faces) / 5).ravel()
    swaying = np.tile(sway * np.array([-1.0, 0.0, 1.0]), len(times))[: len(times)]
    sideways = (np.repeat(shift, faces) + swaying)[:, None] * [1.0, 0.0]
    boxes = scale * (BOX + np.hstack([sideways, sideways]))
    points = scale * (LANDMARKS + sideways[:, None])
    static = static_faces(times, np.arange(len(times)), boxes, points, np.zeros(len(times), int))
    assert static.shape == (1,)
    return bool(static[0])


def test_posters_are_static_and_students_are_not(lesson_with_posters: Tracked) -> None:
    drawn, student = lesson_with_posters.lesson, lesson_with_posters.student
    path = CameraPath.estimate(drawn.motion, drawn.frame, drawn.boxes).to_first
    static = static_faces(drawn.times, drawn.frame, drawn.boxes, drawn.landmarks, student, path=path)
    owner = [np.median(drawn.student[student == number]) for number in range(len(static))]
    assert sum(number < 0 for number in owner) == 2
    assert static.tolist() == [number < 0 for number in owner]


def test_a_poster_that_a_camera_pans_over_is_static() -> None:
    times = np.arange(400) / 5
    motion = np.tile([[1.0, 0.0, 0.7], [0.0, 1.0, 0.0]], (400, 1, 1))
    boxes = np.array([100.0, 100.0, 140.0, 150.0]) + 0.7 * np.arange(400)[:, None] * [1, 0, 1, 0]
    points = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2 + np.array([[-8, -8], [8, -8], [0, 0], [-6, 9], [6, 9]])
    arguments = times, np.arange(400), boxes, points, np.zeros(400, int)
    path = CameraPath.estimate(motion, np.arange(400), boxes).to_first
    assert static_faces(*arguments, path=path).tolist() == [True]
    assert static_faces(*arguments).tolist() == [False]


def test_a_face_of_less_than_a_minute_is_alive() -> None:
    assert is_static([0.0] * 6)
    assert not is_static([0.0] * 5)


def test_an_interval_of_fewer_than_ten_faces_does_not_count() -> None:
    assert is_static([0.0] * 6, faces=10)
    assert not is_static([0.0] * 6, faces=9)


def test_no_faces_are_not_static() -> None:
    assert static_faces([0.0], [], np.empty((0, 4)), np.empty((0, 5, 2)), []).tolist() == []


@pytest.mark.parametrize(("movement", "static"), [(3.9, True), (4.0, False)])
def test_a_movement_of_a_tenth_of_a_face_is_that_of_a_person(movement: float, static: bool) -> None:
    assert is_static([0.0, movement] * 4) is static


def test_a_person_who_sits_still_in_eight_of_ten_intervals_is_alive() -> None:
    seldom = np.cumsum([0, 0, 0, 0, 20, 0, 0, 0, 0, 20, 0])
    assert not is_static(seldom)
    once = np.cumsum([0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0])
    assert is_static(once)  # one in eleven: the poster was hung elsewhere


@pytest.mark.parametrize(("sway", "static"), [(1.95, True), (2.05, False)])
def test_who_comes_back_to_the_same_place_but_sways_is_alive(sway: float, static: bool) -> None:
    """Two of three faces are a twentieth of 40 px from the middle: that is their median."""
    assert is_static([0.0] * 12, faces=48, sway=sway) is static


@pytest.mark.parametrize(("scale", "static"), [(0.61, True), (0.59, False)])
def test_of_a_face_under_24_px_it_cannot_be_told(scale: float, static: bool) -> None:
    assert is_static([0.0] * 12, scale=scale) is static
