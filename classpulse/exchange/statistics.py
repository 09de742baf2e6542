"""Tables for statistics software, with labels and units in the file itself: XLSX, SPSS, Stata, Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from engine.extras import required
from engine.tables import as_text

#: Rows of a sheet below its names, and characters of a label of Stata.
_SHEET_ROWS, _STATA_LABEL = 1_048_575, 80


def write_workbook(path: Path, tables: Mapping[str, pd.DataFrame], *, raw: bool) -> list[str]:
    """Write a sheet for each table, and return the names of those that have more rows than a sheet.

    No text is a formula to a spreadsheet, unless `raw`. Raises MissingLibraryError without XlsxWriter.
    """
    xlsxwriter = required("xlsxwriter", "exchange", "writing XLSX")
    options = {"strings_to_formulas": raw, "strings_to_urls": False, "constant_memory": False}
    left = [name for name, table in tables.items() if len(table) > _SHEET_ROWS]
    with xlsxwriter.Workbook(str(path), options) as workbook:
        bold = workbook.add_format({"bold": True})
        for name, table in tables.items():
            if name in left:
                continue
            sheet = workbook.add_worksheet(name[:31])
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, list(map(str, table.columns)), bold)
            for place, column in enumerate(table.columns):
                sheet.write_column(1, place, [_cell(value, raw=raw) for value in table[column]])
    return left


def _cell(value: object, *, raw: bool) -> object:
    if value is None or value is pd.NA or value != value:  # None, NA, NaN
        return None
    if isinstance(value, str):
        return value if raw else as_text(value)
    return value.item() if hasattr(value, "item") else value


def write_spss(path: Path, table: pd.DataFrame, meanings: Mapping[str, str]) -> None:
    """Write an SPSS file with `meanings` as labels of columns. Raises MissingLibraryError without pyreadstat."""
    pyreadstat = required("pyreadstat", "exchange", "writing SPSS")
    pyreadstat.write_sav(_plain(table), str(path), column_labels=[meanings.get(name) for name in table.columns])


def write_stata(path: Path, table: pd.DataFrame, meanings: Mapping[str, str]) -> None:
    """Write a Stata 14 file with `meanings` as labels of the columns, cut to what Stata takes."""
    labels = {name: meanings[name][:_STATA_LABEL] for name in table.columns if meanings.get(name)}
    _plain(table).to_stata(path, write_index=False, variable_labels=labels, version=118)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float or int, truths as 0 and 1, texts without None: what both formats hold."""
    columns: dict[str, Any] = {}
    for name, column in table.items():
        if pd.api.types.is_bool_dtype(column):
            columns[str(name)] = column.astype("int8")
        elif pd.api.types.is_numeric_dtype(column):
            columns[str(name)] = column.astype("float64") if column.isna().any() else column.to_numpy()
        else:
            columns[str(name)] = column.astype(object).where(column.notna(), "").map(str).astype(object)
    return pd.DataFrame(columns)


def write_parquet(path: Path, table: pd.DataFrame, meanings: Mapping[str, str], units: Mapping[str, str]) -> None:
    """Write Parquet whose fields have `label` and `unit` in their metadata."""
    import pyarrow
    import pyarrow.parquet

    written = pyarrow.Table.from_pandas(table, preserve_index=False)
    fields = [
        field.with_metadata({"label": meanings.get(field.name, ""), "unit": units.get(field.name, "")})
        for field in written.schema
    ]
    schema = pyarrow.schema(fields, metadata=written.schema.metadata)
    pyarrow.parquet.write_table(written.cast(schema), path)
