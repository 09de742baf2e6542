"""Re-identification: which tracks are one student, how their links are scored, and whose each face is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st
from scipy.stats import norm

from benchmarks.evaluation import Rows, perfect, score
from classpulse.simulation.motion_truth import lesson
from tracking.identity import (
    LinkPrior,
    TrackletClusters,
    faces_of_students,
    link_scores,
    students_of_shots,
    students_of_tracks,
)
from tracking.similarity import AppearanceSimilarity
from tracking.sort import track
from tracking.tracks import Tracks, tracks_table

if TYPE_CHECKING:
    from tests.tracking.conftest import Tracked

Indices = npt.NDArray[np.int64]
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
def test_tracks_of_one_person_become_one_student(spells: Seen, who: list[int]) -> None:
    found = students(spells + OTHERS)[: len(spells)]
    names = {student: i for i, student in enumerate(dict.fromkeys(found))}
    assert [names[student] for student in found] == who


def test_sizes_a_trillion_times_apart_are_two_students_without_a_warning() -> None:
    """As where a camera's zoom was added up wrongly for an hour."""
    times = np.arange(0, 40, 0.2)
    track = (np.arange(200) >= 100).astype(int)
    size = np.where(track == 1, 40e12, 40.0)
    boxes = np.stack([-size / 2, -size / 2, size / 2, size / 2], axis=1)
    with np.errstate(invalid="raise", divide="raise"):
        found = students_of_tracks(tracks_table(times, np.arange(200), boxes, track))
    assert found.student.tolist() == [0, 1]
    assert not np.isnan(found.link_score).any()


def test_a_track_of_a_moment_is_no_student() -> None:
    assert students([(0, 60, *A, None), (30, 30.7, *B, None)]) == [0, -1]


def test_a_lesson_of_ten_has_ten_students(lesson_of_ten: Tracked) -> None:
    drawn = lesson_of_ten.lesson
    truth = Rows(drawn.truth_frame, drawn.truth_student, drawn.truth_boxes)
    best = score(truth, perfect(truth, Rows(drawn.frame, drawn.student, drawn.boxes)), hota=False)["IDF1"]
    kept = lesson_of_ten.student >= 0
    found = Rows(drawn.frame[kept], lesson_of_ten.student[kept], drawn.boxes[kept])
    result = score(truth, found, hota=False)
    assert result["ids"] == 10
    assert result["IDF1"] > best - 0.01
    assert len(lesson_of_ten.tracks) > 30  # so there was something to join


def test_every_link_has_its_score_and_joins_tracks_of_one_student(lesson_of_ten: Tracked) -> None:
    told = lesson_of_ten.students
    assert len(told.link_score) == len(told.link_from) == len(told.link_to)
    assert (told.link_score >= 1.0).all()
    np.testing.assert_array_equal(told.student[told.link_from], told.student[told.link_to])
    named = told.student[told.student >= 0]
    assert len(told.link_score) >= len(named) - len(set(named))


def test_students_are_numbered_by_their_first_face(lesson_of_ten: Tracked) -> None:
    student, drawn = lesson_of_ten.student, lesson_of_ten.lesson
    first = [drawn.frame[student == one].min() for one in range(student.max() + 1)]
    assert first == sorted(first)


def test_of_two_faces_of_a_student_in_one_frame_the_longer_track_keeps_it() -> None:
    frame, track = [0, 1, 2, 2, 3], [0, 0, 0, 1, 1]
    assert faces_of_students(frame, track, [7, 7]).tolist() == [7, 7, 7, -1, 7]
    assert faces_of_students(frame, [0, -1, 0, 1, 1], [-1, 3]).tolist() == [-1, -1, -1, 3, 3]


def test_no_faces_give_no_tracks_and_no_students() -> None:
    table = tracks_table([0.0, 0.2], [], np.empty((0, 4)), [])
    assert len(table) == 0
    assert students_of_tracks(table).student.tolist() == []
    assert faces_of_students([], [], []).tolist() == []


