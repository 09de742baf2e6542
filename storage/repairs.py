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


def write_names(store: Store, session: int, names: Mapping[int, str]) -> None:
    """Name the students of a session by their numbers; all others have no name."""
    with store.writing() as connection:
        connection.execute(update(students).where(students.c.session_id == session).values(name=None))
        for student, name in names.items():
            row = update(students).where(students.c.session_id == session, students.c.student == student)
            connection.execute(row.values(name=name))


def write_seats(store: Store, room: str, session: int, rows: pd.DataFrame, forget: Collection[str] = ()) -> None:
    """Keep the `rows` (`name`, `x`, `y`, `size`, `spread`; see `schema.seats`) in the roster of `room`.

    Each is in place of the seat that its name had; the seats of the names in `forget` go.
    """
    gone = [*rows["name"], *forget]
    with store.writing() as connection:
        connection.execute(delete(seats).where(seats.c.room == room, seats.c.name.in_(gone)))
        same = {"room": room, "session_id": session, "saved": now()}
        values = [dict(zip(rows.columns, row, strict=True)) | same for row in rows.itertuples(index=False)]
        if values:
            connection.execute(insert(seats), values)
