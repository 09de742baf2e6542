"""What every column of every table and view holds, and in which unit, as rows."""

from __future__ import annotations

import re

import pandas as pd
from sqlalchemy import Table

from storage import schema
from storage.views import views

_UNIT = re.compile(r"(?:^|, |; |in )(s|px|ticks|degrees|bytes|face sizes)\b(?=[,;: ]|$)")
_RANGE = re.compile(r"(-?\d) (?:\(\w+\) )?to (\d)")


def relations() -> dict[str, Table]:
    """The tables, then the views, by name."""
    return {**schema.metadata.tables, **views()}


def unit(comment: str) -> str:
    """The unit that a column's comment names: s, px, ... or the range, such as `0 to 1`; empty without one."""
    if match := _UNIT.search(comment):
        return match[1]
    match = _RANGE.search(comment)
    return f"{match[1]} to {match[2]}" if match else ""


def describe(*tables: Table) -> pd.DataFrame:
    """A row for each column of the tables: table, column, type, unit, nullable (bool), meaning."""
    rows = [
        (table.name, column.name, str(column.type), unit(column.comment or ""), column.nullable, column.comment)
        for table in tables
        for column in table.c
    ]
    return pd.DataFrame(rows, columns=["table", "column", "type", "unit", "nullable", "meaning"])
