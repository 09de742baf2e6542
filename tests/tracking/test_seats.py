"""Seats of one day and places of the next: the same one, or none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tracking.seats import areas, match_seats

#: Three in a row, and one behind the first, smaller.
ROOM = np.array([(100, 300, 40), (250, 300, 40), (400, 300, 40), (100, 260, 28)], float)


def match(places: object, seats: np.ndarray = ROOM, deviation: float = 0.2) -> list[int]:
    places = np.asarray(places, float).reshape(-1, 3)
    matched: list[int] = match_seats(
        seats, np.full(len(seats), deviation), places, np.full(len(places), deviation)
    ).tolist()
    return matched


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (ROOM, [0, 1, 2, 3]),
        (ROOM[::-1], [3, 2, 1, 0]),
        (ROOM + np.array([12, -8, 0]), [0, 1, 2, 3]),  # the camera stands a little differently
        (ROOM + np.array([75, 0, 0]), [-1, -1, -1, -1]),  # half-way between two seats
        (ROOM[1:3], [-1, 0, 1, -1]),
        ([(250, 300, 70)], [-1, -1, -1, -1]),  # a visitor who stands in front
        ([(600, 300, 40)], [-1, -1, -1, -1]),
        ([], [-1, -1, -1, -1]),
        ([(235, 300, 40), (265, 300, 40)], [-1, -1, -1, -1]),  # two where one sat
        ([(250, 300, 40), (320, 300, 40)], [-1, 0, -1, -1]),  # a newcomer between two
    ],
)
def test_seats_of_another_day_are_matched_or_left_open(places: npt.ArrayLike, expected: list[int]) -> None:
    assert match(places) == expected


def test_a_seat_of_a_swaying_student_reaches_further() -> None:
    moved = ROOM[1] + (44, 0, 0)
    assert match(moved) == [-1, 0, -1, -1]
    assert match(moved, deviation=0.05) == [-1, -1, -1, -1]


def test_no_seats_match_no_places() -> None:
    assert match(ROOM, np.empty((0, 3))) == []


#: Three rows in perspective, and their areas.
CLASS = [
    (300, 100, 20),
    (420, 104, 20),
    (540, 98, 20),
    (240, 200, 30),
    (600, 205, 30),
    (100, 380, 50),
    (740, 400, 50),
]
AREAS = ["back left", "back centre", "back right", "middle left", "middle right", "front left", "front right"]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (CLASS, AREAS),
        (CLASS[:1], ["front centre"]),  # nobody is behind anybody
        ([(100, 300, 40), (300, 310, 40), (500, 290, 40)], ["front left", "front centre", "front right"]),
        ([(100, 100, 30), (110, 200, 40)], ["back centre", "front centre"]),
        ([], []),
    ],
)  # fmt: skip
def test_seats_have_the_areas_of_the_room(places: npt.ArrayLike, expected: list[str]) -> None:
    assert areas(places).tolist() == expected


def test_a_poster_above_the_class_has_no_area_and_moves_nobody_to_the_front() -> None:
    found = areas([*CLASS, (400, 10, 60)], counted=np.arange(len(CLASS) + 1) < len(CLASS))
    assert found.tolist() == [*AREAS, None]


def test_no_seat_reaches_further_than_two_faces_however_its_student_sways() -> None:
    assert match(ROOM[1] + (75, 0, 0), ROOM[1:2], deviation=1.0) == [0]
    assert match(ROOM[1] + (85, 0, 0), ROOM[1:2], deviation=1.0) == [-1]


def test_no_place_is_matched_twice_and_the_order_of_seats_does_not_matter() -> None:
    shares = []

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(seed=st.integers(0, 2**32 - 1), seats=st.integers(1, 8), sway=st.floats(0, 0.6))
    def check(seed: int, seats: int, sway: float) -> None:
        random = np.random.default_rng(seed)
        before = np.column_stack([random.integers(1, 8, (seats, 2)) * 60.0, random.uniform(30, 50, seats)])
        after = before[random.random(seats) < 0.9]
        after = after + random.normal(0, sway, after.shape) * [40, 40, 2]
        after = np.vstack([after, random.uniform(30, 500, (random.integers(0, 3), 3))])
        matched = match(after, before)
        taken = [place for place in matched if place >= 0]
        assert len(set(taken)) == len(taken)
        backwards = match(after[::-1], before[::-1])
        assert [len(after) - 1 - place if place >= 0 else -1 for place in backwards[::-1]] == matched
        shares.append(len(taken) / max(seats, 1))
        event(f"matched: {'all' if len(taken) == seats else 'some' if taken else 'none'}")

    check()
    assert np.mean(np.array(shares) > 0) > 0.5  # in most rooms some seats are matched,
    assert np.mean(np.array(shares) < 1) > 0.3  # and in some not all of them
