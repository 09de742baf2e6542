"""What a person put right in a session, and the rosters that a person keeps: their rows, written."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
from sqlalchemy import delete, func, insert, select, update

from storage.schema import repairs, seats, students
from storage.store import Store, now


def add_repair(store: Store, session: int, action: str, arguments: Mapping[str, Any]) -> int:
    """Note a repair (see `schema.repairs`), and return its number."""
    with store.writing() as connection:
        last = connection.scalar(select(func.max(repairs.c.repair)).filter_by(session_id=session))
        number = (last or 0) + 1
        row = {"session_id": session, "repair": number, "action": action, "arguments": json.dumps(arguments)}
        connection.execute(insert(repairs).values(**row, made=now()))
    return number


def mark_undone(store: Store, session: int, repair: int) -> None:
    """Note that a repair holds no longer."""
    with store.writing() as connection:
        row = update(repairs).where(repairs.c.session_id == session, repairs.c.repair == repair)
        connection.execute(row.values(undone=now()))


def write_persons(store: Store, session: int, persons: Mapping[int, int]) -> None:
    """Say who the students of a session are, by their numbers; all others are nobody known."""
    with store.writing() as connection:
        connection.execute(update(students).where(students.c.session_id == session).values(person=None))
        for student, person in persons.items():
            row = update(students).where(students.c.session_id == session, students.c.student == student)
            connection.execute(row.values(person=person))


def write_seats(store: Store, room: str, session: int, rows: pd.DataFrame, forget: Collection[int] = ()) -> None:
    """Keep the `rows` (`person`, `x`, `y`, `size`, `spread`; see `schema.seats`) in the roster of `room`.

    Each is in place of the seat that the person had; the seats of the persons in `forget` go.
    """
    gone = [*rows["person"], *forget]
    with store.writing() as connection:
        connection.execute(delete(seats).where(seats.c.room == room, seats.c.person.in_(gone)))
        same = {"room": room, "session_id": session, "saved": now()}
        values = [dict(zip(rows.columns, row, strict=True)) | same for row in rows.itertuples(index=False)]
        if values:
            connection.execute(insert(seats), values)
