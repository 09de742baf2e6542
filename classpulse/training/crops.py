"""From images to the crops of faces that a scorer is given, and why an image is skipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from classpulse.training.labels import Label
from engine.errors import SourceError
from engine.settings import Settings
from engine.vision.detection import Detector
from engine.vision.detectors import open_detector
from engine.vision.expression import CROP_SIZE, crop_faces
from engine.vision.scorers import Crops
from engine.vision.sources.images import read_image

Image = npt.NDArray[np.uint8]

#: Height of a second face as a share of the largest one's from which it is not clear whose label it is.
RIVAL = 0.5


class Skipped(NamedTuple):
    """A row without a face that could be used."""

    place: str
    reason: str


def read_crops(
    labels: Sequence[Label], on_image: Callable[[int, int], None], *, cropped: bool
) -> tuple[Crops, list[int], list[Skipped]]:
    """Crops (n, 64, 64) grey of the labels' faces, as an analysis makes them; which labels they are of; the rest.

    An image's face is the largest that the detector finds; with `cropped` the image is one: the square in its
    middle that is as wide. `on_image` is called after each with how many are done, and of how many.
    """
    settings = Settings()
    detector = None if cropped else open_detector(settings)
    crops: list[Image] = []
    used: list[int] = []
    skipped: list[Skipped] = []
    rows: dict[str, str] = {}
    for number, label in enumerate(labels):
        before = rows.setdefault(str(label.image), label.place)
        crop = (
            f"its image stands in {before} already" if before != label.place else _crop(label, detector, settings)
        )
        if isinstance(crop, str):
            skipped.append(Skipped(label.place, crop))
        else:
            crops.append(crop)
            used.append(number)
        on_image(number + 1, len(labels))
    return np.array(crops, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE), used, skipped


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


def _crop(label: Label, detector: Detector | None, settings: Settings) -> Image | str:
    """The crop of a label's face, or why there is none."""
    try:
        image = read_image(label.image)
    except SourceError as error:
        return str(error)
    if image is None:
        return f"{label.image}: not an image that can be read; save it as JPEG or PNG again"
    height, width = image.shape[:2]
    box, margin = np.array([[0, (height - width) / 2, width, (height + width) / 2]], np.float32), 0.0
    if detector:
        found = detector.detect(image)
        heights = found.boxes[:, 3] - found.boxes[:, 1]
        if not len(found):
            return f"{label.image}: no face is found; cut it out and use --cropped, or take another image"
        largest = int(np.argmax(heights))
        if (heights >= RIVAL * heights[largest]).sum() > 1:
            return f"{label.image}: it has several faces of like size; cut out the one that is meant"
        box, margin = found.boxes[largest : largest + 1], settings.crop_margin
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    crop: Image = crop_faces(grey, box, margin)[0]
    return crop
