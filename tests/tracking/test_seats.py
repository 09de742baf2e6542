"""Seats of one day and places of the next: the same one, or none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tracking.seats import areas, match_seats

#: Three in a row, and one behind the first, smaller.
ROOM = np.array([(100, 300, 40), (250, 300, 40), (400, 300, 40), (100, 260, 28)], float)


def match(places: object, seats: np.ndarray = ROOM, spread: float = 0.2) -> list[int]:
    places = np.asarray(places, float).reshape(-1, 3)
    return match_seats(seats, np.full(len(seats), spread), places, np.full(len(places), spread)).tolist()


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
def test_match(places, expected):
    assert match(places) == expected


def test_who_sways_is_looked_for_further_away():
    moved = ROOM[1] + (44, 0, 0)
    assert match(moved) == [-1, 0, -1, -1]
    assert match(moved, spread=0.05) == [-1, -1, -1, -1]


def test_no_seats():
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
def test_areas(places, expected):
    assert areas(places).tolist() == expected


def test_a_poster_above_the_class_has_no_area_and_moves_nobody_to_the_front():
    found = areas([*CLASS, (400, 10, 60)], counted=np.arange(len(CLASS) + 1) < len(CLASS))
    assert found.tolist() == [*AREAS, None]


rooms = arrays(np.float64, st.tuples(st.integers(0, 6), st.just(3)), elements=st.floats(10, 200))


@given(rooms, rooms)
def test_no_place_is_taken_twice_and_order_does_not_matter(seats, places):
    found = match(places, seats)
    taken = [place for place in found if place >= 0]
    assert len(set(taken)) == len(taken)
    backwards = match(places[::-1], seats[::-1])
    assert [len(places) - 1 - place if place >= 0 else -1 for place in backwards[::-1]] == found
