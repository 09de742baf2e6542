import numpy as np
import pytest

from tracking.camera import IDENTITY, Camera, compose, invert, scale_of, shift_of_faces, warp_boxes

UNKNOWN = np.full((2, 3), np.nan)


def shift(x: float, y: float) -> np.ndarray:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def faces(*corners: tuple[float, float], size: float = 40.0) -> np.ndarray:
    return np.array([[x, y, x + size, y + size] for x, y in corners])


SEATS = faces((100, 100), (300, 100), (500, 110), (120, 300), (310, 320), (500, 310))


def test_then_and_inverse() -> None:
    turn = np.array([[0.0, -2.0, 5.0], [2.0, 0.0, 7.0]])
    np.testing.assert_allclose(compose(turn, invert(turn)), IDENTITY, atol=1e-12)
    np.testing.assert_allclose(compose(shift(1, 2), turn) @ [3, 4, 1], turn @ [4, 6, 1])
    assert scale_of(turn) == pytest.approx(2.0)


def test_moved_boxes_keep_their_shape_and_grow_with_the_picture() -> None:
    larger = np.array([[2.0, 0.0, 10.0], [0.0, 2.0, 0.0]])
    np.testing.assert_allclose(warp_boxes(faces((100, 100)), larger), [[210, 200, 290, 280]])


def test_the_shift_that_most_faces_agree_on() -> None:
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
def test_no_agreement_is_no_shift(before: np.ndarray, boxes: np.ndarray) -> None:
    np.testing.assert_array_equal(shift_of_faces(before, boxes), IDENTITY)


def test_an_unknown_motion_is_made_good_by_the_next_faces_that_are_seen() -> None:
    camera = Camera()
    camera.update(None, SEATS)
    np.testing.assert_array_equal(camera.update(UNKNOWN, np.empty((0, 4))), IDENTITY)
    np.testing.assert_allclose(camera.update(IDENTITY, warp_boxes(SEATS, shift(90, 30))), shift(90, 30))
    np.testing.assert_array_equal(camera.update(IDENTITY, warp_boxes(SEATS, shift(90, 30))), IDENTITY)