def test_no_student_is_twice_in_a_frame_and_the_order_of_faces_does_not_matter() -> None:
    assigned, linked = [], []

    @settings(max_examples=5, deadline=None, derandomize=True)
    @given(seed=st.integers(1000, 2**20), crowd=st.integers(3, 12))
    def check(seed: int, crowd: int) -> None:
        drawn = lesson(seed, students=crowd, duration=45.0, posters=1)

        def identified(rows: Indices) -> tuple[Indices, int]:
            """(n,) student of each face, and the number of links."""
            faces = drawn.frame[rows], drawn.boxes[rows]
            numbers = track(drawn.times, *faces, drawn.scores[rows], motion=drawn.motion)
            descriptors, described = drawn.descriptors[rows], drawn.described[rows]
            table = tracks_table(
                drawn.times,
                *faces,
                numbers,
                motion=drawn.motion,
                descriptors=descriptors[described],
                described=described,
            )
            students = students_of_tracks(table)
            return faces_of_students(drawn.frame[rows], numbers, students.student), len(students.link_from)

        student, links = identified(np.arange(len(drawn.frame)))
        kept = np.stack([drawn.frame, student])[:, student >= 0]
        assert len(np.unique(kept, axis=1).T) == len(kept.T)
        assert set(student) - {-1} == set(range(student.max(initial=-1) + 1))
        shuffled = np.random.default_rng(seed).permutation(len(student))
        np.testing.assert_array_equal(identified(shuffled)[0], student[shuffled])
        assigned.append(np.mean(student >= 0))
        linked.append(links)
        target(float(links), label="links between tracks")

    check()
    assert np.mean(assigned) > 0.8  # most faces have a student,
    assert np.mean(np.array(linked) > 0) > 0.6  # and most lessons have tracks to link


def cluster(
    x: float, y: float, size: float, first: float, last: float, *, faces: float = 100.0
) -> TrackletClusters:
    """One cluster of tracks at one place all the time, of unknown appearance."""
    place = np.array([[x, y, size]])
    return TrackletClusters(
        first_time=np.array([first]),
        last_time=np.array([last]),
        start=place.copy(),
        end=place.copy(),
        place=place.copy(),
        faces=np.array([faces]),
        appearance=np.zeros((1, 0)),
        weight=np.zeros(1),
    )


NO_APPEARANCE = AppearanceSimilarity(np.empty((0, 0), np.uint8), np.empty(0, np.int64), 0)


@pytest.mark.parametrize(
    ("distance", "larger"),
    [(0.0, 1.0), (0.5, 1.1), (2.0, 1.0), (0.0, 1.5)],
    ids=["same", "near", "two off", "larger"],
)
def test_a_link_is_scored_by_heavy_tailed_distances_of_place_and_size(distance: float, larger: float) -> None:
    """Against SciPy: a seat two faces off, or a face half as large again, is rare but not impossible."""
    size, gap, area, people = 40.0, 60.0, 150.0, 12
    scale = np.sqrt(larger)  # so that the geometric mean of both sizes is `size`
    before = cluster(300.0, 200.0, size / scale, 0.0, 20.0)
    after = cluster(300.0 + distance * size, 200.0, size * scale, 20.0 + gap, 120.0)
    deviation = np.sqrt(0.25**2 + 0.45**2 * (1 - np.exp(-gap / 5)))
    seat = 0.9 * norm.pdf(distance, scale=deviation) * norm.pdf(0, scale=deviation)
    seat += 0.1 * norm.pdf(distance, scale=deviation * np.sqrt(6)) * norm.pdf(0, scale=deviation * np.sqrt(6))
    log = np.log(larger)
    sizes = 0.9 * norm.pdf(log, scale=0.1) + 0.1 * norm.pdf(log, scale=0.3)
    odds = 0.99 * seat * area * sizes / norm.pdf(log, scale=0.4) + 0.01
    score = link_scores(before, after, LinkPrior(area, people), NO_APPEARANCE)
    assert score == pytest.approx(np.array([[np.log(odds / people)]]))


