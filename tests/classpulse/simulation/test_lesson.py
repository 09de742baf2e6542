"""The script and the stage: what is asked for is what happens, at any moment and in any order."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from classpulse.simulation.lesson import Lesson, Span, busy_lesson, demo_lesson
from classpulse.simulation.stage import Scene, Stage, seats

LESSON = Lesson(
    seed=3,
    students=3,
    rows=1,
    duration=40,
    mood_seconds=10,
    moods=(("happy", "angry"), ("sad", "surprise", "happy"), ("neutral",)),
    looks_down=(Span(0, 5, 8),),
    absences=(Span(2, 10, 30), Span(0, 0, 12), Span(1, 25, 40)),
    crossings=(20.0, 30.0),
)


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(LESSON)


@pytest.mark.parametrize("lesson", [LESSON, demo_lesson(), busy_lesson(seed=4, duration=600, students=5)])
def test_a_script_survives_its_json(lesson: Lesson) -> None:
    assert Lesson.from_json(lesson.to_json()) == lesson


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"students": 0}, "students"),
        ({"duration": 0}, "duration"),
        ({"duration": math.inf}, "duration"),
        ({"width": 641}, "size"),
        ({"height": 32}, "size"),
        ({"fps": 0}, "fps"),
        ({"rows": 5}, "rows"),
        ({"moods": (("happy",),)}, "moods"),
        ({"moods": (("happy",), ("merry",), ("sad",))}, "moods"),
        ({"people": (1,)}, "people"),
        ({"looks_down": (Span(3, 1, 2),)}, "span"),
        ({"absences": (Span(0, 2, 2),)}, "span"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(LESSON, **change)


@pytest.mark.parametrize(("students", "width", "height"), [(1, 320, 240), (12, 1280, 720), (30, 1920, 1080)])
def test_students_sit_inside_the_picture_and_apart_the_front_row_largest_and_lowest(
    students: int, width: int, height: int
) -> None:
    placed = seats(Lesson(students=students, width=width, height=height))
    assert len(placed.x) == students
    assert (placed.face / 2 < placed.x).all()
    assert (placed.x < width - placed.face / 2).all()
    assert (placed.face / 2 < placed.y).all()
    assert (placed.y < height - placed.face / 2).all()
    for row in range(len(placed.desks)):
        of_row = placed.row == row
        assert (np.diff(placed.x[of_row]) > 1.2 * placed.face[of_row][0]).all()
    assert (np.diff(placed.desks) < 0).all()
    assert (np.diff([placed.face[placed.row == row].mean() for row in range(len(placed.desks))]) < 0).all()


@pytest.mark.parametrize(
    ("time", "moods"),
    [
        (0.0, ("happy", "sad", "neutral")),
        (9.96, ("happy", "sad", "neutral")),
        (10.0, ("angry", "surprise", "neutral")),
        (20.0, ("angry", "happy", "neutral")),
        (39.9, ("angry", "happy", "neutral")),
    ],
)
def test_moods_change_on_the_moment(stage: Stage, time: float, moods: tuple[str, ...]) -> None:
    assert stage.at(time).mood == moods


def test_a_face_takes_a_moment_from_one_mood_to_the_next(stage: Stage) -> None:
    shown = [stage.at(time).shown[1] for time in (9.7, 9.9, 10.0, 10.1, 10.3)]
    assert [share for _, _, share in shown] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert {(old, new) for old, new, _ in shown} == {("sad", "surprise")}


def test_a_neutral_student_smiles_in_passing(stage: Stage) -> None:
    looks = [
        new if share > 0.5 else old
        for old, new, share in (stage.at(time).shown[2] for time in np.arange(12.5, 20, 0.02))
    ]
    assert set(looks) == {"amused", "neutral"}
    assert looks.count("amused") / len(looks) == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("time", "present", "walking"),
    [
        (0.0, (False, True, True), (False, False, False)),
        (9.0, (True, True, True), (True, False, False)),  # on the way in, arriving at 12 s
        (10.5, (True, True, True), (True, False, True)),  # the third one on the way out
        (20.0, (True, True, False), (False, False, False)),
        (30.0, (True, True, True), (False, True, False)),
        (39.96, (True, False, True), (False, False, False)),
    ],
)
def test_students_leave_come_back_and_come_late(
    stage: Stage, time: float, present: tuple[bool, ...], walking: tuple[bool, ...]
) -> None:
    scene = stage.at(time)
    assert tuple(scene.present) == present
    assert tuple(scene.walking) == walking


def test_nobody_jumps(stage: Stage) -> None:
    """From frame to frame nobody moves more than 8 % of a face, on the way out and in too."""
    scenes = [stage.at(frame / 25) for frame in range(LESSON.frames)]
    here = np.array([scene.present for scene in scenes])
    for name in ("x", "y"):
        place = np.array([getattr(scene, name) for scene in scenes]) / stage.seats.face
        step = np.abs(np.diff(place, axis=0))[here[1:] & here[:-1]]
        assert step.max() < 0.08, name


def test_looking_down_lasts_as_scripted(stage: Stage) -> None:
    assert [stage.at(time).pitch[0] > 0 for time in (4.9, 6.5, 8.1)] == [False, True, False]
    assert stage.at(6.5).pitch[0] == 1
    assert not stage.at(6.5).pitch[1:].any()


@pytest.mark.parametrize(
    ("time", "left_to_right"),
    [(19.9, None), (20.1, True), (22.9, True), (23.1, None), (30.1, False), (32.9, False)],
)
def test_the_teacher_crosses_from_alternating_sides(stage: Stage, time: float, left_to_right: bool | None) -> None:
    now, later = stage.at(time).teacher, stage.at(time + 0.05).teacher
    if left_to_right is None:
        assert now is None
    else:
        assert now is not None
        assert later is not None
        assert (later > now) == left_to_right


def test_without_sway_students_sit_still() -> None:
    still = Stage(dataclasses.replace(LESSON, sway=0.0, absences=()))
    first, last = still.at(0), still.at(17.3)
    for name in ("x", "y", "unit", "tilt"):
        np.testing.assert_array_equal(getattr(first, name), getattr(last, name))


def test_any_order_of_moments_gives_the_same_scenes() -> None:
    def places(scenes: list[Scene]) -> list[list[float]]:
        return [scene.x.tolist() for scene in scenes]

    moments = [3.0, 11.0, 0.5]
    forwards, backwards = Stage(LESSON), Stage(LESSON)
    assert places([forwards.at(time) for time in moments]) == places(
        [backwards.at(time) for time in reversed(moments)][::-1]
    )


def test_a_busy_lesson_has_events_at_the_asked_rate_and_none_where_none_is_asked_for() -> None:
    busy = busy_lesson(seed=1, duration=3600, students=20)
    assert 600 < len(busy.looks_down) < 1500
    assert 30 < len(busy.absences) < 100
    assert 40 < len(busy.crossings) < 110
    calm = busy_lesson(
        seed=1, duration=3600, looks_down_every=math.inf, leaves_every=math.inf, crosses_every=math.inf
    )
    assert not calm.looks_down
    assert not calm.absences
    assert not calm.crossings
