"""How far verdicts can be believed: validate, profiles, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from classpulse.commands.options import Database, Format, SessionKey

app = typer.Typer()


@app.command()
def validate(
    session: SessionKey,
    codes: Annotated[
        Path,
        typer.Argument(metavar="CODES", readable=False, help="A CSV file: student, start, stop, code, coder."),
    ],
    judgement: Annotated[str | None, typer.Option(help="Its name; by default the latest.")] = None,
    fit: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Fit the thresholds to the codes, and keep them as a profile."),
    ] = None,
    db: Database = "classpulse.db",
    table: Annotated[
        Literal["figures", "stretches", "confusion"] | None,
        typer.Option(help="One table alone, with all its columns; figures where a --format is given."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How the table is written.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of the screen.")] = None,
) -> None:
    """Hold a judgement against what people saw: kappa, confusion, AUC, and how well the coders agree."""
    from classpulse.report import rows, validation
    from engine.sessions.session import find

    found = find(session, db)
    if fit is not None:
        if table:
            raise typer.BadParameter("--fit has one table alone; leave out --table")
        fitted = found.fit(codes, fit, judgement)
        if output_format != "table" or output:
            rows.write(fitted.figures, output_format, output)
        else:
            lines = validation.fitted(fit, fitted.judged_by(), fitted.figures, fitted.said())
            print(*lines, sep="", end="")
        return
    result = found.validate(codes, judgement)
    if table or output_format != "table" or output:
        tables = {"figures": result.figures, "stretches": result.stretches, "confusion": result.confusion}
        rows.write(tables[table or "figures"], output_format, output)
        return
    lines = validation.summary(result.stretches, result.figures, result.confusion, result.codes.untold)
    print(*lines, sep="", end="")


@app.command()
def profiles(
    drop: Annotated[str | None, typer.Option(metavar="NAME", help="Delete one; its judgements stay.")] = None,
    db: Database = "classpulse.db",
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How the rows are written.")] = "table",
) -> None:
    """List the profiles that `validate --fit` kept, or drop one."""
    from classpulse.report import rows, validation
    from storage.profiles import all_profiles, drop_profile
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=drop is None) as store:
        if drop is not None:
            drop_profile(store, drop)
            print(f"profile dropped: {drop}")
            return
        kept = all_profiles(store)
    rows.write(validation.short(kept) if output_format == "table" else kept, output_format)


@app.command()
def compare(
    session: SessionKey,
    judgements: Annotated[
        list[str] | None, typer.Argument(metavar="[JUDGEMENT]...", help="Their names; all without one.")
    ] = None,
    db: Database = "classpulse.db",
    table: Annotated[
        Literal["verdicts", "agreement", "differing"] | None,
        typer.Option(help="One table alone, with all its rows; verdicts where a --format is given."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How the table is written.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of the screen.")] = None,
) -> None:
    """Set judgements of a session side by side: how often each says what, how far they agree, where they differ."""
    from classpulse.report import judgements as shown
    from classpulse.report import rows
    from engine.sessions.session import find

    found = find(session, db).compare(*judgements or ())
    if table or output_format != "table" or output:
        tables = {"verdicts": found.verdicts, "agreement": found.agreement, "differing": found.differing}
        rows.write(tables[table or "verdicts"], output_format, output)
        return
    print(*shown.side_by_side(found.verdicts, found.agreement, found.differing), sep="", end="")
