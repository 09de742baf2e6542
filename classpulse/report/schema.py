"""Prints the schema from its comments: as text, as Markdown, or as a Mermaid diagram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Column, Table


def text(tables: Sequence[Table]) -> Iterator[str]:
    """Lines for the screen: a table and its meaning, and below it every column's type, reference and meaning."""
    for table in tables:
        yield f"{table.name}: {_title(table)}"
        rows = [(column.name, _type(column), f"{column.comment}{_reference(column)}") for column in table.c]
        widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
        for name, sql_type, meaning in rows:
            yield f"  {name:{widths[0]}}  {sql_type:{widths[1]}}  {meaning}"
        yield ""


def markdown(tables: Sequence[Table]) -> Iterator[str]:
    """Lines of Markdown, as docs/sql.md has them: a heading and a table each."""
    for table in tables:
        title = _title(table)
        yield from (f"### {table.name}", "", title[0].upper() + title[1:], "")
        yield from ("| column | type | meaning |", "|---|---|---|")
        for column in table.c:
            yield f"| {column.name} | {_type(column)} | {column.comment} |"
        yield ""


def mermaid(tables: Sequence[Table]) -> Iterator[str]:
    """Lines of an entity relationship diagram (https://mermaid.js.org/syntax/entityRelationshipDiagram.html).

    A line of it goes from the table that is referred to, to the many rows that refer to it, along each foreign key
    between two of the `tables`.
    """
    yield "erDiagram"
    shown = {table.name for table in tables}
    for table in tables:
        for key in sorted(table.foreign_key_constraints, key=lambda key: list(key.column_keys)):
            if key.referred_table.name in shown:
                source_end = "|o" if any(column.nullable for column in key.columns) else "||"
                columns = "_and_".join(key.column_keys)
                yield f"    {key.referred_table.name} {source_end}--o{{ {table.name} : {columns}"
    for table in tables:
        yield f"    {table.name} {{"
        for column in table.c:
            keys = ["PK"] * column.primary_key + ["FK"] * bool(column.foreign_keys)
            words = (str(column.type), column.name, ", ".join(keys), f'"{column.comment}"')
            yield f"        {' '.join(word for word in words if word)}"
        yield "    }"


def _title(table: Table) -> str:
    key = ", ".join(column.name for column in table.primary_key)
    return f"{table.comment} (key: {key})" if key else f"{table.comment}"


def _type(column: Column[object]) -> str:
    return f"{column.type} or NULL" if column.nullable else str(column.type)


def _reference(column: Column[object]) -> str:
    return "".join(f" -> {key.target_fullname}" for key in sorted(column.foreign_keys, key=str))
