"""The last layer, fitted exactly: multinomial logistic regression, and how it does on people it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Penalties of the squared weights over standardised activations: tried from the strongest on, until the held-out
#: faces' loss grows.
PENALTIES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
#: Folds of the cross-validation, if there are so many people.
FOLDS = 5
#: Most steps of L-BFGS, and the relative change of the loss that ends it: in the layer that is kept, and in the
#: folds, whose accuracy is about the same with a fraction of the steps.
STEPS, EXACT, NEAR = 1000, 1e-7, 1e-4

#: Columns of activations whose deviation is taken at once.
_COLUMNS = 64


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights (k, d) and biases (k,) of k classes over d activations, float64: logits are x @ weights.T + bias."""

    weights: Doubles
    bias: Doubles


@dataclass(frozen=True, eq=False)
class Validation:
    """What cross-validation says of one penalty. No person is both fitted to and predicted in a fold."""

    penalty: float
    loss: float
    """Mean negative log-likelihood of the held-out faces, nats."""
    predicted: Ints
    """(n,) the class of each face that was the likeliest while its person was held out."""
    shares: Floats
    """(n, k) how likely each class was then."""


@dataclass(frozen=True, eq=False)
class Scale:
    """What activations (n, d) are in their mean and deviation, (d,) each."""

    mean: Doubles
    deviation: Doubles

    @classmethod
    def standardise(cls, activations: Floats) -> Scale:
        """Bring `activations` themselves to a mean of 0 and a deviation of 1; one that is always the same to 0."""
        mean = activations.mean(axis=0, dtype=np.float64)
        # Some columns at a time: the deviation of all at once takes twice the memory of the activations.
        parts = [
            activations[:, start : start + _COLUMNS].std(axis=0, dtype=np.float64)
            for start in range(0, activations.shape[1], _COLUMNS)
        ]
        deviation = np.concatenate(parts)
        deviation[deviation < 1e-6] = np.inf
        activations -= mean.astype(np.float32)
        activations /= deviation.astype(np.float32)
        return cls(mean, deviation)

    def undone(self, layer: Layer) -> Layer:
        """The layer over the activations as they come, of one over the standardised ones."""
        weights = layer.weights / self.deviation
        return Layer(weights, layer.bias - weights @ self.mean)


def fit(
    values: Floats,
    labels: Ints,
    penalty: float,
    used: npt.NDArray[np.bool_] | None = None,
    start: Layer | None = None,
) -> Layer:
    """The minimum of mean(-log p(label)) + penalty / 2 * sum(weights^2), over all faces, or those that are `used`.

    `values` is (n, d), `labels` (n,) from 0 on; the biases are not penalised. The function is convex (Bishop,
    Pattern Recognition and Machine Learning, 4.3.4), so L-BFGS (Nocedal 1980) finds its only minimum from
    everywhere: near it, where faces are left out to be predicted, and as exactly as float32 goes with all of them.
    """
    from scipy.optimize import minimize

    width, classes = values.shape[1], int(labels.max()) + 1
    every = np.ones(len(labels), np.bool_) if used is None else used
    share = (every / every.sum()).astype(np.float32)[:, None]
    truth = np.zeros((len(labels), classes), np.float32)
    truth[np.arange(len(labels)), labels] = 1

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights, bias = flat[:-classes].reshape(classes, width), flat[-classes:]
        logs = log_shares(values, Layer(weights, bias))
        own = np.take_along_axis(logs, labels[:, None], axis=1)
        errors = (np.exp(logs) - truth) * share
        gradient = (errors.T @ values).astype(np.float64) + penalty * weights
        value = -float((own * share).sum(dtype=np.float64)) + penalty / 2 * float((weights**2).sum())
        return value, np.concatenate([gradient.ravel(), errors.sum(axis=0, dtype=np.float64)])

    begin = start or Layer(np.zeros((classes, width)), np.zeros(classes))
    flat = np.concatenate([begin.weights.ravel(), begin.bias])
    options: Any = {"maxiter": STEPS, "ftol": EXACT if used is None else NEAR, "gtol": 1e-6}
    solved = minimize(loss, flat, jac=True, method="L-BFGS-B", options=options).x
    return Layer(solved[:-classes].reshape(classes, width), solved[-classes:])


def log_shares(values: Floats, layer: Layer) -> Floats:
    """(n, k) the logarithm of each class's share."""
    logits = values @ layer.weights.T.astype(np.float32) + layer.bias.astype(np.float32)
    logits -= logits.max(axis=1, keepdims=True)
    logs: Floats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logs


def folds_of(labels: Ints, groups: Ints, most: int = FOLDS) -> Ints:
    """(n,) the fold of each face, from 0 on: a group (a person) lies in one, and classes are spread evenly.

    The largest groups first, each into the fold that has fewest faces of its classes. No chance is involved.
    """
    number = min(most, len(np.unique(groups)))
    counts = np.zeros((groups.max() + 1, labels.max() + 1))
    np.add.at(counts, (groups, labels), 1)
    totals = np.maximum(counts.sum(axis=0), 1)
    filled = np.zeros((number, counts.shape[1]))
    fold = np.zeros(len(counts), np.int64)
    for group in np.argsort(-counts.sum(axis=1), kind="stable"):
        burden = (filled * (counts[group] / totals)).sum(axis=1) + 1e-9 * filled.sum(axis=1)
        fold[group] = int(np.argmin(burden))
        filled[fold[group]] += counts[group]
    return fold[groups]


def cross_validate(values: Floats, labels: Ints, folds: Ints) -> Validation:
    """The best of the PENALTIES. All folds but one are fitted to, and the one is predicted; each in turn."""
    every = np.arange(len(labels))
    layers: list[Layer | None] = [None] * (int(folds.max()) + 1)
    best: Validation | None = None
    for penalty in PENALTIES:
        logs = np.zeros((len(labels), int(labels.max()) + 1), np.float32)
        for fold, before in enumerate(layers):
            held_out = folds == fold
            layers[fold] = layer = fit(values, labels, penalty, ~held_out, before)
            logs[held_out] = log_shares(values[held_out], layer)
        loss = -float(logs[every, labels].mean(dtype=np.float64))
        if best is not None and loss >= best.loss:
            break
        best = Validation(penalty, loss, logs.argmax(axis=1), np.exp(logs))
    assert best is not None
    return best
