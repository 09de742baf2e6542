"""The web page: serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classpulse.commands.options import Database

app = typer.Typer()

#: The largest upload that can be allowed.
MOST_GB = 1_000_000


@app.command()
def serve(
    db: Database = "classpulse.db",
    videos: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of recordings; uploads are saved here.")
    ] = Path("videos"),
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs a --token and TLS.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            envvar="CLASSPULSE_TOKEN", show_default=False, help="Secret that grants access, 16 characters or more."
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate for TLS, with its chain (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve other machines without TLS: others can read what is sent.")
    ] = False,
    proxy: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of a proxy on this machine, such as https://school.example."),
    ] = None,
    max_upload: Annotated[float, typer.Option(metavar="GB", help="Largest upload.")] = 8,
) -> None:
    """Run the web page: view, correct and judge sessions, analyse recordings, on this machine."""
    from engine.errors import UsageError

    try:
        from classpulse.web.running import run
        from classpulse.web.serving import Serving
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the web page needs the package {error.name}; install it with: pip install 'classpulse[web]'"
        ) from None
    if not 0 < max_upload <= MOST_GB:
        raise typer.BadParameter(f"--max-upload is {max_upload:g} GB; it must be above 0, up to {MOST_GB}")
    run(
        Serving(
            db=db,
            videos=videos,
            host=host,
            port=port,
            token=token,
            max_upload=int(max_upload * 1e9),
            tls_cert=tls_cert,
            tls_key=tls_key,
            insecure=insecure,
            proxy=proxy,
        )
    )
