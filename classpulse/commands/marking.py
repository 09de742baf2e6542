"""Phases of a lesson: mark, marks, unmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classpulse.commands.options import Database, SessionKey, seconds_of

if TYPE_CHECKING:
    from engine.sessions.session import Session

app = typer.Typer()


@app.command()
def mark(
    session: SessionKey,
    label: Annotated[
        str | None, typer.Argument(metavar="LABEL", help='Label of the phase, such as "group work".')
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Start, as 12:30, 1:02:03 or in seconds.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="End (default: the start of the next phase).")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="Table of phases (columns start, label, optionally stop), or of WebVTT, ELAN, BORIS, Praat.",
        ),
    ] = None,
    db: Database = "classpulse.db",
) -> None:
    """Mark a phase of a lesson, or all phases in a file; every judgement then also judges each phase."""
    from engine.sessions.session import find

    if (file is None) == (label is None or at is None) or (file and (label or at or until)):
        raise typer.BadParameter("give a LABEL and --at, or a --file of phases")
    marked_session = find(session, db)
    if file:
        marked_session.mark_from(file)
    elif label is not None and at is not None:
        marked_session.mark(label, seconds_of(at), None if until is None else seconds_of(until))
    _show_phases(marked_session)


@app.command()
def marks(session: SessionKey, db: Database = "classpulse.db") -> None:
    """List the phases of a session with the verdicts of the class by the latest judgement."""
    from engine.sessions.session import find

    _show_phases(find(session, db))


@app.command()
def unmark(
    session: SessionKey,
    mark: Annotated[
        list[int] | None, typer.Argument(metavar="MARK...", help="Phase numbers, as `marks` lists them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Delete all phases.")] = False,
    db: Database = "classpulse.db",
) -> None:
    """Delete phases and their verdicts."""
    from engine.sessions.session import find

    if bool(mark) == every:
        raise typer.BadParameter("give the number of a phase, or --all")
    gone = find(session, db).unmark(*mark or ())
    print(f"phases deleted: {len(gone)}")


def _show_phases(session: Session) -> None:
    from classpulse.report import terminal

    rows = session.class_phase_verdicts(), session.phase_verdicts()
    terminal.show(terminal.phases_table(*rows, session.scale()))
