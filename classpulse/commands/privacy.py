"""People's data: forget, exclude, names, retention, audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from classpulse.commands.options import Database, Format, SessionKey, StudentKey

app = typer.Typer()

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def forget(
    session: Annotated[
        list[str] | None, typer.Option(metavar="SESSION", help="A whole session; may be repeated.")
    ] = None,
    student: Annotated[
        str | None,
        typer.Option(metavar="SESSION/S07|NAME", help="A student of one session; a person in all of them."),
    ] = None,
    before: Annotated[
        str | None, typer.Option(metavar="DATE", help="Every session recorded before this day.")
    ] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Only clear the file of what was deleted before.")] = False,
    yes: Yes = False,
    db: Database = "classpulse.db",
) -> None:
    """Delete a session, a student or a person for good: rows, names, and what the file holds of them.

    The class is judged again without the student. Recordings, copies and backups are yours to delete.
    """
    from classpulse.report import terminal
    from engine.sessions import forgetting
    from storage.forgetting import clean as clean_file
    from storage.store import Store

    if sum(map(bool, (session, student, before, clean))) != 1:
        raise typer.BadParameter("give one of --session, --student, --before and --clean")
    with Store.open(db, must_exist=True) as store:
        if clean:
            clean_file(store)
            return
        if student:
            chosen = forgetting.choose_student(store, student)
        elif before:
            chosen = forgetting.choose_before(store, before)
        else:
            chosen = forgetting.Chosen(sessions=[store.find_session(key) for key in session or ()])
        if not chosen:
            print("nothing to forget")
            return
        what = forgetting.describe(store, chosen)
        if not yes:
            _confirm(f"forget {what}", "forgets")
        forgetting.forget(store, chosen)
    terminal.say(f"forgotten: {what}")
    path = Path(store.path)
    for backup in sorted(path.parent.glob(f"{path.name}.v*-backup*")):  # as upgrade-db keeps them
        terminal.say(f"{backup} still has what was forgotten; delete it, too")


@app.command()
def exclude(session: SessionKey, student: StudentKey, yes: Yes = False, db: Database = "classpulse.db") -> None:
    """Leave a student out who did not consent: forgotten in this session, and blurred in every picture of it.

    In later recordings of the class, `analyze --exclude SESSION` leaves out who was left out of this one.
    """
    from classpulse.report import terminal
    from engine.sessions import forgetting
    from storage.store import Store

    with Store.open(db, must_exist=True) as store:
        number = store.find_session(session)
        if not yes:
            _confirm(f"forget {student} of session {number}, and leave the seat out", "excludes")
        label = forgetting.exclude_student(store, number, student)
    terminal.say(f"excluded: {label} of session {number}; for other recordings, analyze --exclude {number}")


@app.command()
def names(
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all names to a new CSV file.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Take all names out of the database.")] = False,
    put_back: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Put names back from such a file.")
    ] = None,
    yes: Yes = False,
    db: Database = "classpulse.db",
) -> None:
    """List who has a name, or keep the names apart: --export FILE --drop, and later --import FILE.

    Everything else has numbers of people, P1, P2, ..., and stays as it is.
    """
    from classpulse.report import terminal
    from engine.sessions import names
    from storage import queries
    from storage.store import Store

    if put_back and (export or drop):
        raise typer.BadParameter("--import goes with neither --export nor --drop")
    with Store.open(db, must_exist=True, read_only=not (drop or put_back)) as store:
        if put_back:
            print(f"names put back: {names.import_names(store, put_back)}")
        if export:
            print(f"names written to {export}: {names.export_names(store, export)}")
        if drop:
            if not (yes or export):
                _confirm("drop all names, which are written nowhere else", "drops")
            print(f"names dropped: {names.drop_names(store)}")
        if not (put_back or export or drop):
            terminal.show(terminal.people_table(queries.people(store)))


@app.command()
def retention(
    days: Annotated[int | None, typer.Option(help="How long a session may be kept.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Say nothing of it any more.")] = False,
    db: Database = "classpulse.db",
) -> None:
    """Say how long sessions may be kept, or list those that are kept for longer; nothing is deleted by itself."""
    from classpulse.report import terminal
    from storage import retention
    from storage.store import Store

    if days is not None and (off or days < 1):
        raise typer.BadParameter("give either --days, 1 or more, or --off")
    with Store.open(db, must_exist=True, read_only=days is None and not off) as store:
        if days is not None or off:
            retention.set_retention(store, days)
        line, _ = terminal.retention_line(retention.retention(store), retention.overdue(store))
    print(line)


@app.command()
def audit(
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="Its number, its name or its file's name; all without.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How the rows are written.")] = "table",
    db: Database = "classpulse.db",
) -> None:
    """List who ran which command on a session, or on any, and when. Names are written as P1, P2, ..."""
    from classpulse.report import rows
    from storage import retention
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=True) as store:
        if session and session.isdecimal():
            number: int | None = int(session)  # it may be forgotten
        else:
            number = store.find_session(session) if session else None
        rows.write(retention.audited(store, number), output_format)


def _confirm(what: str, does: str) -> None:
    """Ask on the terminal; where nobody can answer, only --yes will do."""
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"nobody is there to be asked; --yes {does} without asking")
    if not typer.confirm(f"{what}?", err=True):
        raise typer.Exit(1)
