"""Sessions of cameras: the rows of the table `connections`, and which session is still watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select

from storage.paths import escaped
from storage.schema import connections, frames, sessions
from storage.store import Store


class Watched(NamedTuple):
    """A session that was begun with a camera, and not judged."""

    session_id: int
    settings: str
    """JSON, as in `sessions`."""
    start_pts: int
    last_pts: int
    """Timestamp of its last frame; `start_pts` where there is none."""
    state: str
    """`watching`; `detected` where it was ended, and not judged."""


def write_connections(store: Store, session_id: int, rows: Sequence[Mapping[str, Any]], first: int = 0) -> None:
    """Store the connections from number `first` on, in order of time, in place of those that are there from it on.

    A row has the columns of `schema.connections` but for its key.
    """
    numbered = [
        {**row, "session_id": session_id, "connection": number, "start": round(row["start"], 6)}
        | {"stop": None if row["stop"] is None else round(row["stop"], 6)}
        for number, row in enumerate(rows, first)
    ]
    with store.writing(session_id) as connection:
        there = (connections.c.session_id == session_id) & (connections.c.connection >= first)
        connection.execute(delete(connections).where(there))
        if numbered:
            connection.execute(insert(connections), numbered)


def count_connections(store: Store, session_id: int) -> int:
    """How many connections of a session are stored."""
    query = select(func.count()).select_from(connections).where(connections.c.session_id == session_id)
    with store.reading() as connection:
        return connection.scalar(query) or 0


def spans_of_connections(store: Store, session_id: int) -> list[tuple[float, float]]:
    """When each connection of a session that has ended began and ended, s of the session."""
    query = select(connections.c.start, connections.c.stop).where(
        connections.c.session_id == session_id, connections.c.stop.is_not(None)
    )
    with store.reading() as connection:
        return [(start, stop) for start, stop in connection.execute(query.order_by(connections.c.start))]


def find_watched(store: Store, source: str) -> list[Watched]:
    """The sessions of the camera `source` that were begun and not judged, the newest first."""
    last = func.coalesce(func.max(frames.c.pts), sessions.c.start_pts)
    query = (
        select(sessions.c.session_id, sessions.c.settings, sessions.c.start_pts, last, sessions.c.state)
        .outerjoin(frames, frames.c.session_id == sessions.c.session_id)
        .where(sessions.c.source == escaped(source), sessions.c.state != "done")
        .group_by(sessions.c.session_id, sessions.c.settings, sessions.c.start_pts, sessions.c.state)
        .order_by(sessions.c.session_id.desc())
    )
    with store.reading() as connection:
        return [Watched(*row) for row in connection.execute(query)]
