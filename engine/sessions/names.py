"""Export of names from the database into a CSV file, and their import by the person's number."""

from __future__ import annotations

import csv
from pathlib import Path

from engine.errors import UsageError
from engine.outputs import output_file
from engine.sessions.students import checked_name
from storage import people, queries
from storage.forgetting import clean
from storage.store import Store

HEADER = ["person", "name"]


def export_names(store: Store, path: Path) -> int:
    """Write `person,name` of everybody who has a name to a new file that only its owner can read; returns how many.

    Raises UsageError where the file is there already: it may hold the names that were dropped.
    """
    table = queries.people(store)
    named = table[table["name"].notna()][HEADER]
    with (
        output_file(path, replaces=lambda _: False, refusal="it may hold names, so choose a new file") as partial,
        partial.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file).writerows([HEADER, *named.itertuples(index=False)])
    return len(named)


def drop_names(store: Store) -> int:
    """Take all names out of the database, also out of what the file holds of deleted rows; returns how many."""
    count = people.drop_names(store)
    clean(store)
    return count


def import_names(store: Store, path: Path) -> int:
    """Put names back from a file of `person,name`; returns how many.

    Raises UsageError, with the row's number, for an invalid file, a person who is not in the database, and a name
    of another person.
    """
    with store.writing():
        table = queries.people(store)
        names = _read(path, set(table["person"].tolist()))
        holders = {name: person for person, name in zip(table["person"], table["name"], strict=True) if name}
        for person, (row, name) in names.items():
            holder = holders.get(name)
            if holder is not None and holder != person and holder not in names:
                raise UsageError(
                    f"{path}, row {row}: {name!r} is the name of P{holder} already; choose another name"
                )
        people.write_names(store, {person: name for person, (_, name) in names.items()})
    return len(names)


def _read(path: Path, persons: set[int]) -> dict[int, tuple[int, str]]:
    """Row and name by person."""
    names: dict[int, tuple[int, str]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: not a UTF-8 CSV file ({error}); save it as CSV UTF-8") from None
    if not rows or rows[0] != HEADER:
        raise UsageError(f"{path}, row 1: expected the header person,name")
    for row, cells in enumerate(rows[1:], 2):
        if not cells:
            continue
        person, name = (*cells, "")[:2]
        if len(cells) != 2 or not person.strip().isdecimal() or not name.strip():
            raise UsageError(f"{path}, row {row}: expected a person's number and a name, as in 7,Ada")
        number = int(person)
        if number not in persons:
            raise UsageError(
                f"{path}, row {row}: no person P{number} in this database; was the file exported from another one?"
            )
        try:
            name = checked_name(name)
        except UsageError as error:
            raise UsageError(f"{path}, row {row}: {error}") from None
        if number in names or any(name == former for _, former in names.values()):
            raise UsageError(f"{path}, row {row}: {person} or {name!r} is in the file twice")
        names[number] = row, name
    return names
