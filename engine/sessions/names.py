"""Export of names from the database into a CSV file, and their import by the person's number."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from engine.errors import UsageError
from engine.outputs import output_file
from engine.sessions.students import checked_name
from engine.tables import as_text, read_rows
from storage import people, queries
from storage.forgetting import erasing
from storage.store import Store

HEADER = ["person", "name"]
#: A person's number as it is written.
_NUMBER = re.compile(r"[0-9]{1,18}")


def export_names(store: Store, path: Path, *, raw: bool = False) -> int:
    """Write `person,name` of everybody who has a name to a new file that only its owner can read; returns how many.

    No name is a formula to a spreadsheet, unless `raw`; `import_names` reads both.
    Raises UsageError where the file is there already: it may hold the names that were dropped.
    """
    table = queries.people(store)
    named = table[table["name"].notna()][HEADER]
    with (
        output_file(path, replaces=lambda _: False, refusal="it may hold names, so choose a new file") as partial,
        partial.open("w", encoding="utf-8", newline="") as file,
    ):
        rows = ((person, name if raw else as_text(name)) for person, name in named.itertuples(index=False))
        csv.writer(file).writerows([HEADER, *rows])
    return len(named)


def drop_names(store: Store) -> int:
    """Take all names out of the database, also out of what the file holds of deleted rows; returns how many."""
    with erasing(store):
        return people.drop_names(store)


def import_names(store: Store, path: Path) -> int:
    """Put names back from a table with the columns person and name (see `read_rows`); returns how many.

    Raises UsageError, with the row's number, for an invalid file, a person who is not in the database, and a name
    of another person.
    """
    with store.writing():
        table = queries.people(store)
        names = _read(path, set(table["person"].tolist()))
        holders = {name: person for person, name in zip(table["person"], table["name"], strict=True) if name}
        for person, (place, name) in names.items():
            holder = holders.get(name)
            if holder is not None and holder != person and holder not in names:
                raise UsageError(f"{place}: {name!r} is the name of P{holder} already; choose another name")
        people.write_names(store, {person: name for person, (_, name) in names.items()})
    return len(names)


def _read(path: Path, persons: set[int]) -> dict[int, tuple[str, str]]:
    """By person, where the name is in the file, and the name."""
    names: dict[int, tuple[str, str]] = {}
    for place, values in read_rows(path, HEADER):
        text, name = values["person"], values["name"]
        if not _NUMBER.fullmatch(text) or not name:
            raise UsageError(f"{place}: expected a person's number and a name, as in 7,Ada")
        number = int(text)
        if number not in persons:
            raise UsageError(
                f"{place}: no person P{number} in this database; was the file exported from another one?"
            )
        try:
            name = checked_name(name)
        except UsageError as error:
            raise UsageError(f"{place}: {error}") from None
        if number in names or any(name == former for _, former in names.values()):
            raise UsageError(f"{place}: {text} or {name!r} is in the file twice")
        names[number] = place, name
    return names
