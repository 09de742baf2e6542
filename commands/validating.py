"""How far verdicts can be believed: validate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.options import Database, Format, SessionKey

app = typer.Typer()


@app.command()
def validate(
    session: SessionKey,
    codes: Annotated[
        Path,
        typer.Argument(metavar="CODES", readable=False, help="A CSV file: student, start, stop, code, coder."),
    ],
    judgement: Annotated[str | None, typer.Option(help="Its name; by default the latest.")] = None,
    db: Database = "classpulse.db",
    table: Annotated[
        Literal["figures", "stretches", "confusion"] | None,
        typer.Option(help="One table alone, with all its columns; figures where a --format is given."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How the table is written.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of the screen.")] = None,
) -> None:
    """Hold a judgement against what people saw: kappa, confusion, AUC, and how well the coders agree."""
    from engine.session import find
    from report import rows, validation

    found = find(session, db)
    result = found.validate(codes, judgement)
    if table or output_format != "table" or output:
        tables = {"figures": result.figures, "stretches": result.stretches, "confusion": result.confusion}
        rows.write(tables[table or "figures"], output_format, output)
        return
    lines = validation.summary(result.stretches, result.figures, result.confusion, result.codes.untold)
    print(*lines, sep="", end="")
