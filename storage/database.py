"""Opens a database file: checks that it is ours and of this schema, and makes it where there is none."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import DatabaseError, named
from storage.schema import APPLICATION_ID, SCHEMA_VERSION, metadata

#: How long one process waits for another's transaction, s. The longest of ours, following an hour, takes a few.
BUSY_SECONDS = 60


def path_of(target: str | Path) -> Path:
    """The file that `classpulse.db` or `sqlite:///school.db` means; other addresses raise DatabaseError."""
    text = str(target)
    if "://" not in text and text != ":memory:":
        return Path(text)
    try:
        url = make_url(text)
    except ArgumentError:
        url = make_url("other://")
    if url.get_backend_name() != "sqlite" or url.query or url.database in (None, "", ":memory:"):
        raise DatabaseError(f"{text}: not an SQLite file; write school.db or sqlite:///school.db", exit_status=2)
    return Path(str(url.database))


def open_engine(path: Path, *, must_exist: bool, read_only: bool) -> Engine:
    """A SQLAlchemy engine on the database at `path`, which is made unless it `must_exist` or is to be `read_only`.

    Its connections keep foreign keys, and a commit returns when the disk has the rows (WAL, synchronous = FULL).
    Transactions begin with the text of the execution option `begin`, by default BEGIN: a writer's BEGIN IMMEDIATE
    waits for its turn at once, instead of failing half-way.

    Raises DatabaseError, and leaves the file as it is, where it cannot be read (or written, unless `read_only`),
    is damaged, belongs to another program, or has another schema version.
    """
    try:
        _check_file(path, must_exist=must_exist or read_only, read_only=read_only)
    except OSError as error:
        if isinstance(error, DatabaseError):
            raise
        raise DatabaseError(
            f"{path}: {error.strerror}; check the permissions of the file and its folder"
        ) from error
    engine = create_engine("sqlite://", creator=lambda: _connect(path, read_only), poolclass=QueuePool)
    event.listen(
        engine,
        "begin",
        lambda connection: connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN")),
    )
    try:
        with named(path):
            _prepare(engine, path, read_only)
    except BaseException:
        engine.dispose()  # or its idle connection would hold the file
        raise
    return engine


def _prepare(engine: Engine, path: Path, read_only: bool) -> None:
    with engine.begin() as connection:
        empty = _is_empty(connection)
    if empty and not read_only:
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            if _is_empty(connection):  # still: another process may have been quicker
                _create(connection)
    with engine.begin() as connection:
        _check_schema(connection, path)
    if not read_only:
        _write_ahead(engine)


def _check_file(path: Path, *, must_exist: bool, read_only: bool) -> None:
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(16)
        if head not in (b"", b"SQLite format 3\0"):
            raise DatabaseError(f"{path}: not an SQLite database, and left as it is; name another file")
        if not (read_only or os.access(path, os.W_OK)):
            raise DatabaseError(f"{path}: it is read-only; make it writable, or name another database")
    elif path.exists():
        kind = "a folder" if path.is_dir() else "not a file"
        raise DatabaseError(f"{path}: it is {kind}; name a file, for example classpulse.db", exit_status=2)
    elif must_exist:
        raise DatabaseError(f"{path}: there is no such database; analyse a recording first", exit_status=2)
    elif not path.parent.is_dir():
        raise DatabaseError(f"{path}: there is no folder {path.parent}; make it first", exit_status=2)
    if not (read_only or os.access(path.parent, os.W_OK | os.X_OK)):
        raise DatabaseError(f"{path}: its folder is read-only; make it writable, or name another database")


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    mode = "mode=ro" if read_only else "mode=rwc"
    if read_only and not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists():
        mode += "&immutable=1"  # nobody can write, and SQLite cannot make the lock file that WAL asks of a reader
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say so (the engine's event), DDL included
        check_same_thread=False,  # the pool hands a connection to one thread at a time
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # ATTACH and VACUUM INTO would write another file
    return connection


def _is_empty(connection: Connection) -> bool:
    return not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()


def _create(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    for statement in Path(__file__).with_name("views.sql").read_text("utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _check_schema(connection: Connection, path: Path) -> None:
    if connection.exec_driver_sql("PRAGMA application_id").scalar_one() != APPLICATION_ID:
        raise DatabaseError(f"{path}: a database of another program, and left as it is; name another file")
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version != SCHEMA_VERSION:
        remedy = "install a newer classpulse" if version > SCHEMA_VERSION else "analyse into a new database"
        raise DatabaseError(f"{path}: has schema version {version}, expected {SCHEMA_VERSION}; {remedy}")


def _write_ahead(engine: Engine) -> None:
    """Readers and a writer at the same time; the file remembers it. SQLite changes it outside transactions only."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
