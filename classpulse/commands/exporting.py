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
        Literal["parquet", "csv", "xlsx", "sav", "dta", "eaf", "boris", "textgrid", "vtt", "mot", "coco"],
        typer.Option("--format", "-f", help="File format: tables, annotations or boxes (docs/formats.md)."),
    ] = "parquet",
    names: Annotated[
        bool, typer.Option("--names", help="Include the names of students, not only their labels.")
    ] = False,
    pseudonyms: Annotated[
        Path | None,
        typer.Option(
            metavar="KEYFILE",
            readable=False,
            help="Replace labels by pseudonyms, the same in every session with this key (made if missing).",
        ),
    ] = None,
    min_group: Annotated[
        int | None,
        typer.Option(metavar="N", help="Export the class alone, and hide counts of fewer than N students."),
    ] = None,
    raw: Raw = False,
) -> None:
    """Export a session as tables with a data dictionary, as annotations for other software, or as boxes."""
    from classpulse.exchange import boxes, export, groups, people, timelines, webvtt
    from engine.sessions.session import find
    from engine.version import __version__
    from storage.store import Store

    if names and pseudonyms:
        raise typer.BadParameter("--names and --pseudonyms exclude each other")
    groups.check(min_group, file_format, of_students=file_format in ("mot", "coco"))
    found = find(session, db)
    folder = output or Path(f"session-{found.session_id}")
    key = people.read_key(pseudonyms, folder) if pseudonyms else None
    shown = people.People(found, names=names, key=key)
    if file_format == "vtt":
        counts = webvtt.export(found, folder, shown, min_group)
        counts = {f"{name}.vtt": count for name, count in counts.items()}
    elif file_format in ("eaf", "boris", "textgrid"):
        counts = timelines.export(found, folder, file_format, shown, min_group)
    elif file_format in ("mot", "coco"):
        counts = boxes.export(found, folder, file_format, shown)
    else:
        with Store.open(db, must_exist=True, read_only=True) as store:
            counts = export.export(
                store, found.session_id, folder, file_format, people=shown, version=__version__, raw=raw,
                min_group=min_group,
            )  # fmt: skip
    summary = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
    described = file_format in export.FORMATS
    print(f"{folder}: {summary}{'; dictionary.csv and dictionary.md describe the columns' if described else ''}")
