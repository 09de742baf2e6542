"""Tables as spreadsheets read and write them: rows by column name, errors with the row's number, no formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from engine.documents import decoded, read_bytes
from engine.errors import UsageError
from engine.table_files import cells, kind_of

#: The first line by which Excel tells which sign separates the values.
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


#: By these a spreadsheet tells a formula, and some of them run programs: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = tuple("=+-@\t\r")


def as_text(value: str) -> str:
    """A text for a CSV file that no spreadsheet takes for a formula: with a ' in front where it begins like one."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _without_mark(value: str) -> str:
    """The text of which `as_text` made the value."""
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA) else value


class Row(NamedTuple):
    """A row of a file."""

    place: str
    """`marks.csv, row 3`: for messages; the first row, which names the columns, is row 1."""
    values: dict[str, str]
    """By column, without blanks around them; empty for a missing value."""


def read_rows(path: str | Path, needed: Collection[str]) -> list[Row]:
    """The rows of a table whose first row names the columns, among them all those `needed`.

    It is a workbook, SPSS, Stata or Parquet (see `engine.table_files`), else CSV: in UTF-8, or in UTF-16 with a
    byte order mark; its values are separated as a first line `sep=;` says, else as the names are: by commas,
    semicolons or tabs. Empty rows are skipped.
    Raises UsageError, with the row's number, for an invalid table, and SourceError for a file that cannot be
    read.
    """
    rows: list[Row] = []
    names: list[str] | None = None
    for place, values in _records(path):
        if names is None and any(values):
            names = _names(place, [value.lower() for value in values], needed)
        elif names is None:
            continue
        elif len(values) > len(names):
            raise UsageError(f"{place}: has {len(values)} values, but there are {len(names)} columns; quote commas")
        elif any(values):
            rows.append(Row(place, dict.fromkeys(names, "") | dict(zip(names, values, strict=False))))
    if names is None:
        raise UsageError(f"{path}, row 1: empty; the first row must name the columns {', '.join(needed)}")
    return rows


def _records(path: str | Path) -> Iterator[tuple[str, list[str]]]:
    """Where each row is, and its values without blanks around them."""
    data = read_bytes(path)
    if kind := kind_of(data):
        for number, row in enumerate(cells(path, kind), 1):
            yield f"{path}, row {number}", [_without_mark(value.strip()) for value in row]
        return
    lines = _text(path, data).split("\n")
    head = next(filter(str.strip, lines), "")
    delimiter = max(",;\t", key=head.count)
    skipped = 0
    if stated := _SEPARATOR.fullmatch(head.strip("\r")):
        delimiter, skipped = stated[1], lines.index(head) + 1
    reader = csv.reader(io.StringIO("\n".join(lines[skipped:]), newline=""), delimiter=delimiter, strict=True)
    while True:
        place = f"{path}, row {skipped + reader.line_num + 1}"
        try:
            yield place, [_without_mark(value.strip()) for value in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise UsageError(f"{place}: not valid CSV ({error}); save the table as CSV again") from error


def _text(path: str | Path, data: bytes) -> str:
    try:
        return decoded(data)
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, row {row}: not UTF-8; save the table as CSV in UTF-8") from error


def _names(place: str, names: list[str], needed: Collection[str]) -> list[str]:
    missing = [name for name in needed if name not in names]
    if missing:
        columns = ", ".join(filter(None, names)) or "none"
        raise UsageError(f"{place}: no column {' and '.join(missing)}; the columns are {columns}")
    duplicate = next((name for name in names if name and names.count(name) > 1), None)
    if duplicate:
        raise UsageError(f"{place}: two columns are named {duplicate}; rename one")
    return names
