"""The queries behind a report: the SQL, which can be run again as it is printed, and its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from engine.sessions.students import find_student
from engine.verdicts.categories.scales import scale_of_rows
from engine.verdicts.scale import Scale
from engine.verdicts.strategies import reads_cues
from storage import queries
from storage.errors import QueryError


class Recorded(Protocol):
    """The part of the engine's `Session` that a report reads: database, session_id and corrections."""

    @property
    def database(self) -> str | Path: ...  # noqa: D102
    @property
    def session_id(self) -> int: ...  # noqa: D102
    def corrections(self) -> pd.DataFrame: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Answer:
    """A query in SQL, without a placeholder, and its rows."""

    sql: str
    rows: pd.DataFrame


#: {session} and {judgement} are numbers, {student} is empty or a condition that selects one student.
SQL = {
    "session": """
SELECT session_id, name, file_name, source, recorded, width, height, duration, state, created, finished, version,
       models
FROM sessions
WHERE session_id = {session}""",
    "judgements": """
SELECT judgement_id, name, strategy, settings, created
FROM judgements
WHERE session_id = {session}
ORDER BY sequence""",
    "sources": """
SELECT file_name, start, stop, recorded
FROM sources
WHERE session_id = {session}
ORDER BY source""",
    "shots": """
SELECT shot, start, stop, view
FROM shots
WHERE session_id = {session}
ORDER BY shot""",
    "fullest": """
SELECT time, faces
FROM frames
WHERE session_id = {session}
ORDER BY faces DESC, time
LIMIT 1""",
    "largest": """
SELECT max(y2 - y1) AS face
FROM faces
WHERE session_id = {session} AND track IS NOT NULL""",
    "class": """
SELECT "window", start, stop, verdict, balance, margin, coverage, students, interested, neutral, not_interested,
       insufficient, reason, present, measured, attention_only
FROM class_windows
WHERE judgement_id = {judgement}
ORDER BY "window\"""",
    "phases": """
SELECT phase, phase_label, start, stop
FROM v_phases
WHERE session_id = {session}
ORDER BY start, phase""",
    "class_phases": """
SELECT phase, phase_label, start, stop, verdict, balance, margin, coverage, interested, neutral, not_interested,
       insufficient, reason, present, measured
FROM v_class_phases
WHERE judgement_id = {judgement}
ORDER BY start, phase""",
    "student_phases": """
SELECT student, phase, phase_label, start, stop, verdict, balance, margin, reason
FROM v_student_phases
WHERE judgement_id = {judgement}{student}
ORDER BY student, start, phase""",
    "students": """
SELECT student, label, name, first, last, tracks, faces, scorable, coverage, weakest_link, static, role, x, y, size
FROM v_students
WHERE session_id = {session}{student}
ORDER BY student""",
    "windows": """
SELECT student, "window", start, stop, verdict, balance, margin, coverage, faces, scorable, reason, measurable
FROM student_windows
WHERE judgement_id = {judgement}{student}
ORDER BY student, "window\"""",
    "unmeasured": """
SELECT student, area, windows, unmeasured, detected, scorable, why
FROM v_unmeasured
WHERE judgement_id = {judgement}{student}
ORDER BY student""",
    "classes": """
SELECT number, name, polarity
FROM classes
WHERE session_id = {session}
ORDER BY number""",
    "scores": """
SELECT tracks.student, count(*) AS faces, avg(score_1) AS score_1, avg(score_2) AS score_2, avg(score_3) AS score_3,
       avg(score_4) AS score_4, avg(score_5) AS score_5, avg(score_6) AS score_6, avg(score_7) AS score_7,
       avg(score_8) AS score_8, avg(score_9) AS score_9, avg(score_10) AS score_10, avg(score_11) AS score_11,
       avg(score_12) AS score_12
FROM faces
JOIN tracks ON tracks.session_id = faces.session_id AND tracks.track = faces.track
WHERE faces.session_id = {session} AND faces.scorable AND faces.score_1 IS NOT NULL{student}
GROUP BY tracks.student
ORDER BY tracks.student""",
    "signals": """
SELECT student, avg(visible) AS visible, avg(facing) AS facing, avg(movement) AS movement
FROM attention_windows
WHERE judgement_id = {judgement}{student}
GROUP BY student
ORDER BY student""",
    "tracks": """
SELECT student, track, first, last, faces, link_score
FROM tracks
WHERE session_id = {session} AND student IS NOT NULL{student}
ORDER BY student, first, track""",
    "warnings": """
SELECT time, code, text
FROM warnings
WHERE session_id = {session}
ORDER BY warning""",
    "corrections": """
SELECT correction, action, arguments, made, undone
FROM corrections
WHERE session_id = {session}
ORDER BY correction""",
}


class ReportQueries:
    """The rows for a report on one session and one of its judgements; each query runs at most once.

    `judgement` is its name, by default the latest; `student` a label or name, for a report on that student alone.
    Raises QueryError for an unknown judgement, and UsageError unless exactly one student matches.
    """

    def __init__(
        self,
        session: Recorded,
        judgement: str | None = None,
        student: str | None = None,
        *,
        picture: bool = False,
        commands: bool = True,
    ) -> None:
        self.database = session.database
        self.session_id = session.session_id
        self.corrections = session.corrections
        """The rows of the query of that name, with `what`: the correction in words."""
        self.picture = picture
        """Whether the seats are to lie on a frame of the recording."""
        self.commands = commands
        """Whether the cards show commands for a terminal, with the place of the database."""
        self._wanted = judgement, student
        self.ask = cache(self._ask)

    def _ask(self, name: str) -> Answer:
        """The rows of one of `SQL`."""
        numbers: dict[str, object] = {"session": self.session_id}
        if "{judgement}" in SQL[name]:
            numbers["judgement"] = self.judgement["judgement_id"]
        only = "" if self.student is None else f" AND {'tracks.' * (name == 'scores')}student = {self.student}"
        sql = SQL[name].strip().format(**numbers, student=only)
        return Answer(sql, queries.query(self.database, sql))

    @cached_property
    def judgement(self) -> dict[str, object]:
        """The row of the selected judgement."""
        name, _ = self._wanted
        rows = queries.query(self.database, SQL["judgements"].format(session=self.session_id))
        if name is not None:
            rows = rows[rows["name"] == name]
        if rows.empty:
            what = f"no judgement {name!r}" if name else "no judgement yet; finish `classpulse analyze` first"
            raise QueryError(f"session {self.session_id} has {what}")
        return {str(key): value for key, value in rows.iloc[-1].to_dict().items()}

    @property
    def strategy(self) -> str:
        """Name of the selected judgement's strategy."""
        return str(self.judgement["strategy"])

    @property
    def band(self) -> float | None:
        """Half-width of the neutral band of a student's balance; None where the strategy knows none."""
        value = self.settings.get("band")
        return None if value is None or self.by_cues or not self.scale.polar else float(value)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the selected judgement."""
        return dict(json.loads(str(self.judgement["settings"])))

    @property
    def by_cues(self) -> bool:
        """Whether the strategy reads behavioural cues and no emotion scores."""
        return reads_cues(self.strategy)

    @property
    def scale(self) -> Scale:
        """What the windows of the selected judgement may be."""
        classes = self.ask("classes").rows
        return scale_of_rows(classes["name"], classes["polarity"], self.strategy)

    @cached_property
    def student(self) -> int | None:
        """Number of the selected student, or None for the whole class."""
        _, student = self._wanted
        if student is None:
            return None
        rows = queries.query(self.database, SQL["students"].format(session=self.session_id, student=""))
        return int(find_student(rows, student)["student"])
