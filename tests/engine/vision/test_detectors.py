"""Which detector is opened, what is said where none can be, YuNet's figures, and the example of the docs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recall import Heads, heads
from engine import analyze, find
from engine.errors import UsageError
from engine.settings import Settings
from engine.vision.detectors import fingerprints, open_detector
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.networks import MODELS
from engine.vision.yunet import YuNet
from tests.drawn import SETTINGS, count
from tests.engine.footage import frames, iou, photo

ROOT = Path(__file__).parents[3]
MIRRORED = [1, 0, 2, 4, 3]


@pytest.fixture(scope="session")
def weights(shared: Path) -> Path:
    return shared / "eval/yunet_2026may.onnx"


@pytest.fixture(scope="module")
def yunet(weights: Path) -> YuNet:
    return YuNet(weights.read_bytes(), min_face=10)


# -- what a user can do wrong: settings, what the line says
WRONG = [
    (
        {"detector": "yunett"},
        r"unknown detector 'yunett'; available: mtcnn, retinaface, yunet \(see `classpulse docs extending`\)",
    ),
    ({"detector": "yunet"}, r"the detector yunet needs its weights: take .*opencv_zoo"),
    ({"detector": "yunet", "detector_weights": "nowhere.onnx"}, r"cannot read the weights nowhere.onnx: No such"),
    ({"detector": "yunet", "detector_weights": __file__}, r"test_detectors.py has no weights of YuNet that OpenCV"),
    (
        {"detector": "yunet", "detector_weights": str(MODELS / "pnet.onnx")},
        r"pnet.onnx has no weights",
    ),
    ({"detector": "mtcnn", "detector_weights": "my.onnx"}, r"the detector mtcnn has weights of its own; leave out"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG, ids=[said for _, said in WRONG])
def test_wrong_is_said_in_one_line_before_a_session_begins(
    changes: dict[str, Any], said: str, recording: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        analyze(recording, tmp_path / "db", settings=Settings(**changes))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2
    assert count(tmp_path / "db", "sessions") == 0
    assert capfd.readouterr().err == ""  # nor does OpenCV say anything


def test_the_engine_reference_has_one_detector() -> None:
    with pytest.raises(UsageError, match="detector is 'yunet'; it must be mtcnn"):
        Settings(engine="reference", detector="yunet")


def test_the_usual_one() -> None:
    assert isinstance(open_detector(Settings()), Mtcnn)
    assert sorted(fingerprints(Settings())) == ["onet", "pnet", "pnet_sparse", "rnet"]


# -- YuNet


def test_yunet_hits_more_than_twice_the_heads(shared: Path, yunet: YuNet) -> None:
    """The `mtcnn` package hits 313 of the 2,284."""
    tally = Heads()
    for image, boxes in heads(shared):
        tally.add(yunet.detect(image), boxes)
    assert tally.heads == 2284
    assert tally.hit >= 2.5 * 313
    assert tally.precision >= 0.95


def test_yunets_landmarks_and_pixels_are_ours(shared: Path, yunet: YuNet) -> None:
    """Mirroring changes the sign of a constant offset: of half a pixel, where pixels were points."""
    shifts, boxes_shift, overlaps, mtcnn = [], [], [], Mtcnn()
    for _, image in frames(shared / "footage/students.mp4", 10):
        faces, mirrored = yunet.detect(image), yunet.detect(np.ascontiguousarray(image[:, ::-1]))
        landmarks, boxes = mirrored.landmarks[:, MIRRORED], mirrored.boxes[:, [2, 1, 0, 3]]
        landmarks[:, :, 0] = image.shape[1] - landmarks[:, :, 0]
        boxes[:, ::2] = image.shape[1] - boxes[:, ::2]
        same = iou(faces.boxes, boxes)
        best, sure = same.argmax(axis=1), same.max(axis=1) > 0.5
        shifts.append((faces.landmarks - landmarks[best])[sure].mean(axis=1) / 2)
        boxes_shift.append((faces.boxes - boxes[best])[sure, ::2].mean(axis=1) / 2)
        assert (faces.landmarks[:, 0, 0] < faces.landmarks[:, 1, 0]).all()  # left eye, right eye, ...
        assert (faces.landmarks[:, 3, 0] < faces.landmarks[:, 4, 0]).all()
        assert (faces.landmarks[:, 0, 1] < faces.landmarks[:, 3, 1]).all()
        theirs = iou(mtcnn.detect(image).boxes, faces.boxes).max(axis=1)
        overlaps.extend(theirs[theirs > 0.3])
    assert len(np.concatenate(shifts)) > 70
    assert abs(np.concatenate(shifts)[:, 0].mean()) < 0.15
    assert abs(np.concatenate(boxes_shift).mean()) < 0.15
    assert np.median(overlaps) > 0.75  # the same faces in much the same boxes, which the crops depend on


def test_yunet_obeys_min_face_and_its_score(shared: Path, weights: Path, yunet: YuNet) -> None:
    image = photo(shared / "eval/photos/pyfeat_multi_face.jpg")
    faces = yunet.detect(image)
    height, width = image.shape[:2]
    assert len(faces) == 5
    assert (np.diff(faces.scores) <= 0).all()
    assert (faces.boxes >= 0).all()
    assert (faces.boxes[:, 2:] <= [width, height]).all()
    heights = np.sort(faces.boxes[:, 3] - faces.boxes[:, 1])
    fewer = YuNet(weights.read_bytes(), min_face=float(heights[1:3].mean())).detect(image)
    assert len(fewer) == 3
    sure = YuNet(weights.read_bytes(), score=float(faces.scores[:2].mean())).detect(image)
    assert 0 < len(sure) < 5
    assert len(yunet.detect(np.zeros((480, 640, 3), np.uint8))) == 0
    assert len(yunet.detect(np.zeros((1, 1, 3), np.uint8))) == 0


def test_a_session_of_yunet(recording: Path, weights: Path, tmp_path: Path) -> None:
    """Its students are found, and the weights' sha256 is kept."""
    settings = dataclasses.replace(SETTINGS, detector="yunet", detector_weights=str(weights))
    session = analyze(recording, tmp_path / "db", settings=settings)
    assert len(session.students()) == 4
    models = json.loads(find(1, tmp_path / "db").info()["models"])
    assert models["yunet"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert sorted(models) == ["fer", "moods", "yunet"]
