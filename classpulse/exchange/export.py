"""Exports a session: tidy tables, a dictionary of their columns, and their provenance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Column, LargeBinary, Table

from classpulse.exchange import statistics
from classpulse.exchange.groups import GROUP_TABLES, suppressed
from classpulse.exchange.people import People
from classpulse.report import rows
from engine.outputs import output_folder
from storage import queries
from storage.dictionary import describe, relations
from storage.schema import SCHEMA_VERSION
from storage.store import Store

#: Tables without a view; every view is exported.
TABLES = ("frames", "shots", "sources", "tracks")
#: Formats of tables; all but xlsx have a file for each.
FORMATS = ("parquet", "csv", "xlsx", "sav", "dta")


def export(
    store: Store,
    session: int,
    folder: Path,
    file_format: str,
    *,
    people: People,
    version: str,
    raw: bool = False,
    min_group: int | None = None,
) -> dict[str, int]:
    """Write a session into the `folder`, completely or not at all.

    A file (in xlsx a sheet) for each of TABLES and of the views (`students` for v_students, ...), without columns
    of bytes and with `people` as they are to be shown; with `min_group` tables of groups, small counts hidden.
    `dictionary.csv` and `dictionary.md` describe each column and its unit; `provenance.json` has the session's
    recording, settings, networks and the exporting `version`. Returns the number of rows of each table. Raises
    UsageError if the folder exists and is not empty, and MissingLibraryError without a format's package.
    """
    tables, dictionaries = {}, []
    for name, table in _exported():
        if min_group is not None and name not in GROUP_TABLES:
            continue
        columns = [column for column in table.c if _is_wanted(column)]
        frame = people.relabelled(queries.rows_of(store, columns, session))
        tables[name] = frame if min_group is None else suppressed(frame, min_group)
        described = describe(table)
        dictionaries.append(described[described["column"].isin(frame.columns)].assign(table=name))
    dictionary = pd.concat(dictionaries, ignore_index=True)
    counts = {name: len(frame) for name, frame in tables.items()}
    provenance = _provenance(store, session, people) | {
        "exported_by": version,
        "names": people.names,
        "pseudonyms": people.key is not None,
        "min_group": min_group,
        "rows": counts,
    }
    with output_folder(folder) as partial:
        _write(tables, dictionary, file_format, partial, raw=raw)
        rows.write(dictionary, "csv", partial / "dictionary.csv", raw=raw)
        rows.write(dictionary, "markdown", partial / "dictionary.md")
        (partial / "provenance.json").write_text(
            json.dumps(provenance, indent=2, ensure_ascii=False) + "\n", "utf-8"
        )
    return counts


def _write(
    tables: Mapping[str, pd.DataFrame], dictionary: pd.DataFrame, file_format: str, folder: Path, *, raw: bool
) -> None:
    """Write the tables, each with the meanings and units of its columns where the format holds them."""
    if file_format == "xlsx":
        sheets = {**tables, "dictionary": dictionary}
        for name in statistics.write_workbook(folder / "session.xlsx", sheets, raw=raw):
            rows.write(tables[name], "csv", folder / f"{name}.csv", raw=raw)  # longer than a sheet
        return
    for name, table in tables.items():
        columns = dictionary[dictionary["table"] == name].set_index("column")
        meanings, units = (
            {str(key): str(of) for key, of in columns[which].items()} for which in ("meaning", "unit")
        )
        path = folder / f"{name}.{file_format}"
        if file_format == "csv":
            rows.write(table, "csv", path, raw=raw)
        elif file_format == "parquet":
            statistics.write_parquet(path, table, meanings, units)
        elif file_format == "sav":
            statistics.write_spss(path, table, meanings)
        else:
            statistics.write_stata(path, table, meanings)


def _exported() -> Iterator[tuple[str, Table]]:
    """The names of the files, with the table or view of each."""
    for name, table in relations().items():
        if name in TABLES or name.startswith("v_"):
            yield name.removeprefix("v_"), table


def _is_wanted(column: Column[Any]) -> bool:
    # A path may contain names of people, as in `_provenance`.
    return not isinstance(column.type, LargeBinary) and column.name != "path"


def _provenance(store: Store, session: int, people: People) -> dict[str, Any]:
    """The rows of the session and its judgements; without the path, which may contain names of people."""
    hidden = ("source",) if people.key is None else ("source", "name", "file_name")
    row = {name: value for name, value in store.session(session).items() if name not in hidden}
    judgements = queries.judgements(store, session).to_dict("records")
    return {
        "schema_version": SCHEMA_VERSION,
        "session": _with_json(row),
        "judgements": [_with_json(judgement) for judgement in judgements],
    }


def _with_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The row with its JSON columns parsed."""
    return {name: json.loads(value) if name in ("settings", "models") else value for name, value in row.items()}
