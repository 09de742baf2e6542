"""Online labels: as good as they can be without what comes later, and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.evaluation import Rows, score
from tracking.live import LiveStudents

if TYPE_CHECKING:
    from tests.tracking.conftest import Tracked

Indices = npt.NDArray[np.int64]

SEAT = np.array([100.0, 100.0, 140.0, 150.0])
#: One face size to the right, px.
FACE = np.sqrt(40.0 * 50.0) * np.array([1.0, 0.0, 1.0, 0.0])


def live(tracked: Tracked) -> Indices:
    drawn, online, labels = tracked.lesson, LiveStudents(), []
    for i, time in enumerate(drawn.times):
        rows = drawn.frame == i
        descriptors = drawn.descriptors[rows] if drawn.described[rows].any() else None
        labels.append(
            online.update(time, drawn.boxes[rows], drawn.scores[rows], drawn.motion[i] if i else None, descriptors)
        )
    return np.concatenate(labels)


@pytest.fixture(scope="module")
def students(lesson_of_ten: Tracked) -> Indices:
    return live(lesson_of_ten)


def test_live_students_are_nearly_as_good_as_those_of_the_whole_session(
    lesson_of_ten: Tracked, students: Indices
) -> None:
    drawn, known = lesson_of_ten.lesson, students >= 0
    truth = Rows(drawn.truth_frame, drawn.truth_student, drawn.truth_boxes)
    result = score(truth, Rows(drawn.frame[known], students[known], drawn.boxes[known]), hota=False)
    assert result["IDF1"] > 0.85
    assert 10 <= result["ids"] <= 13


def test_live_students_are_the_same_when_run_again(lesson_of_ten: Tracked, students: Indices) -> None:
    np.testing.assert_array_equal(live(lesson_of_ten), students)


def test_no_live_student_is_twice_in_a_frame(lesson_of_ten: Tracked, students: Indices) -> None:
    pairs = np.stack([lesson_of_ten.lesson.frame, students])[:, students >= 0]
    assert len(np.unique(pairs, axis=1).T) == len(pairs.T)


def test_a_face_gets_its_student_after_the_delay_and_again_after_an_absence() -> None:
    online = LiveStudents(delay=1.0, min_hits=3)
    visible = [i < 20 or i >= 60 for i in range(80)]
    labels = [online.update(i / 5, [SEAT] if visible[i] else []).tolist() for i in range(80)]
    assert labels[:5] == [[-1]] * 5
    assert labels[5:20] == [[0]] * 15
    assert labels[20:60] == [[]] * 40
    assert labels[65:] == [[0]] * 15


def test_nobody_after_a_cut_is_a_student_of_before() -> None:
    online = LiveStudents(delay=1.0, min_hits=3)
    labels = []
    for i in range(60):
        if i == 30:
            online.cut()
        visible = i < 45 or i >= 50
        labels.append(online.update(i / 5, [SEAT] if visible else []).tolist())
    assert labels[5:30] == [[0]] * 25
    assert labels[30:35] == [[-1]] * 5  # the track ended, though the box is where it was
    assert labels[35:45] == [[1]] * 10
    assert labels[55:] == [[1]] * 5  # linked within its picture, as ever


def test_a_face_beside_a_student_who_is_still_there_is_another_student() -> None:
    """By place alone it could be the same one, since a head moves by as much; but nobody is in two places."""
    beside = SEAT + 0.9 * FACE
    online = LiveStudents(delay=1.0, min_hits=3)
    labels = [online.update(i / 5, [SEAT] if i < 20 else [SEAT, beside]).tolist() for i in range(60)]
    assert labels[30:] == [[0, 1]] * 30
    moved = LiveStudents(delay=1.0, min_hits=3)
    labels = [moved.update(i / 5, [SEAT] if i < 20 else [beside] if i >= 320 else []).tolist() for i in range(360)]
    assert labels[330:] == [[0]] * 30  # a minute later


def test_a_student_is_expected_at_the_last_place_not_at_the_average_one() -> None:
    """In a minute a student moves over by seven faces, is hidden for 5 s, and is the same one at the new place."""
    online = LiveStudents(delay=1.0, min_hits=3)
    places = [SEAT + min(i / 300, 1.0) * 7 * FACE for i in range(360)]
    labels = [online.update(i / 5, [] if 310 <= i < 335 else [places[i]]).tolist() for i in range(360)]
    assert labels[300:310] == [[0]] * 10
    assert labels[345:] == [[0]] * 15
