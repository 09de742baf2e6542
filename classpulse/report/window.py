"""A window that shows detections during the analysis; nothing is stored."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from classpulse.report.annotating import draw_face
from classpulse.report.excluded import coarsen
from classpulse.report.palette import rgb
from classpulse.report.places import boxes_of
from engine.errors import UsageError
from engine.vision.detection import Detections
from engine.vision.sources.protocol import Frame

#: Longer side of the picture that is shown, px.
SIDE = 1280


class LiveWindow:
    """Shows each frame with its faces and their labels, until it is closed, or `q` or Escape is pressed.

    `excluded` returns the squares (x, y, side), px, of an image of (width, height) that must be unrecognisable:
    where detection drops faces, at their place in the first frame.
    Raises UsageError without a screen, or if OpenCV is built without windows.
    """

    def __init__(
        self,
        title: str,
        labels: Callable[[Frame, Detections], Sequence[str]],
        excluded: Callable[[int, int], Sequence[tuple[float, float, float]]],
    ) -> None:
        self._title, self._labels, self._excluded = title, labels, excluded
        if sys.platform.startswith("linux") and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            raise UsageError("--display needs a screen (DISPLAY is not set); omit --display")
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise UsageError(
                "the installed OpenCV cannot open windows (opencv-python-headless); omit --display"
            ) from error
        self._open = True

    def __call__(self, frame: Frame, detections: Detections) -> None:
        """Show a frame."""
        labels = self._labels(frame, detections)
        if not self._open:
            return
        height, width = frame.image.shape[:2]
        image = drawn(frame.image, detections, labels, self._excluded(width, height))
        cv2.imshow(self._title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        key = cv2.waitKey(1) & 0xFF
        if key in (ord("q"), 27) or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            self.close()

    def say(self, text: str) -> None:
        """Show a text beside the window's title."""
        if self._open:
            cv2.setWindowTitle(self._title, f"{self._title}: {text}")

    def close(self) -> None:
        """Close the window; the analysis continues."""
        if self._open:
            self._open = False
            cv2.destroyWindow(self._title)


def drawn(
    image: npt.NDArray[np.uint8],
    detections: Detections,
    labels: Sequence[str],
    excluded: Sequence[tuple[float, float, float]] = (),
) -> npt.NDArray[np.uint8]:
    """The image (h, w, 3) RGB, SIDE px at most, with the faces boxed, and `excluded` squares coarsened."""
    scale = min(1.0, SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    coarsen(small, boxes_of(np.array(excluded, np.float64).reshape(-1, 3)) * scale)
    for box, label in zip(detections.boxes * scale, labels, strict=True):
        draw_face(small, box, label, rgb()["neutral"])
    return small
