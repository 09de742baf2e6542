"""Writes and finds the excluded squares of a session's picture."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, insert, select

from storage.schema import excluded, sessions
from storage.store import Store, now


def write_excluded(store: Store, session_id: int, squares: Iterable[tuple[float, float, float]]) -> None:
    """Add excluded squares (x, y, size; see `schema.excluded`)."""
    with store.writing() as connection:
        last = (
            connection.scalar(select(func.max(excluded.c.region)).where(excluded.c.session_id == session_id)) or 0
        )
        for region, (x, y, size) in enumerate(squares, last + 1):
            row = {"session_id": session_id, "region": region, "x": x, "y": y, "size": size, "since": now()}
            connection.execute(insert(excluded).values(**row))


def excluded_from(store: Store, sha256: str) -> int | None:
    """The newest session of a recording with excluded squares; None without one."""
    rows = select(func.max(sessions.c.session_id)).join(excluded).where(sessions.c.sha256 == sha256)
    with store.reading() as connection:
        session_id: int | None = connection.scalar(rows)
    return session_id
