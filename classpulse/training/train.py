"""From a table of labels to a scorer's network: trunks as they are, and a last layer for own classes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classpulse.training.card import FEW_PEOPLE, Calibration, calibration_of, is_card, render_card
from classpulse.training.crops import OnImage, Skipped, look_alikes, read_crops
from classpulse.training.labels import Label, Sides, read_labels
from classpulse.training.layer import Layer, Scale, cross_validate, folds_of
from classpulse.training.layer import fit as fit_layer
from classpulse.training.trunk import Trunk
from engine.errors import UsageError
from engine.faces import Classes
from engine.outputs import output_file
from engine.verdicts.agreement import kappa, nominal
from engine.version import __version__
from engine.vision.networks import checksums, licence_of
from engine.vision.quality import CUES, cue_width
from engine.vision.scorers import Crops

#: How `engine.vision.expression.normalised` scales grey levels, in the metadata's words.
GREY = 127.5
LICENCE = "last layer: yours; all others: "


@dataclass(frozen=True, eq=False)
class Training:
    """What was learnt, from what, and how well it does on people whom it had not seen."""

    classes: Classes
    faces: tuple[int, ...]
    """How many of each class were used."""
    people: tuple[int, ...]
    """The same for people; for groups of images that look the same, where no persons are named."""
    skipped: list[Skipped]
    warnings: list[str]
    penalty: float
    folds: tuple[float, ...]
    """The share of faces that are right, of each fold: nobody in it was learnt from."""
    confusion: npt.NDArray[np.int64]
    """(k, k) faces by their label (row) and by what was predicted while their person was held out (column)."""
    calibration: Calibration
    named: bool
    """Whether the table named persons."""

    @property
    def accuracy(self) -> float:
        """The share of held-out faces that are right."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def quality(self) -> str:
        """Both figures, for people."""
        return f"{self.accuracy:.1%} of {sum(self.faces)} held-out faces right, kappa {self.kappa:.2f}"

    @property
    def kappa(self) -> float:
        """Cohen's, between labels and predictions of held-out faces."""
        return float(kappa(self.confusion.astype(np.float64), nominal(len(self.classes))))


def train(
    labels: Path,
    output: Path,
    *,
    images: Path | None = None,
    cropped: bool = False,
    strict: bool = False,
    trunk: str = "both",
    also: Sequence[str] = (),
    sides: Sides | None = None,
    on_image: OnImage | None = None,
) -> Training:
    """Learn the classes of the table `labels` and write the network to `output`, an ONNX file for `--scorer`.

    Its model card is a page beside it, of the same name but for `.html`.

    See `read_labels` for the table, `images` and `sides`, `read_crops` for `cropped`, `Trunk` for `trunk`; `also`
    are cues (`engine.vision.quality.CUES`) to learn from beside its activations. Rows that cannot be used are
    skipped; with `strict` the first is an error. The same images and labels give the same file. Raises UsageError
    or SourceError in one line where there is nothing to learn from; nothing is written then.
    """
    if output.suffix.lower() != ".onnx":
        raise UsageError(f"{output}: the network's file must end with .onnx, so that --scorer takes it; rename it")
    card = output.with_suffix(".html")
    also = tuple(dict.fromkeys(also))
    _check_cues(also, cropped=cropped)
    network = Trunk(trunk)
    rows, classes = read_labels(labels, images, sides or {})
    crops, cues, used, skipped = read_crops(rows, on_image, cropped=cropped, also=also)
    if strict and skipped:
        raise UsageError(f"{skipped[0].place}: {skipped[0].reason}; or train without --strict")
    rows = [rows[place] for place in used]
    names = classes.names
    truth = np.array([names.index(row.name) for row in rows], np.int64)
    _check(labels, classes, truth, skipped)
    persons, warnings = _people(labels, rows, crops, classes, truth)

    values = network.activations(crops, cues)
    scale = Scale.standardise(values)
    folds = folds_of(truth, persons)
    best = cross_validate(values, truth, folds)
    layer = scale.undone(fit_layer(values, truth, best.penalty))

    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (truth, best.predicted), 1)
    right = best.predicted == truth
    training = Training(
        classes,
        tuple(np.bincount(truth, minlength=len(classes)).tolist()),
        _counts(truth, persons, len(classes)),
        skipped,
        warnings,
        best.penalty,
        tuple(float(right[folds == fold].mean()) for fold in range(int(folds.max()) + 1)),
        confusion,
        calibration_of(best.shares, truth),
        bool(rows[0].person),
    )
    stated = _metadata(training, crops, rows, network)
    data = _written(network, layer, also, stated)
    shown = {name: stated[f"classpulse.{name}"] for name in ("made_by", "trunk", "licence", "data", "penalty")}
    shown |= {"also": ", ".join(also)} if also else {}
    page = render_card(output.name, training, shown | {"sha256": hashlib.sha256(data).hexdigest()})
    with output_file(
        card, replaces=is_card, refusal="rename it, or choose another name for the network"
    ) as partial:
        partial.write_text(page, encoding="utf-8")
    with output_file(output) as partial:
        partial.write_bytes(data)
    return training


