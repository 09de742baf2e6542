"""Brings a database of an older version to this one's schema: as a whole or not at all, with a copy kept before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.schema import SetColumnComment

from storage.database import create_views, database_of, drop_views, version_of, versions
from storage.errors import DatabaseError, named
from storage.migrations import STEPS
from storage.schema import SCHEMA_VERSION, metadata


@dataclass(frozen=True)
class Upgraded:
    """The result of an upgrade: schema versions before and after, and the copy made before."""

    from_version: int
    version: int
    backup: Path | None
    """None if no step was due, and on PostgreSQL."""


def upgrade(target: str | Path) -> Upgraded:
    """Bring a database to this version's schema, in one transaction, with a copy of an SQLite file made before.

    A concurrent upgrade waits, and then has nothing to do. Whatever is raised, the database is as it was.
    Raises DatabaseError for a database of another program or a newer version, and one that cannot be written.
    """
    database = database_of(target)
    engine = database.engine(must_exist=True, read_only=False)
    backup = None
    try:
        with named(database), database.upgrading(engine) as connection:
            version = version_of(connection, database)
            if version > SCHEMA_VERSION:
                raise DatabaseError(f"{versions(database, version)}; install a newer classpulse")
            if version < SCHEMA_VERSION:
                backup = database.back_up(version)
                take_steps(connection, version)
                database.mark(connection, SCHEMA_VERSION)
    except BaseException:
        if backup:
            backup.unlink()  # the transaction was undone, and the next attempt needs the room
        raise
    finally:
        database.close(engine)
    return Upgraded(version, SCHEMA_VERSION, backup)


def take_steps(connection: Connection, version: int) -> None:
    """Change tables from `version` to this one, and make the views as they are now."""
    named_alike = MetaData(naming_convention=metadata.naming_convention)
    operations = Operations(MigrationContext.configure(connection, opts={"target_metadata": named_alike}))
    of_users = drop_views(connection)
    for step in range(version + 1, SCHEMA_VERSION + 1):
        STEPS[step](operations)
    if connection.dialect.supports_comments:
        _comment(operations)
    create_views(connection)
    for statement in of_users:
        connection.exec_driver_sql(statement)


def _comment(operations: Operations) -> None:
    """Give tables and columns the comments of this version, where the database keeps such (PostgreSQL)."""
    for table in metadata.sorted_tables:
        operations.create_table_comment(table.name, table.comment)
        for column in table.c:
            operations.execute(SetColumnComment(column))
