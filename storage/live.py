"""Windows of the class that are judged while a camera is watched: rows that stand until the session is judged."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, insert, select

from storage.aggregates import hide_small_groups
from storage.columns import Columns, insert_columns
from storage.schema import class_windows, judgements
from storage.store import Store, now

#: Name of the judgement whose windows these are. Tracking deletes it, as it does every judgement of other students.
LIVE = "live"


def write_live_windows(
    store: Store, session_id: int, strategy: str, settings: str, columns: Columns, min_group: int | None
) -> list[dict[str, Any]]:
    """Store windows of the class, later than all before, beside those that are there; returns them as stored.

    Windows in which fewer than `min_group` students have a verdict say nothing of the class. `strategy` and
    `settings`, JSON, are those of the judgement; `columns` are those of the table `class_windows`.
    """
    with store.writing(session_id) as connection:
        of_session = judgements.c.session_id == session_id
        judgement = connection.scalar(
            select(judgements.c.judgement_id).where(of_session, judgements.c.name == LIVE)
        )
        if judgement is None:
            highest = connection.scalar(select(func.coalesce(func.max(judgements.c.sequence), 0)).where(of_session))
            row = {"name": LIVE, "strategy": strategy, "settings": settings, "created": now()}
            added = insert(judgements).values(session_id=session_id, sequence=(highest or 0) + 1, **row)
            judgement = connection.execute(added.returning(judgements.c.judgement_id)).scalar_one()
        insert_columns(connection, class_windows, columns, judgement_id=judgement)
        if min_group is not None:
            hide_small_groups(connection, min_group)
        written = select(class_windows).where(
            class_windows.c.judgement_id == judgement, class_windows.c.window >= int(columns["window"].min())
        )
        return [dict(each) for each in connection.execute(written.order_by(class_windows.c.window)).mappings()]


def last_live_window(store: Store, session_id: int) -> int:
    """Number of the last window that was judged while the session was watched; -1 for none."""
    query = (
        select(func.max(class_windows.c.window))
        .join(judgements, judgements.c.judgement_id == class_windows.c.judgement_id)
        .where(judgements.c.session_id == session_id, judgements.c.name == LIVE)
    )
    with store.reading() as connection:
        last = connection.scalar(query)
    return -1 if last is None else int(last)
