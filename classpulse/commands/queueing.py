"""Work that several machines share: work, progress."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from classpulse.commands.options import Database, Quiet

app = typer.Typer()


@app.command()
def work(
    db: Database = "classpulse.db",
    machine: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of this machine in messages (default: the host's name)."),
    ] = None,
    lease: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Time without a sign of life after which others take over a worker's run."
        ),
    ] = 60.0,
    mixed: Annotated[
        bool,
        typer.Option("--mixed", help="Also continue sessions of another kind of machine, whose rows may differ."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Analyse what `analyze --queue` queued in a PostgreSQL database, until none is left.

    Run any number of workers on any number of machines that reach the recordings under the same paths.
    """
    from classpulse.report import terminal
    from engine.sessions.cluster.working import work as work_on
    from storage.claims import shared_store
    from storage.progress import progress as progress_of

    def say(line: str) -> None:
        if not quiet:
            terminal.say(line)

    worked = work_on(db, machine=machine, lease=lease, mixed=mixed, on_event=say)
    with shared_store(db, must_exist=True) as store:
        failures = [row for row in progress_of(store)["failures"] if row["state"] == "aside"]
    if not worked.left:
        say(f"none is left; this worker did {worked.done}")
    for line in (*map(failed, failures), *worked.left):
        print(f"classpulse: {line}", file=sys.stderr)
    raise typer.Exit(1 if failures or worked.left else 0)


@app.command()
def progress(
    db: Database = "classpulse.db",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with times and lengths in seconds.")] = False,
) -> None:
    """Show how far the queue of a PostgreSQL database is: workers, rate, time left, failures."""
    from storage.claims import shared_store
    from storage.progress import progress as progress_of

    with shared_store(db, must_exist=True) as store:
        state = progress_of(store)
    if as_json:
        print(json.dumps(state))
        return
    print("\n".join(lines(state)))


def lines(state: dict[str, Any]) -> list[str]:
    """The state of a queue for a person."""
    counts = state["recordings"]
    found = [
        "Recordings: " + ", ".join(f"{counts[kind]} {kind}" for kind in ("queued", "detecting", "judging", "done")),
        f"Detected: {_hours(state['done_seconds'])} of {_hours(state['done_seconds'] + state['left_seconds'])}"
        f" that are opened, {state['rate']:.1f} times as fast as it plays"
        + (
            f"; {_hours(state['time_left'])} left"
            if state["left_seconds"] and state["time_left"] is not None
            else ""
        ),
    ]
    found += [
        f"{row['worker']}: {row['what']}, for {row['seconds']:.0f} s"
        + ("" if row["lease_left"] > 0 else ", without a sign of life")
        for row in state["working"]
    ]
    return found + [failed(row) for row in state["failures"]]


def failed(row: dict[str, Any]) -> str:
    """A claim that failed, where, and why."""
    state = "set aside" if row["state"] == "aside" else "to be tried again"
    return f"{row['what']}: {state}, failed on {', '.join(row['failed_on']) or 'no machine'}: {row['error']}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
