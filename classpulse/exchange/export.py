"""Writes a session for other programs: tidy tables, a dictionary of their columns, and where they come from."""

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

#: Who somebody is, beyond the label that holds in one session alone.
NAMES = ("name", "person")
#: Tables that no view has the rows of; every view is exported.
TABLES = ("frames", "tracks")


def export(
    store: Store, session: int, folder: Path, file_format: Literal["parquet", "csv"], *, names: bool, version: str
) -> dict[str, int]:
    """Write a session into the `folder`, which is there as a whole afterwards or not at all.

    A file for each of TABLES and of the views (`students` for v_students, ...), all but bytes and, unless `names`
    are wanted, NAMES; `dictionary.csv` and `dictionary.md` say what each column holds, in which unit;
    `provenance.json` says what it was made from and with, `version` being what exports it. Returns
    how many rows each file has. Raises UsageError where the folder is there and has something in it.
    """
    counts, described = {}, []
    with output_folder(folder) as partial:
        for name, table in _exported():
            columns = [column for column in table.c if _is_wanted(column, names)]
            frame = queries.rows_of(store, columns, session)
            rows.write(frame, file_format, partial / f"{name}.{file_format}")
            counts[name] = len(frame)
            about = describe(table)
            described.append(about[about["column"].isin(frame.columns)].assign(table=name))
        dictionary = pd.concat(described)
        rows.write(dictionary, "csv", partial / "dictionary.csv")
        rows.write(dictionary, "markdown", partial / "dictionary.md")
        made_from = _provenance(store, session) | {"exported_by": version, "names": names, "rows": counts}
        (partial / "provenance.json").write_text(
            json.dumps(made_from, indent=2, ensure_ascii=False) + "\n", "utf-8"
        )
    return counts


def _exported() -> Iterator[tuple[str, Table]]:
    """The names of the files, and what is in them."""
    for name, table in relations().items():
        if name in TABLES or name.startswith("v_"):
            yield name.removeprefix("v_"), table


def _is_wanted(column: Column[Any], names: bool) -> bool:
    return not isinstance(column.type, LargeBinary) and (names or column.name not in NAMES)


def _provenance(store: Store, session: int) -> dict[str, Any]:
    """What the session and its judgements were made from and with; no path, which may name people."""
    row = {name: value for name, value in store.session(session).items() if name != "source"}
    judgements = queries.judgements(store, session).to_dict("records")
    return {
        "schema_version": SCHEMA_VERSION,
        "session": _with_json(row),
        "judgements": [_with_json(judgement) for judgement in judgements],
    }


def _with_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The row with what is JSON in it as what it says."""
    return {name: json.loads(value) if name in ("settings", "models") else value for name, value in row.items()}
