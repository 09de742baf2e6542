"""Confirmation: how many faces make a track or a student at rates other than 5 frames a second."""

from __future__ import annotations

import numpy as np
import pytest

from tracking.confirmation import faces_needed, faces_of_student, sampling_interval
from tracking.identity import students_of_tracks
from tracking.sort import track
from tracking.tracks import tracks_table


@pytest.mark.parametrize(
    ("rate", "of_three", "of_five", "of_thirty"),
    [(0.2, 2, 2, 6), (1, 2, 2, 9), (2, 2, 3, 14), (5, 3, 5, 30), (12, 6, 11, 68), (25, 11, 20, 137)],
)
def test_the_more_frames_a_second_the_more_faces_say_the_same(
    rate: float, of_three: int, of_five: int, of_thirty: int
) -> None:
    assert [faces_needed(faces, 1 / rate) for faces in (3, 5, 30)] == [of_three, of_five, of_thirty]


def test_one_face_is_one_face_at_every_rate() -> None:
    assert [faces_needed(1, interval) for interval in (0.01, 0.2, 10.0)] == [1, 1, 1]


def test_a_student_has_two_percent_of_a_lesson_at_every_rate() -> None:
    """Of ten minutes: 30 faces at 5 frames a second, in 6 s; at one frame a second 9."""
    assert faces_of_student(3000, 0.2) == 30
    assert faces_of_student(600, 1.0) == 9
    assert faces_of_student(30, 1.0) == faces_needed(5, 1.0) == 2
    assert faces_of_student(120, 1.0) == faces_needed(12, 1.0) == 4


def test_the_interval_of_a_file_whose_frames_are_uneven_is_that_which_was_asked_for() -> None:
    """Of 24 frames a second, five are 5, 5, 5, 5 and 4 frames apart."""
    times = np.unique(np.ceil(np.arange(0, 60, 0.2) * 24 - 1e-9)) / 24
    assert sampling_interval(times) == pytest.approx(0.2, rel=0.05)
    assert faces_needed(3, sampling_interval(times)) == 3
    assert sampling_interval([3.0]) == sampling_interval([]) == 0.2
    assert sampling_interval([0.0, 1.0, 2.0, 60.0, 61.0]) == pytest.approx(61 / 4)


def test_who_is_seen_three_times_in_six_seconds_is_a_student_at_one_frame_a_second() -> None:
    def found(frames: list[int], rate: float, count: int) -> list[int]:
        times = np.arange(count) / rate
        boxes = np.tile([80.0, 180.0, 120.0, 220.0], (len(frames), 1))
        numbers = track(times, frames, boxes)
        return list(students_of_tracks(tracks_table(times, frames, boxes, numbers)).student[numbers])

    assert found([1, 2, 4], 1.0, 6) == [0, 0, 0]
    assert found([1, 2, 4], 5.0, 30) == [-1, -1, -1]
    assert track(np.arange(25) / 25, range(10), np.tile([80.0, 180.0, 120.0, 220.0], (10, 1))).tolist() == [-1] * 10
