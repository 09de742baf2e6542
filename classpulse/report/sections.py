"""The contexts of the page's sections: rows of the queries, prepared for the templates."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from classpulse.report import attendance, drawing, figures, lines
from classpulse.report.queries import ReportQueries
from classpulse.report.sentence import session_sentence, student_sentence, sustained_changes
from engine.sessions.records import located
from engine.sessions.tracking import why_no_students
from engine.verdicts.scale import Scale
from storage.database import database_of
from storage.paths import path_of
from storage.store import Store

Context = dict[str, Any]


def summary(sources: ReportQueries) -> Context:
    """Which session it is, and the class in a few figures."""
    session = _session(sources)
    windows, students = sources.ask("class").rows, sources.ask("students").rows
    judged, shots, files = (
        windows[windows["verdict"] != "insufficient"],
        sources.ask("shots"),
        sources.ask("sources"),
    )
    return {
        "session": session,
        "sentence": _sentence(sources),
        "judgement": sources.judgement["name"],
        "settings": json.loads(str(sources.judgement["settings"])),
        "aggregate": students.empty and len(windows) > 0 and bool(windows["students"].max()),
        "students": int(windows["students"].max()) if len(windows) else 0,
        "windows": len(windows),
        "attended": None if sources.student is not None else attendance.attended(windows),
        "usually_measured": figures.usually_measured(windows),
        "own_coverage": None if sources.student is None else float(students["coverage"].iloc[0]),
        "balance": None if judged["balance"].isna().all() else float(judged["balance"].mean()),
        "coverage": float(windows["coverage"].mean()) if len(windows) else 0.0,
        "student": None if sources.student is None else figures.display_name(figures.records(students)[0]),
        "gone": not path_of(session["source"]).exists(),
        "why_no_students": _why_no_students(sources),
        "shots": figures.records(shots.rows),
        "files": figures.records(files.rows),
        "queries": [
            sources.ask(name).sql for name in ("session", "class", "windows", "students", "sources", "shots")
        ],
    }


def _sentence(sources: ReportQueries) -> str:
    """The session in a sentence; the student, in a report on one."""
    windows = sources.ask("windows").rows
    if sources.student is not None:
        return student_sentence(windows)
    return session_sentence(sources.ask("class").rows, windows, sources.ask("students").rows)


def _why_no_students(sources: ReportQueries) -> str | None:
    with Store.open(sources.database, must_exist=True, read_only=True) as store:
        return why_no_students(store, sources.session_id)


def timeline(sources: ReportQueries) -> Context:
    """The class over time: balance with its interval, and how many students have which verdict."""
    answer, phases = sources.ask("class"), sources.ask("phases")
    scale = sources.scale
    students = None if scale.polar or sources.student is not None else sources.ask("windows")
    counts = None if students is None else figures.student_counts(answer.rows, students.rows, scale)
    data = figures.timeline(answer.rows, phases.rows, counts, scale) | {"band": sources.band}
    return {
        "data": data,
        "paths": drawing.balance_paths(data),
        "shares": drawing.share_paths(data),
        "attendance": drawing.attendance_paths(data),
        "ticks": drawing.ticks(data["length"]),
        "counts": figures.class_counts(answer.rows, scale),
        "windows": len(answer.rows),
        "anybody": bool(answer.rows["students"].max()) if len(answer.rows) else False,
        "why_no_students": _why_no_students(sources),
        "students": int(answer.rows["students"].max()) if len(answer.rows) else 0,
        "queries": [asked.sql for asked in (answer, phases, students) if asked],
    }


def phases(sources: ReportQueries) -> Context:
    """The class in each phase of the lesson that a person marked."""
    answer, scale = sources.ask("class_phases"), sources.scale
    if scale.polar:
        counts, asked = figures.student_counts(answer.rows, answer.rows, scale), [answer]
    else:
        students = sources.ask("student_phases")
        of_class = students.rows if sources.student is None else students.rows.iloc[:0]
        counts, asked = figures.student_counts(answer.rows, of_class, scale, "phase"), [answer, students]
    return {
        "phases": figures.records(answer.rows),
        "counts": [["–" if pd.isna(count) else count for count in row] for row in counts.to_numpy(object)],
        "queries": [each.sql for each in asked],
    }


def heatmap(sources: ReportQueries) -> Context:
    """Students x windows."""
    students, windows = sources.ask("students"), sources.ask("windows")
    data = figures.heatmap(students.rows, windows.rows, sources.scale)
    data["evidence"] = "frames that count" if sources.by_cues else "scorable faces"
    order = data["orders"]["seat"]
    return {
        "data": data,
        "order": order,
        "cells": drawing.level_paths([data["levels"][place] for place in order], data),
        "ticks": drawing.ticks(data["length"]),
        "signs": _signs(sources.scale),
        "queries": [windows.sql, students.sql],
    }


def seats(sources: ReportQueries) -> Context:
    """Where students sit, by verdict or by coverage."""
    session, students, windows = _session(sources), sources.ask("students"), sources.ask("windows")
    data = figures.seats(students.rows, windows.rows, (session["width"], session["height"]), sources.scale)
    statements = [students.sql, windows.sql]
    picture = None
    with Store.open(sources.database, must_exist=True, read_only=True) as store:
        paths, settings = located(store, sources.session_id)
    if sources.picture and data["students"] and all(path.exists() for path in paths):
        from classpulse.report.backdrop import backdrop  # imported here because it loads the video decoder
        from classpulse.report.excluded import excluded_places

        fullest, largest = sources.ask("fullest"), sources.ask("largest")
        time = float(fullest.rows["time"].iloc[0])
        with Store.open(sources.database, must_exist=True, read_only=True) as store:
            excluded = excluded_places(store, sources.session_id).at(time)[0]
        picture = backdrop(paths[0], time, largest.rows["face"].iloc[0], excluded, settings)
        statements += [fullest.sql, largest.sql]
    return {
        "data": data,
        "picture": picture,
        "no_picture": sources.picture and picture is None,
        "queries": statements,
    }


def changes(sources: ReportQueries) -> Context:
    """The changes of the class that lasted."""
    answer = sources.ask("class")
    return {"changes": sustained_changes(answer.rows), "queries": [answer.sql]}


def students(sources: ReportQueries) -> Context:
    """A card for each student, or for the selected one."""
    # A judgement by attention shows no emotions.
    measured = "signals" if sources.by_cues else "scores"
    names = ("students", "windows", measured, "tracks", "unmeasured", "student_phases", "classes")
    answers = [sources.ask(name) for name in names]
    cards = figures.cards(*(answer.rows for answer in answers), scale=sources.scale)
    for card in cards:
        card["timeline"]["band"] = sources.band
        card["paths"] = drawing.balance_paths(card["timeline"])
        card["cells"] = drawing.level_paths([card["levels"]], card["timeline"])
        card["ticks"] = drawing.ticks(card["timeline"]["length"])
    alone = sources.student is not None
    return {
        "cards": cards,
        "doubtful": [] if alone else lines.most_doubtful(answers[3].rows, answers[0].rows),
        "alone": alone,
        "command": _command(sources) if sources.commands else None,
        "queries": [answer.sql for answer in answers],
    }


def provenance(sources: ReportQueries) -> Context:
    """Provenance of the verdicts: settings, networks, versions, manual corrections."""
    session = _session(sources)
    judgements, warnings = sources.ask("judgements"), sources.ask("warnings")
    return {
        "session": session,
        "warnings": warnings.rows["text"].tolist(),
        "models": json.loads(session["models"]),
        "judgement": sources.judgement,
        "settings": json.loads(str(sources.judgement["settings"])),
        "judgements": judgements.rows["name"].tolist(),
        # The log names other students, and a report on one student must not.
        "corrections": None if sources.student is not None else _corrections(sources.corrections()),
        "queries": [sources.ask(name).sql for name in ("session", "warnings", "judgements", "corrections")],
    }


SECTIONS: Mapping[str, Callable[[ReportQueries], Context]] = {
    section.__name__: section
    for section in (summary, timeline, phases, changes, heatmap, seats, students, provenance)
}


def _session(sources: ReportQueries) -> dict[str, Any]:
    rows = sources.ask("session").rows
    return {key: None if pd.isna(value) else value for key, value in figures.records(rows)[0].items()}


def _signs(scale: Scale) -> dict[int, str]:
    """The sign of every level, as in the terminal."""
    return {level: scale.signs[figures.verdict_of(level, scale)] for level in figures.levels_of(scale)}


def _corrections(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{**row, "undone": not pd.isna(row["undone"])} for row in figures.records(rows)]


def _command(sources: ReportQueries) -> dict[str, str]:
    """How a command on this session begins and ends; a database's password is no part of it."""
    database = str(database_of(sources.database))
    end = "" if database == "classpulse.db" else f" --db {shlex.quote(database)}"
    return {"session": str(sources.session_id), "end": end}
