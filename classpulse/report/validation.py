"""What `validate` prints: the agreement between verdicts and human codes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pandas as pd

from classpulse.report.rows import text_table

#: With fewer students, the bootstrap intervals cover the true value less often than stated.
FEW = 6


def summary(
    intervals: pd.DataFrame, figures: pd.DataFrame, confusion: pd.DataFrame, uncodable: int
) -> Iterator[str]:
    """The tables of an engine's `Validation`, as lines for people."""
    unjudged, students = int((intervals["verdict"] == "insufficient").sum()), intervals["student"].nunique()
    yield f"{len(intervals)} coded intervals of {students} students; left out as uncodable: {uncodable}\n"
    yield f"without a verdict of the system: {unjudged} ({unjudged / len(intervals):.0%}); excluded from kappa\n\n"
    system = figures["rater_a"] == "the system"
    yield from measures(figures[system].assign(label=figures["rater_b"]), "the system and")
    coders = figures[~system]
    if len(coders):
        pairs = coders["rater_a"].where(
            coders["rater_a"] == coders["rater_b"], coders["rater_a"] + ", " + coders["rater_b"]
        )
        yield "\n"
        yield from measures(coders.assign(label=pairs), "coders")
    yield "\nintervals by majority code (rows) and verdict of the system:\n"
    yield from text_table(confusion)
    yield "\nIn brackets: 95 % intervals, by bootstrap over students"
    yield f"; of {students} students they are too narrow, code {FEW} or more\n" if students < FEW else "\n"


def fitted(name: str, settings: Mapping[str, object], figures: pd.DataFrame, summary: str) -> Iterator[str]:
    """The result of fitting the profile `name`, as printed lines."""
    yield from measures(figures.assign(label=figures["settings"]), "settings")
    yield f"\n{summary}\n"
    yield "score: weighted kappa in which insufficient is half a disagreement, like neutral for interested\n\n"
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
    """The figures as lines: a row for each `label`, a column for each `measure`."""
    rows = []
    for label, rows_of_label in figures.groupby("label", sort=False):
        cells = {
            row["measure"]: estimate(row["value"], row["low"], row["high"])
            for row in rows_of_label.to_dict("records")
        }
        rows.append({head: label, "intervals": int(rows_of_label["intervals"].max()), **cells})
    yield from text_table(pd.DataFrame(rows))


def estimate(value: float, low: float, high: float) -> str:
    """0.71 (0.60–0.80), or a dash where it is undefined."""
    if pd.isna(value):
        return "–"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} ({low:.2f}–{high:.2f})"
