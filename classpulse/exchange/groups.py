"""Exports about groups alone: no row of one student, and no count from which one could be told."""

from __future__ import annotations

import pandas as pd

from engine.errors import UsageError
from engine.verdicts.scale import COUNTS, INSUFFICIENT, PROBABILITIES, VERDICTS

#: The tables and views without a row about one student, by the name of their file.
GROUP_TABLES = ("class_phases", "class_windows", "frames", "judgements", "phases", "shots", "sources")
#: The fewest that may be asked for: one student is no group.
SMALLEST = 2
#: What a small group's row says of the verdict, and what it leaves open.
_HIDDEN = ("balance", "margin", *PROBABILITIES)
#: Other counts of people or faces, each hidden where it is small.
_OTHER = ("present", "measured", "faces", "scorable")


def check(min_group: int | None, file_format: str, *, of_students: bool) -> None:
    """Raise UsageError for a group of one, and for a format that is about single students."""
    if min_group is not None and min_group < SMALLEST:
        raise UsageError(f"invalid --min-group {min_group}; a group has {SMALLEST} students or more")
    if min_group is not None and of_students:
        raise UsageError(f"{file_format} is about single students; with --min-group use csv, xlsx or vtt")


def suppressed(rows: pd.DataFrame, least: int) -> pd.DataFrame:
    """Rows of the class (or frames) in which no count of 1 to `least` - 1 can be read or reckoned.

    A row in which fewer than `least` students have a verdict is insufficient, as in an analysis with
    `--aggregate-only`. Of the counts by verdict the small ones are hidden, and where that is one alone, which the
    sum would tell, the smallest other one too (secondary suppression; Hundepool et al., Statistical Disclosure
    Control, 2012, 4.2).
    """
    rows = rows.copy()
    if "students" in rows:
        small = rows["students"] - rows[COUNTS[INSUFFICIENT]] < least
        for name in (name for name in _HIDDEN if name in rows):
            rows[name] = rows[name].mask(small)
        rows["verdict"] = rows["verdict"].mask(small, VERDICTS[INSUFFICIENT])
        if "reason" in rows:
            rows["reason"] = rows["reason"].mask(small, "too_few_students")
        counts = rows[list(COUNTS)].astype("Int64").mask(small, pd.NA)
        hidden = (counts > 0) & (counts < least)
        hidden = hidden.fillna(value=True)
        for place in hidden.index[hidden.sum(axis=1) == 1]:
            others = counts.loc[place][~hidden.loc[place]]
            positive = others[others > 0]
            # A zero tells nothing; but where all others are zero, the sum tells the only count.
            hidden.loc[place, (positive if len(positive) else others).idxmin()] = True
        rows[list(COUNTS)] = counts.mask(hidden, pd.NA)
    for name in (name for name in _OTHER if name in rows):
        count = rows[name].astype("Int64")
        rows[name] = count.mask((count > 0) & (count < least), pd.NA)
    return rows
