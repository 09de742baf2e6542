"""The audit log: user, command and session."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import insert, select

from storage import schema
from storage.store import Store, now


def note(store: Store, user: str, command: str, session_id: int | None, arguments: str, outcome: str) -> None:
    """Log that a command was run; see `schema.audit`."""
    row = {"who": user, "command": command, "session_id": session_id, "arguments": arguments, "outcome": outcome}
    with store.writing() as connection:
        connection.execute(insert(schema.audit).values(**row, at=now()))


def audited(store: Store, session_id: int | None = None) -> pd.DataFrame:
    """The log of one session or of all, the latest entry last."""
    rows = select(schema.audit).order_by(schema.audit.c.entry)
    if session_id is not None:
        rows = rows.where(schema.audit.c.session_id == session_id)
    with store.reading() as connection:
        result = connection.execute(rows)
        names = list(result.keys())
        return pd.DataFrame([tuple(row) for row in result], columns=names).astype({"session_id": "Int64"})
