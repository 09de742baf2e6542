"""`make fit`: fits the layers that make log-likelihoods of moods, and writes moods.onnx and fusion.onnx.

Two three-way logistic regressions, `moods` over the scores and activations of FER's network
(`engine.vision.models.layers`), `fusion` over those of both networks (`engine.vision.moods.fusion`), on
the 28,561 training faces of FER2013, each under a drawn degradation (benchmarks/degradations.py), and four in ten
of them under a second one. Every mood weighs the same, so that the output is p(face | mood) up to a factor. Few
numbers carry over to strangers, many hold under degradation: so the penalty on the scores is small and that on the
activations large. The same bytes come out again: faces and degradations are drawn from a seed, and weights are
kept to six digits.

The penalties are the largest of which the cross-entropy, on the split `choose` of FER2013's public faces (see
benchmarks/verdicts.py) under the degradations that nothing is fitted under, is within 0.001 of the least;
`--choose LAYER` prints the table.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, checker, helper, numpy_helper
from scipy.optimize import minimize
from scipy.special import log_softmax

from benchmarks.degradations import FITTED, UNFITTED, degrade
from benchmarks.verdicts import labelled_files, shared
from engine.faces import EMOTIONS, NEGATIVE, POSITIVE
from engine.vision.expression import CROP_SIZE, normalised
from engine.vision.models.layers import mood_features
from engine.vision.models.manifest import commit
from engine.vision.moods.fusion import Fusion
from engine.vision.networks import MODELS, Network
from engine.vision.scorers import Crops

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

#: Share of the faces that are degraded twice.
TWICE = 0.4
#: Digits of the weights, so that a last bit of the arithmetic does not make another file.
_DIGITS = 6
ENTRY = {
    "origin": "fitted by benchmarks/fit_moods.py on the training faces of FER2013, https://arxiv.org/abs/1307.0414",
    "licence": "MIT, Copyright (c) 2026 the authors of classpulse",
}


Features = Callable[[Crops], Floats]


class Spec(NamedTuple):
    """What a layer is fitted on, and how."""

    features: Callable[[], Features]
    """Makes the function of crops (n, 64, 64) to features (n, k)."""
    scores: int
    """How many of the features are scores; they come first."""
    penalties: tuple[float, float]
    """On the squared weights of standardised scores, and of standardised activations."""


def fer_features() -> Features:
    """`mood_features` of FER's network."""
    network = Network("fer", block=64, trunk=True)

    def features(crops: Crops) -> Floats:
        batches = (normalised(crops[start : start + 64])[:, None] for start in range(0, len(crops), 64))
        return np.concatenate([mood_features(*network(batch)) for batch in batches])

    return features


LAYERS = {
    "moods": Spec(fer_features, scores=7, penalties=(1e-3, 1e-2)),
    "fusion": Spec(lambda: Fusion(layer=None).features, scores=14, penalties=(1e-2, 1e-1)),
}


class LabelledFaces(NamedTuple):
    """Faces of FER2013 with their labels, as FER+ lists them."""

    faces: npt.NDArray[np.uint8]
    """(n, 48, 48) grey."""
    mood: Ints
    """(n,) 0 positive, 1 neutral, 2 negative."""
    votes: Ints
    """(n, 3) how many of ten people saw that mood."""


def read_faces(split: str) -> LabelledFaces:
    """The faces of a `split`, `train` or `public`. SystemExit where they are not there."""
    folder = shared() / "eval" / "ferplus"
    if not folder.is_dir():
        raise SystemExit(f"no labelled faces at {folder} (set CLASSPULSE_DATA)")
    with (folder / f"{split}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = {row["sheet"] for row in rows}
    sheets = {name: np.asarray(cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE), np.uint8) for name in names}
    mood_of = {name: 0 if name in POSITIVE else 2 if name in NEGATIVE else 1 for name in EMOTIONS}
    votes_of = (("happiness", "surprise"), ("neutral",), ("sadness", "anger", "disgust", "fear", "contempt"))
    faces = np.empty((len(rows), 48, 48), np.uint8)
    for face, row in zip(faces, rows, strict=True):
        y, x = int(row["row"]) * 48, int(row["column"]) * 48
        face[:] = sheets[row["sheet"]][y : y + 48, x : x + 48]
    return LabelledFaces(
        faces,
        np.array([mood_of[row["fer2013"]] for row in rows]),
        np.array([[sum(int(row[name]) for name in names) for names in votes_of] for row in rows]),
    )