def _check_cues(also: Sequence[str], *, cropped: bool) -> None:
    for name in also:
        if name not in CUES:
            raise UsageError(f"unknown cue {name!r}; available: {', '.join(CUES)}")
        if cropped and name != "sharpness":
            raise UsageError(f"the cue {name} is measured where faces are found; leave out --cropped, or the cue")


def _written(network: Trunk, layer: Layer, also: Sequence[str], stated: dict[str, str]) -> bytes:
    """The network's file. What it is told of cues stands in its metadata: a scorer adds them to its logits."""
    width = network.width
    rest, lists = layer.weights[:, width:].T, dict[str, list[list[float]]]()
    for name in also:
        lists[name], rest = rest[: cue_width(name)].tolist(), rest[cue_width(name) :]
    if also:
        stated = stated | {"classpulse.also": json.dumps(lists), "classpulse.output": "logits"}
    return network.with_layer(Layer(layer.weights[:, :width], layer.bias), stated, logits=bool(also))


def _check(path: Path, classes: Classes, truth: npt.NDArray[np.int64], skipped: list[Skipped]) -> None:
    counts = np.bincount(truth, minlength=len(classes))
    for name, number in zip(classes.names, counts.tolist(), strict=True):
        if number < 2:
            found = "one image" if number else "no image"
            first = f" ({skipped[0].place}: {skipped[0].reason})" if skipped else ""
            raise UsageError(f"{path}: {found} of the class {name} can be used{first}; add images of it")


def _people(
    path: Path, rows: Sequence[Label], crops: Crops, classes: Classes, truth: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """(n,) a number for the person of each face, and what is to be known of them."""
    if not rows[0].person:
        warning = (
            f"{path} has no column person, so a person may be both learnt from and tested on, and the figures may "
            "be too good; images that look the same are kept together"
        )
        groups = look_alikes(crops)
        if groups.max() == 0:
            raise UsageError(f"{path}: all its images look the same; add others")
        return groups, [warning]
    persons = np.unique([row.person for row in rows], return_inverse=True)[1].astype(np.int64)
    if persons.max() == 0:
        raise UsageError(f"{path}: all its images are of {rows[0].person}; add images of other people")
    counts = _counts(truth, persons, len(classes))
    few = [f"{name} ({n})" for name, n in zip(classes.names, counts, strict=True) if n < FEW_PEOPLE]
    return persons, [f"under {FEW_PEOPLE} people of {', '.join(few)}: the figures are uncertain"] if few else []


def _counts(truth: npt.NDArray[np.int64], persons: npt.NDArray[np.int64], classes: int) -> tuple[int, ...]:
    """How many people there are of each class."""
    pairs = Counter(name for name, _ in set(zip(truth.tolist(), persons.tolist(), strict=True)))
    return tuple(pairs[name] for name in range(classes))


def _metadata(training: Training, crops: Crops, rows: Sequence[Label], network: Trunk) -> dict[str, str]:
    """What the scorer `onnx` reads (docs/extending.md), and what a person may want to know."""
    data = hashlib.sha256(crops.tobytes())
    data.update(json.dumps([[row.name, row.person] for row in rows], ensure_ascii=False).encode())
    properties = {
        "classes": training.classes.rows(),
        "mean": GREY,
        "std": GREY,
        "data": data.hexdigest(),
        "faces": training.faces,
        "people": training.people,
        "penalty": training.penalty,
        "folds": [round(share, 4) for share in training.folds],
        "confusion": training.confusion.tolist(),
        "quality": training.quality,
    }
    texts = {
        "licence": LICENCE + "; ".join(f"{licence_of(name)} ({name})" for name in network.networks),
        "trunk": ", ".join(f"{name} {checksums()[name]}" for name in network.networks),
        "made_by": f"classpulse {__version__}",
    }
    described = {name: value if isinstance(value, str) else json.dumps(value) for name, value in properties.items()}
    return {f"classpulse.{name}": text for name, text in (described | texts).items()}
