"""Checks a database: its file, references between rows, tables, text, and the digests of segments."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, Table, Text, func, inspect, select

from storage.digests import digests_of, stored_digests
from storage.errors import StorageError, named
from storage.paths import escaped
from storage.schema import faces, frames, metadata, segments, sessions
from storage.sqlite import SqliteDatabase
from storage.store import Store
from storage.views import views

#: How many faults of a kind are named.
_NAMED = 5


class Finding(NamedTuple):
    """The result of one check, in words for a person."""

    item: str
    result: str
    good: bool = True


def check(store: Store) -> list[Finding]:
    """Check whether the database is whole. What cannot be read is a fault, and the other checks go on.

    A server has checks of its own for its files, and takes no text that is not UTF-8.
    """
    checks: dict[str, tuple[Callable[[Store], Iterator[str]], str]] = {
        "references": (_references, "every row refers to one that is there"),
        "tables": (_tables, "those of this version"),
        "segments": (_segments, "their rows are those that detection wrote"),
    }
    if isinstance(store.database, SqliteDatabase):
        checks |= {"pages": (_pages, "they hang together"), "text": (_texts, "all of it is UTF-8")}
    return [_finding(item, faults(store), good) for item, (faults, good) in checks.items()]


def _finding(item: str, faults: Iterator[str], good: str) -> Finding:
    found: list[str] = []
    try:
        found += islice(faults, _NAMED + 1)
    except StorageError as error:
        found.append(str(error))
    except Exception as error:  # noqa: BLE001 -- whatever a damaged value raises where it is read
        found.append(f"a value cannot be read ({type(error).__name__}: {escaped(str(error))})")
    if not found:
        return Finding(item, good)
    more = "; and more" if len(found) > _NAMED else ""
    return Finding(item, f"{'; '.join(found[:_NAMED])}{more}; restore a copy of the database", good=False)


def _pages(store: Store) -> Iterator[str]:
    """Faults of the file: https://sqlite.org/pragma.html#pragma_quick_check."""
    with store.reading() as connection:
        for (text,) in connection.exec_driver_sql("PRAGMA quick_check"):
            if text != "ok":
                yield " ".join(str(text).split())


def _references(store: Store) -> Iterator[str]:
    with store.reading() as connection:
        if connection.dialect.name == "sqlite":
            for table, _, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
                yield f"a row of {table} refers to none of {parent}"
        yield from _tracks_that_are_not_there(connection)


def _tracks_that_are_not_there(connection: Connection) -> Iterator[str]:
    """The one reference that the tables do not keep by themselves (see `storage.schema.recordings`)."""
    tracks = metadata.tables["tracks"]
    same = (tracks.c.session_id == faces.c.session_id) & (tracks.c.track == faces.c.track)
    lost = select(faces.c.session_id, faces.c.track).distinct().outerjoin_from(faces, tracks, same)
    for session_id, track in connection.execute(lost.where(faces.c.track.is_not(None), tracks.c.track.is_(None))):
        yield f"faces of session {session_id} refer to track {track}, which is not there"


def _tables(store: Store) -> Iterator[str]:
    """What differs from the schema of this version; tables and views of users may be there, too."""
    with store.reading() as connection:
        found = inspect(connection)
        tables, view_names = set(found.get_table_names()), set(found.get_view_names())
        for table in metadata.sorted_tables:
            if table.name not in tables:
                yield f"there is no table {table.name}"
                continue
            columns = {column["name"]: bool(column["nullable"]) for column in found.get_columns(table.name)}
            key = found.get_pk_constraint(table.name)["constrained_columns"]
            expected = {column.name: bool(column.nullable) for column in table.c}
            if columns != expected or key != [column.name for column in table.primary_key]:
                yield f"the columns of {table.name} are not those of this version"
        for name in sorted(set(views()) - view_names):
            yield f"there is no view {name}"


def _texts(store: Store) -> Iterator[str]:
    """Columns of text with bytes that are not UTF-8, or with anything but text."""
    assert isinstance(store.database, SqliteDatabase)
    with named(store.database), closing(store.database.reader()) as connection:
        connection.text_factory = bytes
        for table, column in _text_columns():
            rows = connection.execute(f'SELECT DISTINCT typeof("{column}"), "{column}" FROM "{table.name}"')
            bad = sum(not _is_text(kind, value) for kind, value in rows)
            if bad:
                yield f"{bad} values of {table.name}.{column} are not text in UTF-8"


def _text_columns() -> Iterator[tuple[Table, str]]:
    for table in metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, Text):
                yield table, column.name


def _is_text(kind: bytes, value: bytes | None) -> bool:
    if value is None:
        return True
    try:
        return kind == b"text" and "\0" not in value.decode()
    except UnicodeDecodeError:
        return False


def _segments(store: Store) -> Iterator[str]:
    """Segments whose rows are not those that their digest was made of, or not as many as they count."""
    with store.reading() as connection:
        rows = connection.execute(
            select(sessions.c.session_id, sessions.c.settings).order_by(sessions.c.session_id)
        )
        for session_id, settings in rows.all():
            changed = _changed(connection, session_id)
            if not _is_aggregate(settings):
                changed |= _miscounted(connection, session_id)
            for number in sorted(changed):
                yield f"segment {number} of session {session_id} is not as it was written"


def _changed(connection: Connection, session_id: int) -> set[int]:
    stored = {number: digest for number, digest in stored_digests(connection, session_id).items() if digest}
    found = digests_of(connection, session_id, stored)
    return {number for number, digest in stored.items() if digest != found[number]}


def _miscounted(connection: Connection, session_id: int) -> set[int]:
    """Segments with another number of frames or faces than they say: all there is of those without a digest."""
    of_frame = (frames.c.session_id == faces.c.session_id) & (frames.c.pts == faces.c.pts)
    counted = {
        "frames": select(frames.c.segment, func.count()).where(frames.c.session_id == session_id),
        "faces": select(frames.c.segment, func.count())
        .join_from(faces, frames, of_frame)
        .where(faces.c.session_id == session_id),
    }
    wrong: set[int] = set()
    for name, rows in counted.items():
        there = {row[0]: row[1] for row in connection.execute(rows.group_by(frames.c.segment))}
        stored = select(segments.c.segment, segments.c[name]).where(segments.c.session_id == session_id)
        wrong |= {number for number, count in connection.execute(stored) if there.get(number, 0) != count}
    return wrong


def _is_aggregate(settings: str) -> bool:
    """Whether only the class was stored: its frames count faces that are not there."""
    return bool(json.loads(settings).get("aggregate_only"))
