"""What `validate` prints: the agreement between verdicts and human codes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pandas as pd

from classpulse.report.rows import text_table

#: With fewer students, an interval from them holds the truth less often than it says.
FEW = 6


def summary(
    intervals: pd.DataFrame, figures: pd.DataFrame, confusion: pd.DataFrame, uncodable: int
) -> Iterator[str]:
    """The tables of an engine's `Validation`, as lines for people."""
    none, students = int((intervals["verdict"] == "insufficient").sum()), intervals["student"].nunique()
    yield f"{len(intervals)} coded intervals of {students} students; left out as uncodable: {uncodable}\n"
    yield f"without a verdict of the system: {none} ({none / len(intervals):.0%}); these are not in kappa\n\n"
    system = figures["one"] == "the system"
    yield from measures(figures[system].assign(who=figures["other"]), "the system and")
    coders = figures[~system]
    if len(coders):
        pairs = coders["one"].where(coders["one"] == coders["other"], coders["one"] + ", " + coders["other"])
        yield "\n"
        yield from measures(coders.assign(who=pairs), "coders")
    yield "\nintervals, by what most coders say (rows) and what the system says:\n"
    yield from text_table(confusion)
    yield "\nIn brackets: 95 % intervals, by bootstrap over students"
    yield f"; of {students} students they are too narrow, code {FEW} or more\n" if students < FEW else "\n"


def fitted(name: str, settings: Mapping[str, object], figures: pd.DataFrame, said: str) -> Iterator[str]:
    """What came of fitting the profile `name`, as lines for people."""
    yield from measures(figures.assign(who=figures["settings"]), "settings")
    yield f"\n{said}\n"
    yield "score: weighted kappa in which no verdict is as far off as neutral from interested\n\n"
    yield f"profile {name}: {_settings(settings)}; `classpulse judge SESSION --profile` judges with it\n"


def short(profiles: pd.DataFrame) -> pd.DataFrame:
    """The profiles as a table for people."""
    shown = profiles[["name", "coders", "students", "intervals", "kappa_before", "kappa_in", "kappa_out"]]
    settings = [_settings(json.loads(text)) for text in profiles["settings"]]
    kappas = {f"kappa_{when}": profiles[f"kappa_{when}"].astype("float64") for when in ("before", "in", "out")}
    return shown.assign(**kappas, settings=settings, made=profiles["made"].str[:16].str.replace("T", " "))


def _settings(settings: Mapping[str, object]) -> str:
    """strategy weighted, window 10, band 0.2, ..."""
    return ", ".join(f"{name} {value}" for name, value in settings.items()).replace("_", "-")


def measures(figures: pd.DataFrame, head: str) -> Iterator[str]:
    """The figures as lines: a row for each `who`, a column for each `measure`."""
    rows = []
    for who, mine in figures.groupby("who", sort=False):
        cells = {row["measure"]: estimate(row["value"], row["low"], row["high"]) for row in mine.to_dict("records")}
        rows.append({head: who, "intervals": int(mine["intervals"].max()), **cells})
    yield from text_table(pd.DataFrame(rows))


def estimate(value: float, low: float, high: float) -> str:
    """0.71 (0.60–0.80), or a dash where it is undefined."""
    if pd.isna(value):
        return "–"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} ({low:.2f}–{high:.2f})"
