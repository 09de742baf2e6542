"""Two sessions of one class, side by side on the same axes."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from classpulse.report import drawing, figures
from classpulse.report.palette import boxes
from classpulse.report.queries import ReportQueries
from classpulse.report.sections import Context
from classpulse.report.sentence import session_sentence, sustained_changes
from storage.errors import QueryError


def compared(first: ReportQueries, second: ReportQueries) -> Context:
    """Context of the comparison's template: both sessions, their settings, students named in both."""
    if first.scale != second.scale:
        verdicts = [f"session {each.session_id}: {', '.join(each.scale.kinds)}" for each in (first, second)]
        raise QueryError(f"these sessions have different verdicts and cannot be compared ({'; '.join(verdicts)})")
    both = [_side(first), _side(second)]
    end = max(side["data"]["end"] for side in both)
    length = max(side["data"]["length"] for side in both)
    if both[0]["name"] == both[1]["name"]:
        for side in both:
            side["name"] += f" (session {side['session']['session_id']})"
    for side in both:  # equal axes, so that both can be compared
        side["data"] |= {"end": end, "length": length}
        side |= {"paths": drawing.balance_paths(side["data"]), "shares": drawing.share_paths(side["data"])}
    return {
        "sides": both,
        "ticks": drawing.ticks(length),
        "differing": differing(*(side["settings"] for side in both)),
        "people": people(*(side["people"] for side in both)),
        "verdicts": first.scale.class_verdicts,
        "scale": first.scale,
        "boxes": boxes(first.scale),
        "attention": first.by_cues and second.by_cues,
    }


def differing(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """The settings in which two judgements differ, by name: the value in the first and in the second."""
    return [
        (name, first.get(name), second.get(name))
        for name in sorted({*first, *second})
        if first.get(name) != second.get(name)
    ]


def people(first: pd.DataFrame, second: pd.DataFrame) -> list[dict[str, Any]]:
    """Students with the same name in both sessions: their figures in each, sorted by name."""
    return figures.records(first.merge(second, on="name", suffixes=("_a", "_b")).sort_values("name"))


def named(students: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """A row for each student with a name: windows that have a `judged` verdict, their mean `balance`, `interested`.

    `interested` and `coverage` are shares, 0 to 1.
    """
    judged = windows[windows["verdict"] != "insufficient"]
    balance = judged.groupby("student")["balance"].mean()
    interested = (judged["verdict"] == "interested").groupby(judged["student"]).mean()
    rows = students[students["name"].notna()]
    return pd.DataFrame(
        {
            "name": rows["name"],
            "label": rows["label"],
            "coverage": rows["coverage"].astype(float),
            "balance": rows["student"].map(balance).astype(float),
            "interested": rows["student"].map(interested).astype(float),
        }
    )


def _side(sources: ReportQueries) -> Context:
    windows, students = sources.ask("class"), sources.ask("students")
    session = figures.records(sources.ask("session").rows)[0]
    scale = sources.scale
    student_windows, phases = sources.ask("windows"), sources.ask("phases")
    judged = windows.rows[windows.rows["verdict"] != "insufficient"]
    return {
        "session": session,
        "name": session["name"],
        "judgement": sources.judgement["name"],
        "settings": json.loads(str(sources.judgement["settings"])),
        "sentence": session_sentence(windows.rows, student_windows.rows, students.rows),
        "students": int(windows.rows["students"].max()) if len(windows.rows) else 0,
        "windows": len(windows.rows),
        "counts": {verdict: int((windows.rows["verdict"] == verdict).sum()) for verdict in scale.class_verdicts},
        "balance": None if judged["balance"].isna().all() else float(judged["balance"].mean()),
        "coverage": float(windows.rows["coverage"].mean()) if len(windows.rows) else 0.0,
        "changes": sustained_changes(windows.rows),
        "data": figures.timeline(
            windows.rows, phases.rows, figures.student_counts(windows.rows, student_windows.rows, scale), scale
        ),
        "people": named(students.rows, student_windows.rows),
        "queries": [answer.sql for answer in (windows, phases, students, student_windows)],
    }
