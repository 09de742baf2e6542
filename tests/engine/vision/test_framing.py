"""What the expression network makes of faces in RetinaFace's boxes and in MTCNN's."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engine.faces import EMOTIONS
from engine.settings import Settings
from engine.vision.detection import Detector
from engine.vision.expression import crop_faces
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.retinaface.detector import RetinaFace
from engine.vision.scorers import open_scorer, score_faces
from tests.engine.footage import photo

Image = npt.NDArray[np.uint8]
CELL, COLUMNS, ROWS, FACES = 48, 10, 6, 1200
#: Sides of the pasted faces and the places between them, px, in turn from scene to scene.
SIDES, PLACE = (40, 56, 72), 104


def scenes(folder: Path) -> list[tuple[Image, list[str]]]:
    """Scenes of 60 grey faces each, pasted over a slanted background, and their labels in FER2013, row by row."""
    sheet = photo(folder / "public.jpg")
    with (folder / "public.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:FACES]
    made = []
    for number, begin in enumerate(range(0, FACES, COLUMNS * ROWS)):
        y, x = np.mgrid[: ROWS * PLACE, : COLUMNS * PLACE]
        scene = np.repeat((90 + x // 16 + y // 12).astype(np.uint8)[..., np.newaxis], 3, axis=2)
        side, labels = SIDES[number % len(SIDES)], []
        for place, row in enumerate(rows[begin : begin + COLUMNS * ROWS]):
            top, left = int(row["row"]) * CELL, int(row["column"]) * CELL
            face = cv2.resize(
                sheet[top : top + CELL, left : left + CELL], (side, side), interpolation=cv2.INTER_CUBIC
            )
            down, right = (PLACE * at + (PLACE - side) // 2 for at in divmod(place, COLUMNS))
            scene[down : down + side, right : right + side] = face
            labels.append(row["fer2013"])
        made.append((scene, labels))
    return made


def right_answers(detector: Detector, made: list[tuple[Image, list[str]]]) -> list[bool | None]:
    """Of every pasted face whether its emotion is the label's; None where it is not detected."""
    scorer = open_scorer(Settings())
    answers: list[bool | None] = []
    assert scorer is not None
    for scene, labels in made:
        boxes = detector.detect(scene).boxes
        best = np.array(EMOTIONS)[score_faces(scorer, crop_faces(scene, boxes)).argmax(axis=1)]
        places = (boxes[:, :2] + boxes[:, 2:]) // (2 * PLACE)
        found = dict(zip((places[:, 1] * COLUMNS + places[:, 0]).astype(int).tolist(), best.tolist(), strict=True))
        answers += [found[i] == label if i in found else None for i, label in enumerate(labels)]
    return answers


def test_expressions_are_recognised_as_well_as_in_mtcnns_framing(shared: Path) -> None:
    made = scenes(shared / "eval/ferplus")
    pairs = zip(right_answers(Mtcnn(), made), right_answers(RetinaFace(), made), strict=True)
    both = np.array([pair for pair in pairs if None not in pair], float)
    assert len(both) > 0.45 * FACES  # their frames end at the chin, and many are not detected
    in_mtcnns, in_retinafaces = both.mean(axis=0)
    assert in_mtcnns > 0.5
    assert in_retinafaces > in_mtcnns - 0.01
