"""Opens a database: checks its owner and schema version, and creates it if it does not exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, CursorResult, Engine, inspect
from sqlalchemy.exc import ArgumentError

from storage.errors import DatabaseError, Explaining, named
from storage.schema import SCHEMA_VERSION, metadata
from storage.sqlite import SqliteDatabase, Values
from storage.urls import parse_url, shown


class Database(Explaining, Protocol):
    """What differs between databases. Its text names it in messages, without a password."""

    @property
    def target(self) -> str | Path:
        """The argument that opens it again: with a password, if it has one."""

    patience: float | None
    """How long another's transaction is waited for, s; None: long."""
    on_wait: Callable[[str], None]
    """Told in words for what is waited, where that is long."""

    def engine(self, *, must_exist: bool, read_only: bool) -> Engine:
        """A SQLAlchemy engine on it. Raises DatabaseError where it is not there, or no database."""

    def opened(self, engine: Engine, *, read_only: bool) -> None:
        """What is to be done once it is known to be ours."""

    def close(self, engine: Engine) -> None:
        """Let go of it, and leave nothing behind."""

    def reading(self, engine: Engine) -> AbstractContextManager[Connection]:
        """A transaction over one snapshot of the database."""

    def writing(
        self, engine: Engine, session_id: int | None = None, key: str | None = None
    ) -> AbstractContextManager[Connection]:
        """A transaction that waits for its turn, if another writes (to the same session or key, if given)."""

    def check_shared(self) -> None:
        """Raise DatabaseError, in one line, where several machines cannot work in it at once."""

    def held(self, engine: Engine, key: str) -> AbstractContextManager[None]:
        """Nobody else is inside with the same `key` (hexadecimal); raises HeldError at once where one is."""

    def is_empty(self, connection: Connection) -> bool:
        """Whether nothing of ours, nor anything in our way, is in it."""

    def version(self, connection: Connection) -> int | None:
        """The version of its schema; None for a database of another program."""

    def mark(self, connection: Connection, version: int) -> None:
        """Note that the schema is ours, and of this version."""

    def upgrading(self, engine: Engine) -> AbstractContextManager[Connection]:
        """The one transaction in which the schema changes."""

    def back_up(self, version: int) -> Path | None:
        """A copy of what is committed; None where that is the server's business."""

    def check_erasable(self, engine: Engine) -> None:
        """Raise DatabaseError where what is deleted could not be erased from it by `erase`."""

    def erase(self, engine: Engine) -> None:
        """Leave nothing of deleted rows. Raises DatabaseError, or the driver's error, where some may be left."""

    def query(
        self, connection: Connection, sql: str, values: Values, *, seconds: float | None, longest: int | None
    ) -> CursorResult[Any]:
        """Run SQL of the user's, with `?` or `:name` for the values, which cannot change anything.

        The server ends it after so many `seconds`, if it is on one; no value has more than the `longest` bytes.
        """

    def blame(self, connection: Connection, error: BaseException, sql: str, values: Values) -> str | None:
        """What is wrong with the user's SQL, and where, in one line; None where the fault is not in it."""


def database_of(target: str | Path) -> Database:
    """The database of `classpulse.db`, `sqlite:///school.db` or `postgresql://host/school`; else DatabaseError."""
    text = str(target)
    if "://" not in text and text != ":memory:":
        return SqliteDatabase(Path(text))
    try:
        url = parse_url(text)
        address = shown(url)
    except ArgumentError:
        url = URL.create("other")
        address = text if "@" not in text else "the address"  # which may have a password
    if url.get_backend_name() in ("postgresql", "postgres"):
        return _postgres(url)
    if url.get_backend_name() != "sqlite" or url.query or url.database in (None, "", ":memory:"):
        raise DatabaseError(
            f"{address}: not a database of ours; write school.db, sqlite:///school.db or "
            "postgresql://user@host/school",
            exit_status=2,
        )
    return SqliteDatabase(Path(str(url.database)))


