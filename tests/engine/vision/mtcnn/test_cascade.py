"""The MTCNN cascade on its own: its geometry, its figures on footage, and what it refuses."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import linear_sum_assignment

from benchmarks.recall import SURE, Heads, heads
from engine.errors import UsageError
from engine.vision.detection import Detections, FullScan, RegionsOfInterest
from engine.vision.mtcnn.boxes import crops, square
from engine.vision.mtcnn.cascade import ONET_LARGEST, Mtcnn
from engine.vision.mtcnn.proposals import Proposer
from engine.vision.networks import Network, has_bf16
from tests.engine.footage import Score, frames, iou, photo

MIRRORED = [1, 0, 2, 4, 3]  # the landmarks of a mirrored face, in the order of the face


@pytest.fixture(scope="module")
def mtcnn() -> Mtcnn:
    return Mtcnn()


def pairs(a: Detections, b: Detections) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the same faces in both."""
    overlap = iou(a.boxes, b.boxes)
    rows, columns = linear_sum_assignment(-overlap)
    same = overlap[rows, columns] >= 0.5
    return rows[same], columns[same]


@pytest.mark.parametrize("size", [(1, 1), (11, 400), (400, 11), (12, 12), (19, 21), (240, 320)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_image_of_nothing_has_no_faces(mtcnn: Mtcnn, size: tuple[int, int], value: int) -> None:
    faces = mtcnn.detect(np.full((*size, 3), value, np.uint8))
    assert len(faces) == 0
    assert faces.boxes.shape == (0, 4)
    assert faces.landmarks.shape == (0, 5, 2)


def test_noise_gives_no_nan(mtcnn: Mtcnn) -> None:
    image = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    faces = mtcnn.detect(image)
    assert all(np.isfinite(array).all() for array in (faces.boxes, faces.scores, faces.landmarks))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((40, 40), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((40, 40, 3), np.float32),
        np.zeros((0, 40, 3), np.uint8),
    ],
    ids=["grey", "four channels", "float", "empty"],
)
def test_what_is_no_image_is_refused_with_its_shape(mtcnn: Mtcnn, image: npt.NDArray[Any]) -> None:
    with pytest.raises(UsageError, match=r"an image is uint8 \(height, width, 3\), not") as caught:
        mtcnn.detect(image)
    assert str(image.shape) in str(caught.value)
    assert str(image.dtype) in str(caught.value)


def test_detections_check_their_shapes() -> None:
    with pytest.raises(ValueError, match=r"landmarks has shape \(2, 10\), expected \(2, 5, 2\)"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(2, np.float32), np.zeros((2, 10), np.float32))


def test_faces_are_in_the_image_the_surest_first(shared: Path, mtcnn: Mtcnn) -> None:
    image = photo(shared / "eval/photos/pyfeat_multi_face.jpg")
    faces = mtcnn.detect(image)
    height, width = image.shape[:2]
    assert len(faces) == 5
    assert (faces.boxes[:, :2] >= 0).all()
    assert (faces.boxes[:, 2:] <= [width, height]).all()
    assert (faces.boxes[:, 2:] > faces.boxes[:, :2]).all()
    assert (np.diff(faces.scores) <= 0).all()
    assert faces.scores.min() > 0.8
    eyes, mouth = faces.landmarks[:, :2].mean(axis=1), faces.landmarks[:, 3:].mean(axis=1)
    assert (eyes[:, 1] < mouth[:, 1]).all()
    assert (faces.landmarks[:, 0, 0] < faces.landmarks[:, 1, 0]).all()


NOWHERE = np.empty((0, 4), np.float32)


@pytest.fixture(scope="module")
def group(shared: Path, mtcnn: Mtcnn) -> tuple[np.ndarray, Detections]:
    """A photograph of five people, and their faces."""
    image = photo(shared / "eval/photos/pyfeat_multi_face.jpg")
    return image, mtcnn.detect(image)


def test_with_regions_of_interest_only_these_are_searched(
    mtcnn: Mtcnn, group: tuple[np.ndarray, Detections]
) -> None:
    image, faces = group
    expected = mtcnn.detect(image, RegionsOfInterest(faces.boxes[:2], NOWHERE))
    rows, columns = pairs(expected, faces)
    assert len(expected) == 2
    assert sorted(columns) == [0, 1]
    assert iou(expected.boxes, faces.boxes)[rows, columns].min() > 0.75
    # Around a missing face, a neighbour may be detected too.
    around = pairs(mtcnn.detect(image, RegionsOfInterest(NOWHERE, faces.boxes[:2])), faces)[1]
    assert {0, 1} <= set(around) < {0, 1, 2, 3, 4}


@pytest.mark.parametrize("shift", [-0.5, 0.5])
@pytest.mark.parametrize("size", [0.75, 1.0, 1.33])
def test_a_face_is_found_half_its_size_from_its_region_and_a_third_larger_or_smaller(
    mtcnn: Mtcnn, group: tuple[np.ndarray, Detections], shift: float, size: float
) -> None:
    image, faces = group
    sides = (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1, keepdims=True)
    middles = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 + shift * sides
    off = np.concatenate([middles - size * sides / 2, middles + size * sides / 2], axis=1).astype(np.float32)
    assert len(pairs(mtcnn.detect(image, RegionsOfInterest(off, NOWHERE)), faces)[0]) == 5


def test_a_region_of_interest_alone_gives_no_face(mtcnn: Mtcnn, group: tuple[np.ndarray, Detections]) -> None:
    image, faces = group
    blank = np.full_like(image, 90)
    assert len(mtcnn.detect(blank, RegionsOfInterest(faces.boxes, faces.boxes + 10))) == 0
    assert len(mtcnn.detect(image, RegionsOfInterest(NOWHERE, NOWHERE))) == 0


def test_regions_of_interest_may_lie_outside_the_image(mtcnn: Mtcnn, group: tuple[np.ndarray, Detections]) -> None:
    image, _ = group
    width = image.shape[1]
    outside = np.array([[-90, -90, -50, -50], [width + 9, 0, width + 49, 40], [-5e5, 0, 5e5, 1e6]], np.float32)
    assert len(mtcnn.detect(image, RegionsOfInterest(outside, outside))) == 0


@pytest.mark.parametrize("scan", [0, 1, 2])
def test_a_sparse_scan_detects_the_same_faces_as_a_dense_one(
    mtcnn: Mtcnn, group: tuple[np.ndarray, Detections], scan: int
) -> None:
    image, faces = group
    regions = RegionsOfInterest(NOWHERE, NOWHERE, FullScan(scan))
    found = mtcnn.detect(image, regions)
    assert len(found) == len(pairs(found, faces)[0]) == 5
    largest = (faces.boxes[:, 3] - faces.boxes[:, 1]).max()
    assert len(Mtcnn(min_face=2 * largest).detect(image, regions)) == 0


@pytest.mark.parametrize("least", [0.96, 0.98, 0.995])
def test_at_expected_places_no_face_scores_less_than_the_threshold(
    group: tuple[np.ndarray, Detections], least: float
) -> None:
    image, faces = group
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 11), np.uint8)
    found = Mtcnn(thresholds=(0.6, 0.7, least)).detect(blurred, RegionsOfInterest(faces.boxes, NOWHERE))
    assert len(found) >= 1
    assert (found.scores > least).all()


