"""Deletes people and sessions for good: their rows, and the remains of deleted rows in the file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from storage.digests import intact, write_digests
from storage.errors import DatabaseError, named
from storage.schema import corrections, faces, frames, people, seats, segments, sessions, students, tracks
from storage.store import Store, now


def delete_faces(store: Store, session_id: int, pts: npt.NDArray[np.int64], face: npt.NDArray[np.int64]) -> None:
    """Delete faces of a session, named by their (`pts`, `face`); its frames and segments count those that stay.

    Segments that were as they had been written have the digest of what stays.
    """
    with store.writing() as connection:
        _overwrite(connection)
        of_session = select(frames.c.pts, frames.c.segment).where(frames.c.session_id == session_id)
        segment_of = {int(frame_pts): int(segment) for frame_pts, segment in connection.execute(of_session)}
        whole = intact(connection, session_id, {segment_of[frame_pts] for frame_pts in pts.tolist()})
        key = delete(faces).where(faces.c.session_id == session_id)
        rows = [
            {"its_pts": frame_pts, "its_face": number}
            for frame_pts, number in zip(pts.tolist(), face.tolist(), strict=True)
        ]
        if rows:
            connection.execute(
                key.where(faces.c.pts == bindparam("its_pts"), faces.c.face == bindparam("its_face")), rows
            )
        of_frame = (faces.c.session_id == frames.c.session_id) & (faces.c.pts == frames.c.pts)
        counted = select(func.count()).select_from(faces).where(of_frame).scalar_subquery()
        connection.execute(update(frames).where(frames.c.session_id == session_id).values(faces=counted))
        of_segment = (frames.c.session_id == segments.c.session_id) & (frames.c.segment == segments.c.segment)
        summed = select(func.coalesce(func.sum(frames.c.faces), 0)).where(of_segment).scalar_subquery()
        connection.execute(update(segments).where(segments.c.session_id == session_id).values(faces=summed))
        write_digests(connection, session_id, whole)


def settle_corrections(store: Store, session_id: int, arguments: Mapping[str, Any]) -> None:
    """Make the present students the tracker's output; one correction, `forget`, replaces all earlier ones."""
    with store.writing() as connection:
        _overwrite(connection)
        rows = update(tracks).where(tracks.c.session_id == session_id)
        connection.execute(rows.values(found=tracks.c.student, part_of=tracks.c.track))
        connection.execute(delete(corrections).where(corrections.c.session_id == session_id))
        row = {"session_id": session_id, "correction": 1, "action": "forget", "arguments": json.dumps(arguments)}
        connection.execute(insert(corrections).values(**row, made=now()))


def delete_sessions(store: Store, numbers: Collection[int]) -> None:
    """Delete sessions with everything that belongs to them."""
    with store.writing() as connection:
        _overwrite(connection)
        for number in numbers:
            store.delete_session(number)


def delete_unused_names(store: Store) -> None:
    """Delete the names of people in no session, no roster and no correction: also those that were changed."""
    with store.writing() as connection:
        _overwrite(connection)
        used = set(connection.scalars(select(students.c.person))) | set(connection.scalars(select(seats.c.person)))
        for arguments in connection.scalars(select(corrections.c.arguments)):
            used |= set(json.loads(arguments).get("persons", {}).values())
        unused = [person for person in connection.scalars(select(people.c.person)) if person not in used]
        connection.execute(delete(people).where(people.c.person.in_(unused)))


def delete_persons(store: Store, persons: Collection[int]) -> list[int]:
    """Delete names and seats in rosters of those `persons` who are a student in no session; returns these."""
    with store.writing() as connection:
        _overwrite(connection)
        present = set(connection.scalars(select(students.c.person).where(students.c.person.in_(persons))))
        deleted = [person for person in persons if person not in present]
        for table in (seats, people):
            connection.execute(delete(table).where(table.c.person.in_(deleted)))
    return deleted


def sessions_before(store: Store, date: str) -> list[int]:
    """The sessions recorded (or, where the file does not say when, analysed) before `date`, ISO 8601 in UTC."""
    recorded = func.coalesce(sessions.c.recorded, sessions.c.created)
    with store.reading() as connection:
        return list(
            connection.scalars(select(sessions.c.session_id).where(recorded < date).order_by(sessions.c.session_id))
        )


@contextmanager
def erasing(store: Store) -> Iterator[None]:
    """A transaction whose deletions are erased from the database when it is over; see `clean`.

    Raises DatabaseError, before anything is deleted, where the user may delete rows but not erase them.
    """
    with named(store.database):
        store.database.check_erasable(store.engine)
    with store.writing() as connection:
        _overwrite(connection)
        yield
    clean(store)


def clean(store: Store) -> None:
    """Leave nothing of deleted rows: neither in free pages nor in the write-ahead log.

    SQLite writes the whole file anew, and empties the log. PostgreSQL writes its tables anew; its own log, archives
    and backups are the server's. Raises DatabaseError where another process holds the database all the while, and
    where the server does not do it.
    """
    with named(store.database):
        store.database.check_erasable(store.engine)
    try:
        store.database.erase(store.engine)
    except (DatabaseError, DBAPIError, sqlite3.Error) as error:
        raise DatabaseError(
            f"{store.database}: the rows are gone, but not yet what the file still holds of them "
            f"({getattr(error, 'orig', error)}); when no other has it open and there is room for a copy, "
            "run `classpulse forget --clean`"
        ) from error


def _overwrite(connection: Connection) -> None:
    """Have SQLite write zeros over what is deleted: VACUUM, which comes after, may fail where the disk is full."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
