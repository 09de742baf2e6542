"""Ask the database: query, and schema, which says what there is to ask."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.options import Database, Format

app = typer.Typer()


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT statement; docs/sql.md has examples.")],
    db: Database = "classpulse.db",
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How the rows are written.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of the screen.")] = None,
) -> None:
    """Ask the database in SQL; it can only be read."""
    from report import rows
    from storage import queries

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while SQLite works, Python does not hear of a Ctrl-C
    rows.write(queries.query(db, sql), output_format, output)


@app.command()
def schema(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="Tables and views; all without one.")
    ] = None,
    output_format: Annotated[
        Literal["text", "markdown", "mermaid"], typer.Option("--format", "-f", help="mermaid draws the tables.")
    ] = "text",
) -> None:
    """Say what the tables and views hold: every column with its type, unit and meaning."""
    from report import schema as written
    from storage import dictionary

    known = dictionary.relations()
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"there is no table or view {name!r}; there are {', '.join(known)}")
    shown = [known[name] for name in names or known]
    if output_format == "mermaid" and not names:
        shown = [table for table in shown if table.primary_key]  # views refer to nothing
    print("\n".join(getattr(written, output_format)(shown)))
