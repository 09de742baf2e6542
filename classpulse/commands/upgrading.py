"""Keep a database: upgrade-db."""

from __future__ import annotations

import typer

from classpulse.commands.options import Database

app = typer.Typer()


@app.command("upgrade-db")
def upgrade_db(db: Database = "classpulse.db") -> None:
    """Bring a database of an older classpulse to this one's schema, as a whole or not at all.

    A copy of an SQLite file is kept beside it; of a PostgreSQL database make one with pg_dump first.
    """
    from storage.database import database_of
    from storage.upgrading import upgrade

    name, done = database_of(db), upgrade(db)
    if done.found == done.version:
        print(f"{name} has schema version {done.version} already")
        return
    kept = f"; as it was before, it is in {done.backup}" if done.backup else ""
    print(f"{name}: upgraded from schema version {done.found} to {done.version}{kept}")
