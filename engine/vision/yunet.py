"""Detects faces with YuNet through OpenCV's FaceDetectorYN, with a weights file that the user provides.

The network is of Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector (2023). In a single pass over the
whole image it detects faces from about 10 px, in half the time of the cascade.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from engine.errors import UsageError
from engine.vision.detection import Detections, Floats, Image, RegionsOfInterest

REMEDY = (
    "take face_detection_yunet_*.onnx from https://github.com/opencv/opencv_zoo (models/face_detection_yunet), and "
    "name it with --detector-weights"
)
#: YuNet's scores, and the equivalent scores of MTCNN, for which the tracker is tuned. On the heads of
#: benchmarks/recall.py YuNet's precision is 0.95 from 0.62 on, and 0.98 from 0.7.
SCORES, MTCNN_SCORES = (0.0, 0.62, 0.7, 1.0), (0.0, 0.8, 0.9, 1.0)
NMS_IOU = 0.3
#: More faces than any image has.
MAX_FACES = 5000


class YuNet:
    """YuNet over the bytes of its ONNX file, on the CPU: a `Detector`. Not for several threads at once.

    `min_face` is the smallest height in px of the selected boxes; `score` is the lowest score, on the scale
    of `Detections`; `name` is the file's name in errors. Raises UsageError for weights that are not YuNet's, or
    not for this OpenCV.
    """

    def __init__(self, weights: bytes, min_face: float = 20, score: float = 0.8, *, name: str = "the file") -> None:
        self.min_face = min_face
        threshold = float(np.interp(score, MTCNN_SCORES, SCORES))
        try:
            with _quiet():
                self._network = cv2.FaceDetectorYN.create(
                    "onnx",
                    np.frombuffer(weights, np.uint8),
                    np.empty(0, np.uint8),
                    (320, 320),
                    threshold,
                    NMS_IOU,
                    MAX_FACES,
                )
                self.detect(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            reason = (error.err or str(error)).splitlines()[0]
            raise UsageError(
                f"{name} has no weights of YuNet that OpenCV {cv2.__version__} runs ({reason}); {REMEDY}"
            ) from error

    def detect(self, image: Image, regions: RegionsOfInterest | None = None) -> Detections:  # noqa: ARG002 (the protocol's)
        """Detect the faces of `image`, (h, w, 3) uint8 RGB; `regions` are not used."""
        height, width = image.shape[:2]
        self._network.setInputSize((width, height))
        _, rows = self._network.detect(np.ascontiguousarray(image[:, :, ::-1]))
        if rows is None:
            rows = np.empty((0, 15), np.float32)
        # Rows of 15: x, y, width, height, then x and y of five points in the order of LANDMARKS, then the score.
        # Coordinates are those of engine.vision.detection: a mirrored image gives the mirrored landmarks.
        corner = rows[:, :2]
        boxes = np.hstack([corner, corner + rows[:, 2:4]]).clip(0, np.array([width, height] * 2, np.float32))
        selected = (boxes[:, 3] - boxes[:, 1] >= self.min_face) & (boxes[:, 2] > boxes[:, 0])
        selected = np.flatnonzero(selected)[np.argsort(-rows[selected, 14], kind="stable")]
        scores = np.interp(rows[selected, 14], SCORES, MTCNN_SCORES).astype(np.float32)
        landmarks: Floats = rows[selected, 4:14].astype(np.float32).reshape(-1, 5, 2)
        return Detections(boxes[selected], scores, landmarks)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing to standard error: the exception carries the same message."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
