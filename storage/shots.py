"""The shots of a session: the rows of the table `shots`."""

from __future__ import annotations

import numpy as np
from sqlalchemy import delete

from storage.columns import Columns, insert_columns
from storage.schema import shots
from storage.store import Store


def write_shots(store: Store, session_id: int, columns: Columns) -> None:
    """Store the shots of a session, `start`, `stop` and `view` of each in order of time, in place of the former."""
    with store.writing(session_id) as connection:
        connection.execute(delete(shots).where(shots.c.session_id == session_id))
        numbered = {"shot": np.arange(len(columns["start"])), **columns}
        insert_columns(connection, shots, numbered, session_id=session_id)
