"""Queries on a session for the pages and the API, and previews: judgements that are not stored."""

from __future__ import annotations

import dataclasses
import math
import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import UsageError
from engine.sessions.corrections import check_done
from engine.sessions.judgements import read_evidence, settings_of
from engine.settings import JUDGED_BY, Settings
from engine.verdicts.evidence import Evidence
from engine.verdicts.judging import judge
from storage import queries
from storage.store import Store

_FRAMES = """
SELECT pts, time FROM frames WHERE session_id = :session AND time >= :start AND time < :stop ORDER BY pts
"""
_BOXES = """
SELECT pts, student, x1, y1, x2, y2
FROM v_faces
WHERE session_id = :session AND pts BETWEEN :first AND :last
ORDER BY pts, face
"""
#: Number of sessions with evidence in memory; an hour of 30 students takes 50 MB.
REMEMBERED = 2


class Previews:
    """Judges sessions without storing the judgement; fast enough for a slider, since the faces are read once."""

    def __init__(self, db: str) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._evidence: dict[tuple[int, str], tuple[Evidence, Settings, pd.DataFrame]] = {}

    def judged(self, session_id: int, changes: dict[str, Any]) -> tuple[Settings, pd.DataFrame, pd.DataFrame]:
        """The settings, the student windows (with `label` and `name`) and the class windows.

        `changes` are settings that differ from the latest judgement's. Raises UsageError for an invalid one.
        """
        if unknown := set(changes) - set(JUDGED_BY):
            raise UsageError(f"judging does not use {', '.join(sorted(unknown))}; it uses {', '.join(JUDGED_BY)}")
        evidence, settings, students = self._read(session_id)
        settings = dataclasses.replace(settings, **changes)
        if evidence.duration / settings.window > 100_000:
            raise UsageError(f"window is {settings.window:g} s; too short to be displayed for this session")
        student_windows, class_windows = (pd.DataFrame(columns) for columns in judge(evidence, settings))
        return settings, students.merge(student_windows, on="student"), class_windows

    def prepare(self, session_id: int) -> None:
        """Read the faces before the first slider is moved."""
        self._read(session_id)

    def _read(self, session_id: int) -> tuple[Evidence, Settings, pd.DataFrame]:
        with self._lock, Store.open(self._db, must_exist=True, read_only=True) as store, store.reading():
            check_done(store, session_id)
            session = store.session(session_id)
            log = queries.corrections(store, session_id)  # renaming does not change `finished`
            key = session_id, f"{session['finished']} {len(log)} {log['undone'].notna().sum()}"
            if key not in self._evidence:
                entries = [(old, value) for old, value in self._evidence.items() if old[0] != session_id]
                self._evidence = dict(entries[-(REMEMBERED - 1) :])
                students = queries.students(store, session_id)[["student", "label", "name"]]
                self._evidence[key] = read_evidence(store, session_id), settings_of(store, session_id), students
            return self._evidence[key]


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON: None for missing values, hexadecimal digits for bytes."""
    return [dict(zip(map(str, table.columns), row, strict=True)) for row in plain_values(table)]


def plain_values(table: pd.DataFrame) -> list[list[Any]]:
    """Rows as lists, since a query may have two columns of the same name."""
    columns = [[_plain(value) for value in table.iloc[:, place].tolist()] for place in range(table.shape[1])]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(value: object) -> object:
    if isinstance(value, np.generic):  # of a column of pandas' own types
        value = value.item()
    if isinstance(value, bytes):
        return value.hex()
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        return None
    return value


def overlay(db: str, session_id: int, start: float, stop: float) -> dict[str, Any]:
    """The boxes of frames with start <= time < stop (s): `times`, and a list of [student, x1, y1, x2, y2] for each.

    The student is a number, None for an unassigned face; the edges are px of the upright image.
    """
    between = {"session": session_id, "start": start, "stop": stop}
    frames = queries.query(db, _FRAMES, between)
    if frames.empty:
        return {"times": [], "faces": []}
    ends = {"session": session_id, "first": int(frames["pts"].iloc[0]), "last": int(frames["pts"].iloc[-1])}
    boxes = queries.query(db, _BOXES, ends)
    at = np.searchsorted(boxes["pts"].to_numpy(), np.append(frames["pts"].to_numpy(), ends["last"] + 1))
    rows = plain_values(boxes.drop(columns="pts"))
    return {
        "times": frames["time"].round(3).tolist(),
        "faces": [rows[first:after] for first, after in pairwise(at.tolist())],
    }
