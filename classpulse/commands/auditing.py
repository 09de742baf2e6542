"""Audit log in the database: user, command and session of every command with a database, except NOT_AUDITED."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from classpulse.commands.errors import Stopped
from classpulse.commands.masking import masked

#: Commands that show or change no personal data.
NOT_AUDITED = ("audit", "docs", "doctor", "progress", "queries", "schema", "scorers", "sessions", "train")

#: Commands that change nothing, unless one of these options is given.
READING: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "annotate",
            "browse",
            "compare",
            "corrections",
            "effect",
            "evaluate",
            "export",
            "marks",
            "query",
            "report",
        ),
        (),
    ),
    **dict.fromkeys(("serve", "show", "students"), ()),
    "names": ("drop", "put_back"),
    "profiles": ("drop",),
    "retention": ("days", "off"),
    "roster": ("session", "seat", "keep"),
    "validate": ("fit",),
}
#: How long the note of such a command waits for another process that writes, s.
NOTE_SECONDS = 1.0

#: Commands that delete what identifies their arguments: names and sessions are looked up before they run.
DELETING = ("exclude", "forget", "names")


class AuditedCommand(TyperCommand):
    """A command whose runs are logged, except for usage errors.

    A context is Any, since its class depends on typer's version.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command, then log it."""
        db = ctx.params.get("db")
        if self.name in NOT_AUDITED or not isinstance(db, str):
            return super().invoke(ctx)
        before = _KnownNames.read(db, ctx) if self.name in DELETING else _KnownNames()
        outcome = "failed"
        try:
            result = super().invoke(ctx)
            outcome = "done"
        except (KeyboardInterrupt, Stopped):
            outcome = "stopped"
            raise
        except typer.Exit as ended:
            outcome = "failed" if ended.exit_code else "done"
            raise
        except Exception as error:
            if (
                getattr(error, "exit_status", 2) == 2
            ):  # typer's own errors have no exit status, and are usage errors
                outcome = ""
            raise
        finally:
            if outcome:
                _note(db, str(self.name), ctx, before, outcome)
        return result


class _KnownNames:
    """The session of a command and the numbers of named people, as far as the database is readable."""

    def __init__(self) -> None:
        self.session: int | None = None
        self.names: dict[str, int] = {}

    @classmethod
    def read(cls, db: str, ctx: Any) -> _KnownNames:
        from storage import queries
        from storage.errors import StorageError
        from storage.store import Store

        known = cls()
        of_student, _, _ = str(ctx.params.get("student") or "").rpartition("/")  # forget --student monday/S07
        keys = ctx.params.get("session") or ctx.params.get("videos") or of_student or []
        keys = list(map(str, keys if isinstance(keys, list | tuple) else [keys]))
        try:
            with Store.open(db, must_exist=True, read_only=True) as store:
                people = queries.people(store)
                named = people[people["name"].notna()]
                known.names = dict(zip(named["name"], named["person"].tolist(), strict=True))
                if len(keys) == 1:
                    known.session = store.find_session(keys[0])
        except StorageError:
            pass  # missing, older or damaged: the command itself reports it
        return known


def _note(db: str, command: str, ctx: Any, before: _KnownNames, outcome: str) -> None:
    from engine.runtime.platform import user_name
    from storage.audit import note
    from storage.database import database_of
    from storage.errors import StorageError
    from storage.paths import escaped
    from storage.store import Store

    target = database_of(db).target
    if isinstance(target, Path) and not (target.exists() and os.access(target, os.W_OK)):
        return  # a read-only copy is not logged
    after = _KnownNames.read(db, ctx)
    arguments = escaped(masked(command, _command_line(ctx), before.names | after.names))
    session = before.session if before.session is not None else after.session
    try:
        with Store.open(db, must_exist=True, patience=NOTE_SECONDS if _only_reads(command, ctx) else None) as store:
            note(store, user_name(), command, session, arguments, outcome)
    except StorageError as error:
        if outcome == "done":
            print(f"classpulse: this run is not in the audit table: {error}", file=sys.stderr)


def _only_reads(command: str, ctx: Any) -> bool:
    return command in READING and not any(ctx.params.get(option) for option in READING[command])


def _command_line(ctx: Any) -> dict[str, Any]:
    """The arguments on the command line, except the database."""
    return {
        name: value
        for name, value in ctx.params.items()
        if name != "db" and ctx.get_parameter_source(name).name == "COMMANDLINE"
    }
