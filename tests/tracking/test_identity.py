from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.evaluation import Rows, perfect, score
from classpulse.simulation.motion_truth import lesson
from tracking.identity import faces_of_students, students_of_tracks
from tracking.sort import track
from tracking.tracks import tracks_table

if TYPE_CHECKING:
    from conftest import Followed

Seen = list[tuple[float, float, float, float, int | None]]
LOOKS = np.random.default_rng(0).integers(0, 255, (4, 24)).astype(np.uint8)


def students(spells: Seen, rate: float = 5.0) -> list[int]:
    """Student of each spell (first second, last second, x, y, which of LOOKS), each long enough to be a track."""
    random = np.random.default_rng(1)
    times = np.arange(0, max(last for _, last, *_ in spells) + 1, 1 / rate)
    rows = [
        (frame, spell, x + random.normal(0, 2), y + random.normal(0, 2), -1 if look is None else look)
        for spell, (first, last, x, y, look) in enumerate(spells)
        for frame in np.flatnonzero((times >= first) & (times < last))
    ]
    frame, spell, x, y, look = np.array(sorted(rows)).T
    boxes = np.stack([x - 20, y - 25, x + 20, y + 25], axis=1)
    described = look >= 0
    noise = random.integers(-12, 13, (len(frame), LOOKS.shape[1]))
    descriptors = np.clip(LOOKS[look.astype(int)].astype(int) + noise, 0, 255).astype(np.uint8)
    numbers = track(times, frame.astype(int), boxes)
    table = tracks_table(
        times, frame.astype(int), boxes, numbers, descriptors=descriptors[described], described=described
    )
    student = faces_of_students(frame.astype(int), numbers, students_of_tracks(table).student)
    told = [set(student[spell == k].tolist()) for k in range(len(spells))]
    assert all(len(one) == 1 for one in told)
    return [one.pop() for one in told]


A, B = (100.0, 200.0), (400.0, 200.0)
OTHERS: Seen = [(0, 90, 100 + 150 * i, 500, i % 4) for i in range(8)]


@pytest.mark.parametrize(
    ("spells", "who"),
    [
        pytest.param([(0, 20, *A, 0), (0, 20, *B, 1)], [0, 1], id="two at once are two"),
        pytest.param([(0, 20, *A, None), (24, 40, *A, None)], [0, 0], id="behind the teacher's arm"),
        pytest.param([(0, 20, *A, None), (80, 90, *A, None)], [0, 0], id="head down for a minute"),
        pytest.param([(0, 20, *A, 0), (0, 60, *B, 1), (40, 60, *A, 0)], [0, 1, 0], id="back at the seat"),
        pytest.param([(0, 20, *A, 0), (0, 60, *B, 1), (40, 60, *A, 2)], [0, 1, 2], id="another on the seat"),
        pytest.param([(0, 20, *A, 0), (40, 60, 900.0, 250.0, 2)], [0, 1], id="another elsewhere"),
        pytest.param(
            [(0, 30, *A, 0), (0, 30, *B, 1), (40, 80, *B, 0), (40, 80, *A, 1)], [0, 1, 0, 1], id="seats swapped"
        ),
    ],
)
def test_who_is_who(spells: Seen, who: list[int]) -> None:
    found = students(spells + OTHERS)[: len(spells)]
    names = {student: i for i, student in enumerate(dict.fromkeys(found))}
    assert [names[student] for student in found] == who


def test_faces_of_sizes_without_measure_are_two() -> None:
    """As where a camera's zoom was added up wrongly for an hour."""
    times = np.arange(0, 40, 0.2)
    track = (np.arange(200) >= 100).astype(int)
    size = np.where(track == 1, 40e12, 40.0)
    boxes = np.stack([-size / 2, -size / 2, size / 2, size / 2], axis=1)
    with np.errstate(invalid="raise", divide="raise"):
        found = students_of_tracks(tracks_table(times, np.arange(200), boxes, track))
    assert found.student.tolist() == [0, 1]
    assert not np.isnan(found.link_score).any()


def test_a_face_for_a_moment_is_nobody() -> None:
    assert students([(0, 60, *A, None), (30, 30.7, *B, None)]) == [0, -1]


def test_a_lesson_has_as_many_students_as_there_were(lesson_of_ten: Followed) -> None:
    drawn = lesson_of_ten.lesson
    truth = Rows(drawn.truth_frame, drawn.truth_student, drawn.truth_boxes)
    best = score(truth, perfect(truth, Rows(drawn.frame, drawn.student, drawn.boxes)), hota=False)["IDF1"]
    kept = lesson_of_ten.student >= 0
    found = Rows(drawn.frame[kept], lesson_of_ten.student[kept], drawn.boxes[kept])
    result = score(truth, found, hota=False)
    assert result["ids"] == 10
    assert result["IDF1"] > best - 0.01
    assert len(lesson_of_ten.tracks) > 30  # so there was something to join


def test_links_are_told_with_their_scores(lesson_of_ten: Followed) -> None:
    told = lesson_of_ten.students
    assert len(told.link_score) == len(told.link_from) == len(told.link_to)
    assert (told.link_score >= 1.0).all()
    np.testing.assert_array_equal(told.student[told.link_from], told.student[told.link_to])
    named = told.student[told.student >= 0]
    assert len(told.link_score) >= len(named) - len(set(named))


def test_students_are_numbered_by_their_first_face(lesson_of_ten: Followed) -> None:
    student, drawn = lesson_of_ten.student, lesson_of_ten.lesson
    first = [drawn.frame[student == one].min() for one in range(student.max() + 1)]
    assert first == sorted(first)


def test_of_two_faces_in_one_frame_the_longer_track_keeps_the_student() -> None:
    frame, track = [0, 1, 2, 2, 3], [0, 0, 0, 1, 1]
    assert faces_of_students(frame, track, [7, 7]).tolist() == [7, 7, 7, -1, 7]
    assert faces_of_students(frame, [0, -1, 0, 1, 1], [-1, 3]).tolist() == [-1, -1, -1, 3, 3]


def test_no_faces() -> None:
    table = tracks_table([0.0, 0.2], [], np.empty((0, 4)), [])
    assert len(table) == 0
    assert students_of_tracks(table).student.tolist() == []
    assert faces_of_students([], [], []).tolist() == []


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(1000, 2**20), crowd=st.integers(1, 12))
def test_nobody_is_twice_in_a_frame_and_the_order_of_faces_is_no_matter(seed: int, crowd: int) -> None:
    drawn = lesson(seed, students=crowd, duration=45.0, posters=1)

    def told(rows: np.ndarray) -> np.ndarray:
        faces = drawn.frame[rows], drawn.boxes[rows]
        numbers = track(drawn.times, *faces, drawn.scores[rows], motion=drawn.motion)
        looks, described = drawn.descriptors[rows], drawn.described[rows]
        table = tracks_table(
            drawn.times, *faces, numbers, motion=drawn.motion, descriptors=looks[described], described=described
        )
        return faces_of_students(drawn.frame[rows], numbers, students_of_tracks(table).student)

    student = told(np.arange(len(drawn.frame)))
    kept = np.stack([drawn.frame, student])[:, student >= 0]
    assert len(np.unique(kept, axis=1).T) == len(kept.T)
    assert set(student) - {-1} == set(range(student.max(initial=-1) + 1))
    shuffled = np.random.default_rng(seed).permutation(len(student))
    np.testing.assert_array_equal(told(shuffled), student[shuffled])
