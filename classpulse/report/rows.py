"""Writes any rows of the database: as a table for people, or as csv, json and parquet for other programs."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TextIO

import pandas as pd
from rich.cells import cell_len

from engine.outputs import output_file
from engine.tables import as_text
from storage.errors import QueryError
from storage.queries import recordings


def write(
    rows: pd.DataFrame,
    output_format: str,
    path: Path | None = None,
    db: str | Path | None = None,
    *,
    raw: bool = False,
) -> None:
    """Write `rows` as table, markdown, csv, json or parquet to the file `path`, or to standard output without one.

    Bytes become hexadecimal digits in csv and json. In csv no text is a formula to a spreadsheet (see
    `engine.tables.as_text`), unless `raw`. Raises QueryError for rows that the format cannot hold, and
    UsageError for a file that must not be replaced (see `engine.outputs`), such as a recording that `db` names.
    """
    repeated = rows.columns[rows.columns.duplicated()]
    if output_format in ("json", "parquet") and len(repeated):
        raise QueryError(f"{output_format} cannot hold two columns named {repeated[0]!r}; rename one with AS")
    if output_format == "parquet":
        _write_parquet(rows, path, db)
        return
    with _opened(path, db) as file:
        if output_format == "table":
            file.writelines(text_table(rows))
        elif output_format == "markdown":
            file.writelines(markdown_table(rows))
        elif output_format == "csv":
            table = rows.apply(readable)
            (table if raw else _without_formulas(table)).to_csv(file, index=False)
        else:
            rows.apply(readable).to_json(file, orient="records", indent=2)
            file.write("\n")


def _write_parquet(rows: pd.DataFrame, path: Path | None, db: str | Path | None) -> None:
    if path is None and sys.stdout.isatty():
        raise QueryError("parquet cannot be shown on a terminal; name a file with --output, or use a pipe")
    from pyarrow import ArrowException

    try:
        written = rows.to_parquet(index=False)
    except ArrowException as error:
        raise QueryError(
            f"parquet cannot hold these rows ({error.args[0]}); use CAST, or another format"
        ) from error
    if path:
        with _output(path, db) as file:
            file.write_bytes(written)
    else:
        sys.stdout.buffer.write(written)


@contextmanager
def _opened(path: Path | None, db: str | Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with _output(path, db) as output, output.open("w", encoding="utf-8") as file:
        yield file


def _output(path: Path, db: str | Path | None) -> AbstractContextManager[Path]:
    return output_file(path) if db is None else output_file(path, recordings=partial(recordings, db))


def write_csv(file: IO[bytes], names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows to a file in UTF-8 as they come, as `write` writes them."""
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([as_text(name) for name in names])
    writer.writerows(map(_csv_value, row) for row in rows)
    text.detach()


def _csv_value(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return as_text(value)
    return None if value != value else value  # NaN is empty, as in `write`


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    texts = {
        place: column if pd.api.types.is_numeric_dtype(column) else column.map(_marked)
        for place, (_, column) in enumerate(table.items())  # by place: names may come twice
    }
    return pd.DataFrame(texts).set_axis([as_text(str(name)) for name in table.columns], axis=1)


def _marked(value: object) -> object:
    return as_text(value) if isinstance(value, str) else value


def readable(column: pd.Series) -> pd.Series:
    """The column with hexadecimal digits in place of bytes, which only an object column can hold."""
    if column.dtype != object:
        return column
    return column.map(lambda value: value.hex() if isinstance(value, bytes) else value)


def text_table(rows: pd.DataFrame) -> Iterator[str]:
    """Any DataFrame as lines of text, numbers to the right; by hand, since rich takes seconds for 1,000 rows."""
    cells = []
    for place, name in enumerate(rows.columns):  # by place: names may come twice
        column = rows.iloc[:, place]
        lines = [str(name), *_cells(column)]
        width = max(map(cell_len, lines))
        numeric = pd.api.types.is_numeric_dtype(column)
        cells.append([_pad(line, width, right=numeric) for line in lines])
    for row in zip(*cells, strict=True):
        yield "  ".join(row).rstrip() + "\n"


def markdown_table(rows: pd.DataFrame) -> Iterator[str]:
    """Any DataFrame as lines of a Markdown table, numbers to the right."""
    columns = [rows.iloc[:, place] for place in range(rows.shape[1])]
    sides = ["---:" if pd.api.types.is_numeric_dtype(column) else "---" for column in columns]
    for cells in ([*map(str, rows.columns)], sides, *zip(*map(_cells, columns), strict=True)):
        escaped = (" ".join(cell.replace("\\", "\\\\").replace("|", "\\|").split()) for cell in cells)
        yield f"| {' | '.join(escaped)} |\n"


def _pad(text: str, width: int, *, right: bool) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank


def _cells(column: pd.Series) -> list[str]:
    """A column's values as text; real numbers with the decimals that the column needs, four at most."""
    if pd.api.types.is_float_dtype(column):
        known = column.dropna()
        decimals = next((places for places in range(4) if (known.round(places) - known).abs().lt(5e-5).all()), 4)
        return ["–" if pd.isna(value) else f"{value:.{decimals}f}" for value in column]
    return [_cell(value) for value in column]


def _cell(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # None, NA, NaN
        return "–"
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
