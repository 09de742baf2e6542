"""Which session a person means by a number, a name or the name of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from storage.errors import SessionError
from storage.paths import escaped


def matching_session(database: str, rows: Sequence[Any], key: int | str, *, unique: bool) -> int:
    """The number of the one of `rows` (session_id, name, file_name, created, state) that `key` means.

    See `Store.find_session`; messages name the `database`.
    """
    name, file_name = escaped(str(key)), escaped(Path(str(key)).name)
    number = name.removeprefix("#")
    by_number_alone = isinstance(key, int) or name.startswith("#")
    numbered = [row for row in rows if str(row.session_id) == number]
    called = [row for row in rows if row in numbered or name == row.name or file_name == row.file_name]
    matching = numbered if by_number_alone and numbered else called
    several = [row for row in rows if row.name.startswith(f"{name}: ")]  # recordings under one --name
    if not matching and several:
        raise SessionError(
            f"{database}: no session is called {name!r} alone; give the number or the name of one: "
            + ", ".join(f"{row.session_id} ({row.name})" for row in several)
        )
    if not matching:
        latest = ", ".join(f"{row.session_id} ({row.name})" for row in rows[-5:])
        existing = f"the latest are {latest}" if latest else "it has none"
        raise SessionError(f"{database}: no session {name!r}; {existing}")
    done = [row for row in matching if row.state == "done"]
    if len(matching) > 1 and len(done) == 1 and not (numbered or unique):
        matching = done
    if len(matching) > 1:
        candidates = ", ".join(
            f"{row.session_id} ({row.name}, {row.file_name}, {row.created[:16]})" for row in matching
        )
        form = f", as in #{numbered[0].session_id}" if numbered else ""
        raise SessionError(
            f"{database}: several sessions are called {name!r}; give the number of one{form}: {candidates}"
        )
    return int(matching[0].session_id)
