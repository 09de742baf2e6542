"""The verdicts of sessions whose classes have no polarity: which class prevails, in a window and in the class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.settings import Settings
from engine.verdicts.categories.scales import counted, scale_of
from engine.verdicts.evidence import Array, Bools, Evidence, Ints, Observations
from engine.verdicts.scale import COUNTS, INSUFFICIENT, PROBABILITIES, Scale
from engine.verdicts.strategies import open_strategy
from engine.verdicts.uncertainty import margins
from engine.verdicts.windows import Windows

Columns = dict[str, npt.NDArray[Any]]


class Prevailing(NamedTuple):
    """Of students' windows (groups), by window."""

    shares: Array
    """(groups, k) of each class of the scale in the evidence; NaN without any."""
    lead: Array
    """(groups,) of the largest share over the next; NaN without evidence."""
    margin: Array
    """(groups,) half-width of its 90 % interval."""


def prevailing_classes(
    observations: Observations, evidence: Evidence, windows: Windows, strategy: str
) -> Prevailing:
    """The share of each class in what was observed, and by how much the first leads.

    The shares are ratios of sums, and so is the lead; its interval follows from how alike neighbouring faces are,
    as that of a balance does (`engine.verdicts.uncertainty`). Raises UsageError for a strategy that says nothing of
    classes, ValueError for shares that it may not give.
    """
    classes = evidence.faces.classes
    if observations.shares is None:
        raise UsageError(
            f"the strategy {strategy} weighs positive against negative classes, and {', '.join(classes.names)} "
            "have no polarity; judge by weighted, sum or dominant"
        )
    shares, student = observations.shares[:, counted(classes)], observations.student
    if observations.shares.shape != (len(student), len(classes)) or not (np.isfinite(shares) & (shares >= 0)).all():
        raise ValueError(
            f"strategy {strategy!r}: shares must be finite, 0 or more, a row each and a column a class"
        )
    window = windows.of(evidence.frame_times)[observations.frame_index]
    rows = (window >= 0) & (shares.sum(axis=1) > 0)
    shares, student, weight = shares[rows], student[rows], observations.weight[rows]
    groups = len(windows) * len(evidence.students)
    group = window[rows] * len(evidence.students) + student
    sums = np.stack([np.bincount(group, column, groups) for column in shares.T], axis=1)
    total = sums.sum(axis=1)
    mean = sums / np.where(total > 0, total, np.nan)[:, None]
    first = sums.argmax(axis=1)
    others = sums.copy()
    others[np.arange(groups), first] = -1
    second = others.argmax(axis=1)
    at = np.arange(groups)
    lead = mean[at, first] - mean[at, second] * (shares.shape[1] > 1)
    row = np.arange(len(group))
    difference = shares[row, first[group]] - shares[row, second[group]] * (shares.shape[1] > 1)
    each = total / np.maximum(np.bincount(group, minlength=groups), 1)
    influence = (difference - lead[group] * shares.sum(axis=1)) / each[group]
    return Prevailing(mean, lead, margins(influence, group, student, weight, groups))


def named(
    columns: tuple[Columns, Columns],
    found: Prevailing,
    enough: Bools,
    evidence: Evidence,
    settings: Settings,
    proven: bool,
) -> tuple[Columns, Columns]:
    """The columns of students and class as `judge` makes them, with the names of classes for verdicts.

    `enough` (groups,) says where the evidence suffices. A `proven` strategy's class must lead by more than chance.
    A student has one vote in the class, which is what more than half of those with a verdict are; `divided` where
    that is nobody's. There is no balance, and there are no probabilities.
    """
    students, whole = columns
    scale = scale_of(evidence.faces.classes, settings.strategy)
    sure = enough & np.isfinite(found.lead)
    if proven:
        sure &= np.nan_to_num(found.lead) > np.nan_to_num(found.margin, nan=np.inf)
    none = len(scale.kinds)
    verdict = np.where(sure, np.nan_to_num(found.shares).argmax(axis=1), none)
    place, insufficient = _votes(verdict, whole, len(evidence.students), scale, settings)
    nothing = np.full(len(verdict), np.nan)
    return (
        students
        | {
            "verdict": np.array(scale.verdicts)[verdict],
            **dict.fromkeys(("balance", "margin", *PROBABILITIES), nothing),
            **dict.fromkeys(("positive", "negative"), np.zeros(len(verdict))),
            "reason": _reasons(students["reason"], verdict == none, "undecided"),
        },
        whole
        | {
            "verdict": np.array(scale.class_verdicts)[place],
            **dict.fromkeys(("balance", "margin", *PROBABILITIES), np.full(len(place), np.nan)),
            **dict.fromkeys(COUNTS[:INSUFFICIENT], np.zeros(len(place), np.int64)),
            COUNTS[INSUFFICIENT]: insufficient,
            "reason": _reasons(whole["reason"], place == none, "too_few_students"),
        },
    )


def class_shares(evidence: Evidence, settings: Settings, windows: Windows) -> Columns | None:
    """The rows of the table `class_shares`: each class of each student in each window that has evidence.

    None where the verdicts of these settings are those of the balance.
    """
    strategy = open_strategy(settings)
    classes = evidence.faces.classes
    if strategy.reads != "scores" or classes.polar:
        return None
    found = prevailing_classes(strategy.observe(evidence, settings), evidence, windows, settings.strategy)
    numbers, students = np.array(counted(classes)) + 1, max(len(evidence.students), 1)
    group = np.flatnonzero(np.isfinite(found.lead))
    return {
        "window": np.repeat(group // students, len(numbers)),
        "student": np.repeat(evidence.students[group % students], len(numbers)),
        "number": np.tile(numbers, len(group)),
        "share": found.shares[group].ravel(),
    }


def _votes(verdict: Ints, whole: Columns, students: int, scale: Scale, settings: Settings) -> tuple[Ints, Ints]:
    """Places in `scale.class_verdicts` (windows,), and how many students have no verdict."""
    none, divided = len(scale.kinds), len(scale.verdicts)
    by_window = verdict.reshape(len(whole["window"]), students)
    votes = np.stack([(by_window == place).sum(axis=1) for place in range(none)], axis=1)
    number = votes.sum(axis=1)
    enough = (number > 0) & (number >= whole["present"] / 2) & (number >= min(settings.min_students, students))
    most = np.where(votes.max(axis=1) * 2 > number, votes.argmax(axis=1), divided)
    return np.where(enough, most, none), students - number


def _reasons(reasons: npt.NDArray[Any], insufficient: Bools, otherwise: str) -> npt.NDArray[np.object_]:
    """The codes of those without a verdict, `otherwise` where the evidence had one; None with a verdict."""
    kept = np.array([otherwise if reason is None else reason for reason in reasons], np.object_)
    kept[~insufficient] = None
    return kept
