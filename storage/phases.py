"""The phases of a lesson that a person marked, and the verdicts about them: their rows, written."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, insert, select

from storage.columns import Columns, insert_columns
from storage.schema import class_phases, phases, student_phases
from storage.store import Store, now


def add_phases(store: Store, session_id: int, new: Iterable[tuple[float, float | None, str]]) -> list[int]:
    """Add phases (start, stop or None, s, and label) of a session; returns their numbers."""
    with store.writing() as connection:
        last = connection.scalar(select(func.max(phases.c.phase)).filter_by(session_id=session_id)) or 0
        rows = [
            {
                "session_id": session_id,
                "phase": last + place,
                "start": start,
                "stop": stop,
                "label": label,
                "made": now(),
            }
            for place, (start, stop, label) in enumerate(new, 1)
        ]
        if rows:
            connection.execute(insert(phases), rows)
    return [last + place for place in range(1, len(rows) + 1)]


def delete_phases(store: Store, session_id: int, numbers: Collection[int]) -> None:
    """Delete phases of a session by their numbers."""
    with store.writing() as connection:
        connection.execute(delete(phases).where(phases.c.session_id == session_id, phases.c.phase.in_(numbers)))


def write_phases(store: Store, judgement_id: int, student_columns: Columns, class_columns: Columns) -> None:
    """Store a judgement's verdicts about the phases, in place of the former ones."""
    with store.writing() as connection:
        for table, columns in ((student_phases, student_columns), (class_phases, class_columns)):
            connection.execute(delete(table).where(table.c.judgement_id == judgement_id))
            if columns:
                insert_columns(connection, table, columns, judgement_id=judgement_id)
