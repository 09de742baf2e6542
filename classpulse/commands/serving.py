"""The web page: serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classpulse.commands.options import Database

app = typer.Typer()


@app.command()
def serve(
    db: Database = "classpulse.db",
    videos: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where recordings are picked from, and uploads are kept.")
    ] = Path("videos"),
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Any other address than this machine's own needs a --token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            envvar="CLASSPULSE_TOKEN", show_default=False, help="Who knows it may look: 16 characters or more."
        ),
    ] = None,
    max_upload: Annotated[float, typer.Option(metavar="GB", help="Largest recording that is taken.")] = 8,
) -> None:
    """Look at sessions, correct them, judge them again and analyse new ones in a browser, on this machine."""
    from engine.errors import UsageError

    try:
        from classpulse.web.running import run
        from classpulse.web.serving import Serving
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the web page needs the package {error.name}; install it with: pip install 'classpulse[web]'"
        ) from None
    run(Serving(db=db, videos=videos, host=host, port=port, token=token, max_upload=int(max_upload * 1e9)))
