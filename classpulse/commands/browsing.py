"""Look at a database in a browser: browse."""

from __future__ import annotations

from typing import Annotated

import typer

from classpulse.commands.options import Database

app = typer.Typer()


@app.command()
def browse(
    db: Database = "classpulse.db",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8001,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Browse the database with Datasette: read-only, on this machine only, until Ctrl-C."""
    import webbrowser

    try:
        from classpulse.report import browse as datasette
    except ImportError as error:
        remedy = "install what browse needs with: pip install 'classpulse[browse]'"
        raise typer.BadParameter(f"there is no {error.name} here; {remedy}") from error
    from storage.sqlite import SqliteDatabase
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=True) as store:
        database = store.database
    if not isinstance(database, SqliteDatabase):
        raise typer.BadParameter(f"Datasette reads only SQLite files; {database} is on a server")

    def ready(address: str) -> None:
        print(f"{database} is at {address}; Ctrl-C stops it", flush=True)
        if show:
            webbrowser.open(address)

    try:
        datasette.serve(database.path, port, ready)
    except OSError as error:
        raise typer.BadParameter(
            f"{error.filename}: {error.strerror}; choose another --port, or 0 for a free one"
        ) from error
