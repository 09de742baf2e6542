"""The views of views.sql as SQLAlchemy tables; what a column passes on keeps its type and meaning."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Boolean, Column, Double, Integer, MetaData, Table, Text

from storage import schema

_TYPES = {"BOOLEAN": Boolean, "DOUBLE": Double, "INTEGER": Integer, "TEXT": Text}
#: `-- v_students: a student` or `-- latest BOOLEAN: 1 for ...`, and what goes on in indented comments below.
_NOTE = re.compile(r"^-- (\w+)(?: ([A-Z]+))?: (.+(?:\n--   .+)*)", re.MULTILINE)


@lru_cache
def views() -> dict[str, Table]:
    """Every view by its name, in the order of views.sql; only to be read from."""
    tables: dict[str, Table] = {}
    text = Path(__file__).with_name("views.sql").read_text("utf-8")
    for statement in text.split(";\n"):
        if statement.strip():
            table = _table(statement, {**schema.metadata.tables, **tables})
            tables[table.name] = table
    return tables


def _table(statement: str, tables: dict[str, Table]) -> Table:
    head, view, body = re.split(r"CREATE VIEW (\w+) AS\s+SELECT", statement)
    notes = {name: (sql_type, re.sub(r"\n--  ", "", note)) for name, sql_type, note in _NOTE.findall(head)}
    selected, _, source = body.partition("\nFROM")  # what is not indented is the view's own
    maybe = set(re.findall(r"LEFT JOIN (\w+)", source))
    columns = [_column(item.strip(), tables, notes, maybe) for item in _split(selected)]
    return Table(view, MetaData(), *columns, comment=notes[view][1])


def _column(
    item: str, tables: dict[str, Table], notes: dict[str, tuple[str, str]], maybe: set[str]
) -> Column[object]:
    passed = re.fullmatch(r'(\w+)\."?(\w+)"?(?: AS (\w+))?', item)
    if passed and passed[1] in tables:
        origin = tables[passed[1]].c[passed[2]]
        nullable = bool(origin.nullable) or passed[1] in maybe
        return Column(passed[3] or passed[2], origin.type, nullable=nullable, comment=origin.comment)
    name = item.split()[-1]
    sql_type, note = notes[name]
    return Column(name, _TYPES[sql_type], nullable="NULL" in note, comment=note)


def _split(selected: str) -> list[str]:
    """At the commas outside of parentheses."""
    items, depth = [""], 0
    for letter in selected:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            items.append("")
        else:
            items[-1] += letter
    return items
