"""Detector, Scorer and Tracker alone, on NumPy images: for a pipeline of one's own (docs/parts.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.settings import Settings
from engine.vision.detection import Detections, Image
from engine.vision.detectors import open_detector
from engine.vision.expression import crop_faces
from engine.vision.scorers import open_scorer, score_faces
from tracking.sort import Tracker

__all__ = ["Detections", "Detector", "Scorer", "Tracker"]


class Detector:
    """Finds faces: `mtcnn`, `retinaface`, `yunet`, or one of another installed package, by name.

    Raises UsageError for an unknown name, and for weights that are missing or wrong.
    """

    def __init__(self, name: str = "mtcnn", *, min_face: float = 20, weights: str | Path | None = None) -> None:
        path = None if weights is None else str(weights)
        self._detector = open_detector(Settings(detector=name, min_face=min_face, detector_weights=path))

    def detect(self, image: Image) -> Detections:
        """The faces of an image, (h, w, 3) uint8 RGB: `boxes` (n, 4) x1, y1, x2, y2, `scores` (n,), `landmarks`."""
        return self._detector.detect(image)


class Scorer:
    """Scores expressions: `fer`, or a network of one's own as an .onnx file with its classes beside it.

    Raises UsageError for an unknown name, and for a network that cannot be used.
    """

    def __init__(self, name: str = "fer", *, model: str | Path | None = None) -> None:
        settings = Settings(scorer=name, scorer_model=None if model is None else str(model))
        scorer = open_scorer(settings)
        assert scorer is not None  # the settings ask for one
        self._scorer, self._margin = scorer, settings.crop_margin
        self.classes: tuple[str, ...] = tuple(scorer.classes.names)

    def score(self, image: Image, boxes: npt.NDArray[np.floating]) -> pd.DataFrame:
        """A row for each of the boxes (n, 4) in an RGB image, a column for each class; rows have a sum of 1."""
        size, colour, margin = self._scorer.crops
        crops = crop_faces(image, boxes, self._margin if margin is None else margin, size, colour=colour)
        return pd.DataFrame(score_faces(self._scorer, crops), columns=list(self.classes))
