"""Quality: sharpness, head pose, and which faces are scorable."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from engine.faces import Condition
from engine.settings import Settings
from engine.vision.expression import crop_faces
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.quality import conditions, head_pose, measure, sharpness

Crop = npt.NDArray[np.uint8]
FRONTAL = np.array([(-0.47, 0, 0), (0.47, 0, 0), (0, 0.53, -0.45), (-0.38, 1, 0), (0.38, 1, 0)])


def head(yaw: float = 0, pitch: float = 0, roll: float = 0, size: float = 20) -> np.ndarray:
    """Landmarks (5, 2) of a generic head, turned by degrees and seen from afar; x to the right, y down."""
    y, p, r = np.radians([yaw, pitch, roll])
    around = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    up = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    aside = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    points: np.ndarray = (FRONTAL @ (aside @ up @ around).T)[:, :2] * size + 100
    return points


@pytest.fixture
def portrait() -> Crop:
    """A crop (64, 64) with detail at every scale."""
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    picture = np.sum([cv2.GaussianBlur(noise, (0, 0), sigma) * sigma for sigma in (1, 2, 4, 8)], axis=0)
    return np.asarray(cv2.normalize(picture, np.empty_like(picture), 30, 220, cv2.NORM_MINMAX), np.uint8)


@pytest.mark.parametrize(
    "angles",
    [(0, 0, 0), (30, 0, 0), (-55, 0, 0), (0, 25, 0), (0, -40, 0), (0, 0, 20), (-30, 20, 15), (60, -30, 50)],
)
def test_the_pose_of_a_generic_head_is_found_exactly(angles: tuple[int, int, int]) -> None:
    np.testing.assert_allclose([angle[0] for angle in head_pose(head(*angles)[None])], angles, atol=0.01)


def test_the_signs_of_the_angles() -> None:
    nose_to_the_right = head()
    nose_to_the_right[2, 0] += 5
    nose_up = head()
    nose_up[2, 1] -= 5
    left_eye_higher = head() + np.array([(0, -3), (0, 3), (0, 0), (0, -3), (0, 3)])
    yaw, pitch, roll = head_pose(np.stack([nose_to_the_right, nose_up, left_eye_higher]))
    assert yaw[0] > 5
    assert pitch[1] > 5
    assert roll[2] > 5


def test_the_pose_does_not_depend_on_place_and_size() -> None:
    poses = head_pose(np.stack([head(20, 10, 5), head(20, 10, 5, size=200) - 1000]))
    for angle in poses:
        assert angle[0] == pytest.approx(angle[1], abs=0.01)


def test_landmarks_that_coincide_give_numbers() -> None:
    assert all(np.isfinite(angle).all() for angle in head_pose(np.zeros((1, 5, 2))))


def blurred(crop: Crop, sigma: float) -> Crop:
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), np.uint8)


def test_sharpness_falls_with_blur_and_ignores_brightness_and_contrast(portrait: Crop) -> None:
    values = sharpness(np.stack([portrait, *(blurred(portrait, sigma) for sigma in (1, 2, 4))]))
    assert (np.diff(values) < 0).all()
    dim = (portrait * 0.5 + 10).round().astype(np.uint8)
    assert sharpness(dim[None])[0] == pytest.approx(values[0], abs=0.02)
    assert sharpness(np.full((1, 64, 64), 128, np.uint8))[0] == 0


def test_sharpness_is_the_variance_of_the_laplacian_over_that_of_the_greys(portrait: Crop) -> None:
    crops = np.stack([blurred(portrait, sigma) for sigma in (1, 2, 3, 5)])
    x = crops.astype(float)
    laplacian = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:] - 4 * x[:, 1:-1, 1:-1]
    share = laplacian.var(axis=(1, 2)) / (x.var(axis=(1, 2)) + 1)
    expected = np.log(share.clip(0.003, 0.1) / 0.003) / np.log(0.1 / 0.003)
    np.testing.assert_allclose(sharpness(crops), expected, atol=1e-5)
    assert len(np.unique(expected)) > 2


def test_the_light_of_a_face_is_dark_bright_or_noisy_and_may_be_several(portrait: Crop) -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, 30, portrait.shape)
    dark = np.clip(portrait * 0.15, 0, 255)
    crops = [portrait, dark, portrait * 3.0, portrait + noise, dark + noise / 4]
    found = conditions(np.stack([np.clip(crop, 0, 255).astype(np.uint8) for crop in crops]))
    expected = [0, Condition.DARK, Condition.BRIGHT, Condition.NOISY, Condition.DARK | Condition.NOISY]
    assert found.tolist() == expected
    assert found.dtype == np.int64


def test_detail_and_its_compression_are_no_noise(portrait: Crop) -> None:
    blocks = cv2.imdecode(cv2.imencode(".jpg", portrait, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], cv2.IMREAD_GRAYSCALE)
    stripes = np.tile(np.where(np.arange(64) % 16 < 8, 60, 190).astype(np.uint8), (64, 1))
    assert conditions(np.stack([portrait, np.asarray(blocks, np.uint8), stripes])).tolist() == [0, 0, 0]


def test_levels_at_the_bounds_are_neither_dark_nor_bright() -> None:
    flat = np.full((4, 64, 64), 45, np.uint8)
    flat[1] = 44
    flat[2, :16], flat[3, :17] = 250, 250  # a quarter of it, and more
    assert conditions(flat).tolist() == [0, Condition.DARK, 0, Condition.BRIGHT]
    flat[2, :17] = 249
    assert conditions(flat[2:3]).tolist() == [0]


def test_a_face_enlarged_from_few_pixels_is_not_sharp(portrait: Crop) -> None:
    sizes = (48, 32, 24, 16, 12)
    enlarged = [cv2.resize(cv2.resize(portrait, (s, s), interpolation=cv2.INTER_AREA), (64, 64)) for s in sizes]
    assert (np.diff(sharpness(np.stack(enlarged))) < 0).all()


@pytest.mark.parametrize(
    ("side", "blur", "angles", "scorable"),
    [
        (100, 0, (0, 0, 0), True),
        (20, 0, (0, 0, 0), True),
        (19, 0, (0, 0, 0), False),  # too small, whatever its quality
        (100, 4, (0, 0, 0), False),  # out of focus
        (100, 0, (40, 0, 0), True),
        (100, 0, (80, 0, 0), False),  # in profile
        (100, 0, (0, -75, 0), False),  # looks at the desk
        (100, 0, (0, 0, 70), False),  # lies on the table
        (100, 0, (0, 0, 180), False),  # upside down
    ],
)
def test_large_sharp_frontal_faces_are_scorable(
    portrait: Crop, side: int, blur: int, angles: tuple[int, int, int], scorable: bool
) -> None:
    crop = blurred(portrait, blur) if blur else portrait
    found = measure(
        crop[None],
        np.array([[50, 50, 50 + side, 50 + 1.3 * side]]),
        head(*angles)[None],
        Settings(scorable_size=20, scorable_quality=0.35),
    )
    assert found.scorable.tolist() == [scorable]
    assert 0 <= found.quality[0] <= 1


def test_no_faces_have_no_quality() -> None:
    found = measure(np.empty((0, 64, 64), np.uint8), np.empty((0, 4)), np.empty((0, 5, 2)), Settings())
    assert all(len(column) == 0 for column in vars(found).values())


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"),
    [
        ("students.mp4", 0.8, 1.0),  # faces about 26 px wide
        ("one_person.mp4", 0.95, 1.0),  # about 210 px
        ("four_seated.gif", 0.0, 0.1),  # 10 to 19 px
    ],
)
def test_on_real_footage_the_faces_that_can_be_read_are_scorable(
    shared: Path, name: str, at_least: float, at_most: float
) -> None:
    video = cv2.VideoCapture(str(shared / "footage" / name))
    detector, scorable = Mtcnn(min_face=16), []
    for frame in range(30):
        there, image = video.read()
        if there and frame % 10 == 0:
            rgb = np.asarray(image[..., ::-1], np.uint8)
            found = detector.detect(rgb)
            crops = crop_faces(rgb, found.boxes)
            scorable.append(measure(crops, found.boxes, found.landmarks, Settings()).scorable)
    share = np.concatenate(scorable).mean()
    assert at_least <= share <= at_most
