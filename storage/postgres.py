"""A database on a PostgreSQL server: opened, locked, and what the server says in words for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import DiagnosticField
from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from storage.errors import DatabaseError
from storage.locks import HeldError
from storage.rights import check_functions
from storage.schema import metadata
from storage.sql import Token, line_and_column, replaced, tokens
from storage.sqlite import Values
from storage.urls import shown

#: How long one writer waits for another's transaction, s. Following an hour of 30 students takes half a minute.
LOCK_SECONDS = 300
#: How long the server may take to answer at all, s, unless the URL says otherwise.
CONNECT_SECONDS = 10
#: Where the schema's version stands. Not in the metadata: SQLite keeps it in the file's header.
VERSION_TABLE = "classpulse_version"
#: The first number of our advisory locks, "CLPU"; the second is a session's, or 0 for the whole database.
LOCK = 0x434C5055
#: The first number of those that hold a recording while it is analysed.
WORK = LOCK + 1
#: The first number of those under which a session is begun; the second is of its key.
BEGIN = LOCK + 2

#: Not a code of the server's, which only asks.
_NO_PASSWORD = "no password"
#: By the beginning of an error's code: https://www.postgresql.org/docs/current/errcodes-appendix.html
_REMEDIES = {
    "08": "the server cannot be reached; see whether it runs, and whether the address is right",
    "25006": "it is read-only",
    "28": "the server refuses the user or the password; correct the URL, or ~/.pgpass",
    _NO_PASSWORD: "the server asks for a password; write it in the URL, in PGPASSWORD or in ~/.pgpass",
    "3D": "the server has no such database; make it with createdb",
    "3F": "the server has no such schema; make it with CREATE SCHEMA",
    "42501": "the user has not the right to do this; have it granted",
    "53100": "the server's disk is full; free some space and run the same command again, what was committed stays",
    "53300": "the server has too many connections; run the same command again later",
    "55P03": "another process is writing to it{holder}; run the same command again when that has ended",
    "57P03": "the server is starting up or shutting down; run the same command again later",
    "57": "the server ended the connection; run the same command again, what was committed is kept",
}
#: The server's reasons to refuse a connection come without their code. The first that fits counts.
_REFUSALS = {
    "authentication": "28P01",
    "pg_hba.conf": "28000",
    "role ": "28000",
    "database system is": "57P03",  # ... starting up, shutting down
    "database ": "3D000",
    "too many": "53300",
    "connection slots": "53300",
}
#: The server is not there, starts, stops, has no connection left, or has ended one that held others up.
_AWAY = ("08", "57P", "53300", "25P03")
#: What a query of the user's cannot be blamed for: the server, its disk, its memory, or another's lock.
_NOT_THE_SQL = ("08", "40", "53", "55", "57", "58", "XX")


class PostgresDatabase:
    """A database on a server, or with `?options=-csearch_path%3Dschool` a schema in it."""

    errors = (psycopg.Error, DBAPIError)

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self.target = url.render_as_string(hide_password=False)
        self._name = shown(url)
        self.patience: float | None = None
        self.on_wait: Callable[[str], None] = lambda _: None

    @property
    def _patience(self) -> float:
        return LOCK_SECONDS if self.patience is None else self.patience

    def __str__(self) -> str:
        return self._name

    # -- opening

    def engine(self, *, must_exist: bool, read_only: bool) -> Engine:
        """Its transactions cannot write if `read_only`, whatever is asked. Connects when it is first used."""
        del must_exist  # a database that is not there is not made here either way
        options = {"fallback_application_name": "classpulse"}
        if "connect_timeout" not in self._url.query:
            options["connect_timeout"] = str(CONNECT_SECONDS)
        never = {"postgresql_readonly": True} if read_only else {}
        engine = create_engine(self._url, connect_args=options, execution_options=never)
        event.listen(
            engine, "connect", lambda connection, _: connection.adapters.register_loader("numeric", _Number)
        )
        return engine

    def opened(self, engine: Engine, *, read_only: bool) -> None:
        """Nothing is left to be done."""

    def close(self, engine: Engine) -> None:
        """Close the connections."""
        engine.dispose()

    @contextmanager
    def reading(self, engine: Engine) -> Iterator[Connection]:
        """A read-only transaction over one snapshot of the database, rolled back: some functions write."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with engine.execution_options(**options).connect() as connection:
            yield connection

    @contextmanager
    def writing(
        self, engine: Engine, session_id: int | None = None, key: str | None = None
    ) -> Iterator[Connection]:
        """A transaction that waits for every writer of the same session, or `key`; without either, for all writers.

        By advisory locks that end with it, so that nothing read inside is changed by another before it is written.
        """
        with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{round(1000 * self._patience)}ms'")
            if session_id is None and key is None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK}, 0)")
            else:
                kind, number = (LOCK, session_id) if key is None else (BEGIN, _number(key))
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({LOCK}, 0)")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({kind}, {number:d})")
            yield connection

    @contextmanager
    def held(self, engine: Engine, key: str) -> Iterator[None]:
        """By an advisory lock of a connection, with which it ends."""
        number = _number(key)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({WORK}, {number})").scalar_one():
                raise HeldError(self._holder(WORK, number % 2**32).strip(" ()") or "another process")
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({WORK}, {number})")

    # -- its schema

    def is_empty(self, connection: Connection) -> bool:
        """Whether no table has the name of a built-in one; other tables stay as they are."""
        existing = set(inspect(connection).get_table_names())
        return not existing & {VERSION_TABLE, *metadata.tables}

    def version(self, connection: Connection) -> int | None:
        """The version of its schema; None where the tables are another program's."""
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        return int(connection.execute(text(f"SELECT version FROM {VERSION_TABLE}")).scalar_one())

    def mark(self, connection: Connection, version: int) -> None:
        """Note that the schema is ours, and of this version."""
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version INTEGER NOT NULL)"))
        connection.execute(text(f"DELETE FROM {VERSION_TABLE}"))
        connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES (:version)"), {"version": version})

    @contextmanager
    def upgrading(self, engine: Engine) -> Iterator[Connection]:
        """The one transaction in which the schema changes; no other writes meanwhile."""
        with self.writing(engine) as connection:
            yield connection

    def back_up(self, version: int) -> None:
        """The server's business: `classpulse upgrade-db` advises pg_dump."""
        del version

    # -- what is deleted

    def check_erasable(self, engine: Engine) -> None:
        """Raise DatabaseError where the server would not rewrite a table for this user: VACUUM then only warns."""
        with self.reading(engine) as connection:
            maintain = connection.exec_driver_sql("SHOW server_version_num").scalar_one() >= "170000"
            allowed = "pg_has_role(owner, 'USAGE') OR pg_has_role(datdba, 'USAGE')"
            allowed += " OR has_table_privilege(oid, 'MAINTAIN')" if maintain else ""
            query = (
                "SELECT relname, rolname, current_user"
                " FROM (SELECT pg_class.oid, relname, relowner AS owner, datdba FROM pg_class, pg_database"
                " WHERE datname = current_database()"
                f" AND pg_class.oid IN ({', '.join(f'to_regclass({name!r})' for name in metadata.tables)})) AS ours"
                f" JOIN pg_roles ON pg_roles.oid = owner WHERE NOT ({allowed}) ORDER BY relname"
            )
            refused = connection.exec_driver_sql(query).all()
        if refused:
            tables, (_, owner, user) = ", ".join(row[0] for row in refused), refused[0]
            raise DatabaseError(
                f"{self}: nothing was deleted, since {user} does not own {tables}, and only who owns a table can "
                f"erase what is deleted from it; run the same command as {owner}, or GRANT {owner} TO {user} first"
            )

    def erase(self, engine: Engine) -> None:
        """Have the server write its tables anew, and see that it did; its log, archives and backups are its own.

        Raises DatabaseError for a table that stayed as it was, and for any warning of the server.
        """
        warnings: list[str] = []
        unwritten: list[str] = []

        def collect(notice: Any) -> None:
            if notice.severity_nonlocalized == "WARNING":
                warnings.append(str(notice.message_primary))

        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            driver: Any = connection.connection.driver_connection
            driver.add_notice_handler(collect)
            try:
                for table in metadata.tables:
                    file = f"SELECT pg_relation_filenode({table!r}::regclass)"
                    before = connection.exec_driver_sql(file).scalar_one()
                    self._vacuum(connection, table)
                    if connection.exec_driver_sql(file).scalar_one() == before:
                        unwritten.append(table)
            finally:
                driver.remove_notice_handler(collect)
                connection.exec_driver_sql("RESET lock_timeout")
        if unwritten or warnings:
            tables = f"tables as they were: {', '.join(unwritten)}"
            raise DatabaseError(f"{'; '.join([*warnings[:1], *([tables] if unwritten else [])])}")

    def _vacuum(self, connection: Connection, table: str) -> None:
        """Write a table anew; say so where it is waited for others that use it."""
        sql = f"VACUUM FULL {table}"
        try:
            connection.exec_driver_sql(f"SET lock_timeout = '{round(1000 * min(1, self._patience))}ms'")
            connection.exec_driver_sql(sql)
        except DBAPIError as error:
            if _code(error.orig or error) != "55P03":
                raise
            self.on_wait(f"{self} is in use{self._holder()}; waiting for up to {self._patience:g} s")
            connection.exec_driver_sql(f"SET lock_timeout = '{round(1000 * self._patience)}ms'")
            connection.exec_driver_sql(sql)

    # -- queries of users

    def query(
        self, connection: Connection, sql: str, values: Values, *, seconds: float | None, longest: int | None
    ) -> CursorResult[Any]:
        """Run SQL of the user's, with `?` or `:name` for the values.

        As a cursor in a read-only transaction: the server takes nothing but one SELECT or VALUES for a cursor, and
        thus no COPY to a file, no second statement and no COMMIT.
        """
        check_functions(connection, sql)
        if seconds is not None:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{round(1000 * seconds) + 1000}ms'")
        # Few rows at once where their size matters: the server has no limit for a value.
        cursor = connection.execution_options(stream_results=True, max_row_buffer=1000 if longest is None else 20)
        return cursor.exec_driver_sql(_for_driver(sql), values)

    def blame(self, connection: Connection, error: BaseException, sql: str, values: Values) -> str | None:
        """What is wrong with the user's SQL, in one line; None where the fault is not in it."""
        del values
        code = getattr(error, "sqlstate", None)
        if code and code.startswith(_NOT_THE_SQL):
            return None
        if code in ("25006", "0A000"):
            return f"the SQL would change a database; a query only reads ({_message(error)})"
        at = _position(connection, sql)
        where = "" if at is None else f" ({line_and_column(sql, at)})"
        return f"the SQL does not work: {_message(error)}{where}"

    # -- errors

    def explain(self, error: BaseException) -> str:
        """The message of the server or the driver, in one line with its remedy."""
        code, message = _code(error), _message(error)
        remedy = next((remedy for start, remedy in _REMEDIES.items() if code.startswith(start)), None)
        return (
            f"{remedy.format(holder=self._holder() if code == '55P03' else '')} ({message})" if remedy else message
        )

    def is_away(self, error: BaseException) -> bool:
        """Whether the server cannot be reached now, or ended the connection."""
        return _code(error).startswith(_AWAY)

    def check_shared(self) -> None:
        """Several machines can work in it."""

    def _holder(self, kind: int = LOCK, number: int | None = None) -> str:
        """The process that holds a lock of the `kind`, or the one with the `number`, as far as the server says."""
        query = (
            "SELECT pid, usename, application_name, coalesce(host(client_addr), 'the same machine')"
            " FROM pg_locks JOIN pg_stat_activity USING (pid)"
            f" WHERE locktype = 'advisory' AND classid = {kind} AND granted"
            f"{'' if number is None else f' AND objid = {number}'} LIMIT 1"
        )
        with suppress(DBAPIError, psycopg.Error):
            engine = self.engine(must_exist=True, read_only=True)
            with engine.connect() as connection:
                row = connection.exec_driver_sql(query).first()
            engine.dispose()
            if row:
                return f" (process {row[0]} of the server, for {row[1]}, {row[2]} at {row[3]})"
        return ""


