"""Each face is read once a second, wherever it is, and whatever else is in the frame."""

from __future__ import annotations

import numpy as np

from engine.vision.moods.schedule import ReadingSchedule


def boxes(*corners: tuple[float, float], side: float = 40) -> np.ndarray:
    return np.array([(x, y, x + side, y + side) for x, y in corners], np.float32).reshape(-1, 4)


def test_a_face_that_stays_is_read_once_a_second() -> None:
    schedule = ReadingSchedule()
    read = [bool(schedule.due(k / 5, boxes((100, 50)))[0]) for k in range(16)]
    assert [k for k in range(16) if read[k]] == [0, 5, 10, 15]


def test_so_is_each_of_several_from_when_it_came() -> None:
    schedule = ReadingSchedule()
    first = [schedule.due(k / 5, boxes((100, 50))).tolist() for k in range(2)]
    then = [schedule.due(k / 5, boxes((300, 50), (100, 50))).tolist() for k in range(2, 8)]
    assert first == [[True], [False]]
    assert then == [[True, False], [False, False], [False, False], [False, True], [False, False], [True, False]]


def test_a_face_is_known_by_its_place_within_seven_tenths_of_its_size() -> None:
    for shift, read in ((27.0, False), (29.0, True)):
        schedule = ReadingSchedule()
        schedule.due(0.0, boxes((100, 50)))
        assert schedule.due(0.2, boxes((100 + shift, 50))).tolist() == [read]


def test_frames_without_faces_and_seldom_frames() -> None:
    schedule = ReadingSchedule()
    assert schedule.due(0.0, boxes()).tolist() == []
    assert [schedule.due(float(k), boxes((5, 5))).tolist() for k in range(3)] == [[True]] * 3