def test_no_patch_is_scanned_around_a_doubtful_face_that_did_not_move(
    mtcnn: Mtcnn, group: tuple[np.ndarray, Detections], monkeypatch: pytest.MonkeyPatch
) -> None:
    image, faces = group
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 13), np.uint8)
    asked = []
    around = Proposer.around

    def noted(proposer: Proposer, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        asked.append(boxes)
        return around(proposer, image, boxes)

    monkeypatch.setattr(Proposer, "around", noted)
    found = mtcnn.detect(blurred, RegionsOfInterest(faces.boxes, NOWHERE))
    again = mtcnn.detect(blurred, RegionsOfInterest(found.boxes, NOWHERE))
    assert 1 <= len(asked[0]) < 5  # those that cannot be seen any more
    assert len(asked[1]) == 0
    assert len(again) == len(found) >= 2
    assert 0.8 < again.scores.min() < 0.95


@pytest.mark.skipif(
    not has_bf16(), reason="no bf16: 8 bits are not used here, and older processors saturate in them"
)
def test_onet_in_8_bits_is_about_onet(shared: Path, mtcnn: Mtcnn) -> None:
    rng = np.random.default_rng(0)
    onet, rough = Network("onet"), Network("onet", precision="bf16", largest=ONET_LARGEST)
    differences = []
    for _, image in frames(shared / "footage/students.mp4", 10, 12):
        boxes = square(mtcnn.detect(image).boxes)
        shifts = rng.normal(0, 0.1, (len(boxes), 2)) * (boxes[:, 2:] - boxes[:, :2])
        cut = crops(image, (boxes + np.tile(shifts, 2)).astype(np.float32), 48)
        differences.append([one - other for one, other in zip(onet(cut), rough(cut), strict=True)])
    offsets, landmarks, scores = (np.concatenate(each) for each in zip(*differences, strict=True))
    assert len(scores) > 50
    assert 0 < np.sqrt((offsets**2).mean()) < 0.005
    assert 0 < np.sqrt((landmarks**2).mean()) < 0.005
    assert np.abs(scores).max() < 0.1


def test_min_face_and_thresholds_are_obeyed(shared: Path, mtcnn: Mtcnn) -> None:
    (_, image), *_ = frames(shared / "footage/students.mp4", 1, 1)
    everyone = mtcnn.detect(image)
    heights = everyone.boxes[:, 3] - everyone.boxes[:, 1]
    assert heights.min() < 40
    assert len(Mtcnn(min_face=80).detect(image)) < len(everyone)
    strict = Mtcnn(thresholds=(0.6, 0.7, 0.995)).detect(image)
    assert 0 < len(strict) < len(everyone)
    assert strict.scores.min() > 0.995


def test_the_prefilter_changes_no_face(shared: Path, mtcnn: Mtcnn) -> None:
    if not has_bf16():
        pytest.skip("this processor does not compute in bf16, so there is no prefilter")
    plain = Mtcnn(prefilter=False)
    images = [photo(path) for path in sorted((shared / "eval/photos").iterdir())]
    images += [image for _, image in frames(shared / "footage/walking_1080p.mp4", 30, 3)]
    for image in images:
        a, b = mtcnn.detect(image), plain.detect(image)
        np.testing.assert_allclose(a.boxes, b.boxes, atol=0.01)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-4)


