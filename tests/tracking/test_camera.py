"""Camera motion: the algebra of affines, the shift that faces agree on, and the path back to the first frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tracking.camera import (
    IDENTITY,
    Camera,
    centres,
    compose,
    invert,
    scale_of,
    shift_of_faces,
    sizes,
    warp_boxes,
)

Floats = npt.NDArray[np.float64]

UNKNOWN = np.full((2, 3), np.nan)


def shift(x: float, y: float) -> Floats:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def faces(*corners: tuple[float, float], size: float = 40.0) -> Floats:
    return np.array([[x, y, x + size, y + size] for x, y in corners])


SEATS = faces((100, 100), (300, 100), (500, 110), (120, 300), (310, 320), (500, 310))


def test_an_affine_composed_with_its_inverse_is_the_identity() -> None:
    turn = np.array([[0.0, -2.0, 5.0], [2.0, 0.0, 7.0]])
    np.testing.assert_allclose(compose(turn, invert(turn)), IDENTITY, atol=1e-12)
    np.testing.assert_allclose(compose(shift(1, 2), turn) @ [3, 4, 1], turn @ [4, 6, 1])
    assert scale_of(turn) == pytest.approx(2.0)


def test_warped_boxes_keep_their_shape_and_grow_with_the_image() -> None:
    larger = np.array([[2.0, 0.0, 10.0], [0.0, 2.0, 0.0]])
    np.testing.assert_allclose(warp_boxes(faces((100, 100)), larger), [[210, 200, 290, 280]])


def test_the_shift_is_the_one_that_most_faces_agree_on() -> None:
    after = warp_boxes(SEATS, shift(70, -25))[[4, 0, 2, 3]]
    np.testing.assert_allclose(shift_of_faces(SEATS, np.vstack([after, faces((800, 50))])), shift(70, -25))


@pytest.mark.parametrize(
    ("before", "boxes"),
    [
        (SEATS, np.empty((0, 4))),
        (SEATS[:2], warp_boxes(SEATS[:2], shift(70, 0))),  # two faces may just as well be two others
        (SEATS, SEATS),
        (SEATS, faces((777, 10), (20, 900), (444, 555), (903, 333))),
    ],
)
def test_faces_that_agree_on_no_shift_give_the_identity(before: Floats, boxes: Floats) -> None:
    np.testing.assert_array_equal(shift_of_faces(before, boxes), IDENTITY)


def test_an_unknown_motion_is_estimated_from_the_next_frame_with_faces() -> None:
    camera = Camera()
    camera.update(None, SEATS)
    np.testing.assert_array_equal(camera.update(UNKNOWN, np.empty((0, 4))), IDENTITY)
    np.testing.assert_allclose(camera.update(IDENTITY, warp_boxes(SEATS, shift(90, 30))), shift(90, 30))
    np.testing.assert_array_equal(camera.update(IDENTITY, warp_boxes(SEATS, shift(90, 30))), IDENTITY)


def test_faces_of_another_size_do_not_count_for_a_shift() -> None:
    """Three of the seats are empty, and three small faces appear as far away from each as from the next."""
    small = faces((160, 105), (360, 105), (560, 115), size=30.0)
    np.testing.assert_array_equal(shift_of_faces(SEATS[:3], small), IDENTITY)
    np.testing.assert_allclose(shift_of_faces(SEATS[:3], faces((160, 105), (360, 105), (560, 115))), shift(60, 5))


def test_a_box_lies_at_its_centre_and_is_as_large_as_a_square_of_its_area() -> None:
    boxes = np.array([[10.0, 20.0, 30.0, 65.0], [0.0, 0.0, 8.0, 2.0]])
    np.testing.assert_allclose(centres(boxes), [[20.0, 42.5], [4.0, 1.0]])
    np.testing.assert_allclose(sizes(boxes), [30.0, 4.0])


def went(*x: float) -> Floats:
    """The first faces of SEATS, each so many px to the right."""
    return SEATS[: len(x)] + np.outer(x, [1.0, 0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("third", "agree"), [(75.0, True), (45.0, True), (80.0, False), (40.0, False), (85.0, False), (35.0, False)]
)
def test_faces_agree_on_a_shift_within_half_a_face(third: float, agree: bool) -> None:
    """Two of three faces of 40 px went 60 px to the right, and the third one not quite as far, or farther."""
    found = shift_of_faces(SEATS[:3], went(60, 60, third))
    np.testing.assert_allclose(found, shift(60, 0) if agree else IDENTITY)


def test_a_shift_is_the_median_of_the_faces_that_agree_on_it() -> None:
    """The last of them is half a face off the shortest of the shifts that three agree on, and does not count."""
    np.testing.assert_allclose(shift_of_faces(SEATS[:4], went(60, 66, 70, 40)), shift(66, 0))


@pytest.mark.parametrize(("moved", "agree"), [(4, False), (5, True)])
def test_half_of_the_faces_must_agree_on_a_shift(moved: int, agree: bool) -> None:
    """Of a row of ten seats 200 px apart; the faces on the others went each another way."""
    row = faces(*((200.0 * i, 300.0) for i in range(10)))
    away = np.column_stack([np.full(10, 60.0), np.where(np.arange(10) < moved, 0.0, 100.0 * np.arange(10))])
    expected = shift(60, 0) if agree else IDENTITY
    np.testing.assert_allclose(shift_of_faces(row, row + np.tile(away, 2)), expected)


def test_of_two_shifts_that_as_many_faces_agree_on_the_shorter_one_is_taken() -> None:
    """A row of six seats, 100 px apart: it went 30 px to the right, or 70 to the left; five faces are left."""
    row = faces(*((100.0 * i, 300.0) for i in range(6)))
    assert shift_of_faces(row, warp_boxes(row[:5], shift(30, 0))).tolist() == shift(30, 0).tolist()
    assert shift_of_faces(row, warp_boxes(row[1:], shift(-30, 0))).tolist() == shift(-30, 0).tolist()


def test_a_known_motion_after_an_unknown_one_is_not_counted_twice() -> None:
    """While no face is visible the camera goes by an unknown 90 px, then by a known 50, to the first faces."""
    camera = Camera()
    camera.update(None, SEATS)
    camera.update(UNKNOWN, np.empty((0, 4)))
    np.testing.assert_allclose(camera.update(shift(50, 0), warp_boxes(SEATS, shift(140, 30))), shift(140, 30))


def test_a_motion_that_is_known_is_not_estimated_after_one_that_was_not() -> None:
    """All students lean aside at once, and the camera is known to stand still."""
    camera = Camera()
    camera.update(None, SEATS)
    np.testing.assert_allclose(camera.update(UNKNOWN, went(90, 90, 90, 90, 90, 90)), shift(90, 0))
    np.testing.assert_array_equal(camera.update(IDENTITY, went(140, 140, 140, 140, 140, 140)), IDENTITY)
