"""SQL of the user's: asked, counted, and interrupted where it takes too long."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, CursorResult

from storage.errors import QueryError
from storage.sql import parameters as named_in
from storage.store import Store


def query(
    target: str | Path,
    sql: str,
    parameters: Mapping[str, Any] | Sequence[Any] = (),
    *,
    most: int | None = None,
    seconds: float | None = None,
    most_bytes: int | None = None,
) -> pd.DataFrame:
    """The rows of one SQL statement, with `?` or `:name` standing for the `parameters`.

    The database is opened read-only, and no other file can be reached: `sql` cannot change anything.
    Raises QueryError in one line for invalid SQL, with the place, and for SQL that does more than read. At most
    `most` rows are returned, after so many `seconds` the query is interrupted with a QueryError, and so it is where
    its rows take more than `most_bytes` of memory.
    """
    with answered(target, sql, parameters, seconds=seconds, most_bytes=most_bytes) as (names, rows):
        return exact_frame(list(rows if most is None else islice(rows, most)), names)


@contextmanager
def answered(
    target: str | Path,
    sql: str,
    parameters: Mapping[str, Any] | Sequence[Any] = (),
    *,
    seconds: float | None = None,
    most_bytes: int | None = None,
    longest: int | None = None,
) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """The names of the columns, and the rows as they come, none of which stays in memory; otherwise as `query`.

    No value is `longest` bytes or more, by default `most_bytes`.
    """
    values = dict(parameters) if isinstance(parameters, Mapping) else tuple(parameters)
    for name in () if values and isinstance(values, tuple) else named_in(sql):
        if name not in values:
            raise QueryError(f"the SQL needs a value for :{name}; add -p {name}=VALUE")
    with Store.open(target, must_exist=True, read_only=True) as store, store.reading() as connection:
        try:
            with _interruptible(connection, seconds):
                result = store.database.query(
                    connection, sql, values, seconds=seconds, longest=most_bytes if longest is None else longest
                )
                if not result.returns_rows:
                    raise QueryError("the SQL returns no rows; a query begins with SELECT")
                yield list(result.keys()), _counted(result, most_bytes)
        except store.database.errors as error:
            cause = getattr(error, "orig", None) or error
            if fault := store.database.blame(connection, cause, sql, values):
                raise QueryError(fault) from error
            raise  # not the SQL but the database, which the store names


def _counted(result: CursorResult[Any], most_bytes: int | None) -> Iterator[tuple[Any, ...]]:
    """The rows, as long as they take no more than so many bytes of memory together."""
    taken = 0
    for row in result:
        if most_bytes is not None:
            taken += sum(map(sys.getsizeof, row))
            if taken > most_bytes:
                raise QueryError(
                    f"the answer is larger than {most_bytes / 1e6:.0f} MB; ask for fewer columns or rows"
                )
        yield tuple(row)


@contextmanager
def _interruptible(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Interrupt the database after so many seconds, and at a signal, which Python handles only after it."""
    driver: Any = connection.connection.driver_connection
    interrupt = driver.interrupt if hasattr(driver, "interrupt") else driver.cancel  # SQLite's, else PostgreSQL's
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        interrupt()

    timer = threading.Timer(seconds or 0, expire)
    try:
        if seconds is not None:
            timer.start()
        with _at_signal(interrupt):
            yield
    except Exception as error:
        if expired.is_set():
            raise QueryError(f"the question took longer than {seconds:g} s; ask for less") from error
        raise
    finally:
        timer.cancel()


@contextmanager
def _at_signal(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` from another thread as soon as a signal with a handler arrives (`signal.set_wakeup_fd`)."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)

    def wait() -> None:
        while receiver.recv(1):
            interrupt()

    waiting = threading.Thread(target=wait, daemon=True)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    waiting.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        sender.close()
        waiting.join()
        receiver.close()


def exact_frame(rows: list[tuple[Any, ...]], names: list[str]) -> pd.DataFrame:
    """The rows as a DataFrame, in which whole numbers stay whole beside NULL: pandas would make 3.0 of 3."""
    table = pd.DataFrame.from_records(rows, columns=names)
    for place, values in enumerate(zip(*rows, strict=True)):  # by place: names may come twice
        if set(map(type, values)) == {int, type(None)}:
            table.isetitem(place, pd.array(values, "Int64"))
    return table
