from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracking.path import CameraPath
from tracking.static import static_faces

if TYPE_CHECKING:
    from conftest import Followed


def test_posters_are_still_and_students_are_not(lesson_with_posters: Followed) -> None:
    drawn, student = lesson_with_posters.lesson, lesson_with_posters.student
    path = CameraPath.estimate(drawn.motion, drawn.frame, drawn.boxes).to_first
    found = static_faces(drawn.times, drawn.frame, drawn.boxes, drawn.landmarks, student, path=path)
    owner = [np.median(drawn.student[student == one]) for one in range(len(found))]
    assert sum(one < 0 for one in owner) == 2
    assert found.tolist() == [one < 0 for one in owner]


def test_a_poster_that_a_camera_pans_over_is_still() -> None:
    times = np.arange(400) / 5
    motion = np.tile([[1.0, 0.0, 0.7], [0.0, 1.0, 0.0]], (400, 1, 1))
    boxes = np.array([100.0, 100.0, 140.0, 150.0]) + 0.7 * np.arange(400)[:, None] * [1, 0, 1, 0]
    points = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2 + np.array([[-8, -8], [8, -8], [0, 0], [-6, 9], [6, 9]])
    arguments = times, np.arange(400), boxes, points, np.zeros(400, int)
    assert static_faces(*arguments, path=CameraPath.estimate(motion, np.arange(400), boxes).to_first).tolist() == [
        True
    ]
    assert static_faces(*arguments).tolist() == [False]


def test_who_was_seen_for_less_than_a_minute_is_alive() -> None:
    times = np.arange(250) / 5
    boxes = np.tile([100.0, 100.0, 140.0, 150.0], (250, 1))
    assert static_faces(times, np.arange(250), boxes, np.full((250, 5, 2), 120.0), np.zeros(250, int)).tolist() == [
        False
    ]
    assert static_faces([0.0], [], np.empty((0, 4)), np.empty((0, 5, 2)), []).tolist() == []
