"""Tables that are no text: workbooks of Excel and LibreOffice, SPSS, Stata and Parquet, read as rows of texts."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.errors import UsageError
from engine.extras import required

#: The most that a workbook may unpack to, bytes; a table of codes is far below it.
_MOST_UNPACKED = 256 * 2**20


class _Kind(NamedTuple):
    name: str
    rows: Callable[[str | Path], Iterator[list[object]]]


def kind_of(data: bytes) -> _Kind | None:
    """What kind of table the bytes are, by how they begin; None for a text."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        return _Kind("a workbook", _workbook)
    if data.startswith((b"$FL2", b"$FL3")):
        return _Kind("an SPSS file", _spss)
    if data.startswith(b"<stata_dta>") or (data[:1] in (b"\x71", b"\x72", b"\x73") and data[1:2] in (b"\1", b"\2")):
        return _Kind("a Stata file", _stata)
    if data.startswith(b"PAR1"):
        return _Kind("a Parquet file", _parquet)
    return None


def cells(path: str | Path, kind: _Kind) -> Iterator[list[str]]:
    """The rows of a table as texts, the names of its columns first: times as 0:12:30, no value as an empty text.

    Of a workbook the first sheet. Raises UsageError for a damaged file, and MissingLibraryError.
    """
    try:
        for row in kind.rows(path):
            yield [_text(value) for value in row]
    except (UsageError, ImportError):
        raise
    except MemoryError as error:
        raise UsageError(f"{path}: {kind.name} that unpacks to more than this machine's memory") from error
    except Exception as error:  # whatever a reader raises of a damaged file
        raise UsageError(f"{path}: {kind.name} that cannot be read ({error}); save it again, or as CSV") from error


def _text(value: object) -> str:
    if value is None or value != value:  # None, NaN, NaT
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float | np.floating):
        return np.format_float_positional(float(value), trim="-") if math.isfinite(value) else str(value)
    return str(value)


def _workbook(path: str | Path) -> Iterator[list[object]]:
    calamine = required("python_calamine", "exchange", f"{path}: reading a workbook")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _MOST_UNPACKED:
            raise UsageError(
                f"{path}: a workbook that unpacks to {unpacked / 2**20:.0f} MB; is this the right file?"
            )
    yield from calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()


def _spss(path: str | Path) -> Iterator[list[object]]:
    pyreadstat = required("pyreadstat", "exchange", f"{path}: reading an SPSS file")
    frame, _ = pyreadstat.read_sav(str(path), apply_value_formats=True)
    yield from _rows(frame)


def _stata(path: str | Path) -> Iterator[list[object]]:
    import pandas as pd

    yield from _rows(pd.read_stata(path))


def _parquet(path: str | Path) -> Iterator[list[object]]:
    import pandas as pd

    yield from _rows(pd.read_parquet(path))


def _rows(frame: Any) -> Iterator[list[object]]:
    yield [str(name) for name in frame.columns]
    yield from map(list, frame.astype(object).itertuples(index=False, name=None))
