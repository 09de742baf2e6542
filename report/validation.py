"""What `validate` prints: how far verdicts are what people saw."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from report.rows import text_table

#: With fewer students, an interval from them is too narrow.
FEW = 10


def summary(stretches: pd.DataFrame, figures: pd.DataFrame, confusion: pd.DataFrame, untold: int) -> Iterator[str]:
    """The tables of an engine's `Validation`, as lines for people."""
    none, students = int((stretches["verdict"] == "insufficient").sum()), stretches["student"].nunique()
    yield f"{len(stretches)} stretches of {students} students are coded; codes left out as cannot tell: {untold}\n"
    yield f"without a verdict of the machine: {none} ({none / len(stretches):.0%}); kappa says nothing of these\n\n"
    machine = figures["one"] == "the machine"
    yield from measures(figures[machine].assign(who=figures["other"]), "the machine and")
    coders = figures[~machine]
    if len(coders):
        pairs = coders["one"].where(coders["one"] == coders["other"], coders["one"] + ", " + coders["other"])
        yield "\n"
        yield from measures(coders.assign(who=pairs), "coders")
    yield "\nstretches, by what most coders say (rows) and what the machine says:\n"
    yield from text_table(confusion)
    yield "\nIn brackets: 95 % intervals, by bootstrap over students"
    yield f"; of {students} students they are too narrow, code {FEW} or more\n" if students < FEW else "\n"


def measures(figures: pd.DataFrame, head: str) -> Iterator[str]:
    """The figures as lines: a row for each `who`, a column for each `measure`."""
    rows = []
    for who, mine in figures.groupby("who", sort=False):
        cells = {row["measure"]: estimate(row["value"], row["low"], row["high"]) for row in mine.to_dict("records")}
        rows.append({head: who, "stretches": int(mine["stretches"].max()), **cells})
    yield from text_table(pd.DataFrame(rows))


def estimate(value: float, low: float, high: float) -> str:
    """0.71 (0.60–0.80), or a dash where it is undefined."""
    if pd.isna(value):
        return "–"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} ({low:.2f}–{high:.2f})"
