"""Two networks fused: three log-likelihoods a face, the same in every batch, and what an own arithmetic gives."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from scipy.special import log_softmax

from classpulse.simulation.render import Renderer
from engine.vision.expression import FerScorer, crop_faces
from engine.vision.models.layers import LOWEST
from engine.vision.moods.fusion import Fusion
from engine.vision.networks import MODELS, Network
from tests.drawn import LESSON


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Four faces of a drawn lesson."""
    frame = Renderer(LESSON).frame(0)
    grey = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8)
    return crop_faces(grey, frame.boxes)


@pytest.fixture(scope="module")
def fusion() -> Fusion:
    return Fusion()


def test_the_layer_is_applied_to_scores_and_activations_of_both_networks(fusion: Fusion, crops: np.ndarray) -> None:
    scores = FerScorer().score(crops)
    larger = np.stack([cv2.resize(crop, (112, 112), interpolation=cv2.INTER_CUBIC) for crop in crops])
    second, activations = Network("faceapi")(larger[:, None].astype(np.float32))
    features = fusion.features(crops)
    np.testing.assert_allclose(features[:, :7], np.log(scores + 1e-4), atol=1e-4)
    np.testing.assert_allclose(features[:, 7:14], np.log(second + 1e-4), atol=1e-4)
    np.testing.assert_allclose(features[:, 14 + 3 * 128 :], activations, atol=1e-4)
    np.testing.assert_allclose(second.sum(axis=1), 1, atol=1e-5)
    mean, largest, deviation = features[:, 14 : 14 + 3 * 128].reshape(-1, 3, 128).transpose(1, 0, 2)
    assert (mean <= largest).all()
    assert (deviation >= 0).all()
    weights, bias = (
        numpy_helper.to_array(each) for each in onnx.load(str(MODELS / "fusion.onnx")).graph.initializer
    )
    expected = np.maximum(log_softmax(features @ weights + bias, axis=1), LOWEST)
    np.testing.assert_allclose(fusion(crops), expected, atol=1e-4)


def test_a_face_does_not_depend_on_the_others(fusion: Fusion, crops: np.ndarray) -> None:
    many = np.concatenate([crops] * 6)[:21]  # more than a batch
    np.testing.assert_allclose(fusion(many)[20], fusion(crops[20 % len(crops)][None])[0], atol=1e-5)
    assert fusion(crops[:0]).shape == (0, 3)


def test_no_face_proves_more_than_the_floor_allows(fusion: Fusion) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (40, 64, 64), np.uint8)
    found = fusion(crops)
    assert (found >= LOWEST).all()
    assert (found <= 0).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=2 * np.exp(LOWEST))
