"""Exchange with other software: export, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from classpulse.commands.options import Database, Format, Raw, SessionKey

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
    tool: Annotated[
        Literal["fer", "pyfeat", "openface"] | None,
        typer.Option("--as", help="Export the faces with the columns of this tool, as its scripts expect them."),
    ] = None,
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
    from classpulse.exchange import boxes, export, groups, lookalikes, people, timelines, webvtt
    from engine.sessions.session import find
    from engine.version import __version__
    from storage.store import Store

    if names and pseudonyms:
        raise typer.BadParameter("--names and --pseudonyms exclude each other")
    groups.check(min_group, tool or file_format, of_students=bool(tool) or file_format in ("mot", "coco"))
    found = find(session, db)
    folder = output or Path(f"session-{found.session_id}")
    key = people.read_key(pseudonyms, folder) if pseudonyms else None
    shown = people.People(found, names=names, key=key)
    if tool:
        counts = lookalikes.export(found, folder, tool, shown, raw=raw)
    elif file_format == "vtt":
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
    described = not tool and file_format in export.FORMATS
    print(f"{folder}: {summary}{'; dictionary.csv and dictionary.md describe the columns' if described else ''}")


@app.command()
def evaluate(
    session: SessionKey,
    truth: Annotated[
        Path,
        typer.Option(readable=False, help="Ground truth of MOTChallenge: frame, id, left, top, width, height."),
    ],
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=1000,
            help="Frames of the ground truth a second (default: its seqinfo.ini, else as exported).",
        ),
    ] = None,
    db: Database = "classpulse.db",
    output_format: Annotated[Format, typer.Option("--format", "-f", help="Output format of the table.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file (default: standard output).")
    ] = None,
    raw: Raw = False,
) -> None:
    """Compare detected faces and identities with a ground truth: MOTA, IDF1, HOTA."""
    from classpulse.exchange import scoring
    from classpulse.report import rows
    from engine.sessions.session import find

    figures = scoring.evaluate(find(session, db), truth, rate)
    rows.write(figures, output_format, output, db, raw=raw)