def _position(connection: Connection, sql: str) -> int | None:
    """Where in the user's SQL the server finds a fault; None where it finds none, or does not say.

    It is only parsed, as a prepared statement, which is one statement and is never run.
    """
    places: list[int] = []
    numbered, last = "", 0
    for number, token in enumerate(_placeholders(sql), 1):
        places += range(last, token.at)
        numbered += sql[last : token.at] + f"${number}"
        places += [token.at] * len(f"${number}")
        last = token.at + len(token.text)
    numbered += sql[last:]
    places += range(last, len(sql) + 1)
    driver: Any = connection.connection.driver_connection
    driver.rollback()
    position = driver.pgconn.prepare(b"", numbered.encode()).error_field(DiagnosticField.STATEMENT_POSITION)
    return places[min(int(position) - 1, len(places) - 1)] if position else None


def _placeholders(sql: str) -> list[Token]:
    return [token for token in tokens(sql, "postgres") if token.kind == "parameter"]


def _for_driver(sql: str) -> str:
    """The SQL with what the driver has for `?` and `:name`; any other % is doubled."""
    changes = {token: f"%({token.text[1:]})s" if token.text[1:] else "%s" for token in _placeholders(sql)}
    return replaced(sql, changes, lambda text: text.replace("%", "%%"))


class _Number(Loader):
    """numeric as int or float: Decimals are of no use beside them."""

    def load(self, data: Buffer) -> int | float:
        digits = bytes(data)
        return int(digits) if digits.lstrip(b"-").isdigit() else float(digits)


def _number(key: str) -> int:
    """Of a hexadecimal key, as large as a lock's second number may be."""
    return int.from_bytes(bytes.fromhex(key[:8]), "big", signed=True)


def _code(error: BaseException) -> str:
    """The error's code; "08" for a connection that could not be made, for which the driver gives none."""
    code: str | None = getattr(error, "sqlstate", None)
    if code or not isinstance(error, psycopg.OperationalError):
        return code or ""
    if "no password supplied" in str(error):  # the driver's words, not the server's
        return _NO_PASSWORD
    _, refused, reason = str(error).rpartition("FATAL:")
    return next((code for word, code in _REFUSALS.items() if refused and word in reason), "08001")


def _message(error: BaseException) -> str:
    """The driver's own words, in one line."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(primary or str(error).rpartition("failed: ")[2].splitlines()[0]).strip()
