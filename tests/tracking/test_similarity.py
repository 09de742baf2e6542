import numpy as np

from tracking.similarity import AppearanceSimilarity, mean_weight


def test_looks_of_one_person_are_told_from_those_of_two() -> None:
    random = np.random.default_rng(0)
    persons = random.uniform(60, 200, (20, 30))
    track = np.repeat(np.arange(60), 6)  # three tracks of each person
    looks = np.rint(persons[track % 20] + random.normal(0, 12, (len(track), 30))).astype(np.uint8)
    model = AppearanceSimilarity(looks, track, 60)
    mean = model.project(np.array([looks[track == k].mean(axis=0) for k in range(60)]))
    six = mean_weight(np.full(60, 6))
    ratio = model.score(mean, six, mean, six)
    same = (np.arange(60)[:, None] - np.arange(60)) % 20 == 0
    assert ratio[same].min() > 0 > np.quantile(ratio[~same], 0.99)
    np.testing.assert_allclose(ratio, ratio.T)
    np.testing.assert_allclose(model.score(mean, six, mean, np.zeros(60)), 0, atol=1e-5)


def test_too_little_to_learn_from_says_nothing() -> None:
    model = AppearanceSimilarity(np.zeros((2, 30), np.uint8), np.array([0, 1]), 2)
    mean = model.project(np.zeros((2, 30)))
    np.testing.assert_array_equal(model.score(mean, np.ones(2), mean, np.ones(2)), np.zeros((2, 2)))
    np.testing.assert_allclose(mean_weight(np.array([0, 1, 9])), [0.0, 0.5, 0.9])
