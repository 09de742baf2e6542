"""Manual identity corrections: rename, merge, split, role, undo, corrections, roster."""

from __future__ import annotations

from typing import Annotated

import typer

from classpulse.commands.options import Database, SessionKey, StudentKey, seat_of, seconds_of

app = typer.Typer()


@app.command()
def rename(
    session: SessionKey,
    student: StudentKey,
    name: Annotated[str, typer.Argument(metavar="NAME", help='Name of the student; "" removes the name.')],
    db: Database = "classpulse.db",
) -> None:
    """Name a student. `undo` reverts rename, merge, split, role and roster."""
    from engine.sessions.session import find

    find(session, db).rename(student, name)


@app.command()
def merge(
    session: SessionKey,
    student: StudentKey,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Label or name of the same person's other entry.")],
    db: Database = "classpulse.db",
) -> None:
    """Merge two students into one; the smaller label stays, verdicts are recomputed."""
    from engine.sessions.session import find

    find(session, db).merge(student, other)


@app.command()
def split(
    session: SessionKey,
    student: StudentKey,
    at: Annotated[str, typer.Option(metavar="TIME", help="Time of the split, as 12:30, 1:02:03 or in seconds.")],
    db: Database = "classpulse.db",
) -> None:
    """Split a student at a time: later faces become a new student; verdicts are recomputed."""
    from engine.sessions.session import find

    print(f"{find(session, db).split(student, seconds_of(at))} is the new student from {at} on")


@app.command()
def role(
    session: SessionKey,
    student: StudentKey,
    role: Annotated[
        str, typer.Argument(metavar="ROLE", help="`student`, `teacher`, `picture` (a poster) or `screen`.")
    ],
    db: Database = "classpulse.db",
) -> None:
    """Say who is a student; teachers, pictures and screens get no verdicts and do not count in the class."""
    from engine.sessions.session import find

    find(session, db).set_role(student, role)


@app.command()
def undo(session: SessionKey, db: Database = "classpulse.db") -> None:
    """Undo the most recent active correction of a session, and print it."""
    from engine.sessions.session import find

    print(f"undone: {find(session, db).undo()}")


@app.command()
def corrections(session: SessionKey, db: Database = "classpulse.db") -> None:
    """List the corrections of a session, including those undone."""
    from classpulse.report import terminal
    from engine.sessions.session import find

    terminal.show(terminal.corrections_table(find(session, db).corrections()))


@app.command()
def roster(
    room: Annotated[str, typer.Option(metavar="ROOM", help="Name of the classroom.")],
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="Session number, session name or file name.")
    ] = None,
    seat: Annotated[
        list[str] | None,
        typer.Option(metavar="S01=NAME", help="Name a student and save the seat; may be repeated."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Save the seats of all named students.")] = False,
    db: Database = "classpulse.db",
) -> None:
    """Name the students of a session by the seats of a classroom, save these seats, or list them.

    Seats are matched by position and face size only; students without a match stay unnamed and are counted.
    """
    from classpulse.report import lines, terminal
    from engine.errors import UsageError
    from engine.sessions.session import find
    from storage import queries
    from storage.store import Store

    if session is None:
        if seat or keep:
            raise typer.BadParameter("--seat and --keep need a SESSION")
        with Store.open(db, must_exist=True, read_only=True) as store:
            room_seats = queries.seats(store, room)
        if room_seats.empty:
            raise UsageError(
                f"room {room!r} has no roster; `classpulse roster SESSION --room {room} --keep` makes one"
            )
        terminal.show(terminal.seats_table(room_seats))
        return
    named_session = find(session, db)
    if seat:
        named_session.name_students(map(seat_of, seat))
    if seat or keep:
        names = named_session.keep_seats(room)
        print(f"seats kept for {room}: {len(names)} ({', '.join(names)})")
        return
    print(lines.carried(room, **vars(named_session.carry_names(room))))
