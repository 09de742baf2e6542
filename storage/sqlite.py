"""A database in an SQLite file: opened, checked, copied, and what SQLite says in words for a person."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from glob import escape
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Pool, QueuePool, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from storage.errors import DatabaseError
from storage.files import DatabaseFile, NoFile
from storage.holders import users_of, writers_of
from storage.locks import held
from storage.rights import only_reads
from storage.sql import explain

#: Values for a query's parameters, by name or in order.
Values = dict[str, Any] | tuple[Any, ...]
#: How long one process waits for another's transaction, s. Following an hour of 30 students takes half a minute.
BUSY_SECONDS = 300
#: How long it waits before it says so, s.
QUIET_SECONDS = 1
#: In the header of every SQLite file of ours: "CLPU", https://sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID = 0x434C5055

#: By the beginning of SQLite's name for an error (https://sqlite.org/rescode.html).
_REMEDIES = {
    "SQLITE_FULL": "the disk is full; free some space and run the same command again, what was committed is kept",
    "SQLITE_BUSY": "another process is writing to it{holder}; run the same command again when that has ended",
    "SQLITE_LOCKED": "another process is writing to it{holder}; run the same command again when that has ended",
    "SQLITE_READONLY": "it is read-only; make the file and its folder writable, or name another database",
    "SQLITE_AUTH": "it is opened for reading only; nothing was changed",
    "SQLITE_CANTOPEN": "it cannot be opened; check the permissions of the file and of its folder",
    "SQLITE_NOTADB": "it is damaged, and was left as it is; restore a copy, or name another database",
    "SQLITE_CORRUPT": "it is damaged, and was left as it is; restore a copy, or name another database",
    "SQLITE_IOERR": "the disk does not read or write; see whether it is full or gone",
}


def backups_of(path: Path) -> list[Path]:
    """The copies that upgrades made of the database at `path`, and what is left of one that was killed."""
    return sorted(
        [*path.parent.glob(f"{escape(path.name)}.v*-backup*"), *path.parent.glob(escape(_part(path).name))]
    )


def _part(path: Path) -> Path:
    """The copy of the database at `path` while it is being made."""
    return path.with_name(f"{path.name}.backup-part")


class SqliteDatabase:
    """An SQLite file. Its text is the path, for messages."""

    # The last: of a damaged schema even SQLite's messages may not be UTF-8.
    errors = (sqlite3.Error, sqlite3.Warning, DBAPIError, UnicodeDecodeError)
    pool: type[Pool] = QueuePool
    file_type: type[DatabaseFile] = DatabaseFile

    def __init__(self, path: Path) -> None:
        self.path = self.target = path
        self.patience: float | None = None
        """How long another's transaction is waited for, s; None: BUSY_SECONDS."""
        self.on_wait: Callable[[str], None] = lambda _: None
        """Told in words for what is waited, where that is long."""
        self._file = self.file_type(path)

    @property
    def _patience(self) -> float:
        return BUSY_SECONDS if self.patience is None else self.patience

    def __str__(self) -> str:
        return str(self.path)

    # -- opening

    def engine(self, *, must_exist: bool, read_only: bool) -> Engine:
        """Its connections keep foreign keys, and a commit returns when the disk has the rows.

        Raises DatabaseError where the file cannot be read (or written, unless `read_only`), or is of another kind.
        """
        try:
            with self._file.opening():
                self._check_file(must_exist=must_exist or read_only, read_only=read_only)
        except OSError as error:
            if isinstance(error, DatabaseError):
                raise
            raise DatabaseError(
                f"{self.path}: {error.strerror}; check the permissions of the file and its folder"
            ) from error
        engine = create_engine("sqlite://", creator=lambda: self._connect(read_only), poolclass=self.pool)
        event.listen(
            engine,
            "begin",
            lambda connection: connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN")),
        )
        return engine

    def opened(self, engine: Engine, *, read_only: bool) -> None:
        """Readers and a writer at the same time (WAL); the file remembers it. Never within a transaction."""
        if not read_only:
            with closing(engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA journal_mode = WAL")

    def close(self, engine: Engine) -> None:
        """Let go of the file, and of the `-wal` and `-shm` beside it that a reader has made and may not remove."""
        engine.dispose()
        self._file.closed()
        log = self._file.log
        with suppress(OSError, *self.errors):
            if log.stat().st_size == 0 and os.access(self.path, os.W_OK):
                # The last one that could write removes them when it closes; nothing happens where another is there.
                with closing(
                    sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", uri=True, timeout=0)
                ) as last:
                    last.execute("SELECT count(*) FROM sqlite_master")

    @contextmanager
    def reading(self, engine: Engine) -> Iterator[Connection]:
        """A transaction over one snapshot of the database."""
        with engine.begin() as connection:
            try:
                yield connection
            except self.errors as error:
                self._file.check_frozen(error)
                raise
            self._file.check_frozen()

    @contextmanager
    def writing(
        self, engine: Engine, session_id: int | None = None, key: str | None = None
    ) -> Iterator[Connection]:
        """A transaction that waits for its turn at once, instead of failing half-way; one writes at a time."""
        del session_id, key
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            yield connection
            self._file.check_place()  # before it is committed, and after: nothing that is lost is said to be kept
        self._file.check_place()

    def held(self, engine: Engine, key: str) -> AbstractContextManager[None]:
        """By a lock file beside the database, which is removed afterwards; it ends with this process."""
        del engine
        return held(self.path.with_name(f"{self.path.name}-{key[:12]}.lock"))

    def reader(self) -> sqlite3.Connection:
        """A connection of the driver itself that can only read, and no other file."""
        return self._connect(True)

    def _check_file(self, *, must_exist: bool, read_only: bool) -> None:
        path = self.path
        if path.is_file():
            head = self._file.head()
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

    def _connect(self, read_only: bool) -> sqlite3.Connection:
        path = self.path
        mode = "mode=ro" if read_only else "mode=rwc"
        if not read_only:
            self._file.make()
            self._file.check_place()
        elif not (os.access(path.parent, os.W_OK) or self._file.log.exists()):
            mode += "&immutable=1"  # SQLite cannot make the lock file that WAL asks of a reader
            self._file.freeze()
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=self._patience,
            isolation_level=None,  # transactions begin where we say so (the engine's event), DDL included
            check_same_thread=False,  # the pool hands a connection to one thread at a time
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # ATTACH, VACUUM INTO would write another file
            connection.set_authorizer(only_reads)
        return connection

    # -- its schema

    def is_empty(self, connection: Connection) -> bool:
        """Whether nothing was ever made in it."""
        return not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()

    def version(self, connection: Connection) -> int | None:
        """The version of its schema; None for a database of another program."""
        if connection.exec_driver_sql("PRAGMA application_id").scalar_one() != APPLICATION_ID:
            return None
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())

    def mark(self, connection: Connection, version: int) -> None:
        """Note that the schema is ours, and of this version."""
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")

    @contextmanager
    def upgrading(self, engine: Engine) -> Iterator[Connection]:
        """The one transaction in which the schema changes: dropping a table deletes no rows that refer to it.

        What refers to nothing at its end undoes it all. https://sqlite.org/lang_altertable.html#otheralter
        """
        with engine.execution_options(begin="BEGIN IMMEDIATE").connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("PRAGMA foreign_keys = OFF")  # without effect once a transaction has begun
            try:
                with connection.begin():
                    yield connection
                    if lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                        raise DatabaseError(
                            f"{self}: a row of {lost[0]} refers to none of {lost[2]}; nothing changed"
                        )
            finally:
                raw.execute("PRAGMA foreign_keys = ON")

    def back_up(self, version: int) -> Path:
        """A copy of what is committed, beside the file and in no other's place; there as a whole or not at all."""
        part = _part(self.path)
        part.unlink(missing_ok=True)  # of a backup that was killed
        try:
            part.touch(0o600)
            with closing(self._connect(True)) as source, closing(sqlite3.connect(part)) as copy:
                source.backup(copy, pages=4096)
            shutil.copymode(self.path, part)
            for number in range(1, 1000):
                more = f"-{number}" if number > 1 else ""
                backup = self.path.with_name(f"{self.path.name}.v{version}-backup{more}")
                if not backup.exists():
                    return part.rename(backup)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        raise DatabaseError(f"{self}: there are 1000 backups beside it; remove some")

    # -- what is deleted

    def check_erasable(self, engine: Engine) -> None:
        """Whoever may delete may erase."""

    def erase(self, engine: Engine) -> None:
        """Write the whole file anew, and empty the log. Raises sqlite3.OperationalError where another holds it."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            cursor: Any = connection.connection.cursor()  # outside of any transaction
            try:
                for sql in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    if _is_busy(cursor, sql, min(QUIET_SECONDS, self._patience)):
                        self.on_wait(
                            f"{self.path} is in use{users_of(self.path)}; waiting for up to {self._patience:g} s"
                        )
                        if _is_busy(cursor, sql, self._patience):
                            raise sqlite3.OperationalError(f"another process uses it{users_of(self.path)}")
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {round(1000 * self._patience)}")

    # -- queries of users

    def query(
        self, connection: Connection, sql: str, values: Values, *, seconds: float | None, longest: int | None
    ) -> CursorResult[Any]:
        """Run SQL of the user's, with `?` or `:name` for the values; the connection was opened read-only."""
        del seconds  # who waits for it interrupts it
        if longest is not None:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
        return connection.exec_driver_sql(sql, values)

    def blame(self, connection: Connection, error: BaseException, sql: str, values: Values) -> str | None:
        """What is wrong with the user's SQL, and where, in one line; None where the fault is not in it."""
        code = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
        if code == "SQLITE_TOOBIG":
            return "the SQL makes a value that is too long; ask for parts of it, as with substr"
        if code.startswith(("SQLITE_AUTH", "SQLITE_READONLY")) or "too many attached" in str(error):
            return "the SQL would change a database; a query only reads"
        if code != "SQLITE_ERROR":
            return None

        def refusal(statement: str) -> str:
            """SQLite's message about SQL that it only parses; "" if it is valid."""
            try:
                connection.exec_driver_sql(f"EXPLAIN {statement}", values)
            except self.errors as refused:
                return str(getattr(refused, "orig", None) or refused)
            return ""

        return f"the SQL does not work: {explain(sql, str(error), refusal)}"

    # -- errors

    def explain(self, error: BaseException) -> str:
        """SQLite's message, in one line with its remedy."""
        unreadable = isinstance(error, UnicodeDecodeError)
        name = "SQLITE_CORRUPT" if unreadable else getattr(error, "sqlite_errorname", "")
        remedy = next((text for code, text in _REMEDIES.items() if name.startswith(code)), None)
        return f"{remedy.format(holder=writers_of(self.path))} ({error})" if remedy else str(error)

    def is_away(self, error: BaseException) -> bool:
        """Never: a file has no server."""
        del error
        return False

    def check_shared(self) -> None:
        """Raise DatabaseError: locks of a file hold on one machine alone."""
        raise DatabaseError(
            f"{self}: several machines cannot share an SQLite file, whose locks hold on one machine alone; name a "
            "PostgreSQL server (--db postgresql://user@host/school)",
            exit_status=2,
        )


def _is_busy(cursor: sqlite3.Cursor, sql: str, patience: float) -> bool:
    """Run it; whether another process kept it from being done for so long, s."""
    cursor.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")
    try:
        row = cursor.execute(sql).fetchone()
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise
        return True
    return bool(row and row[0])  # a checkpoint returns it


class MemoryDatabase(SqliteDatabase):
    """A database in this process's memory alone: it is never written to a disk, and ends with its connection."""

    pool = StaticPool
    file_type = NoFile

    def __init__(self) -> None:
        super().__init__(Path(":memory:"))

    def held(self, engine: Engine, key: str) -> AbstractContextManager[None]:
        """Nobody else has it."""
        del engine, key
        return nullcontext()

    def _check_file(self, *, must_exist: bool, read_only: bool) -> None:
        pass

    def _connect(self, read_only: bool) -> sqlite3.Connection:  # noqa: ARG002
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")  # a large sort would go to a file
        return connection
