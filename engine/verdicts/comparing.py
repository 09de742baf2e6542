"""Judgements of one session side by side: what each says how often, where two agree, and where they differ most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from engine.verdicts import agreement
from engine.verdicts.judging import VERDICTS

CLASS = "class"


class Judged(NamedTuple):
    """A judgement, to be compared."""

    window: float
    """Length of a window, s."""
    students: pd.DataFrame
    """Rows of `queries.student_windows`."""
    whole: pd.DataFrame
    """Rows of `queries.class_windows`."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came of comparing judgements."""

    verdicts: pd.DataFrame
    """A row for each `judgement` and `student` (label, or class): `windows`, and how many have each verdict."""
    agreement: pd.DataFrame
    """A row for each two, `one` and `other`, of all `students` and of the class (`of`): `windows` that both have,
    share of the `same` verdict, insufficient being one; and `judged` in both, with Cohen's `kappa` of these."""
    differing: pd.DataFrame
    """A row for each window in which two give some student different verdicts, those with the most students first:
    `one`, `other`, `start`, `stop` (s), how many students `differ`, of how many `opposite`ly, and `who`."""


def compare(judgements: Mapping[str, Judged]) -> Comparison:
    """Compare judgements by name; where their windows differ in length, at the middle of each shorter one."""
    agreeing, differing = [], []
    for one, other in combinations(judgements, 2):
        for of in ("students", CLASS):
            both = _paired(judgements[one], judgements[other], of)
            agreeing.append((one, other, of, *_agreement(both)))
            if of == "students":
                differing.append(_differing(both).assign(one=one, other=other))
    names = ["one", "other", "start", "stop", "differ", "opposite", "who"]
    where = pd.concat(differing)[names] if differing else pd.DataFrame(columns=names)
    columns = ["one", "other", "of", "windows", "same", "judged", "kappa"]
    return Comparison(
        pd.DataFrame([row for name, judged in judgements.items() for row in _counts(name, judged)]),
        pd.DataFrame(agreeing, columns=columns),
        where.reset_index(drop=True),
    )


def _counts(judgement: str, judged: Judged) -> list[dict[str, object]]:
    """How often each student, and the class, has which verdict."""
    of = {str(label): mine for label, mine in judged.students.groupby("label")} | {CLASS: judged.whole}
    return [
        {
            "judgement": judgement,
            "student": who,
            "windows": len(mine),
            **{verdict: int((mine["verdict"] == verdict).sum()) for verdict in VERDICTS},
        }
        for who, mine in of.items()
    ]


def _paired(one: Judged, other: Judged, of: str) -> pd.DataFrame:
    """The windows of whichever has the shorter ones: `label`, `start`, `stop`, verdicts `one` and `other`."""
    tables = []
    shorter = one if one.window <= other.window else other
    for judged in (one, other):
        table = judged.whole.assign(label=CLASS) if of == CLASS else judged.students
        tables.append(table[["label", "window", "start", "stop", "verdict"]])
    place = 0 if shorter is one else 1
    short, long = tables[place], tables[1 - place]
    length = (other if shorter is one else one).window
    middle = (short["start"] + short["stop"]) / 2
    there = np.floor(middle / length).astype(np.int64)
    theirs = long[["label", "window", "verdict"]].rename(columns={"window": "there", "verdict": "theirs"})
    both = short.assign(there=there).merge(theirs, on=["label", "there"])
    mine, others = ("one", "other") if place == 0 else ("other", "one")
    return both.rename(columns={"verdict": mine, "theirs": others})


def _agreement(both: pd.DataFrame) -> tuple[int, float, int, float]:
    """windows, same, judged, kappa."""
    one, other = (both[name].map(VERDICTS.index).to_numpy(np.int64) for name in ("one", "other"))
    kinds = len(VERDICTS)
    table = agreement.counted(one, other, np.zeros_like(one), (1, kinds, kinds))[0]
    judged = table[: kinds - 1, : kinds - 1]
    kappa = agreement.kappa(judged, agreement.nominal(kinds - 1))
    return len(both), float(agreement.same(table)), int(judged.sum()), float(kappa)


def _differing(both: pd.DataFrame) -> pd.DataFrame:
    """A row for each window with students whose verdicts differ, the most of them first."""
    unlike = both[both["one"] != both["other"]]
    sides = {VERDICTS[0], VERDICTS[2]}
    opposite = unlike["one"].isin(sides) & unlike["other"].isin(sides)
    rows = [
        {
            "start": start,
            "stop": stop,
            "differ": len(mine),
            "opposite": int(opposite[mine.index].sum()),
            "who": " ".join(sorted(mine["label"])),
        }
        for (start, stop), mine in unlike.groupby(["start", "stop"])
    ]
    found = pd.DataFrame(rows, columns=["start", "stop", "differ", "opposite", "who"])
    return found.sort_values(["differ", "opposite", "start"], ascending=[False, False, True])