def test_a_cluster_lies_at_the_mean_of_its_faces_not_of_its_tracks() -> None:
    clusters = cluster(100.0, 200.0, 40.0, 0.0, 20.0, faces=300.0)
    pair = TrackletClusters(
        *(
            np.concatenate([getattr(clusters, field.name), getattr(other, field.name)])
            for other in [cluster(140.0, 220.0, 48.0, 30.0, 40.0, faces=100.0)]
            for field in fields(TrackletClusters)
        )
    )
    pair.merge(0, 1)
    np.testing.assert_allclose(pair.place[0], [110.0, 205.0, 42.0])
    assert (pair.faces[0], pair.first_time[0], pair.last_time[0]) == (400.0, 0.0, 40.0)
    np.testing.assert_allclose(pair.end[0], [140.0, 220.0, 48.0])
    np.testing.assert_allclose(pair.start[0], [100.0, 200.0, 40.0])


def tracks_of(spells: Sequence[tuple[float, float, float]], rate: float = 5.0) -> Tracks:
    """Tracks (first second, last second, x) of unmoving faces of 40 px, both seconds included."""
    last = max(end for _, end, _ in spells)
    times = np.arange(round(last * rate) + 1) / rate
    rows = [
        (frame, number, x)
        for number, (start, stop, x) in enumerate(spells)
        for frame in range(round(start * rate), round(stop * rate) + 1)
    ]
    frame, number, x = np.array(sorted(rows)).T
    boxes = np.stack([x - 20, np.full(len(x), 180.0), x + 20, np.full(len(x), 220.0)], axis=1)
    return tracks_table(times, frame.astype(np.int64), boxes, number.astype(np.int64))


def test_a_track_that_starts_when_another_ends_counts_as_a_third_person_of_that_time() -> None:
    meeting = tracks_of([(0, 10, 100.0), (0, 20, 300.0), (10, 20, 500.0)])
    assert LinkPrior.of(meeting).people == 3
    apart = tracks_of([(0, 10, 100.0), (0, 20, 300.0), (10.2, 20, 500.0)])
    assert LinkPrior.of(apart).people == 2


def test_a_track_waits_for_the_better_link_of_a_later_minute() -> None:
    """The face beside an empty seat is not linked to it within the minute: its student comes back later."""
    near_and_later = [(0, 20, 100.0), (30, 110, 136.0), (70, 110, 100.0)]
    others = [(0, 110, 400.0 + 300 * i) for i in range(4)]
    students = students_of_tracks(tracks_of(near_and_later + others))
    assert students.student[:3].tolist() == [0, 5, 0]
    tempted = students_of_tracks(tracks_of(near_and_later[:2] + others))
    assert tempted.student[:2].tolist() == [0, 0]
    assert 1.0 < tempted.link_score[0] < 5.0  # so the worse link would have been made


def test_tracks_that_share_a_frame_where_people_cross_may_be_one_person() -> None:
    others = [(0, 60, 400.0 + 300 * i) for i in range(4)]
    crossing = students_of_tracks(tracks_of([(0, 20, 100.0), (20, 60, 100.0), *others]))
    assert crossing.student[:2].tolist() == [0, 0]
    apart = students_of_tracks(tracks_of([(0, 20, 100.0), (20.2, 60, 100.0), *others]))
    assert crossing.student[:2].tolist() == apart.student[:2].tolist()
    together = students_of_tracks(tracks_of([(0, 20, 100.0), (16, 60, 100.0), *others]))
    assert together.student[0] != together.student[1]  # in twenty frames they are two


