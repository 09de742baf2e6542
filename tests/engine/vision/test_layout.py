"""What the layout of a picture tells, what of a picture is unexplained, and that no face can be made of either."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from engine.vision.layout import BLOCKS, LENGTH, SCALE, THUMBNAIL, describe_layout, thumbnail, unexplained_share

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SIZE = (480, 270)


def scene(seed: int) -> Image:
    """Boxes of one grey on another, (270, 480)."""
    random = np.random.default_rng(seed)
    image = np.full(SIZE[::-1], 120, np.uint8)
    for _ in range(30):
        x, y = random.integers(0, SIZE)
        width, height = random.integers(20, 120, 2)
        image[y : y + height, x : x + width] = random.integers(20, 230)
    return image


def similarity(image_a: Image, image_b: Image) -> float:
    a, b = (describe_layout(thumbnail(image)).astype(np.float64) for image in (image_a, image_b))
    return float(a @ b / SCALE**2)


def share(before: Image, now: Image, motion: Floats | None = None) -> float:
    return unexplained_share(thumbnail(before), thumbnail(now), motion, SIZE)


def test_a_layout_is_a_unit_vector_of_whole_numbers() -> None:
    layout = describe_layout(thumbnail(scene(1)))
    assert layout.shape == (LENGTH,)
    assert layout.dtype == np.int8
    assert np.linalg.norm(layout.astype(float)) == pytest.approx(SCALE, rel=0.02)
    assert layout.sum() == pytest.approx(0, abs=LENGTH / 2)  # above or below the mean


@pytest.mark.parametrize("light", [(0.5, 0.0), (1.0, 20.0), (0.25, 5.0)])
def test_light_changes_neither(light: tuple[float, float]) -> None:
    other = np.rint(scene(1) * light[0] + light[1]).clip(0, 255).astype(np.uint8)
    assert similarity(scene(1), other) > 0.97
    assert share(scene(1), other) < 0.12  # the darkest has few levels


@pytest.mark.parametrize("seed", range(2, 8))
def test_another_scene_has_another_layout_and_is_unexplained(seed: int) -> None:
    assert similarity(scene(1), scene(seed)) < 0.7
    assert share(scene(1), scene(seed)) > 0.8


def test_edges_count_by_their_direction() -> None:
    """As much edge in the same cells, but upright in one picture and level in the other."""
    level, upright = np.zeros((2, 54, 96), np.uint8)
    level[20:28:4, 16:80] = 200
    upright[18:36, 16:80:9] = 200
    assert similarity(level, upright) < 0.6 < similarity(level, level)


def test_what_changes_in_a_part_is_that_part() -> None:
    now = scene(1)
    now[:, :240] = scene(2)[:, :240]
    assert 0.35 < share(scene(1), now) < 0.65
    assert share(now, now) < 0.02


def test_the_motion_of_the_camera_explains_what_moved() -> None:
    wide = np.asarray(cv2.resize(scene(3), (960, 540)), np.uint8)
    before, now = wide[100:370, 100:580].copy(), wide[100:370, 160:640].copy()
    motion = np.array([[1.0, 0.0, -60.0], [0.0, 1.0, 0.0]])
    assert share(before, now) > 0.4
    assert share(before, now, np.full((2, 3), np.nan)) == share(before, now)  # unknown counts as none
    assert share(before, now, motion) < 0.1
    assert share(before, now, motion * [1, 1, -1]) > 0.4


def test_the_motion_is_in_pixels_of_the_whole_picture() -> None:
    """A zoom by 1.25 about the middle."""
    middle = np.array(SIZE) / 2
    zoom = np.hstack([np.eye(2) * 1.25, (middle - 1.25 * middle)[:, None]])
    image = scene(4)
    near = np.asarray(cv2.warpAffine(image, zoom + np.array([0, 0, 0.125]), SIZE), np.uint8)
    assert share(image, near, zoom) < 0.15 < 0.35 < share(image, near)


def test_what_came_into_the_picture_does_not_count() -> None:
    """Three quarters of the picture are new, the rest is explained; nothing is known where all of it is new."""
    wide = np.hstack([scene(5), scene(6)])
    now = np.ascontiguousarray(wide[:, 360:840])
    motion = np.array([[1.0, 0.0, -360.0], [0.0, 1.0, 0.0]])
    assert share(scene(5), now, motion) < 0.1
    assert share(scene(5), now, motion * [[1, 1, 3], [1, 1, 3]]) == 0


def test_a_blank_picture_has_no_layout_and_explains_nothing() -> None:
    blank = np.full_like(scene(1), 3)
    assert not describe_layout(thumbnail(blank)).any()
    assert share(scene(1), blank) > 0.95
    assert share(blank, scene(1)) > 0.95
    assert share(blank, blank) == pytest.approx(0, abs=1e-6)


def test_numbers_are_too_few_for_a_face() -> None:
    """A face that fills a quarter of the picture is in a handful of cells."""
    assert LENGTH == 72
    assert THUMBNAIL[0] % BLOCKS[0] == THUMBNAIL[1] % BLOCKS[1] == 0
