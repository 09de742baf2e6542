"""People's data: forget, exclude, names, retention, audit."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from classpulse.commands.options import Database, Format, Raw, SessionKey, StudentKey

app = typer.Typer()

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@app.command()
def forget(
    session: Annotated[
        list[str] | None, typer.Option(metavar="SESSION", help="Delete this session; may be repeated.")
    ] = None,
    student: Annotated[
        str | None,
        typer.Option(
            metavar="SESSION/S07|NAME", help="Delete a student of one session, or a person from all sessions."
        ),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Delete every session recorded before this date (YYYY-MM-DD)."),
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Only erase remains of deleted rows from the file.")
    ] = False,
    yes: Yes = False,
    db: Database = "classpulse.db",
) -> None:
    """Delete a session, a student or a person permanently: rows, names and remains in the file.

    The class is judged again without the student. Recordings, copies and backups are not deleted.
    """
    from classpulse.report import terminal
    from classpulse.web.jobs import forget_jobs
    from engine.sessions import forgetting
    from storage.forgetting import clean as clean_file
    from storage.sqlite import backups_of
    from storage.store import Store

    if sum(map(bool, (session, student, before, clean))) != 1:
        raise typer.BadParameter("give one of --session, --student, --before and --clean")
    with Store.open(db, must_exist=True, on_wait=terminal.say) as store:
        if clean:
            clean_file(store)
            return
        if student:
            chosen = forgetting.choose_student(store, student)
        elif before:
            chosen = forgetting.choose_before(store, before)
        else:
            chosen = forgetting.Chosen(sessions=[store.find_session(key, unique=True) for key in session or ()])
        if not chosen:
            print("nothing to forget")
            return
        what = forgetting.describe(store, chosen)
        if not yes:
            _confirm(f"delete {what}")
        recordings = {number: str(store.session(number)["source"]) for number in chosen.sessions}
        forgetting.forget(store, chosen)
    forget_jobs(db, recordings)  # which have the names of sessions and recordings, too
    terminal.say(f"deleted: {what}")
    path = Path(store.path)
    for backup in backups_of(path):
        terminal.say(f"{backup} still contains what was deleted; delete it too")


@app.command()
def exclude(session: SessionKey, student: StudentKey, yes: Yes = False, db: Database = "classpulse.db") -> None:
    """Exclude a student who did not consent: delete the student from this session and blur the seat.

    For other recordings of the class, `analyze --exclude SESSION` excludes the same students.
    """
    from classpulse.report import terminal
    from engine.sessions import forgetting
    from storage.store import Store

    with Store.open(db, must_exist=True, on_wait=terminal.say) as store:
        number = store.find_session(session)
        if not yes:
            _confirm(f"delete {student} of session {number}, and exclude the seat")
        label = forgetting.exclude_student(store, number, student)
    terminal.say(f"excluded: {label} of session {number}; for other recordings, analyze --exclude {number}")


@app.command()
def names(
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all names to a new CSV file.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Remove all names from the database.")] = False,
    put_back: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Restore names from such a file.")
    ] = None,
    raw: Raw = False,
    yes: Yes = False,
    db: Database = "classpulse.db",
) -> None:
    """List named people, or store names separately: --export FILE --drop, later --import FILE.

    All other data refers to people by number (P1, P2, ...) and does not change.
    """
    from classpulse.report import terminal
    from engine.sessions import names
    from storage import queries
    from storage.store import Store

    if put_back and (export or drop):
        raise typer.BadParameter("--import cannot be combined with --export or --drop")
    with Store.open(db, must_exist=True, read_only=not (drop or put_back), on_wait=terminal.say) as store:
        if put_back:
            print(f"names restored: {names.import_names(store, put_back)}")
        if export:
            print(f"names written to {export}: {names.export_names(store, export, raw=raw)}")
        if drop:
            if not (yes or export):
                _confirm("drop all names, which are written nowhere else")
            print(f"names dropped: {names.drop_names(store)}")
        if not (put_back or export or drop):
            terminal.show(terminal.people_table(queries.people(store)))


@app.command()
def retention(
    days: Annotated[int | None, typer.Option(help="Days that a session may be kept.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Remove the limit.")] = False,
    db: Database = "classpulse.db",
) -> None:
    """Set how long sessions may be kept, or list overdue ones; nothing is deleted automatically."""
    from classpulse.report import terminal
    from storage import retention
    from storage.store import Store

    if days is not None and (off or not 1 <= days <= retention.MOST_DAYS):
        raise typer.BadParameter(f"give either --days, 1 to {retention.MOST_DAYS}, or --off")
    with Store.open(db, must_exist=True, read_only=days is None and not off) as store:
        if days is not None or off:
            retention.set_retention(store, days)
        line, _ = terminal.retention_line(retention.retention(store), retention.overdue(store))
    print(line)


@app.command()
def audit(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="SESSION", help="Session number, session name or file name; without it, all sessions."
        ),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", "-f", help="Output format.")] = "table",
    raw: Raw = False,
    db: Database = "classpulse.db",
) -> None:
    """List who ran which command on which session and when; names are logged as P1, P2, ..."""
    from classpulse.report import rows
    from storage.audit import audited
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=True) as store:
        if session and re.fullmatch("[0-9]{1,9}", session):
            number: int | None = int(session)  # it may be forgotten
        else:
            number = store.find_session(session) if session else None
        rows.write(audited(store, number), output_format, raw=raw)


def _confirm(what: str) -> None:
    """Ask for confirmation on the terminal. Raises BadParameter without a terminal."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("cannot ask for confirmation without a terminal; pass --yes")
    if not typer.confirm(f"{what}?", err=True):
        raise typer.Exit(1)