def test_a_mirrored_image_has_the_mirrored_landmarks(shared: Path, mtcnn: Mtcnn) -> None:
    """No ground truth is needed to see a coordinate that is off by a constant: mirroring changes its sign.

    The landmarks show it, because O-Net itself is unbiased in them. Its boxes lean to the left by 3 to 6 % of a
    small face's size: the weights do, in the package too, on crops mirrored exactly, whatever the convention.
    """
    shifts, leans = [], []
    for _, image in frames(shared / "footage/students.mp4", 6):
        faces, mirrored = mtcnn.detect(image), mtcnn.detect(np.ascontiguousarray(image[:, ::-1]))
        landmarks, boxes = mirrored.landmarks[:, MIRRORED], mirrored.boxes[:, [2, 1, 0, 3]]
        landmarks[:, :, 0] = image.shape[1] - landmarks[:, :, 0]
        boxes[:, ::2] = image.shape[1] - boxes[:, ::2]
        a, b = pairs(faces, Detections(boxes, mirrored.scores, landmarks))
        shifts.append((faces.landmarks[a] - landmarks[b]).mean(axis=1) / 2)
        leans.append((faces.boxes[a] - boxes[b])[:, ::2].mean(axis=1) / 2 / (boxes[b, 2] - boxes[b, 0]))
    assert len(np.concatenate(shifts)) > 100
    x, y = np.concatenate(shifts).mean(axis=0)
    assert abs(x) < 0.15
    assert abs(y) < 0.15
    assert -0.08 < np.concatenate(leans).mean() < 0


