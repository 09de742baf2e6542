"""The second look at doubtful faces: which ones, at what, and what of it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from engine.vision.detection import Detections
from engine.vision.retinaface.network import logit, sigmoid
from engine.vision.retinaface.second_look import CLEAR, DOUBTFUL, FACE, NONE, REACH, SIDE, look_again

IMAGE = np.zeros((400, 400, 3), np.uint8)


def faces(*scores: float) -> Detections:
    """Faces of 40 x 50 px side by side."""
    n = len(scores)
    boxes = np.array([[60 + 60 * i, 100, 100 + 60 * i, 150] for i in range(n)], np.float32).reshape(n, 4)
    return Detections(boxes, np.array(scores, np.float32), np.zeros((n, 5, 2), np.float32))


@dataclass
class Scripted:
    """Finds a face in each picture, `off` px from its middle; in mirrored ones with another score."""

    first: float
    mirrored: float
    off: float = 0.0
    shown: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def __call__(self, images: npt.NDArray[np.uint8], least: float) -> tuple[npt.NDArray[np.intp], Detections]:
        score = (self.first, self.mirrored)[len(self.shown) % 2]
        self.shown.append(images)
        assert least == NONE
        n, middle = len(images), SIDE / 2 + self.off
        box = np.array([[middle - 20, SIDE / 2 - 20, middle + 20, SIDE / 2 + 20]], np.float32).repeat(2 * n, axis=0)
        scores = np.tile(np.array([score, 0.02], np.float32), n)  # a second anchor sees less
        return np.repeat(np.arange(n), 2), Detections(box, scores, np.zeros((2 * n, 5, 2), np.float32))


def looked(network: Any, *scores: float) -> list[float]:
    result: list[float] = look_again(network, IMAGE, faces(*scores)).scores.tolist()
    return result


def test_the_score_is_the_mean_of_the_logits_of_the_scan_twice_and_of_both_second_looks() -> None:
    expected = sigmoid((4 * logit(0.6) + logit(0.9) + logit(0.3)) / 6)
    assert looked(Scripted(0.9, 0.3), 0.6) == [pytest.approx(float(expected), abs=1e-5)]


def test_only_doubtful_faces_are_looked_at_again() -> None:
    network = Scripted(0.9, 0.9)
    below = float(np.nextafter(np.float32(DOUBTFUL), np.float32(0)))
    scores = looked(network, CLEAR + 0.01, 0.5, below)
    assert [len(shown) for shown in network.shown] == [1, 1]
    assert scores[0] == pytest.approx(CLEAR + 0.01)
    assert scores[1] > 0.6
    assert scores[2] == pytest.approx(below)


def test_without_doubtful_faces_the_network_does_not_run() -> None:
    network = Scripted(0.9, 0.9)
    assert looked(network, 0.99) == [pytest.approx(0.99)]
    assert looked(network) == []
    assert network.shown == []


def test_a_face_elsewhere_in_the_picture_is_no_confirmation() -> None:
    near, far = (looked(Scripted(0.9, 0.9, off), 0.6)[0] for off in (REACH * FACE - 1, REACH * FACE + 1))
    assert near == pytest.approx(float(sigmoid((2 * logit(0.6) + logit(0.9)) / 3)), abs=1e-5)
    assert far == pytest.approx(float(sigmoid((2 * logit(0.6) + logit(NONE)) / 3)), abs=1e-5)


def test_the_face_is_shown_enlarged_with_its_surroundings_and_then_mirrored() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, :50] = 200
    image[60:, :50] = 90
    box = np.array([[40, 50, 60, 75]], np.float32)  # 25 px high: enlarged twice, around (50, 62.5)
    network = Scripted(0.9, 0.9)
    scripted: Any = network
    look_again(scripted, image, Detections(box, np.array([0.5], np.float32), np.zeros((1, 5, 2), np.float32)))
    first, second = (shown[0, :, :, 0] for shown in network.shown)
    assert first.shape == (SIDE, SIDE)
    assert np.unique(first[:, : SIDE // 2 - 1]).tolist()[0] >= 90
    assert (first[:, SIDE // 2 + 1 :] == 0).all()
    edge = SIDE / 2 - 2 * 2.5
    assert (first[: int(edge) - 1, : SIDE // 2 - 1] == 200).all()
    assert (first[int(edge) + 2 :, : SIDE // 2 - 1] == 90).all()
    assert (second == first[:, ::-1]).all()
