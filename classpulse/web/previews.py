"""A judgement that is not stored, for the sections of a report that show judgements."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd

from classpulse.report.queries import Answer, ReportQueries
from engine.sessions.session import Session
from engine.settings import Settings

#: Rows of a stored judgement for which a preview has none.
OF_STORED = ("unmeasured", "student_phases", "class_phases")


class PreviewSources(ReportQueries):
    """The queries of a report with windows from memory; all other rows come from the database."""

    def __init__(
        self, session: Session, settings: Settings, windows: pd.DataFrame, class_windows: pd.DataFrame
    ) -> None:
        super().__init__(session, commands=False)
        self._settings = settings
        self._windows = {"windows": windows.sort_values(["student", "window"]), "class": class_windows}

    @property
    def settings(self) -> dict[str, Any]:
        """The previewed settings, as they would be stored."""
        return dataclasses.asdict(self._settings)

    @property
    def strategy(self) -> str:
        """Name of the previewed strategy."""
        return str(self._settings.strategy)

    def _ask(self, name: str) -> Answer:
        if name in self._windows:
            how = f"window {self._settings.window:g} s, band {self._settings.band:g}, {self._settings.strategy}"
            return Answer(
                f"-- judged just now ({how}), and not kept: the database has no such rows", self._windows[name]
            )
        answer = super()._ask(name)
        return Answer(answer.sql, answer.rows.iloc[:0]) if name in OF_STORED else answer
