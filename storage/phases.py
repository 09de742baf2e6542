"""The parts of a session that a person marked, and the verdicts about them: their rows, written."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, insert, select

from storage.columns import Columns, insert_columns
from storage.schema import class_parts, marks, student_parts
from storage.store import Store, now


def add_marks(store: Store, session: int, parts: Iterable[tuple[float, float | None, str]]) -> list[int]:
    """Note parts (start, stop or None, s, and label) of a session; returns their numbers."""
    with store.writing() as connection:
        last = connection.scalar(select(func.max(marks.c.mark)).filter_by(session_id=session)) or 0
        rows = [
            {
                "session_id": session,
                "mark": last + place,
                "start": start,
                "stop": stop,
                "label": label,
                "made": now(),
            }
            for place, (start, stop, label) in enumerate(parts, 1)
        ]
        if rows:
            connection.execute(insert(marks), rows)
    return [last + place for place in range(1, len(rows) + 1)]


def delete_marks(store: Store, session: int, numbers: Collection[int]) -> None:
    """Delete marks of a session by their numbers."""
    with store.writing() as connection:
        connection.execute(delete(marks).where(marks.c.session_id == session, marks.c.mark.in_(numbers)))


def write_parts(store: Store, judgement: int, student_columns: Columns, class_columns: Columns) -> None:
    """Keep a judgement's verdicts about the marked parts, in place of all there were."""
    with store.writing() as connection:
        for table, columns in ((student_parts, student_columns), (class_parts, class_columns)):
            connection.execute(delete(table).where(table.c.judgement_id == judgement))
            if columns:
                insert_columns(connection, table, columns, judgement_id=judgement)
