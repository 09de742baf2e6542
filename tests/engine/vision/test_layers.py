"""Log-likelihoods of every face by a layer over FER's network alone, whose scores stay what they are."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from scipy.special import log_softmax

from engine.vision.expression import FerScorer, normalised
from engine.vision.models.layers import LOWEST, log_likelihoods, mood_features, shifted_means
from engine.vision.networks import MODELS, Network

CROPS = np.random.default_rng(3).integers(0, 256, (70, 64, 64), np.uint8)  # more than a batch


@pytest.fixture(scope="module")
def scorer() -> FerScorer:
    return FerScorer()


def test_the_scores_are_bit_for_bit_those_of_the_network_alone(scorer: FerScorer) -> None:
    scores, _ = scorer.read(CROPS)
    alone = Network("fer")
    np.testing.assert_array_equal(scores[:64], alone(normalised(CROPS[:64])[:, None])[0])
    np.testing.assert_array_equal(scores, scorer.score(CROPS))


def test_the_layer_is_a_linear_one_over_scores_and_activations_of_the_network(scorer: FerScorer) -> None:
    scores, loglik = scorer.read(CROPS)
    layer = onnx.load(str(MODELS / "moods.onnx")).graph.initializer
    weights, bias = (numpy_helper.to_array(each) for each in layer)
    _, maps = Network("fer", trunk=True)(normalised(CROPS)[:, None])
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)))
    means = [padded[:, :, y : y + 4, x : x + 4].mean(axis=(2, 3)) for y in range(3) for x in range(3)]
    features = np.hstack([np.log(scores + 1e-4), np.stack(means, axis=2).reshape(len(maps), -1)])
    np.testing.assert_allclose(mood_features(scores, maps), features, atol=1e-4)
    np.testing.assert_allclose(loglik, np.maximum(log_softmax(features @ weights + bias, axis=1), -6), atol=1e-3)


def test_no_faces_have_no_log_likelihoods_and_one_does_not_depend_on_the_others(scorer: FerScorer) -> None:
    assert [part.shape for part in scorer.read(CROPS[:0])] == [(0, 7), (0, 3)]
    np.testing.assert_allclose(scorer.read(CROPS[5:6])[1], scorer.read(CROPS)[1][5:6], atol=1e-4)


def test_maps_are_shifted_with_zeros_from_outside() -> None:
    """One map with a single 1 in its upper left corner: a shift down or right takes it out."""
    maps = np.zeros((1, 128, 4, 4), np.float32)
    maps[0, 7, 0, 0] = 16
    means = shifted_means(maps).reshape(128, 3, 3)
    assert means[7].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert not means[np.arange(128) != 7].any()


def test_log_likelihoods_are_shares_of_one_and_none_is_under_the_floor() -> None:
    found = log_likelihoods(np.array([[0.0, 0.0, np.log(2)], [50.0, 0.0, 49.0]], np.float32))
    np.testing.assert_allclose(np.exp(found[0]), [0.25, 0.25, 0.5], atol=1e-6)
    assert found[1, 1] == LOWEST
    assert found[1, 2] - found[1, 0] == pytest.approx(-1)
