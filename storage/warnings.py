"""What of a recording could not be honoured, or may mislead: the rows of the table `warnings`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from storage.schema import warnings
from storage.store import Store


class StoredWarning(NamedTuple):
    """A row of the table `warnings`; its columns say what each is."""

    code: str
    text: str
    time: float | None = None
    """Session time, s."""
    file_time: float | None = None
    """What the recording's own clock shows at `time`, s, where it goes back or jumps."""


def write_warnings(store: Store, session_id: int, new: Iterable[StoredWarning]) -> None:
    """Store the warnings of a session, each once, in place of the former ones."""
    rows = [
        {"session_id": session_id, "warning": number, **warning._asdict()}
        for number, warning in enumerate(dict.fromkeys(new), 1)
    ]
    with store.writing(session_id) as connection:
        connection.execute(delete(warnings).where(warnings.c.session_id == session_id))
        if rows:
            connection.execute(insert(warnings), rows)


def write_warning_of(store: Store, session_id: int, code: str, text: str | None) -> None:
    """Store one warning of a `code` in place of all former ones of it; None: there is no such warning any more."""
    others = [warning for warning in read_warnings(store, session_id) if warning.code != code]
    write_warnings(store, session_id, others if text is None else [*others, StoredWarning(code, text)])


def read_warnings(store: Store, session_id: int) -> list[StoredWarning]:
    """The warnings of a session, in the order in which they were given."""
    columns = [warnings.c[name] for name in StoredWarning._fields]
    query = select(*columns).where(warnings.c.session_id == session_id).order_by(warnings.c.warning)
    with store.reading() as connection:
        return [StoredWarning(*row) for row in connection.execute(query)]
