"""Queries: query, queries, schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from classpulse.commands.options import Database, Format, Raw, parameter_of

if TYPE_CHECKING:
    from storage.named import Named

app = typer.Typer()


@app.command()
def query(
    sql: Annotated[
        str | None,
        typer.Argument(metavar="SQL", help="One SELECT statement; see `classpulse docs sql` for examples."),
    ] = None,
    named: Annotated[
        str | None,
        typer.Option(
            "--named", "-n", metavar="NAME", help="Run a named query instead; `classpulse queries` lists them."
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Value of :NAME in the SQL; may be repeated."),
    ] = None,
    db: Database = "classpulse.db",
    output_format: Annotated[Format, typer.Option("--format", "-f", help="Output format.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file (default: standard output).")
    ] = None,
    raw: Raw = False,
) -> None:
    """Query the database in SQL, read-only."""
    from classpulse.report import rows
    from storage import queries
    from storage.sql import parameters

    if (sql is None) == (named is None):
        raise typer.BadParameter("give either SQL or --named")
    values_by_name: dict[str, Any] = dict(map(parameter_of, values or ()))
    if named is not None:
        sql = _named(named).sql
        _look_up(values_by_name, db)
    assert sql is not None
    known = parameters(sql)
    for name in values_by_name:
        if name not in known:
            has = f"it has {', '.join(f':{name}' for name in known)}" if known else "it has no parameters"
            raise typer.BadParameter(f"there is no :{name} in the SQL; {has}")
    rows.write(queries.query(db, sql, values_by_name), output_format, output, db, raw=raw)


@app.command()
def queries(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show the SQL of this query.")] = None,
) -> None:
    """List the named queries of `query --named`."""
    import pandas as pd

    from classpulse.report import rows
    from storage.named import named_queries

    if name is not None:
        query = _named(name)
        print("\n".join([f"-- {line}" for line in (query.question, query.note) if line]))
        print(query.sql)
        return
    listed = [(query.name, " ".join(query.parameters), query.question) for query in named_queries().values()]
    rows.write(pd.DataFrame(listed, columns=["name", "parameters", "question"]), "table")


def _named(name: str) -> Named:
    from storage.named import named_queries

    known = named_queries()
    if name not in known:
        raise typer.BadParameter(f"there is no query {name!r}; there are {', '.join(known)}")
    return known[name]


def _look_up(values: dict[str, Any], db: str) -> None:
    """Replace the session by its number, and its student by the label: found as in every other command."""
    from engine.sessions.students import find_student
    from storage import queries
    from storage.store import Store

    if "session" not in values:
        return
    with Store.open(db, must_exist=True, read_only=True) as store:
        values["session"] = store.find_session(str(values["session"]))
        if "student" in values:
            values["student"] = find_student(queries.students(store, values["session"]), str(values["student"]))[
                "label"
            ]


@app.command()
def schema(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="Names of tables and views (default: all).")
    ] = None,
    output_format: Annotated[
        Literal["text", "markdown", "mermaid"],
        typer.Option("--format", "-f", help="Output format; `mermaid` draws a diagram of the tables."),
    ] = "text",
) -> None:
    """Describe the tables and views: every column with its type, unit and meaning."""
    from classpulse.report import schema as written
    from storage import dictionary

    known = dictionary.relations()
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"there is no table or view {name!r}; there are {', '.join(known)}")
    shown = [known[name] for name in names or known]
    if output_format == "mermaid" and not names:
        shown = [table for table in shown if table.primary_key]  # views refer to nothing
    print("\n".join(getattr(written, output_format)(shown)))
