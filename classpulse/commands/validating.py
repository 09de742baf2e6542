"""How far verdicts can be believed, and what differs: validate, profiles, compare, effect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from classpulse.commands.options import Database, Format, Raw, SessionKey

app = typer.Typer()


@app.command()
def validate(
    session: SessionKey,
    codes: Annotated[
        Path,
        typer.Argument(
            metavar="CODES",
            readable=False,
            help="Table with the columns student, start, stop, code, coder, or a file of ELAN, BORIS or Praat.",
        ),
    ],
    judgement: Annotated[str | None, typer.Option(help="Name of the judgement (default: the latest).")] = None,
    fit: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Fit the thresholds to the codes and save them as a profile."),
    ] = None,
    db: Database = "classpulse.db",
    table: Annotated[
        Literal["figures", "intervals", "confusion"] | None,
        typer.Option(help="Print one table with all columns (default with --format: figures)."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="Output format of the table.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file (default: standard output).")
    ] = None,
    raw: Raw = False,
) -> None:
    """Compare verdicts with human codes: kappa, confusion matrix, AUC, agreement between coders."""
    from classpulse.report import rows, validation
    from engine.sessions.session import find

    validated_session = find(session, db)
    if fit is not None:
        if table:
            raise typer.BadParameter("--fit prints one table only; omit --table")
        fitted = validated_session.fit(codes, fit, judgement)
        if output_format != "table" or output:
            rows.write(fitted.figures, output_format, output, db, raw=raw)
        else:
            lines = validation.fitted(fit, fitted.judged_by(), fitted.figures, fitted.summary())
            print(*lines, sep="", end="")
        return
    result = validated_session.validate(codes, judgement)
    if table or output_format != "table" or output:
        tables = {"figures": result.figures, "intervals": result.intervals, "confusion": result.confusion}
        rows.write(tables[table or "figures"], output_format, output, db, raw=raw)
        return
    lines = validation.summary(result.intervals, result.figures, result.confusion, result.codes.uncodable)
    print(*lines, sep="", end="")


@app.command()
def profiles(
    drop: Annotated[
        str | None, typer.Option(metavar="NAME", help="Delete this profile; judgements made with it stay.")
    ] = None,
    db: Database = "classpulse.db",
    output_format: Annotated[Format, typer.Option("--format", "-f", help="Output format.")] = "table",
    raw: Raw = False,
) -> None:
    """List or delete the profiles saved by `validate --fit`."""
    from classpulse.report import rows, validation
    from storage.profiles import all_profiles, drop_profile
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=drop is None) as store:
        if drop is not None:
            drop_profile(store, drop)
            print(f"profile dropped: {drop}")
            return
        saved = all_profiles(store)
    rows.write(validation.short(saved) if output_format == "table" else saved, output_format, raw=raw)


@app.command()
def compare(
    session: SessionKey,
    judgements: Annotated[
        list[str] | None, typer.Argument(metavar="[JUDGEMENT]...", help="Names of judgements (default: all).")
    ] = None,
    db: Database = "classpulse.db",
    table: Annotated[
        Literal["verdicts", "agreement", "differing"] | None,
        typer.Option(help="Print one table with all rows (default with --format: verdicts)."),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="Output format of the table.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file (default: standard output).")
    ] = None,
    raw: Raw = False,
) -> None:
    """Compare judgements of a session: verdict counts, agreement, largest differences."""
    from classpulse.report import judgements as shown
    from classpulse.report import rows
    from engine.sessions.session import find

    comparison = find(session, db).compare(*judgements or ())
    if table or output_format != "table" or output:
        tables = {
            "verdicts": comparison.verdicts,
            "agreement": comparison.agreement,
            "differing": comparison.differing,
        }
        rows.write(tables[table or "verdicts"], output_format, output, db, raw=raw)
        return
    print(*shown.side_by_side(*comparison), sep="", end="")


@app.command()
def effect(
    session: SessionKey,
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="A second session, to be compared.")
    ] = None,
    by: Annotated[
        Literal["phase"] | None, typer.Option(help="Compare the phases of one session (see `mark`).")
    ] = None,
    judgement: Annotated[str | None, typer.Option(help="Name of the judgement (default: the latest).")] = None,
    db: Database = "classpulse.db",
    table: Annotated[
        Literal["effects", "measurable"],
        typer.Option(help="Print differences, or who could be measured in which row of seats."),
    ] = "effects",
    method: Annotated[
        bool, typer.Option("--methods", help="Print a paragraph on the method, and a BibTeX entry, for a paper.")
    ] = False,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="Output format of the table.")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file (default: standard output).")
    ] = None,
    raw: Raw = False,
) -> None:
    """Compare phases or lessons: difference of shares, interval by students and time, effect size."""
    from classpulse.report import effects, rows
    from engine.sessions.session import find

    if (other is None) == (by is None):
        raise typer.BadParameter("give a second SESSION, or --by phase")
    first = find(session, db)
    if table == "measurable" and not method:
        rows.write(effects.measurability(first, judgement), output_format, output, db, raw=raw)
        return
    if other is None:
        found = effects.between_phases(first, judgement)
    else:
        found = effects.between_sessions(first, find(other, db), judgement)
    if method:
        print(effects.methods(first, found, judgement), effects.bibtex(), sep="\n\n")
        return
    rows.write(found, output_format, output, db, raw=raw)
