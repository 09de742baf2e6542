"""`make bench-train`: last layers over each trunk, on held-out faces.

FER+ against FER's network as shipped: the labels are the majority of ten votes, where more than five agree, on
FER2013's public faces (48 px). They name no persons: images that look the same are in one fold.

Engagement: faces of students at a screen, as people rated them. Each student in turn is predicted by what
was learnt from the others; the penalty is the one with the least loss over all of them.
"""

from __future__ import annotations

import csv
import time
from typing import NamedTuple, get_args

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.footage import SHARED
from classpulse.training.crops import look_alikes, read_crops
from classpulse.training.labels import Label
from classpulse.training.layer import Scale, cross_validate, folds_of
from classpulse.training.trunk import Trunk, TrunkName
from engine.verdicts.agreement import auc, concordant_pairs
from engine.vision.expression import CROP_SIZE, FerScorer
from engine.vision.scorers import Crops

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
#: The place in CLASSES of each of FER's classes.
OF_FER = np.array([4, 5, 6, 1, 3, 2, 0])
SIDE, MAJORITY = 48, 6

Ints = npt.NDArray[np.int64]


class Rated(NamedTuple):
    """Faces of students at a screen, which people rated for engagement."""

    crops: Crops
    cues: npt.NDArray[np.float32]
    """(n, 2) yaw and its size, degrees."""
    rating: Ints
    """(n,) from 1, the least, to 3."""
    student: Ints


def read_faces() -> tuple[Crops, Ints]:
    """Crops (n, 64, 64) of FER+ and their classes (n,), by place in CLASSES."""
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


def read_rated() -> Rated:
    """All of `eval/engagement` in which a face is found, as `train` reads them."""
    folder = SHARED / "eval" / "engagement"
    files = sorted(folder.glob("[123]/*.jpg"))
    if not files:
        raise SystemExit(f"{folder}: the faces are not here; name their folder's parent in CLASSPULSE_DATA")
    labels = [Label(str(file), file, file.parent.name, file.name.partition("_")[0]) for file in files]
    found = read_crops(labels, cropped=False, also=("yaw",))
    used = [labels[place] for place in found.used]
    student = np.unique([label.person for label in used], return_inverse=True)[1].astype(np.int64)
    return Rated(found.crops, found.cues, np.array([int(label.name) for label in used]), student)


def ferplus() -> None:
    """Print the share of faces that are right, as shipped and with a layer of its own."""
    crops, labels = read_faces()
    shipped = OF_FER[FerScorer().score(crops).argmax(axis=1)]
    groups = look_alikes(crops)
    smiling = CLASSES.index("happiness")
    print(f"FER+, {len(labels)} faces (CPU time in all)")
    for trunk in get_args(TrunkName):
        values = Trunk(trunk).activations(crops)
        Scale.standardise(values)
        for what, truth, before in (
            (f"{len(CLASSES)} classes", labels, shipped),
            ("smiling / not", (labels == smiling).astype(np.int64), (shipped == smiling).astype(np.int64)),
        ):
            found = cross_validate(values, truth, folds_of(truth, groups))
            shares = f"as shipped {(before == truth).mean():.3f}, {trunk} {(found.predicted == truth).mean():.3f}"
            print(f"  {what}: {shares} (penalty {found.penalty:g}; {time.process_time():.0f} s)")


def engagement() -> None:
    """Print the area under the ROC curve, of faces of students who are left out, by trunk."""
    rated = read_rated()
    print(f"Engagement, {len(rated.rating)} faces of {rated.student.max() + 1} students, each left out in turn")
    for what, truth in (("not engaged", rated.rating == 1), ("very engaged", rated.rating == 3)):
        _print_area(f"{what} ({truth.sum()} faces): size of the yaw alone", rated.cues[:, 1], truth, rated.student)
        for trunk, cues in (("fer", None), ("second", None), ("both", None), ("both", rated.cues)):
            values = Trunk(trunk).activations(rated.crops, cues)
            Scale.standardise(values)
            found = cross_validate(values, truth.astype(np.int64), rated.student)
            name = f"{what}: {trunk}{'' if cues is None else ' and yaw'} (penalty {found.penalty:g})"
            _print_area(name, found.shares[:, 1], truth, rated.student)


def _print_area(name: str, value: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_], student: Ints) -> None:
    pairs = concordant_pairs(value.astype(np.float64), truth, student)
    pooled, within = auc(pairs.sum(axis=(0, 1))), auc(np.trace(pairs))
    print(f"  {name}: AUC {pooled:.3f} pooled, {within:.3f} within students ({time.process_time():.0f} s)")


def main() -> None:
    """Print both."""
    ferplus()
    engagement()


if __name__ == "__main__":
    main()
