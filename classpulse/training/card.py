"""The model card of a trained scorer: one page that says what it was trained on and where it is wrong.

After Mitchell et al., "Model Cards for Model Reporting" (2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from classpulse.report.page import STYLES, environment

#: How every card begins, by which it may be written over.
MARK = "<!doctype html>\n<!-- a classpulse model card -->"
#: Fewest people of a class before its figures say much of others.
FEW_PEOPLE = 20
#: Parts of the scale of shares, each as wide.
_BINS = 10


class Bin(NamedTuple):
    """Faces whose likeliest class was said to be about as likely."""

    low: float
    high: float
    said: float
    """Mean of what was said."""
    right: float
    """Share of those faces that were of that class."""
    faces: int


class Calibration(NamedTuple):
    """How far the shares of held-out faces are probabilities."""

    bins: list[Bin]
    error: float
    """Expected calibration error: the mean distance of said and right over faces (Naeini et al. 2015)."""


def calibration_of(shares: npt.NDArray[np.floating], truth: npt.NDArray[np.int64]) -> Calibration:
    """Of shares (n, k) and the classes (n,)."""
    said, right = shares.max(axis=1).astype(np.float64), shares.argmax(axis=1) == truth
    place = np.minimum((said * _BINS).astype(np.int64), _BINS - 1)
    bins = [
        Bin(
            number / _BINS,
            (number + 1) / _BINS,
            float(said[place == number].mean()),
            float(right[place == number].mean()),
            int((place == number).sum()),
        )
        for number in np.unique(place).tolist()
    ]
    error = sum(each.faces * abs(each.said - each.right) for each in bins) / len(said)
    return Calibration(bins, error)


def interval_of(folds: Sequence[float]) -> tuple[float, float, float] | None:
    """The mean of the folds' accuracies and its 95 % interval by Student's t; None of one fold."""
    from scipy.stats import t

    if len(folds) < 2:
        return None
    mean = float(np.mean(folds))
    half = float(t.ppf(0.975, len(folds) - 1) * np.std(folds, ddof=1) / np.sqrt(len(folds)))
    return mean, max(mean - half, 0.0), min(mean + half, 1.0)


def is_card(path: Path) -> bool:
    """Whether a file is a card, and may be written over."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(len(MARK)) == MARK
    except (OSError, ValueError):
        return False


def render_card(name: str, training: Any, origin: Mapping[str, str]) -> str:
    """The page on a `classpulse.training.train.Training`, for the file `name`; `origin` is shown as it is."""
    confusion = training.confusion
    rows = []
    for place, member in enumerate(training.classes.members):
        mistakes = confusion[place].copy()
        mistakes[place] = 0
        said = int(confusion[:, place].sum())
        rows.append(
            {
                "name": member.name,
                "polarity": member.polarity,
                "faces": training.faces[place],
                "people": training.people[place],
                "few": training.people[place] < FEW_PEOPLE,
                "recall": confusion[place, place] / confusion[place].sum(),
                "precision": confusion[place, place] / said if said else None,
                "mistaken": training.classes.names[int(mistakes.argmax())] if mistakes.any() else None,
            }
        )
    templates = environment().overlay()
    templates.filters["share"] = lambda share: f"{share:.1%}"
    return templates.get_template("card.html.j2").render(
        mark=Markup(MARK),
        style=Markup(STYLES.read_text("utf-8")),
        name=name,
        training=training,
        interval=interval_of(training.folds),
        classes=sorted(rows, key=lambda row: row["recall"]),
        people="people" if training.named else "groups of like images",
        calibration=training.calibration,
        origin=origin,
    )
