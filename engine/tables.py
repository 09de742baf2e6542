"""Reads CSV files that users write: rows by column name, errors with the number of the row."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from engine.errors import SourceError, UsageError


class Row(NamedTuple):
    """A row of a file."""

    place: str
    """`marks.csv, row 3`: for messages; the first row, which names the columns, is row 1."""
    values: dict[str, str]
    """By column, without blanks around them; empty for a missing value."""


def read_rows(path: str | Path, needed: Collection[str]) -> list[Row]:
    """The rows of a CSV file in UTF-8 whose first row names the columns, among them all those `needed`.

    Values are separated as the names are: by commas, semicolons or tabs. Empty rows are skipped.
    Raises UsageError, with the number of the row, for an invalid table, and SourceError for a file that cannot be
    read.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; check the path", exit_status=2) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, row {row}: not UTF-8; save the table as CSV in UTF-8") from error
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    rows: list[Row] = []
    names: list[str] | None = None
    while True:
        place = f"{path}, row {reader.line_num + 1}"
        try:
            values = [value.strip() for value in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            raise UsageError(f"{place}: not valid CSV ({error}); save the table as CSV again") from error
        if names is None:
            names = _names(place, [value.lower() for value in values], needed)
        elif len(values) > len(names):
            raise UsageError(f"{place}: has {len(values)} values, but there are {len(names)} columns; quote commas")
        elif any(values):
            rows.append(Row(place, dict.fromkeys(names, "") | dict(zip(names, values, strict=False))))
    if names is None:
        raise UsageError(f"{path}, row 1: empty; the first row must name the columns {', '.join(needed)}")
    return rows


def _names(place: str, names: list[str], needed: Collection[str]) -> list[str]:
    missing = [name for name in needed if name not in names]
    if missing:
        columns = ", ".join(filter(None, names)) or "none"
        raise UsageError(f"{place}: no column {' and '.join(missing)}; the columns are {columns}")
    duplicate = next((name for name in names if name and names.count(name) > 1), None)
    if duplicate:
        raise UsageError(f"{place}: two columns are named {duplicate}; rename one")
    return names
