"""Judgements of one session side by side: verdict counts, agreement of each two, and their largest differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.verdicts import agreement
from engine.verdicts.scale import BALANCE, SIDES, Scale

CLASS = "class"

Ints = npt.NDArray[np.int64]
Rows = list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """n verdicts, of students or of the class."""

    label: npt.NDArray[Any]
    """(n,) of the student, or CLASS."""
    window: Ints
    """(n,) its number."""
    start: npt.NDArray[np.float64]
    """(n,) s."""
    stop: npt.NDArray[np.float64]
    verdict: Ints
    """(n,) places in the scale's verdicts."""

    def take(self, rows: npt.NDArray[Any]) -> Verdicts:
        """The verdicts of `rows`, indices or a mask."""
        return Verdicts(*(column[rows] for column in vars(self).values()))


class Judged(NamedTuple):
    """A judgement, to be compared."""

    window: float
    """Length of a window, s."""
    students: Verdicts
    class_: Verdicts


class Comparison(NamedTuple):
    """The result of comparing judgements, as rows."""

    verdicts: Rows
    """For each `judgement` and `student` (label, or class): `windows`, and how many have each verdict."""
    agreement: Rows
    """For each two, `judgement_a` and `judgement_b`, of all `students` and of the class (`of`): `windows` that both
    have, `agreement` (share of equal verdicts, insufficient being one), windows `judged` in both, with Cohen's
    `kappa` of these."""
    differing: Rows
    """For each window in which two give some student different verdicts, those with the most students first:
    `judgement_a`, `judgement_b`, `start`, `stop` (s), how many students `differ`, how many `opposite`ly, and
    their labels (`students`)."""


def compare(judgements: Mapping[str, Judged], scale: Scale = BALANCE) -> Comparison:
    """Compare judgements by name; where their windows differ in length, at the middle of each shorter one."""
    agreeing: Rows = []
    differing: Rows = []
    for first, second in combinations(judgements, 2):
        names = {"judgement_a": first, "judgement_b": second}
        for of in ("students", CLASS):
            windows, *verdicts = _paired(judgements[first], judgements[second], of)
            agreeing.append({**names, "of": of, **_agreement(scale, *verdicts)})
            if of == "students":
                differing += [names | row for row in _differing(scale, windows, *verdicts)]
    counts = [row for name, judged in judgements.items() for row in _counts(name, judged, scale)]
    return Comparison(counts, agreeing, differing)


def _counts(judgement: str, judged: Judged, scale: Scale) -> Rows:
    """How often each student, and the class, has which verdict."""
    labels = np.unique(judged.students.label)
    of = [(str(label), judged.students.take(judged.students.label == label)) for label in labels]
    return [
        {
            "judgement": judgement,
            "student": label,
            "windows": len(verdicts.verdict),
            **{name: int((verdicts.verdict == place).sum()) for place, name in enumerate(scale.verdicts)},
        }
        for label, verdicts in [*of, (CLASS, judged.class_)]
    ]


def _paired(first: Judged, second: Judged, of: str) -> tuple[Verdicts, Ints, Ints]:
    """The windows of the judgement with the shorter ones that both have, and both verdicts of each."""
    swapped = first.window > second.window
    short, long = (second, first) if swapped else (first, second)
    short_verdicts, long_verdicts = (short.class_, long.class_) if of == CLASS else (short.students, long.students)
    middle = np.floor((short_verdicts.start + short_verdicts.stop) / 2 / long.window).astype(np.int64)
    labels = np.unique(np.concatenate([short_verdicts.label, long_verdicts.label]))
    width = int(max(middle.max(initial=0), long_verdicts.window.max(initial=0))) + 1
    short_keys = np.searchsorted(labels, short_verdicts.label) * width + middle
    long_keys = np.searchsorted(labels, long_verdicts.label) * width + long_verdicts.window
    order = np.argsort(long_keys)
    place = np.searchsorted(long_keys[order], short_keys)
    matches = np.append(long_keys[order], -1)[place] == short_keys
    matched = long_verdicts.verdict[order[place[matches]]]
    windows = short_verdicts.take(matches)
    return (windows, matched, windows.verdict) if swapped else (windows, windows.verdict, matched)


def _agreement(scale: Scale, verdict_a: Ints, verdict_b: Ints) -> dict[str, Any]:
    """windows, agreement, judged, kappa."""
    kinds, none = len(scale.class_verdicts), len(scale.kinds)
    table = agreement.contingency(verdict_a, verdict_b, np.zeros_like(verdict_a), (1, kinds, kinds))[0]
    judged = table[:none, :none]
    return {
        "windows": len(verdict_a),
        "agreement": float(agreement.percent_agreement(table)),
        "judged": int(judged.sum()),
        "kappa": float(agreement.kappa(judged, agreement.nominal(none))),
    }


def _differing(scale: Scale, windows: Verdicts, verdict_a: Ints, verdict_b: Ints) -> Rows:
    """A row for each window with students whose verdicts differ, the most of them first."""
    side = np.array([SIDES.get(name, 0) for name in scale.verdicts])
    unlike = verdict_a != verdict_b
    opposite = (side[verdict_a] * side[verdict_b] == -1)[unlike]
    windows = windows.take(unlike)
    spans, of = np.unique(np.stack([windows.start, windows.stop], axis=1), axis=0, return_inverse=True)
    rows = [
        {
            "start": float(start),
            "stop": float(stop),
            "differ": int((of == place).sum()),
            "opposite": int(opposite[of == place].sum()),
            "students": " ".join(sorted(map(str, windows.label[of == place]))),
        }
        for place, (start, stop) in enumerate(spans)
    ]
    return sorted(rows, key=lambda row: (-row["differ"], -row["opposite"], row["start"]))
