"""The files of a session that was recorded in several: the rows of the table `sources`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert

from storage.paths import escaped
from storage.schema import sources
from storage.store import Store


def write_sources(store: Store, session_id: int, files: Sequence[Mapping[str, Any]]) -> None:
    """Store the files of a new session, in order of time: the columns of `schema.sources` but for its key."""
    rows = [
        {**file, "path": escaped(str(file["path"])), "file_name": escaped(file["file_name"])}
        | {"session_id": session_id, "source": number}
        for number, file in enumerate(files)
    ]
    with store.writing(session_id) as connection:
        if rows:
            connection.execute(insert(sources), rows)
