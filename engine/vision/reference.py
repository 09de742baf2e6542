"""The original `mtcnn` and `fer` packages behind the interfaces of Detector and Scorer, for comparison."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import NetworkError
from engine.faces import FER
from engine.vision.detection import Detections, RegionsOfInterest
from engine.vision.expression import CROP_SIZE, normalised
from engine.vision.scorers import CropFormat, Crops, Floats

_REMEDY = "pip install 'classpulse[reference]' and pip install --no-deps fer"
#: Faces that go through TensorFlow in one call.
_BATCH = 256


class ReferenceDetector:
    """`mtcnn.MTCNN` as its authors wrote it, on the CPU. Its boxes and landmarks are returned unchanged.

    `min_face` and `thresholds` are those of Mtcnn; the package's own defaults are the same. With a
    `min_face` over 20 the package's pyramid ends under P-Net's 12 px, an error that it reports as "no faces": it is
    called with 20 then, and lower boxes are left out. Raises NetworkError where the package is not installed.
    """

    def __init__(self, min_face: float = 20, thresholds: tuple[float, float, float] = (0.6, 0.7, 0.8)) -> None:
        _require("mtcnn")
        _tensorflow()
        from mtcnn import MTCNN

        self._mtcnn: Any = MTCNN()
        self._min_face = min_face
        pnet, rnet, onet = thresholds
        self._options = {
            "min_face_size": min(min_face, 20),
            "threshold_pnet": pnet,
            "threshold_rnet": rnet,
            "threshold_onet": onet,
        }

    def detect(self, image: npt.NDArray[np.uint8], regions: RegionsOfInterest | None = None) -> Detections:  # noqa: ARG002
        """Detect the faces of `image`, (h, w, 3) uint8 RGB; `regions` are not used."""
        # Rows of 16: image, x1, y1, x2, y2, score, x of the five points, y of the five points.
        rows = self._mtcnn.detect_faces(image, box_format="xyxy", output_type="numpy", **self._options)
        rows = np.asarray(rows, np.float32).reshape(-1, 16)
        if self._min_face > 20:
            rows = rows[rows[:, 4] - rows[:, 2] >= self._min_face]
        return Detections(rows[:, 1:5], rows[:, 5], rows[:, 6:].reshape(-1, 2, 5).swapaxes(1, 2))


class ReferenceScorer:
    """The Keras model inside the `fer` package, with `fer`'s own scaling of the grey levels, on the CPU.

    The package itself is not imported: its `__init__` raises ImportError, and its `fer.fer` needs `pkg_resources`,
    which current setuptools no longer has. Raises NetworkError where the package is not installed.
    """

    classes = FER
    crops = CropFormat(CROP_SIZE)
    fingerprint = "reference"

    def __init__(self) -> None:
        model = _require("fer") / "data" / "emotion_model.hdf5"
        self._model: Any = _tensorflow().keras.models.load_model(model, compile=False)

    def score(self, crops: Crops) -> Floats:
        """Score crops (n, 64, 64): (n, 7) float32 in the order of EMOTIONS, rows summing to 1."""
        scores = [np.empty((0, 7), np.float32)]
        for start in range(0, len(crops), _BATCH):
            batch = normalised(crops[start : start + _BATCH])[..., None]
            scores.append(np.asarray(self._model([batch], training=False)))
        return np.concatenate(scores)


def _require(package: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise NetworkError(f"the reference engine needs the package {package}: {_REMEDY}")
    return Path(spec.origin).parent


def _tensorflow() -> Any:
    _require("tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with _silent():
        import tensorflow

        # The first operation makes the runtime start, which has notes of its own.
        tensorflow.constant(0)
    return tensorflow


@contextmanager
def _silent() -> Iterator[None]:
    """Keep TensorFlow's start-up notes off the terminal: C++ writes them to the descriptor, whatever is set."""
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
