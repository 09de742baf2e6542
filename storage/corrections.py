"""Writes the rows of identity corrections and of rosters."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
from sqlalchemy import delete, func, insert, select, update

from storage.schema import corrections, seats, students
from storage.store import Store, now


def add_correction(store: Store, session_id: int, action: str, arguments: Mapping[str, Any]) -> int:
    """Log a correction (see `schema.corrections`), and return its number."""
    with store.writing() as connection:
        last = connection.scalar(select(func.max(corrections.c.correction)).filter_by(session_id=session_id))
        number = (last or 0) + 1
        row = {"session_id": session_id, "correction": number, "action": action, "arguments": json.dumps(arguments)}
        connection.execute(insert(corrections).values(**row, made=now()))
    return number


def mark_undone(store: Store, session_id: int, correction: int) -> None:
    """Mark a correction as undone."""
    with store.writing() as connection:
        row = update(corrections).where(
            corrections.c.session_id == session_id, corrections.c.correction == correction
        )
        connection.execute(row.values(undone=now()))


def write_persons(store: Store, session_id: int, persons: Mapping[int, int]) -> None:
    """Assign persons to students of a session, both by number; all other students have none."""
    with store.writing() as connection:
        connection.execute(update(students).where(students.c.session_id == session_id).values(person=None))
        for student, person in persons.items():
            row = update(students).where(students.c.session_id == session_id, students.c.student == student)
            connection.execute(row.values(person=person))


def write_seats(store: Store, room: str, session_id: int, rows: pd.DataFrame, forget: Collection[int] = ()) -> None:
    """Store the `rows` (`person`, `x`, `y`, `size`, `spread`; see `schema.seats`) in the roster of `room`.

    Each replaces the person's former seat; the seats of the persons in `forget` are deleted.
    """
    replaced = [*rows["person"], *forget]
    with store.writing() as connection:
        connection.execute(delete(seats).where(seats.c.room == room, seats.c.person.in_(replaced)))
        common = {"room": room, "session_id": session_id, "saved": now()}
        values = [dict(zip(rows.columns, row, strict=True)) | common for row in rows.itertuples(index=False)]
        if values:
            connection.execute(insert(seats), values)
