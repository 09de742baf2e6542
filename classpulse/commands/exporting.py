"""Give a session to other programs: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from classpulse.commands.options import Database, SessionKey

app = typer.Typer()


@app.command()
def export(
    session: SessionKey,
    db: Database = "classpulse.db",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder; session-NUMBER in this one by default.")
    ] = None,
    file_format: Annotated[
        Literal["parquet", "csv"], typer.Option("--format", "-f", help="How the tables are written.")
    ] = "parquet",
    names: Annotated[bool, typer.Option("--names", help="With students' names, not their labels alone.")] = False,
) -> None:
    """Write a session as tidy tables, with a dictionary of their columns and its provenance."""
    from classpulse.exchange import export as files
    from engine.version import __version__
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=True) as store:
        number = store.find_session(session)
        folder = output or Path(f"session-{number}")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise typer.BadParameter(f"{folder} is there already; remove it, or name another folder with --output")
        counts = files.export(store, number, folder, file_format, names=names, version=__version__)
    told = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
    print(f"{folder}: {told}; dictionary.csv and .md say what the columns hold")
