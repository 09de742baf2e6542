"""Appearance similarity: one person is told from two, and noise of few descriptors is no difference of persons."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import multivariate_normal, norm

from tracking.similarity import AppearanceSimilarity, mean_weight

Floats = npt.NDArray[np.float64]


def test_descriptors_of_one_person_score_above_those_of_two() -> None:
    random = np.random.default_rng(0)
    persons = random.uniform(60, 200, (20, 30))
    track = np.repeat(np.arange(60), 6)  # three tracks of each person
    sample = np.rint(persons[track % 20] + random.normal(0, 12, (len(track), 30))).astype(np.uint8)
    model = AppearanceSimilarity(sample, track, 60)
    mean = model.project(np.array([sample[track == k].mean(axis=0) for k in range(60)]))
    six = mean_weight(np.full(60, 6))
    ratio = model.score(mean, six, mean, six)
    same = (np.arange(60)[:, None] - np.arange(60)) % 20 == 0
    assert ratio[same].min() > 0 > np.quantile(ratio[~same], 0.99)
    np.testing.assert_allclose(ratio, ratio.T)
    np.testing.assert_allclose(model.score(mean, six, mean, np.zeros(60)), 0, atol=1e-5)


def test_too_few_tracks_to_learn_from_give_a_score_of_zero() -> None:
    model = AppearanceSimilarity(np.zeros((2, 30), np.uint8), np.array([0, 1]), 2)
    mean = model.project(np.zeros((2, 30)))
    np.testing.assert_allclose(model.score(mean, np.ones(2), mean, np.ones(2)), np.zeros((2, 2)), atol=1e-15)
    np.testing.assert_allclose(mean_weight(np.array([0, 1, 9])), [0.0, 0.5, 0.9])


@pytest.mark.parametrize("count", [2, 8])
def test_the_variance_between_persons_is_without_the_noise_of_few_descriptors(count: int) -> None:
    """Descriptors 10 off their track's mean, means 30 off the session's: all variances are known exactly."""
    means = np.tile([98, 158], 10)
    sample = (means[:, None] + np.tile([-10, 10], count // 2)).reshape(-1, 1).astype(np.uint8)
    model = AppearanceSimilarity(sample, np.repeat(np.arange(20), count), 20)
    within = 100 * count / (count - 1)  # an unbiased variance
    within += 0.1 * within + 1.0  # and the ridge that keeps it invertible
    np.testing.assert_allclose(model.between, [900 / within - 1 / count - 1.0])


def one_number(*means: float) -> tuple[AppearanceSimilarity, Floats]:
    """A model of one dimension, where persons vary by 9 and tracks by 1, and `means` in it (k, 1)."""
    model = AppearanceSimilarity(np.zeros((0, 1), np.uint8), np.empty(0, np.int64), 0)
    model.between = np.array([9.0])
    return model, np.array(means)[:, None]


def test_unlike_looks_never_prove_two_persons() -> None:
    """However far apart, the odds against are at most those of looks that have changed."""
    model, means = one_number(-40.0, 40.0)
    many = np.full(2, 1e6)
    score = model.score(means, many, means, many)
    np.testing.assert_allclose(score[[0, 1], [1, 0]], np.log(0.05))
    assert score[0, 0] > 10


def test_the_score_is_the_ratio_of_two_gaussians_with_a_share_of_changed_looks() -> None:
    """By hand, from densities: means of weight 2 vary by the persistent 1 and by 1 / 2, persons by 9."""
    model, means = one_number(3.0, 2.0)
    covariance = np.array([[10.5, 9.0], [9.0, 10.5]])
    together = multivariate_normal(cov=covariance).pdf([3.0, 2.0])
    apart = norm(scale=np.sqrt(10.5)).pdf(3.0) * norm(scale=np.sqrt(10.5)).pdf(2.0)
    two = np.full(2, 2.0)
    expected = np.log(0.95 * together / apart + 0.05)
    np.testing.assert_allclose(model.score(means, two, means, two)[0, 1], expected)


def test_looks_that_are_not_known_say_nothing() -> None:
    model, means = one_number(-40.0, 40.0)
    np.testing.assert_allclose(model.score(means, np.zeros(2), means, np.full(2, 9.0)), 0, atol=1e-5)
