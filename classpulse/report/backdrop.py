"""A frame of a recording with every face unrecognisable, as background of the seat map."""

from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from classpulse.report.excluded import FACE_PIXELS, coarsen
from classpulse.report.places import Floats
from engine.settings import Settings
from engine.vision.sources.registry import open_source


def coarse(image: npt.NDArray[np.uint8], face: float) -> npt.NDArray[np.uint8]:
    """The image (height, width, 3) so much reduced that a face of `face` px is `FACE_PIXELS` high.

    The whole image is reduced, not only the detected faces, so that missed faces are unrecognisable too. Removed
    detail cannot be restored, since the pixels no longer exist.
    """
    height, width = image.shape[:2]
    scale = min(FACE_PIXELS / max(face, 1.0), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def backdrop(
    recording: str | Path, time: float, face: float, excluded: Floats, settings: Settings | None = None
) -> str:
    """The frame of `recording` at `time` (s), made `coarse`, as a data: address of a PNG.

    `face` is the size of the largest stored face of the recording, px. Faces of excluded students are not stored
    and may be larger: `excluded` (n, 4), px, are their boxes in that frame. `settings` are the session's. Raises
    the source's SourceError if the recording no longer exists.
    """
    with open_source(recording, settings) as opened, closing(opened.frames(None, time)) as frames:
        image = next(frames).image
    coarsen(image, excluded)
    image = coarse(image, face)
    _, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
