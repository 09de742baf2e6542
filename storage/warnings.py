"""What of a recording could not be honoured, or may mislead: the rows of the table `warnings`."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert, select

from storage.schema import warnings
from storage.store import Store


def write_warnings(store: Store, session_id: int, new: Iterable[tuple[str, str, float | None]]) -> None:
    """Store the warnings (code, text, session time in s or None) of a session, in place of the former ones."""
    rows = [
        {"session_id": session_id, "warning": number, "code": code, "text": text, "time": time}
        for number, (code, text, time) in enumerate(dict.fromkeys(new), 1)
    ]
    with store.writing(session_id) as connection:
        connection.execute(delete(warnings).where(warnings.c.session_id == session_id))
        if rows:
            connection.execute(insert(warnings), rows)


def read_warnings(store: Store, session_id: int) -> list[tuple[str, str, float | None]]:
    """The warnings (code, text, time) of a session, in the order in which they were given."""
    columns = warnings.c.code, warnings.c.text, warnings.c.time
    query = select(*columns).where(warnings.c.session_id == session_id).order_by(warnings.c.warning)
    with store.reading() as connection:
        return [(row.code, row.text, row.time) for row in connection.execute(query)]
