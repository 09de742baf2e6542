"""Columns into SQL rows and back: NumPy arrays on one side, plain Python values on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    insert,
    literal_column,
    update,
)

#: Equally long arrays by the names of a table's columns. In whole numbers that may be NULL, -1 stands for none.
Columns = Mapping[str, npt.NDArray[Any]]
#: Makes an array of as many rows of a column of byte strings, which may be None.
Unpack = Callable[[npt.NDArray[np.object_]], npt.NDArray[Any]]


def insert_columns(connection: Connection, table: Table, columns: Columns, **key: int) -> None:
    """Insert the rows that `columns` make, each with the same `key`.

    By the driver's executemany, in a third of the time of SQLAlchemy with a dict a row; by COPY on PostgreSQL.
    """
    count = len(next(iter(columns.values())))
    values = {name: [value] * count for name, value in key.items()}
    values |= {name: sql_values(table.c[name], array) for name, array in columns.items()}
    names = tuple(column.name for column in table.c if column.name in values)  # as the compiled statement has them
    rows: Any = zip(*(values[name] for name in names), strict=True)  # drawn one by one: the list would be slower
    if connection.dialect.name == "postgresql":
        _copy(connection, table.name, names, rows)
    else:
        connection.connection.cursor().executemany(_insert_statement(table, names, connection.dialect), rows)


def update_columns(connection: Connection, table: Table, columns: Columns, by: Columns, **key: int) -> int:
    """Give the rows that have the values `by` and `key` the values of `columns`; returns how many it updated."""
    names = (*(f"new_{name}" for name in columns), *(f"its_{name}" for name in by))
    arrays = {**{table.c[name]: array for name, array in columns.items()}, **{table.c[n]: a for n, a in by.items()}}
    conditions: list[Any] = [table.c[name] == literal_column(str(int(value))) for name, value in key.items()]
    if connection.dialect.name == "postgresql":
        # One statement: by itself each row would cost the server as much as a hundred of them.
        new = Table("new_values", MetaData(), *map(Column, names, (c.type for c in arrays)), prefixes=["TEMPORARY"])
        new.create(connection)
        _copy(connection, new.name, names, chain.from_iterable(_parts(arrays)))
        conditions += [table.c[name] == new.c[f"its_{name}"] for name in by]
        values: dict[str, Any] = {name: new.c[f"new_{name}"] for name in columns}
        count = connection.execute(update(table).where(*conditions).values(values)).rowcount
        new.drop(connection)
        return count
    conditions += [table.c[name] == bindparam(f"its_{name}") for name in by]
    values = {name: bindparam(f"new_{name}") for name in columns}
    statement = str(update(table).where(*conditions).values(values).compile(dialect=connection.dialect))
    return sum(connection.exec_driver_sql(statement, rows).rowcount for rows in _parts(arrays))


def _parts(arrays: Mapping[Column[Any], npt.NDArray[Any]], rows: int = 10_000) -> Iterator[list[tuple[Any, ...]]]:
    """The rows as SQL takes them, some at a time: an hour's would be most of the memory of tracking."""
    for start in range(0, len(next(iter(arrays.values()))), rows):
        values = [sql_values(column, array[start : start + rows]) for column, array in arrays.items()]
        yield list(zip(*values, strict=True))


def _copy(connection: Connection, table: str, names: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {quote(table)} ({', '.join(map(quote, names))}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


@lru_cache
def _insert_statement(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect, column_keys=names))


def sql_values(column: Column[Any], array: npt.ArrayLike) -> list[Any]:
    """The array as SQL takes it: real numbers rounded to the column's decimals, None for NaN and for none."""
    array = np.asarray(array)
    if "decimals" in column.info:
        array = np.round(array.astype(np.float64), column.info["decimals"]) + 0.0  # + 0.0: no -0.0
        missing = np.isnan(array)
    elif column.nullable and isinstance(column.type, Integer):
        missing = array == -1
    else:
        return list(array.tolist())
    if missing.any():
        array = array.astype(object)
        array[missing] = None
    return list(array.tolist())


def read_columns(
    connection: Connection, statement: Select[Any], unpack: Mapping[str, Unpack] = MappingProxyType({})
) -> dict[str, npt.NDArray[Any]]:
    """The columns of the rows, by name: int64, float64 (NaN for NULL), bool, or objects (text, bytes).

    Fetched from the driver itself, which takes half the time of SQLAlchemy's rows, and in chunks so small that they
    become arrays while they are in the processor's cache, which halves it again. A column of bytes that is named in
    `unpack` becomes what that makes of it, chunk by chunk: the bytes of an hour's faces would fill the memory.
    """
    columns: list[Any] = list(statement.selected_columns)
    arrays = [_array(column, (), unpack).copy() for column in columns]
    count = 0
    with closing(_cursor(connection, statement)) as cursor:
        while rows := cursor.fetchmany(300):
            if count + len(rows) > len(arrays[0]):  # in place, little at a time: twice the columns would not fit
                for array in arrays:
                    array.resize((count + count // 4 + 3000, *array.shape[1:]), refcheck=False)
            for array, column, values in zip(arrays, columns, zip(*rows, strict=True), strict=True):
                array[count : count + len(rows)] = _array(column, values, unpack)
            count += len(rows)
    for array in arrays:
        array.resize((count, *array.shape[1:]), refcheck=False)
    return {column.name: array for column, array in zip(columns, arrays, strict=True)}


def _cursor(connection: Connection, statement: Select[Any]) -> Any:
    """The driver's cursor over the rows, which are fetched on demand."""
    if connection.dialect.name != "postgresql":
        return connection.execute(statement).cursor
    compiled = statement.compile(dialect=connection.dialect)
    driver: Any = connection.connection.driver_connection
    return driver.cursor(name="columns").execute(str(compiled), compiled.params)


def _array(column: Column[Any], values: Sequence[Any], unpack: Mapping[str, Unpack]) -> npt.NDArray[Any]:
    if isinstance(column.type, Text | LargeBinary):
        array = np.empty(len(values), object)
        array[:] = values
        return unpack[column.name](array) if column.name in unpack else array
    if isinstance(column.type, Boolean):
        return np.array(values, np.bool_)
    if not isinstance(column.type, Integer):
        return np.array(values, np.float64)  # None becomes NaN
    if column.nullable:
        values = [-1 if value is None else value for value in values]
    return np.array(values, np.int64)