def in_shots(shots: int, rows: list[tuple[int, float, float, int]]) -> tuple[Tracks, npt.NDArray[np.int64]]:
    """Tracks (shot, x, y, who) of faces of 40 px that hold still for 8 s of 10, with clothes by who."""
    times = np.arange(50 * shots) / 5
    frame = np.concatenate([np.arange(50 * shot, 50 * shot + 40) for shot, *_ in rows])
    track = np.repeat(np.arange(len(rows)), 40)
    places = np.array([[x, y] for _, x, y, _ in rows])[track]
    clothes = np.random.default_rng(7).integers(20, 60, (10, 48))
    described = frame % 5 == 0
    noise = np.random.default_rng(8).integers(-2, 3, (described.sum(), 48))
    looks = (clothes[[who for *_, who in rows]][track][described] + noise).astype(np.uint8)
    boxes = np.hstack([places - 20, places + 20])
    tracks = tracks_table(times, frame, boxes, track, descriptors=looks, described=described)
    return tracks, np.array([shot for shot, *_ in rows])


FOUR = [(100.0, 100.0), (200.0, 100.0), (300.0, 100.0), (400.0, 100.0)]


def test_across_shots_everybody_is_one_student_or_new() -> None:
    """In the second shot the fourth seat is empty, and a fifth is taken."""
    first = [(0, *seat, who) for who, seat in enumerate(FOUR)]
    tracks, shots = in_shots(2, [*first, *((1, *seat, who) for who, seat in enumerate(FOUR[:3])), (1, 250, 300, 4)])
    students = students_of_shots(tracks, shots)
    assert students.student.tolist() == [0, 1, 2, 3, 0, 1, 2, 4]
    assert list(zip(students.link_from.tolist(), students.link_to.tolist(), strict=True)) == [
        (4, 0), (5, 1), (6, 2)
    ]  # fmt: skip
    assert (students.link_score > 3).all()


def test_a_stranger_on_a_seat_is_a_new_student() -> None:
    rows = [(shot, *seat, who) for shot in (0, 1) for who, seat in enumerate(FOUR)]
    tracks, shots = in_shots(2, [*rows[:5], (1, *FOUR[1], 8), *rows[6:]])
    assert students_of_shots(tracks, shots).student.tolist() == [0, 1, 2, 3, 0, 4, 2, 3]


def test_two_of_one_shot_are_never_joined_by_another() -> None:
    """Half a face beside each other, and between them in the next shot somebody who may be either."""
    rows = [(0, *seat, who) for who, seat in enumerate(FOUR)]
    near = [(1, 110.0, 100.0, 0), (1, 110.0, 100.0, 0)]
    tracks, shots = in_shots(3, [*rows, near[0], (2, *near[1][1:])])
    assert students_of_shots(tracks, shots).student.tolist() == [0, 1, 2, 3, 0, 0]
    both, of_shots = in_shots(3, [*rows, (1, 105.0, 100.0, 0), (1, 115.0, 100.0, 0)])
    found = students_of_shots(both, of_shots).student
    assert sorted(found[4:].tolist()) == [0, 4]


def test_two_places_of_one_shot_are_one_student_where_a_later_shot_shows_them_between() -> None:
    others = [(0, 110, 400.0 + 300 * i) for i in range(4)]

    def found(moved: float) -> list[int]:
        tracks = tracks_of([(0, 20, 100.0), (25, 45, 100 + moved), (50, 110, 100 + moved / 2), *others])
        alone = students_of_tracks(tracks.take(np.array([0, 1, 3, 4, 5, 6]), tracks.frames))
        assert alone.student[0] != alone.student[1]
        return list(students_of_shots(tracks, np.array([0, 0, 1, 0, 0, 0, 0])).student)

    assert found(65.0) == [0, 0, 0, 1, 2, 3, 4]
    assert found(80.0) == [0, 5, 0, 1, 2, 3, 4]


def test_one_shot_is_as_without_shots(lesson_of_ten: Tracked) -> None:
    tracks = lesson_of_ten.tracks
    alone = students_of_shots(tracks, np.zeros(len(tracks), np.int64))
    np.testing.assert_array_equal(alone.student, lesson_of_ten.students.student)
    np.testing.assert_array_equal(alone.link_score, lesson_of_ten.students.link_score)