def _postgres(url: URL) -> Database:
    try:
        from storage.postgres import PostgresDatabase  # psycopg is an extra
    except ImportError as error:
        raise DatabaseError(
            f"{shown(url)}: needs psycopg; run pip install 'classpulse[postgres]' ({error})",
            exit_status=2,
        ) from error
    return PostgresDatabase(url)


def open_engine(database: Database, *, must_exist: bool, read_only: bool) -> Engine:
    """An engine on the database, which is made unless it `must_exist` or is to be `read_only`.

    Raises DatabaseError, and leaves the database as it is, where it cannot be read (or written, unless
    `read_only`), is damaged, belongs to another program, or has another schema version.
    """
    engine = database.engine(must_exist=must_exist, read_only=read_only)
    try:
        with named(database):
            _prepare(engine, database, must_exist, read_only)
    except BaseException:
        database.close(engine)  # or its idle connection would hold the file
        raise
    return engine


def _prepare(engine: Engine, database: Database, must_exist: bool, read_only: bool) -> None:
    with database.reading(engine) as connection:
        empty = database.is_empty(connection)
    if empty and not (must_exist or read_only):
        with database.writing(engine) as connection:
            if database.is_empty(connection):  # still: another process may have been quicker
                metadata.create_all(connection, checkfirst=False)
                create_views(connection)
                database.mark(connection, SCHEMA_VERSION)
    with database.reading(engine) as connection:
        version = version_of(connection, database)
    if version > SCHEMA_VERSION:
        raise DatabaseError(f"{versions(database, version)}; install a newer classpulse")
    if version < SCHEMA_VERSION:
        command = f"classpulse upgrade-db --db {shlex.quote(str(database))}"
        raise DatabaseError(f"{versions(database, version)}; run `{command}`, which keeps a copy of it as it is")
    database.opened(engine, read_only=read_only)


def version_of(connection: Connection, database: Database) -> int:
    """The version of its schema. Raises DatabaseError unless it is ours."""
    if database.is_empty(connection):
        raise DatabaseError(f"{database}: nothing is in it; analyse a recording first", exit_status=2)
    version = database.version(connection)
    if version is None:
        raise DatabaseError(f"{database}: a database of another program, and left as it is; name another file")
    if version < 1:
        raise DatabaseError(f"{versions(database, version)}; analyse into a new database")
    return version


def versions(database: Database, version: int) -> str:
    """Begins the message for a version that is not this one's."""
    return f"{database}: has schema version {version}, expected {SCHEMA_VERSION}"


def create_views(connection: Connection) -> None:
    """Make the views of views.sql, and those that keep the names of the version before."""
    for file in ("views.sql", "old_names.sql"):
        for statement in Path(__file__).with_name(file).read_text("utf-8").split(";\n"):
            if statement.strip():
                options = {"no_parameters": True}  # % is no placeholder
                connection.exec_driver_sql(statement, execution_options=options)


def old_names() -> list[str]:
    """The views of old_names.sql, in its order."""
    return re.findall(
        r"^CREATE VIEW (\w+)", Path(__file__).with_name("old_names.sql").read_text("utf-8"), re.MULTILINE
    )


def drop_views(connection: Connection) -> list[str]:
    """Drop the views, since no table can change under one; returns the SQL that creates the user's again.

    Views whose names begin with v_, and those of old_names.sql, are built in. On PostgreSQL only those are dropped:
    the server keeps a user's own, and refuses changes that would break them.
    """
    quote = connection.dialect.identifier_preparer.quote
    names = inspect(connection).get_view_names()
    built_in = [name for name in names if name.startswith("v_") or name in old_names()]
    if connection.dialect.name != "sqlite":
        if built_in:
            connection.exec_driver_sql(f"DROP VIEW {', '.join(map(quote, built_in))}")
        return []
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'view'"
    user_views = [sql for name, sql in connection.exec_driver_sql(query) if name not in built_in]
    for name in names:
        connection.exec_driver_sql(f"DROP VIEW {quote(name)}")
    return user_views
