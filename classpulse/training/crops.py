"""From images to the crops of faces that a scorer is given, and why an image is skipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from classpulse.training.labels import Label
from engine.errors import SourceError
from engine.faces import LANDMARKS
from engine.settings import Settings
from engine.vision.detection import Detector
from engine.vision.detectors import open_detector
from engine.vision.expression import CROP_SIZE, crop_faces
from engine.vision.quality import cue_values, measure
from engine.vision.scorers import Crops
from engine.vision.sources.images import read_image

OnImage = Callable[[int, int], None]
Image = npt.NDArray[np.uint8]

#: Height of a second face as a share of the largest one's from which it is not clear whose label it is.
RIVAL = 0.5


class Pictures(NamedTuple):
    """What can be learnt from of the rows of a table."""

    crops: Crops
    """(n, 64, 64) grey, as an analysis makes them."""
    cues: npt.NDArray[np.float32]
    """(n, c) what was asked for beside them, as `engine.vision.quality.cue_values` has it."""
    used: list[int]
    """The places of their rows in the table."""
    skipped: list[Skipped]


class Skipped(NamedTuple):
    """A row without a face that could be used."""

    place: str
    reason: str


def read_crops(
    labels: Sequence[Label], on_image: OnImage | None = None, *, cropped: bool, also: Sequence[str] = ()
) -> Pictures:
    """Crops of the labels' faces, as an analysis makes them, and `also` the cues of those names.

    An image's face is the largest that the detector finds; with `cropped` the image is one: the square in its
    middle that is as wide, and no cue of a head's pose can be measured. `on_image` is called after each with how
    many are done, and of how many.
    """
    settings = Settings()
    detector = None if cropped else open_detector(settings)
    crops, cues = bytearray(), list[npt.NDArray[np.float32]]()
    used: list[int] = []
    skipped: list[Skipped] = []
    rows: dict[str, str] = {}
    for number, label in enumerate(labels):
        before = rows.setdefault(str(label.image), label.place)
        face = (
            f"its image stands in {before} already"
            if before != label.place
            else _face(label, detector, settings, also)
        )
        if isinstance(face, str):
            skipped.append(Skipped(label.place, face))
        else:
            crops += face.crop.tobytes()
            cues.append(face.cues)
            used.append(number)
        if on_image:
            on_image(number + 1, len(labels))
    faces = np.frombuffer(crops, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE)
    return Pictures(faces, np.array(cues, np.float32).reshape(len(faces), -1), used, skipped)


def look_alikes(crops: Crops) -> npt.NDArray[np.int64]:
    """(n,) a number for each crop, the same for those that look the same to an eye that sees 72 pixels.

    The difference hash: whether each of 9 x 8 grey pixels is brighter than its right neighbour
    (Krawetz 2013, "Kind of Like That").
    """
    hashes = np.empty((len(crops), 8, 8), np.bool_)
    for bits, crop in zip(hashes, crops, strict=True):
        small: Any = cv2.resize(crop, (9, 8), interpolation=cv2.INTER_AREA)
        bits[:] = small[:, 1:] > small[:, :-1]
    packed = np.packbits(hashes.reshape(len(crops), 64), axis=1).view(np.uint64).ravel()
    return np.unique(packed, return_inverse=True)[1].astype(np.int64)


class _Face(NamedTuple):
    crop: Image
    cues: npt.NDArray[np.float32]


def _face(label: Label, detector: Detector | None, settings: Settings, also: Sequence[str]) -> _Face | str:
    """A label's face, or why there is none."""
    try:
        image = read_image(label.image)
    except SourceError as error:
        return str(error)
    if image is None:
        return f"{label.image}: not an image that can be read; save it as JPEG or PNG again"
    height, width = image.shape[:2]
    box, margin = np.array([[0, (height - width) / 2, width, (height + width) / 2]], np.float32), 0.0
    landmarks = np.zeros((1, len(LANDMARKS), 2), np.float32)
    if detector:
        found = detector.detect(image)
        heights = found.boxes[:, 3] - found.boxes[:, 1]
        if not len(found):
            return f"{label.image}: no face is found; cut it out and use --cropped, or take another image"
        largest = int(np.argmax(heights))
        if (heights >= RIVAL * heights[largest]).sum() > 1:
            return f"{label.image}: it has several faces of like size; cut out the one that is meant"
        box, margin = found.boxes[largest : largest + 1], settings.crop_margin
        landmarks = found.landmarks[largest : largest + 1]
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    crops = crop_faces(grey, box, margin)
    cues = cue_values(vars(measure(crops, box, landmarks, settings)), also)[0] if also else np.empty(0, np.float32)
    return _Face(crops[0], cues)
