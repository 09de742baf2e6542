"""What holds for the whole database: how long sessions may be kept, and who ran which command on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
from sqlalchemy import delete, insert, select

from storage.forgetting import sessions_before
from storage.queries import sessions as session_rows
from storage.schema import audit, rules
from storage.store import Store, now

_RETENTION = "retention"


def retention(store: Store) -> int | None:
    """How many days a session may be kept; None: nobody has said."""
    with store.reading() as connection:
        value = connection.scalar(select(rules.c.value).where(rules.c.rule == _RETENTION))
    return None if value is None else int(value)


def set_retention(store: Store, days: int | None) -> None:
    """Say how many days a session may be kept, or with None that nobody says."""
    with store.writing() as connection:
        connection.execute(delete(rules).where(rules.c.rule == _RETENTION))
        if days is not None:
            connection.execute(insert(rules).values(rule=_RETENTION, value=str(days)))


def overdue(store: Store) -> pd.DataFrame:
    """The sessions that are kept for longer than they may be, as `queries.sessions` has them."""
    days, every = retention(store), session_rows(store)
    if days is None:
        return every.iloc[:0]
    last = datetime.now(UTC) - timedelta(days=days)
    return every[every["session_id"].isin(sessions_before(store, last.date().isoformat()))]


def note(store: Store, who: str, command: str, session: int | None, arguments: str, outcome: str) -> None:
    """Note that a command was run; see `schema.audit`."""
    row = {"who": who, "command": command, "session_id": session, "arguments": arguments, "outcome": outcome}
    with store.writing() as connection:
        connection.execute(insert(audit).values(**row, at=now()))


def audited(store: Store, session: int | None = None) -> pd.DataFrame:
    """Who ran what, of one session or of all, the latest last."""
    rows = select(audit).order_by(audit.c.entry)
    if session is not None:
        rows = rows.where(audit.c.session_id == session)
    with store.reading() as connection:
        found = connection.execute(rows)
        names = list(found.keys())
        return pd.DataFrame([tuple(row) for row in found], columns=names).astype({"session_id": "Int64"})
