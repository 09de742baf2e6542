"""Which shots show the same, and that a student of one view is nobody's of another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tests.tracking.test_shots import A, B
from tracking.camera import IDENTITY
from tracking.identity import students_of_tracks
from tracking.path import CameraPath
from tracking.shots import Shots, unit_layouts
from tracking.tracks import tracks_table
from tracking.views import Views, find_views, students_of_views

Floats = npt.NDArray[np.float64]

#: Three shots of 10 frames a second.
TIMES = np.arange(30) / 10
SHOTS = replace(Shots.one(30), start=np.array([0, 10, 20]))
SEATS = np.array([[100.0, 100.0], [200.0, 110.0], [330.0, 90.0], [420.0, 200.0]])
PAN = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 0.0]])


def faces_at(seats: Floats, size: float = 40) -> Floats:
    return np.hstack([seats - size / 2, seats + size / 2])


def views(layouts: list[Floats], seats: list[Floats], motion: Floats = IDENTITY, shots: Shots = SHOTS) -> Views:
    """Of three shots, each of one layout, and with faces on these seats in each frame."""
    boxes = np.concatenate([faces_at(seats[i // 10]) for i in range(30)])
    frame = np.repeat(np.arange(30), [len(seats[i // 10]) for i in range(30)])
    path = CameraPath.estimate(np.tile(motion, (30, 1, 1)), frame, boxes, starts=SHOTS.start)
    return find_views(TIMES, shots, unit_layouts(np.repeat(layouts, 10, axis=0)), path, frame, boxes)


def test_a_view_returns() -> None:
    found = views([A, B, A], [SEATS, SEATS, SEATS])
    assert found.of_shot.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(found.path.section, np.arange(30) // 10)
    np.testing.assert_array_equal(found.path.to_first, np.tile(IDENTITY, (30, 1, 1)))


def test_the_same_layout_with_faces_in_other_places_is_another_view() -> None:
    others = SEATS[:, ::-1] * 1.7
    assert views([A, B, A], [SEATS, SEATS, others]).of_shot.tolist() == [0, 1, 2]
    # With fewer faces the layout alone tells.
    assert views([A, B, A], [SEATS[:2], SEATS, others[:2]]).of_shot.tolist() == [0, 1, 0]


def test_of_several_views_the_one_that_returns() -> None:
    assert views([A, A, B], [SEATS] * 3).of_shot.tolist() == [0, 0, 1]
    assert views([A, B, B], [SEATS] * 3).of_shot.tolist() == [0, 1, 1]


def test_the_path_goes_on_where_the_view_returned() -> None:
    """The camera pans; when it is back, everybody sits 12 px to the right of where they were in the first frame."""
    found = views([A, B, A], [SEATS, SEATS, SEATS + np.array([12.0, 0.0])], PAN)
    assert found.of_shot.tolist() == [0, 1, 0]
    x = found.path.to_first[:, 0, 2]
    np.testing.assert_allclose(x[:20], [-3 * i for i in range(10)] * 2)
    # The first frame of all is the most similar one: from there it is 12 px back, and on with the pan.
    np.testing.assert_allclose(x[20:], [-12 - 3 * i for i in range(10)])


def test_the_first_clear_frame_of_a_shot_tells_where_it_is() -> None:
    """Two frames of the shot are still in a fade: in the third the camera has panned twice since its first."""
    fading = replace(SHOTS, fading=np.isin(np.arange(30), [20, 21]))
    found = views([A, B, A], [SEATS, SEATS, SEATS + np.array([12.0, 0.0])], PAN, fading)
    assert found.of_shot.tolist() == [0, 1, 0]
    np.testing.assert_allclose(found.path.to_first[20:, 0, 2], [-6 - 3 * i for i in range(10)])


def test_frames_in_a_fade_and_blank_ones_tell_nothing() -> None:
    layouts = np.repeat([A, B, A], 10, axis=0)
    layouts[20:] = 0
    path = CameraPath.unmoved(30)
    nobody = np.empty(0, np.int64), np.empty((0, 4))
    assert find_views(TIMES, SHOTS, unit_layouts(layouts), path, *nobody).of_shot.tolist() == [0, 1, 2]
    fading = replace(SHOTS, fading=np.arange(30) >= 20)
    units = unit_layouts(np.repeat([A, B, A], 10, axis=0))
    assert find_views(TIMES, fading, units, path, *nobody).of_shot.tolist() == [0, 1, 2]


@pytest.fixture
def seated() -> tuple[Floats, npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]]:
    """Four people on the same seats in each of three shots; tracks are numbered shot by shot."""
    frame = np.repeat(np.arange(30), 4)
    return TIMES, frame, np.tile(faces_at(SEATS), (30, 1)), 4 * (frame // 10) + np.tile(np.arange(4), 30)


def test_students_of_one_view_are_nobody_of_another(
    seated: tuple[Floats, npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]],
) -> None:
    tracks = tracks_table(*seated)
    shots = np.arange(3).repeat(4)
    students = students_of_views(tracks, shots, np.array([0, 1, 0]), np.array([20, 10]))
    assert students.student.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3]
    assert sorted(zip(students.link_from.tolist(), students.link_to.tolist(), strict=True)) == [
        (8, 0), (9, 1), (10, 2), (11, 3)
    ]  # fmt: skip
    assert len(students.link_score) == 4
    every = students_of_views(tracks, np.zeros(12, np.int64), np.zeros(1, np.int64), np.array([30]))
    np.testing.assert_array_equal(every.student, students_of_tracks(tracks).student)


def test_students_are_numbered_by_their_first_face() -> None:
    """The first shot shows what the third does; its second student comes after the other view's."""
    frame = np.concatenate([np.arange(20), np.arange(10, 20), np.arange(20, 30)])
    track = np.repeat([0, 1, 2], [20, 10, 10])
    boxes = faces_at(SEATS[np.array([0, 1, 2])])[track]
    tracks = tracks_table(TIMES, frame, boxes, track)
    students = students_of_views(tracks, np.arange(3), np.array([0, 1, 0]), np.array([20, 10]))
    assert students.student.tolist() == [0, 1, 2]


def test_a_view_of_few_frames_needs_few_faces_of_a_student() -> None:
    """Eight faces of somebody who is shown for 8 of 1,000 frames; in all of them it takes 20."""
    frame = np.concatenate([np.arange(992), np.arange(992, 1000)])
    track = np.repeat([0, 1], [992, 8])
    tracks = tracks_table(np.arange(1000) / 5, frame, faces_at(SEATS[:2])[track], track)
    assert students_of_views(tracks, np.arange(2), np.arange(2), np.array([992, 8])).student.tolist() == [0, 1]
    assert students_of_tracks(tracks).student.tolist() == [0, -1]