def test_an_enlarged_image_has_the_enlarged_landmarks(shared: Path, mtcnn: Mtcnn) -> None:
    """A constant offset in pixels would be half as large after enlarging by two: this sees the vertical one too."""
    double, shifts = Mtcnn(min_face=40), []
    for _, image in frames(shared / "footage/students.mp4", 9):
        twice = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        large = double.detect(np.asarray(twice, np.uint8))
        faces, halved = (
            mtcnn.detect(image),
            Detections(large.boxes / np.float32(2), large.scores, large.landmarks / np.float32(2)),
        )
        a, b = pairs(faces, halved)
        shifts.append((faces.landmarks[a] - halved.landmarks[b]).mean(axis=1))
    assert len(np.concatenate(shifts)) > 60
    assert np.abs(np.concatenate(shifts).mean(axis=0)).max() < 0.15


def test_at_least_the_packages_true_faces_and_no_more_false_ones(shared: Path, mtcnn: Mtcnn) -> None:
    """On all 139 frames the package finds 826 true faces and 11 false ones; test_parity.py runs it."""
    score = Score(shared)
    for number, image in frames(shared / "footage/students.mp4", 1):
        score.add(number + 1, mtcnn.detect(image).boxes)
    assert score.true >= 826
    assert score.false <= 11


@pytest.mark.slow
def test_at_10_px_more_heads_are_hit_as_precisely(shared: Path) -> None:
    """On every second image, where the package, at its usual 20 px, hits 191 with a precision of 0.97."""
    small, tally = Mtcnn(min_face=10), Heads()
    for image, boxes in islice(heads(shared), 0, None, 2):
        tally.add(small.detect(image), boxes)
    assert tally.heads == 1224
    assert tally.hit >= 1.25 * 191
    assert tally.precision >= 0.96


def test_weak_faces_come_where_small_ones_are_looked_for_and_only_there(shared: Path) -> None:
    path = shared / "eval/heads/PartA_00100.jpg"
    image = photo(path)
    assert (Mtcnn(min_face=20).detect(image).scores > SURE).all()
    scores = Mtcnn(min_face=10).detect(image).scores
    assert 0.4 < scores.min() < SURE < scores.max()


def test_a_mirrored_image_has_the_mirrored_small_faces(shared: Path) -> None:
    """Both are seen as they are and mirrored: what boxes lean to the left is left of P-Net's and R-Net's."""
    small, leans, shifts = Mtcnn(min_face=10), [], []
    for _, image in frames(shared / "footage/four_seated.gif", 5):
        faces, mirrored = small.detect(image), small.detect(np.ascontiguousarray(image[:, ::-1]))
        landmarks, boxes = mirrored.landmarks[:, MIRRORED], mirrored.boxes[:, [2, 1, 0, 3]]
        landmarks[:, :, 0] = image.shape[1] - landmarks[:, :, 0]
        boxes[:, ::2] = image.shape[1] - boxes[:, ::2]
        a, b = pairs(faces, Detections(boxes, mirrored.scores, landmarks))
        leans.append((faces.boxes[a] - boxes[b])[:, ::2].mean(axis=1) / 2)
        shifts.append((faces.landmarks[a] - landmarks[b])[..., 0].mean(axis=1) / 2)
    assert len(np.concatenate(leans)) >= 30
    assert -0.3 < np.concatenate(leans).mean() < 0
    assert abs(np.concatenate(shifts).mean()) < 0.1
