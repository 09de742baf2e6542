"""Upgrade of a database: upgrade-db."""

from __future__ import annotations

import typer

from classpulse.commands.options import Database

app = typer.Typer()


@app.command("upgrade-db")
def upgrade_db(db: Database = "classpulse.db") -> None:
    """Upgrade a database of an older classpulse to the current schema, completely or not at all.

    An SQLite file is backed up beside the original; back up a PostgreSQL database with pg_dump first.
    """
    from storage.database import database_of
    from storage.upgrading import upgrade

    name, done = database_of(db), upgrade(db)
    if done.from_version == done.version:
        print(f"{name} has schema version {done.version} already")
        return
    backup_note = f"; the backup is {done.backup}" if done.backup else ""
    print(f"{name}: upgraded from schema version {done.from_version} to {done.version}{backup_note}")
