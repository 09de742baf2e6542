"""Retention: how many days a session may be kept, and which are kept for longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
from sqlalchemy import delete, insert, select

from storage.forgetting import sessions_before
from storage.queries import sessions as session_rows
from storage.schema import rules
from storage.store import Store

_RETENTION = "retention"
#: The longest limit, about a hundred years.
MOST_DAYS = 36_500


def retention(store: Store) -> int | None:
    """How many days a session may be kept; None: unlimited."""
    with store.reading() as connection:
        value = connection.scalar(select(rules.c.value).where(rules.c.rule == _RETENTION))
    return None if value is None else int(value)


def set_retention(store: Store, days: int | None) -> None:
    """Set how many days a session may be kept, 1 to MOST_DAYS; None: unlimited. Raises ValueError for others."""
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise ValueError(f"retention is {days} days; it must be 1 to {MOST_DAYS}")
    with store.writing() as connection:
        connection.execute(delete(rules).where(rules.c.rule == _RETENTION))
        if days is not None:
            connection.execute(insert(rules).values(rule=_RETENTION, value=str(days)))


def overdue(store: Store) -> pd.DataFrame:
    """The sessions that are kept for longer than they may be, as `queries.sessions` has them."""
    days, every = retention(store), session_rows(store)
    if days is None:
        return every.iloc[:0]
    last = datetime.now(UTC) - timedelta(days=min(days, MOST_DAYS))  # an older version set no bound
    return every[every["session_id"].isin(sessions_before(store, last.date().isoformat()))]
