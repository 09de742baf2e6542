"""Export of a session: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from classpulse.commands.options import Database, Raw, SessionKey

app = typer.Typer()


@app.command()
def export(
    session: SessionKey,
    db: Database = "classpulse.db",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output folder (default: session-NUMBER).")
    ] = None,
    file_format: Annotated[
        Literal["parquet", "csv", "vtt"],
        typer.Option("--format", "-f", help="File format of the tables; `vtt`: verdicts as captions for a player."),
    ] = "parquet",
    names: Annotated[
        bool, typer.Option("--names", help="Include the names of students, not only their labels.")
    ] = False,
    raw: Raw = False,
) -> None:
    """Export a session as tidy tables with a data dictionary and its provenance, or its verdicts as captions."""
    from classpulse.exchange import export as files
    from classpulse.exchange import webvtt
    from engine.sessions.session import Session
    from engine.version import __version__
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=True) as store:
        number = store.find_session(session)
        folder = output or Path(f"session-{number}")
        if file_format == "vtt":
            counts = webvtt.export(Session(db, number), folder, names=names)
            print(f"{folder}: {', '.join(f'{name}.vtt ({count:,})' for name, count in counts.items())}")
            return
        counts = files.export(store, number, folder, file_format, names=names, version=__version__, raw=raw)
    summary = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
    print(f"{folder}: {summary}; dictionary.csv and dictionary.md describe the columns")
