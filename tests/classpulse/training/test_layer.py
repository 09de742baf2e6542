"""The last layer: its minimum, its scale, and folds in which nobody stands on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from classpulse.training.layer import Layer, Scale, cross_validate, fit, folds_of, log_shares

RANDOM = np.random.default_rng(5)
VALUES = RANDOM.normal(size=(90, 4)).astype(np.float32)
LABELS = (VALUES @ [2, -1, 0, 0] + RANDOM.normal(size=90) > 0).astype(np.int64) + (VALUES[:, 2] > 0)


def test_the_layer_is_where_the_penalised_loss_has_no_slope() -> None:
    penalty = 0.05
    layer = fit(VALUES, LABELS, penalty)
    logits = VALUES.astype(np.float64) @ layer.weights.T + layer.bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = shares - np.eye(3)[LABELS]
    assert np.abs(errors.T @ VALUES / 90 + penalty * layer.weights).max() < 1e-3
    assert np.abs(errors.mean(axis=0)).max() < 1e-3
    assert np.abs(layer.weights).max() > 0.3


def test_a_held_out_face_teaches_nothing() -> None:
    used = np.arange(90) < 60
    wrong = np.where(used, LABELS, 2 - LABELS)
    kept, changed = (fit(VALUES, labels, 0.1, used).weights for labels in (LABELS, wrong))
    np.testing.assert_array_equal(kept, changed)
    assert not np.allclose(fit(VALUES, wrong, 0.1).weights, fit(VALUES, LABELS, 0.1).weights, atol=0.05)


def test_a_layer_over_scaled_activations_is_one_over_them_as_they_come() -> None:
    activations = (VALUES * [1, 20, 300, 0] + [5, 0, -7, 3]).astype(np.float32)
    scaled = activations.copy()
    scale = Scale.standardise(scaled)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 1, 0], atol=1e-5)
    layer = Layer(RANDOM.normal(size=(3, 4)), np.array([0.5, 0, -1]))
    expected = log_shares(scaled, layer)
    np.testing.assert_allclose(log_shares(activations, scale.undone(layer)), expected, atol=1e-4)


def test_nobody_stands_on_both_sides_and_classes_are_spread() -> None:
    groups = np.repeat(np.arange(30), 3)
    labels = np.repeat(np.arange(30) % 3, 3)
    folds = folds_of(labels, groups)
    assert all(len(set(folds[groups == group])) == 1 for group in range(30))
    assert [np.bincount(labels[folds == fold]).tolist() for fold in range(5)] == [[6, 6, 6]] * 5
    assert set(folds_of(np.array([0, 1, 0]), np.array([0, 0, 1]))) == {0, 1}


@pytest.mark.parametrize(("per_person", "right"), [(1, 1.0), (15, 0.0)])
def test_what_tells_a_person_is_no_use_for_another_one(per_person: int, right: float) -> None:
    """Six people with a value of their own and a class each: with all of a person held out, nothing is known."""
    people = np.repeat(np.arange(6), 15)
    values = np.eye(6, dtype=np.float32)[people]
    labels = people % 2
    groups = people if per_person == 15 else np.arange(90)
    found = cross_validate(values, labels, folds_of(labels, groups))
    assert (found.predicted == labels).mean() == pytest.approx(right, abs=0.5 if right == 0 else 0)
    assert (found.loss < 0.1) == (right == 1)
    own = found.shares[np.arange(90), labels]
    assert -np.log(own).mean() == pytest.approx(found.loss, abs=1e-5)
    assert found.shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
