from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.evaluation import Rows, score
from tracking.live import LiveStudents

if TYPE_CHECKING:
    from conftest import Followed


def live(followed: Followed) -> np.ndarray:
    drawn, watching, told = followed.lesson, LiveStudents(), []
    for i, time in enumerate(drawn.times):
        rows = drawn.frame == i
        looks = drawn.descriptors[rows] if drawn.described[rows].any() else None
        told.append(
            watching.update(time, drawn.boxes[rows], drawn.scores[rows], drawn.motion[i] if i else None, looks)
        )
    return np.concatenate(told)


@pytest.fixture(scope="module")
def told(lesson_of_ten: Followed) -> np.ndarray:
    return live(lesson_of_ten)


def test_live_students_are_nearly_as_right_as_those_of_the_whole_session(
    lesson_of_ten: Followed, told: np.ndarray
) -> None:
    drawn = lesson_of_ten.lesson
    truth = Rows(drawn.truth_frame, drawn.truth_student, drawn.truth_boxes)
    result = score(truth, Rows(drawn.frame[told >= 0], told[told >= 0], drawn.boxes[told >= 0]), hota=False)
    assert result["IDF1"] > 0.85
    assert 10 <= result["ids"] <= 13


def test_live_again_says_the_same(lesson_of_ten: Followed, told: np.ndarray) -> None:
    np.testing.assert_array_equal(live(lesson_of_ten), told)


def test_nobody_is_in_two_places(lesson_of_ten: Followed, told: np.ndarray) -> None:
    pairs = np.stack([lesson_of_ten.lesson.frame, told])[:, told >= 0]
    assert len(np.unique(pairs, axis=1).T) == len(pairs.T)


def test_a_student_is_told_after_the_delay_and_kept_over_an_absence() -> None:
    watching = LiveStudents(delay=1.0, min_hits=3)
    seen = [i < 20 or i >= 60 for i in range(80)]
    told = [watching.update(i / 5, [[100, 100, 140, 150]] if seen[i] else []).tolist() for i in range(80)]
    assert told[:5] == [[-1]] * 5
    assert told[5:20] == [[0]] * 15
    assert told[20:60] == [[]] * 40
    assert told[65:] == [[0]] * 15