def crops_of(faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Faces (n, 48, 48) as the first pass cuts them out."""
    size = (CROP_SIZE, CROP_SIZE)
    return np.stack([cv2.resize(face, size, interpolation=cv2.INTER_CUBIC) for face in faces]).astype(np.uint8)


def drawn(
    labelled: LabelledFaces, kinds: tuple[str, ...], seed: int, features: Features, twice: float = 0.0
) -> tuple[Floats, Ints]:
    """Features (n, k) of the faces, each under one of `kinds` drawn at random, and their moods.

    A share `twice` of them is degraded by another one as well: what is dark is noisy, and what is small compressed.
    """
    random = np.random.default_rng(seed)
    first = random.integers(len(kinds), size=len(labelled.faces))
    second = np.where(random.random(len(first)) < twice, random.integers(len(kinds), size=len(first)), -1)
    faces = np.empty_like(labelled.faces)
    for place, (face, one, other) in enumerate(zip(labelled.faces, first, second, strict=True)):
        degraded = degrade(face, kinds[one], random)
        faces[place] = degraded if other < 0 else degrade(degraded, kinds[other], random)
    return features(crops_of(faces)), labelled.mood


def fit(features: Floats, mood: Ints, scores: int, penalties: tuple[float, float]) -> tuple[Floats, Floats]:
    """Weights (k, 3) and bias (3,) of the least penalised cross-entropy, every mood weighing the same.

    The first of the `penalties` is that of the first so many features, the `scores`.
    """
    mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1e-6
    x = ((features - mean) / deviation).astype(np.float32)
    n, k = x.shape
    penalty = np.where(np.arange(k) < scores, *penalties)[:, None]
    weight = (n / 3 / np.bincount(mood))[mood][:, None]
    target = np.eye(3)[mood]

    def loss(numbers: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        w = numbers[:-3].reshape(k, 3)
        logs = log_softmax((x @ w.astype(np.float32)).astype(np.float64) + numbers[-3:], axis=1)
        slope = (np.exp(logs) - target) * weight / n
        by_weight = x.T @ slope.astype(np.float32) + 2 * penalty * w
        value = -(weight * target * logs).sum() / n + (penalty * w**2).sum()
        return float(value), np.append(by_weight.ravel(), slope.sum(axis=0))

    found = minimize(loss, np.zeros(3 * k + 3), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    weights = found[:-3].reshape(k, 3) / deviation[:, None]
    return _rounded(weights), _rounded(found[-3:] - mean @ weights)


def _rounded(values: npt.NDArray[np.float64]) -> Floats:
    digits = _DIGITS - 1 - np.floor(np.log10(np.maximum(np.abs(values), 1e-12))).astype(int)
    scale = 10.0**digits
    return (np.round(values * scale) / scale).astype(np.float32)


def layer(name: str, weights: Floats, bias: Floats) -> onnx.ModelProto:
    """The network: features (n, k) to logits (n, 3)."""
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"])],
        name,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(weights)])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model


def chosen() -> LabelledFaces:
    """Those of the split `choose` of benchmarks/verdicts.py, without votes."""
    files, moods = labelled_files("choose")
    faces = np.stack([np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), np.uint8) for file in files])
    return LabelledFaces(faces, moods, np.zeros((len(files), 3), np.int64))


def cross_entropy(features: Floats, mood: Ints, weights: Floats, bias: Floats) -> float:
    """Mean over the moods, in nats; ln 3 = 1.099 tells nothing."""
    logs = log_softmax(features @ weights + bias, axis=1)[np.arange(len(mood)), mood]
    return -float(np.mean([logs[mood == each].mean() for each in range(3)]))


def main() -> None:
    """Fit and write, or print what the penalties were chosen from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--choose", choices=LAYERS, help="print the cross-entropy of each pair of penalties")
    parser.add_argument("--folder", type=Path, default=MODELS, help="where the layers and models.json are written")
    parser.add_argument("layers", nargs="*", default=[*LAYERS], help="those to fit (default: all)")
    options = parser.parse_args()
    for name in [options.choose] if options.choose else options.layers:
        spec = LAYERS[name]
        of = spec.features()
        features, mood = drawn(read_faces("train"), tuple(FITTED), 1, of, TWICE)
        if options.choose:
            _choose(features, mood, spec, of)
        else:
            weights = fit(features, mood, spec.scores, spec.penalties)
            commit(name, layer(name, *weights).SerializeToString(deterministic=True), ENTRY, options.folder)


def _choose(features: Floats, mood: Ints, spec: Spec, of: Features) -> None:
    public = chosen()
    fitted, unfitted = (drawn(public, tuple(kinds), 2, of) for kinds in (FITTED, UNFITTED))
    print("| penalty on scores | on activations | fitted degradations | others |\n|---|---|---|---|")
    for few in (1e-4, 1e-3, 1e-2):
        for many in (1e-3, 3e-3, 1e-2, 3e-2, 1e-1):
            found = fit(features, mood, spec.scores, (few, many))
            by = " | ".join(f"{cross_entropy(*faces, *found):.4f}" for faces in (fitted, unfitted))
            print(f"| {few:g} | {many:g} | {by} |", flush=True)


if __name__ == "__main__":
    main()
