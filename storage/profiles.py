"""Settings of judging under a name: their rows, written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import delete, insert, select

from storage.errors import SessionError
from storage.schema import profiles
from storage.store import Store, now


def write_profile(store: Store, name: str, settings: Mapping[str, Any], **values: Any) -> None:
    """Store a profile (see `schema.profiles`), in place of an earlier one of that name; NaN becomes NULL."""
    row = {key: None if value != value else value for key, value in values.items()}
    with store.writing() as connection:
        connection.execute(delete(profiles).where(profiles.c.name == name))
        text = json.dumps(settings, sort_keys=True)
        connection.execute(insert(profiles).values(name=name, settings=text, **row, made=now()))


def profile_settings(store: Store, name: str) -> dict[str, Any]:
    """The settings of a profile. Raises SessionError for an unknown one."""
    with store.reading() as connection:
        text = connection.scalar(select(profiles.c.settings).where(profiles.c.name == name))
    if text is None:
        raise _unknown(store, name)
    settings: dict[str, Any] = json.loads(text)
    return settings


def drop_profile(store: Store, name: str) -> None:
    """Delete a profile; its judgements stay. Raises SessionError for an unknown one."""
    with store.writing() as connection:
        if not connection.execute(delete(profiles).where(profiles.c.name == name)).rowcount:
            raise _unknown(store, name)


def all_profiles(store: Store) -> pd.DataFrame:
    """Every profile, a row each, in order of their names."""
    with store.reading() as connection:
        rows = connection.execute(select(profiles).order_by(profiles.c.name)).all()
    return pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(profiles.c.keys()))


def _unknown(store: Store, name: str) -> SessionError:
    names = ", ".join(all_profiles(store)["name"]) or "none; `classpulse validate --fit` makes one"
    return SessionError(f"{store.database}: no profile {name!r}; there are {names}")
