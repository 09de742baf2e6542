"""Two sessions of one class, side by side on the same axes."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from classpulse.report import drawing, figures
from classpulse.report.queries import ReportQueries
from classpulse.report.sections import Context
from engine.verdicts.scale import VERDICTS


def compared(first: ReportQueries, second: ReportQueries) -> Context:
    """What the template of a comparison needs: both sessions, what they were judged by, who is named in both."""
    both = [_side(first), _side(second)]
    end = max(side["data"]["end"] for side in both)
    length = max(side["data"]["length"] for side in both)
    if both[0]["name"] == both[1]["name"]:
        for side in both:
            side["name"] += f" (session {side['session']['session_id']})"
    for side in both:  # one scale for both, or they could not be compared
        side["data"] |= {"end": end, "length": length}
        side |= {"paths": drawing.balance_paths(side["data"]), "shares": drawing.share_paths(side["data"])}
    return {
        "sides": both,
        "ticks": drawing.ticks(length),
        "differing": differing(*(side["settings"] for side in both)),
        "people": people(*(side["people"] for side in both)),
        "verdicts": VERDICTS,
        "attention": first.by_cues and second.by_cues,
    }


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """The settings that two judgements do not share, by name: those of the first and of the second."""
    return [
        (name, one.get(name), other.get(name))
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]


def people(one: pd.DataFrame, other: pd.DataFrame) -> list[dict[str, Any]]:
    """Those whom a person has named alike in both: their figures in either, by name."""
    return figures.records(one.merge(other, on="name", suffixes=("_a", "_b")).sort_values("name"))


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
    each, phases, moments = (sources.ask(name) for name in ("windows", "phases", "moments"))
    judged = windows.rows[windows.rows["verdict"] != "insufficient"]
    return {
        "session": session,
        "name": session["name"],
        "judgement": sources.judgement["name"],
        "settings": json.loads(str(sources.judgement["settings"])),
        "students": int(windows.rows["students"].max()) if len(windows.rows) else 0,
        "windows": len(windows.rows),
        "counts": {verdict: int((windows.rows["verdict"] == verdict).sum()) for verdict in VERDICTS},
        "balance": float(judged["balance"].mean()) if len(judged) else None,
        "coverage": float(windows.rows["coverage"].mean()) if len(windows.rows) else 0.0,
        "moments": figures.moments(moments.rows)[:5],
        "data": figures.timeline(windows.rows, phases.rows),
        "people": named(students.rows, each.rows),
        "queries": [answer.sql for answer in (windows, phases, moments, students, each)],
    }
