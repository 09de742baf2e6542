"""What a person puts right: rename, merge, split, undo, corrections, roster."""

from __future__ import annotations

from typing import Annotated

import typer

from classpulse.commands.options import Database, SessionKey, StudentKey, seat_of, seconds_of

app = typer.Typer()


@app.command()
def rename(
    session: SessionKey,
    student: StudentKey,
    name: Annotated[str, typer.Argument(metavar="NAME", help='What to call the student; "" takes the name away.')],
    db: Database = "classpulse.db",
) -> None:
    """Name a student. `undo` takes this back, as it does merge, split and roster."""
    from engine.sessions.session import find

    find(session, db).rename(student, name)


@app.command()
def merge(
    session: SessionKey,
    student: StudentKey,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The label or name of who is the same person.")],
    db: Database = "classpulse.db",
) -> None:
    """Make two students one, and every judgement again; the smaller label stays."""
    from engine.sessions.session import find

    find(session, db).merge(student, other)


@app.command()
def split(
    session: SessionKey,
    student: StudentKey,
    at: Annotated[str, typer.Option(metavar="TIME", help="When, as 12:30, 1:02:03 or in seconds.")],
    db: Database = "classpulse.db",
) -> None:
    """Make who is seen as a student from a time on somebody else, and every judgement again."""
    from engine.sessions.session import find

    print(f"{find(session, db).split(student, seconds_of(at))} is who is seen from {at} on")


@app.command()
def undo(session: SessionKey, db: Database = "classpulse.db") -> None:
    """Undo the last correction of a session that holds, and say which."""
    from engine.sessions.session import find

    print(f"undone: {find(session, db).undo()}")


@app.command()
def corrections(session: SessionKey, db: Database = "classpulse.db") -> None:
    """List what was put right in a session, and what of it was undone."""
    from classpulse.report import terminal
    from engine.sessions.session import find

    terminal.show(terminal.corrections_table(find(session, db).corrections()))


@app.command()
def roster(
    room: Annotated[str, typer.Option(metavar="ROOM", help="What you call the room.")],
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="Its number, its name or its file's name.")
    ] = None,
    seat: Annotated[
        list[str] | None,
        typer.Option(metavar="S01=NAME", help="Name a student, and keep the seat; may be repeated."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the seats of all who have a name.")] = False,
    db: Database = "classpulse.db",
) -> None:
    """Carry the names of a room to a session by seat, keep its seats (--seat, --keep), or list them.

    Who sits where is matched by place and size alone; who does not match is counted, not guessed.
    """
    from classpulse.report import terminal
    from engine.errors import UsageError
    from engine.sessions.session import find
    from storage import queries
    from storage.store import Store

    if session is None:
        if seat or keep:
            raise typer.BadParameter("--seat and --keep need a SESSION, whose students they are of")
        with Store.open(db, must_exist=True, read_only=True) as store:
            kept = queries.seats(store, room)
        if kept.empty:
            raise UsageError(
                f"room {room!r} has no roster; `classpulse roster SESSION --room {room} --keep` makes one"
            )
        terminal.show(terminal.seats_table(kept))
        return
    found = find(session, db)
    if seat:
        found.name_students(dict(map(seat_of, seat)))
    if seat or keep:
        names = found.keep_seats(room)
        print(f"seats kept for {room}: {len(names)} ({', '.join(names)})")
        return
    print(terminal.carried(room, **vars(found.carry_names(room))))
