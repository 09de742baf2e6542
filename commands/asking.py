"""Ask the database: query."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

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
