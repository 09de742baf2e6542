"""The cascade against the original `mtcnn` package, on the same images."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from engine.vision.detection import Detections
from engine.vision.mtcnn.cascade import Mtcnn
from tests.engine.footage import Score, frames, iou, photo

pytestmark = [pytest.mark.reference, pytest.mark.slow]

# footage, every how many frames
FOOTAGE = [("students.mp4", 1), ("walking_1080p.mp4", 5), ("four_seated.gif", 3), ("one_person.mp4", 24)]


@pytest.fixture(scope="module")
def images(shared: Path) -> list[tuple[str, int, np.ndarray]]:
    found = [(path.name, 0, photo(path)) for path in sorted((shared / "eval/photos").iterdir())]
    for name, step in FOOTAGE:
        found += [(name, number, image) for number, image in frames(shared / "footage" / name, step)]
    return found


@pytest.fixture(scope="module")
def originals(images: list[tuple[str, int, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The package's boxes (n, 4) and landmarks (n, 5, 2) for each image, before it rounds them."""
    if importlib.util.find_spec("mtcnn") is None:
        pytest.skip("mtcnn is not installed: the `reference` extra")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mtcnn import MTCNN

    package, found = MTCNN(), []
    for _, _, image in images:
        rows = package.detect_faces(image, output_type="numpy", box_format="xyxy")
        # It counts landmarks from the centre of the first pixel, boxes from its corner.
        landmarks = np.stack([rows[:, 6:11], rows[:, 11:16]], axis=2) + 0.5
        found.append((rows[:, 1:5], landmarks))
    return found


@pytest.fixture(scope="module")
def ours(images: list[tuple[str, int, np.ndarray]]) -> list[Detections]:
    mtcnn = Mtcnn()
    return [mtcnn.detect(image) for _, _, image in images]


def test_nearly_all_boxes_are_found_again_and_the_landmarks_sit_where_they_sat(
    originals: list[tuple[np.ndarray, np.ndarray]], ours: list[Detections]
) -> None:
    again, total, distances = 0, 0, []
    for (boxes, landmarks), faces in zip(originals, ours, strict=True):
        total += len(boxes)
        if not len(faces):
            continue
        overlap = iou(boxes, faces.boxes)
        same, best = overlap.max(axis=1) >= 0.5, overlap.argmax(axis=1)
        again += same.sum()
        apart = np.linalg.norm(faces.landmarks[best[same]] - landmarks[same], axis=2).mean(axis=1)
        distances.extend(apart / (boxes[same, 2] - boxes[same, 0]))
    assert total > 1000
    assert again / total >= 0.97
    assert sum(map(len, ours)) == pytest.approx(total, rel=0.03)
    assert np.median(distances) <= 0.02


def test_as_many_true_faces_and_no_more_false_ones(
    shared: Path,
    images: list[tuple[str, int, np.ndarray]],
    originals: list[tuple[np.ndarray, np.ndarray]],
    ours: list[Detections],
) -> None:
    package, cascade = Score(shared), Score(shared)
    for (name, number, _), (boxes, _), faces in zip(images, originals, ours, strict=True):
        if name == "students.mp4":
            package.add(number + 1, boxes)
            cascade.add(number + 1, faces.boxes)
    assert cascade.true >= package.true
    assert cascade.false <= package.false
