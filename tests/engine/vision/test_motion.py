import cv2
import numpy as np
import pytest

from engine.vision.motion import MEASURED_SIDE, estimate_motion, small_grey

SIZE = (960, 540)


@pytest.fixture(scope="module")
def room() -> np.ndarray:
    """A wall with much on it, larger than what the camera sees of it."""
    random = np.random.default_rng(0)
    picture = np.full((900, 1500, 3), 180, np.uint8)
    for x, y, width, height in random.integers((0, 0, 15, 15), (1450, 850, 150, 120), (250, 4)):
        colour = tuple(int(c) for c in random.integers(0, 255, 3))
        cv2.rectangle(picture, (x, y), (x + width, y + height), colour, -1)
    return cv2.GaussianBlur(picture, (5, 5), 0)


def view(room: np.ndarray, affine: np.ndarray) -> np.ndarray:
    base = np.array([[1.0, 0.0, -250.0], [0.0, 1.0, -180.0], [0.0, 0.0, 1.0]])
    return cv2.warpAffine(room, (np.vstack([affine, [0, 0, 1]]) @ base)[:2], SIZE)


def similarity(x: float, y: float, degrees: float = 0.0, zoom: float = 1.0) -> np.ndarray:
    a, b = zoom * np.cos(np.deg2rad(degrees)), zoom * np.sin(np.deg2rad(degrees))
    middle = np.array(SIZE) / 2
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, middle - turn @ middle + (x, y)])


@pytest.mark.parametrize(
    "truth",
    [
        similarity(0, 0),
        similarity(3.3, -1.7),
        similarity(40, 25),
        similarity(160, -60),  # beyond what the flow follows by itself
        similarity(4, 2, degrees=2.0, zoom=1.03),
    ],
    ids=["still", "pan", "bump", "knock", "turn and zoom"],
)
def test_the_motion_comes_out_in_source_pixels(room: np.ndarray, truth: np.ndarray) -> None:
    before, scale = small_grey(view(room, similarity(0, 0)))
    after, _ = small_grey(view(room, truth))
    found = estimate_motion(before, after, scale=scale)
    corners = np.array([[100, 100, 1], [860, 100, 1], [480, 440, 1]]).T
    np.testing.assert_allclose(found @ corners, truth @ corners, atol=0.5)


def test_people_who_move_do_not_move_the_camera(room: np.ndarray) -> None:
    before, after = view(room, similarity(0, 0)), view(room, similarity(0, 0))
    random = np.random.default_rng(1)
    person = random.integers(0, 255, (300, 300, 3), np.uint8)
    before[200:500, 300:600], after[200:500, 320:620] = person, person
    (a, scale), (b, _) = small_grey(before), small_grey(after)
    found = estimate_motion(a, b, [[400, 200, 500, 320]], scale=scale)
    np.testing.assert_allclose(found, np.eye(2, 3), atol=0.2)


@pytest.mark.parametrize("next_frame", ["blank", "another scene"])
def test_what_nobody_can_tell_is_nan(room: np.ndarray, next_frame: str) -> None:
    other = np.random.default_rng(2).integers(0, 255, (*SIZE[::-1], 3), np.uint8)
    before, scale = small_grey(view(room, similarity(0, 0)))
    after, _ = small_grey(np.full((*SIZE[::-1], 3), 99, np.uint8) if next_frame == "blank" else other)
    assert np.isnan(estimate_motion(before, after, scale=scale)).all()
    assert np.isnan(estimate_motion(after, after, [[0, 0, *SIZE]], scale=scale)).all()


def test_images_of_any_size() -> None:
    grey, scale = small_grey(np.zeros((1, 1, 3), np.uint8))
    assert (grey.shape, scale) == ((1, 1), 1.0)
    assert np.isnan(estimate_motion(grey, grey)).all()
    grey, scale = small_grey(np.zeros((1080, 1920, 3), np.uint8))
    assert (max(grey.shape), scale) == (MEASURED_SIDE, 0.25)
    with pytest.raises(ValueError, match="must be of one size"):
        estimate_motion(grey, grey[1:])
