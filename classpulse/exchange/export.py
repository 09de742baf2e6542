"""Exports a session: tidy tables, a dictionary of their columns, and their provenance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Column, LargeBinary, Table

from classpulse.report import rows
from engine.outputs import output_folder
from storage import queries
from storage.dictionary import describe, relations
from storage.schema import SCHEMA_VERSION
from storage.store import Store

#: Columns that identify a person beyond the session's label.
NAMES = ("name", "person")
#: Tables without a view; every view is exported.
TABLES = ("frames", "shots", "sources", "tracks")


def export(
    store: Store,
    session: int,
    folder: Path,
    file_format: Literal["parquet", "csv"],
    *,
    names: bool,
    version: str,
    raw: bool = False,
) -> dict[str, int]:
    """Write a session into the `folder`, completely or not at all.

    A file for each of TABLES and of the views (`students` for v_students, ...), without columns of bytes and,
    unless `names`, without NAMES; `dictionary.csv` and `dictionary.md` describe each column and its unit;
    `provenance.json` has the session's recording, settings, networks and the exporting `version`. Returns
    the number of rows of each file. Raises UsageError if the folder exists and is not empty.
    """
    counts, dictionaries = {}, []
    with output_folder(folder) as partial:
        for name, table in _exported():
            columns = [column for column in table.c if _is_wanted(column, names)]
            frame = queries.rows_of(store, columns, session)
            rows.write(frame, file_format, partial / f"{name}.{file_format}", raw=raw)
            counts[name] = len(frame)
            dictionary_rows = describe(table)
            dictionaries.append(dictionary_rows[dictionary_rows["column"].isin(frame.columns)].assign(table=name))
        dictionary = pd.concat(dictionaries)
        rows.write(dictionary, "csv", partial / "dictionary.csv", raw=raw)
        rows.write(dictionary, "markdown", partial / "dictionary.md")
        provenance = _provenance(store, session) | {"exported_by": version, "names": names, "rows": counts}
        (partial / "provenance.json").write_text(
            json.dumps(provenance, indent=2, ensure_ascii=False) + "\n", "utf-8"
        )
    return counts


def _exported() -> Iterator[tuple[str, Table]]:
    """The names of the files, with the table or view of each."""
    for name, table in relations().items():
        if name in TABLES or name.startswith("v_"):
            yield name.removeprefix("v_"), table


def _is_wanted(column: Column[Any], names: bool) -> bool:
    # A path may contain names of people, as in `_provenance`.
    hidden = isinstance(column.type, LargeBinary) or column.name == "path"
    return not hidden and (names or column.name not in NAMES)


def _provenance(store: Store, session: int) -> dict[str, Any]:
    """The rows of the session and its judgements; without the path, which may contain names of people."""
    row = {name: value for name, value in store.session(session).items() if name != "source"}
    judgements = queries.judgements(store, session).to_dict("records")
    return {
        "schema_version": SCHEMA_VERSION,
        "session": _with_json(row),
        "judgements": [_with_json(judgement) for judgement in judgements],
    }


def _with_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The row with its JSON columns parsed."""
    return {name: json.loads(value) if name in ("settings", "models") else value for name, value in row.items()}
