"""The fit of the fusing layer on numbers whose answer is known, and the degradations that it is made under."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.degradations import FITTED, UNFITTED, degrade
from benchmarks.fit_moods import cross_entropy, fit


def test_the_fit_finds_likelihoods_whatever_the_moods_frequencies() -> None:
    """Three unit normals a distance of 2 apart, of very different frequency: logits differ by 2 x - 2."""
    random = np.random.default_rng(0)
    mood = np.repeat([0, 1, 2], [6000, 1500, 500])
    features = random.normal(0, 1, (len(mood), 16)).astype(np.float32)
    features[:, 0] += 2.0 * mood
    weights, bias = fit(features, mood, 14, (1e-6, 1e-6))
    logits = np.array([[0.0], [1.0], [3.0]]) @ weights[:1] + bias
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], [-2, 0, 4], atol=0.3)
    np.testing.assert_allclose(logits[:, 2] - logits[:, 1], [-6, -4, 0], atol=0.6)
    shrunk, _ = fit(features, mood, 14, (1.0, 1e-6))
    assert np.abs(shrunk[0]).max() < 0.2 * np.abs(weights[0]).max()
    assert cross_entropy(features, mood, weights, bias) < 0.5


@pytest.mark.parametrize("kind", [*FITTED, *UNFITTED])
def test_a_degraded_face_is_another_face_of_the_same_kind_and_drawn_alike(kind: str) -> None:
    ramp = np.add.outer(np.arange(48), 2 * np.arange(48)) + 40
    face = np.clip(ramp + 30 * np.sin(np.arange(48) / 3), 0, 255).astype(np.uint8)
    first, again = (degrade(face, kind, np.random.default_rng(4)) for _ in range(2))
    assert (first.shape, first.dtype) == (face.shape, face.dtype)
    np.testing.assert_array_equal(first, again)
    assert (first == face).all() == (kind == "clean")


def test_degradations_are_named_once() -> None:
    assert not set(FITTED) & set(UNFITTED)
