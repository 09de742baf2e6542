"""The shape of pixels, and the eight ways in which a picture lies: the right value for each."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engine.vision.sources.geometry import Form, orientation_of, pixel_for, upright

#: The letters of a picture "ab / cd / ef", stored so that EXIF's number brings them back.
STORED = {
    1: ["ab", "cd", "ef"],
    2: ["ba", "dc", "fe"],
    3: ["fe", "dc", "ba"],
    4: ["ef", "cd", "ab"],
    5: ["ace", "bdf"],
    6: ["bdf", "ace"],
    7: ["fdb", "eca"],
    8: ["eca", "fdb"],
}
#: a, b, c, d of the matrices that show the same (x to the right, y downwards).
MATRICES = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


def letters(rows: list[str]) -> np.ndarray:
    return np.array([[ord(letter) for letter in row] for row in rows], np.uint8)


def matrix(a: float, b: float, c: float, d: float) -> list[int]:
    return [round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)] + [2**30]


@pytest.mark.parametrize("number", STORED)
def test_each_orientation_is_brought_upright(number: int) -> None:
    assert upright(letters(STORED[number]), number).tolist() == letters(STORED[1]).tolist()


@pytest.mark.parametrize("number", MATRICES)
def test_each_matrix_is_one_of_exifs(number: int) -> None:
    assert orientation_of(matrix(*MATRICES[number])) == (number, 0)


@pytest.mark.parametrize("number", MATRICES)
def test_a_matrix_moves_points_where_its_orientation_does(number: int) -> None:
    """By the definition: a stored point (x, y) from the middle is shown at (a x + c y, b x + d y)."""
    a, b, c, d = MATRICES[number]
    stored = letters(STORED[number])
    height, width = stored.shape
    shown = upright(stored, number)
    for y in range(height):
        for x in range(width):
            u, v = 2 * x - width + 1, 2 * y - height + 1
            row, column = (b * u + d * v + shown.shape[0] - 1) // 2, (a * u + c * v + shown.shape[1] - 1) // 2
            assert shown[row, column] == stored[y, x]


def test_a_matrix_between_two_is_the_nearer_one_and_the_rest_is_said() -> None:
    sine, cosine = np.sin(np.radians(30)), np.cos(np.radians(30))
    number, tilt = orientation_of(matrix(cosine, sine, -sine, cosine))
    assert (number, round(tilt, 2)) == (1, 30)
    number, tilt = orientation_of(matrix(sine, -cosine, cosine, sine))
    assert (number, round(tilt, 2)) == (8, 30)


@pytest.mark.parametrize(
    ("stored", "pixel", "orientation", "shown"),
    [
        ((720, 576), Fraction(64, 45), 1, (1024, 576)),  # PAL, 16:9
        ((720, 576), Fraction(16, 15), 1, (768, 576)),  # PAL, 4:3
        ((720, 480), Fraction(8, 9), 1, (720, 540)),  # NTSC, 4:3: rows are added, no column is lost
        ((1440, 1080), Fraction(4, 3), 1, (1920, 1080)),  # HDV
        ((1440, 1080), Fraction(4, 3), 6, (1080, 1920)),
        ((1440, 1080), Fraction(4, 3), 5, (1080, 1920)),
        ((640, 360), Fraction(1), 3, (640, 360)),
        ((640, 360), Fraction(1), 8, (360, 640)),
        ((1, 1), Fraction(1, 4), 1, (1, 4)),
    ],
)
def test_square_pixels_lose_nothing(
    stored: tuple[int, int], pixel: Fraction, orientation: int, shown: tuple[int, int]
) -> None:
    assert Form(*stored, pixel, orientation).shown == shown


@pytest.mark.parametrize(("orientation", "shown"), [(1, (1024, 576)), (6, (720, 1280)), (7, (720, 1280))])
def test_the_aspect_is_that_of_the_upright_picture(orientation: int, shown: tuple[int, int]) -> None:
    aspect = Fraction(16, 9) if orientation == 1 else Fraction(9, 16)
    stored = (720, 576) if orientation == 1 else (1280, 576)
    assert Form(*stored, pixel_for(aspect, stored, orientation), orientation).shown == shown
