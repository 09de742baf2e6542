"""Lessons that are hard on identities: each scenario has what its name says, and looks vary as real ones do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from classpulse.simulation.looks import Seen, Wardrobe, describe_drawn
from classpulse.simulation.motion_truth import Floats, Lesson
from classpulse.simulation.scenarios import SCENARIOS, Light, Scenario, room_light


def draw(**settings: object) -> Lesson:
    plain = Scenario(name="plain", students=6, duration=240.0, swaps=0, leaves=0)
    return dataclasses.replace(plain, **settings).draw(3)[0]  # type: ignore[arg-type]


def change_of_looks(lesson: Lesson) -> Floats:
    """(n,) how far the looks of each student's first half minute are from those of every later one."""
    rows = np.flatnonzero(lesson.described & (lesson.student >= 0))
    time, looks = lesson.times[lesson.frame[rows]], lesson.descriptors[rows].astype(float)
    changes = []
    for student in np.unique(lesson.student[rows]):
        own = lesson.student[rows] == student
        bins = time[own] // 30
        means = [np.median(looks[own][bins == k], axis=0) for k in np.unique(bins)]
        changes += [float(np.linalg.norm(mean - means[0])) for mean in means[1:]]
    return np.array(changes)


def test_the_same_seed_gives_the_same_lesson() -> None:
    first, again = draw(light="steps"), draw(light="steps")
    for name, column in vars(first).items():
        np.testing.assert_array_equal(getattr(again, name), column)
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS) >= 12


def light_of(light: Light) -> Floats:
    """(m, 2, 3) logarithm of the light on a student at the front left and on one at the back right."""
    scenario, times = Scenario(name="", light=light), np.arange(3000) / 5
    seats = np.array([[100.0, 1000.0], [1800.0, 200.0]])
    return np.log(room_light(np.random.default_rng(1), scenario, times, seats))


@pytest.mark.parametrize("light", ["steps", "ramps", "side", "flicker", "projector"])
def test_the_light_changes(light: Light) -> None:
    assert light_of(light).std(axis=0).max() > 0.1


def test_the_light_is_as_the_scenario_says() -> None:
    np.testing.assert_array_equal(light_of("steady"), 0)
    left, right = light_of("side").swapaxes(0, 1)
    assert (left[:, 0] - right[:, 0]).max() > 0.5  # the windows are at the left,
    assert (left[:, 0] - left[:, 2]).max() > 0.1  # and the sun is warm
    assert np.ptp(light_of("projector"), axis=2).max() > 0.3
    assert np.ptp(light_of("steps"), axis=2).max() < 1e-9
    sampled = light_of("flicker")[:, 0, 0]
    rises = np.flatnonzero(np.diff(np.sign(sampled - sampled.mean())) > 0)
    assert np.median(np.diff(rises)) / 5 == pytest.approx(1 / 0.37, abs=0.2)


def test_the_camera_takes_back_most_of_a_change_of_light() -> None:
    """What is left of it after seconds is 0.3 of what it was at once."""
    changes = np.diff(light_of("steps")[:, 0, 0])
    assert np.abs(changes).max() > 0.1
    assert np.abs(light_of("steps")).max() < 2 * np.log(2)


def test_looks_change_with_posture() -> None:
    assert np.mean(change_of_looks(draw(restless=2.0))) > 1.2 * np.mean(change_of_looks(draw(restless=0.1)))


def differences(clothes: str, people: int = 8) -> tuple[Floats, Floats]:
    """The torso and the hair of `people` against each other, in the same light and posture: (k, k) distances."""
    random = np.random.default_rng(0)
    wardrobe = Wardrobe.draw(random, people, clothes)  # type: ignore[arg-type]
    seen = Seen(
        who=np.arange(people),
        boxes=np.tile([400.0, 300.0, 433.0, 340.0], (people, 1)),
        lean=np.zeros((people, 2)),
        hand=np.zeros(people, np.int64),
        light=np.ones((people, 3)),
        size=(1000, 800),
    )
    looks = describe_drawn(random, wardrobe, seen).astype(float)
    torso, hair = (np.linalg.norm(part[:, None] - part[None], axis=2) for part in np.split(looks, 2, axis=1))
    return torso, hair


def test_twins_look_alike_and_a_uniform_is_worn_by_all() -> None:
    own, uniform, twins = (np.add(*differences(clothes)) for clothes in ("own", "uniform", "twins"))
    pairs = np.arange(0, 8, 2)
    assert twins[pairs, pairs + 1].max() < 0.3 * np.median(own[pairs, pairs + 1])
    off_diagonal = ~np.eye(8, dtype=bool)
    torso_in_uniform, torso = differences("uniform")[0][off_diagonal], differences("own")[0][off_diagonal]
    assert np.median(torso_in_uniform) < 0.8 * np.median(torso)
    assert np.median(uniform[off_diagonal]) < np.median(own[off_diagonal])


def test_a_patch_beyond_the_edge_is_not_described() -> None:
    random = np.random.default_rng(0)
    wardrobe = Wardrobe.draw(random, 1)
    boxes = np.array([[100.0, 100.0, 133.0, 140.0], [100.0, 360.0, 133.0, 399.0]])
    seen = Seen(np.zeros(2, int), boxes, np.zeros((2, 2)), np.zeros(2, int), np.ones((2, 3)), (500, 400))
    inside, below = describe_drawn(random, wardrobe, seen)
    assert inside[:24].any()
    assert not below[:24].any()
    assert below[24:].any()


def test_half_the_light_is_a_darker_picture() -> None:
    random = np.random.default_rng(0)
    wardrobe = Wardrobe.draw(random, 1)
    boxes = np.tile([100.0, 100.0, 133.0, 140.0], (2, 1))
    light = np.array([[1.0, 1.0, 1.0], [0.2, 0.2, 0.2]])
    seen = Seen(np.zeros(2, int), boxes, np.zeros((2, 2)), np.zeros(2, int), light, (500, 400))
    bright, dark = describe_drawn(random, wardrobe, seen).astype(float)
    lightness = np.arange(6)
    assert (dark[:6] ** 2 @ lightness) / (dark[:6] ** 2).sum() < (bright[:6] ** 2 @ lightness) / (
        bright[:6] ** 2
    ).sum()


def test_a_cut_shows_other_students_and_returns() -> None:
    scenario = Scenario(name="cut", students=6, duration=240.0, camera="cut", leaves=0)
    lesson, view = scenario.draw(3)
    assert set(view.tolist()) == {0, 1}
    assert (np.diff(view) != 0).sum() >= 2
    assert view[0] == 0
    seen_in = view[lesson.truth_frame]
    assert (lesson.truth_student[seen_in == 0] < 6).all()
    assert (lesson.truth_student[seen_in == 1] >= 6).all()
    assert np.isnan(lesson.motion[1:][np.diff(view) != 0]).all()


def test_students_swap_seats() -> None:
    lesson = draw(swaps=3)
    centre = (lesson.truth_boxes[:, :2] + lesson.truth_boxes[:, 2:]) / 2
    early, late = lesson.truth_frame < 200, lesson.truth_frame > 1150
    moved = [
        np.hypot(*(np.median(centre[own & late], axis=0) - np.median(centre[own & early], axis=0)))
        for own in (lesson.truth_student == student for student in range(6))
    ]
    assert sum(distance > 100 for distance in moved) >= 2
