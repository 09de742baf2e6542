"""Reads: tables as pandas DataFrames, columns as arrays for the passes, and any SQL that only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Column, Connection, Integer, Select, Table, and_, func, select, union

from storage import schema
from storage.asking import answered as answered
from storage.asking import exact_frame
from storage.asking import query as query
from storage.columns import Unpack, read_columns
from storage.paths import path_of
from storage.store import Store
from storage.views import views

#: Columns of a judgement in every row of the views.
_JUDGEMENT = ("session_id", "session", "judgement_id", "judgement", "latest")
_NAME = schema.people.c.name
_STUDENTS_PERSON = schema.people.c.person == schema.students.c.person

#: Columns that identify rows, in the order of display.
_NUMBERS = ("judgement_id", "window", "start", "pts", "face", "student", "track")


def recordings(target: str | Path) -> list[Path]:
    """Where the recordings of a database's sessions are, or were. Opens it to read."""
    with Store.open(target, must_exist=True, read_only=True) as store, store.reading() as connection:
        stored = union(select(schema.sessions.c.source), select(schema.sources.c.path))
        return [path_of(source) for source in connection.scalars(stored)]


# -- columns for the passes


def face_columns(
    store: Store, session_id: int, names: Sequence[str], unpack: Mapping[str, Unpack] = MappingProxyType({})
) -> dict[str, npt.NDArray[Any]]:
    """Columns of a session's n faces, in order of (pts, face), as (n,) arrays.

    `names` are columns of `faces`, and `time` (s) and `student`. Whole numbers come as int64, real ones as float64,
    `scorable` as bool, `landmarks` and `appearance` as bytes; -1 stands for no track or student, NaN for a class
    not scored, None for no appearance. Columns of bytes that `unpack` names come as what it makes of some rows at a
    time.
    """
    with store.reading() as connection:
        return _face_arrays(connection, session_id, names, unpack)


def frame_columns(store: Store, session_id: int) -> dict[str, npt.NDArray[Any]]:
    """The columns of a session's frames (`pts`, `time`, `faces`, `camera_a`, ...), in order of time, as above.

    Without `layout`, which `frame_layouts` reads.
    """
    with store.reading() as connection:
        return read_columns(connection, _frames(session_id))


def frame_layouts(store: Store, session_id: int) -> npt.NDArray[np.object_]:
    """(m,) the layout of each frame, in order of time, as bytes; None for a blank picture or none known."""
    table = schema.frames
    rows = select(table.c.layout).where(table.c.session_id == session_id).order_by(table.c.pts)
    with store.reading() as connection:
        return read_columns(connection, rows)["layout"]


def track_columns(store: Store, session_id: int) -> dict[str, npt.NDArray[Any]]:
    """The columns of a session's tracks, in order of their number, as arrays like above."""
    with store.reading() as connection:
        return read_columns(connection, _of(schema.tracks, session_id))


# -- tables for people


def sessions(store: Store) -> pd.DataFrame:
    """All sessions, a row each, the newest last."""
    return _table(store, select(schema.sessions).order_by(schema.sessions.c.session_id))


def frames(store: Store, session_id: int) -> pd.DataFrame:
    """The sampled frames of a session, in order of time (no bytes)."""
    return _table(store, _frames(session_id))


def sources(store: Store, session_id: int) -> pd.DataFrame:
    """The files of a session that was recorded in several, in order of time; no row for a session of one file."""
    return _table(store, _of(schema.sources, session_id))


def shots(store: Store, session_id: int) -> pd.DataFrame:
    """The shots of a session, in order of time: `start` and `stop` (s) and what each shows, its `view`."""
    return _table(store, _of(schema.shots, session_id))


def faces(store: Store, session_id: int) -> pd.DataFrame:
    """The faces of a session, in order of time: time, student, box in px, a score by class, quality (no bytes)."""
    omitted = ("session_id", "landmarks", "appearance", "track")
    columns = [c.name for c in schema.faces.c if c.name not in omitted and not c.name.startswith("score_")]
    scored = {f"score_{number}": name for number, name in classes(store, session_id)[["number", "name"]].to_numpy()}
    after = columns.index("score") + 1
    columns[after:after] = scored
    with store.reading() as connection:
        arrays = _face_arrays(connection, session_id, ["time", "track", "student", *columns])
        named = read_columns(connection, _students(session_id))
    for name in ("label", "name"):
        arrays[name] = _values_of(arrays["student"], named["student"], np.append(named[name], [None]))
    order = ("time", "track", "student", "label", "name", *columns)
    return _data_frame({scored.get(name, name): arrays[name] for name in order}, nullable=("track", "student"))


def classes(store: Store, session_id: int) -> pd.DataFrame:
    """The classes that the faces of a session are scored for, in order of their number, with their polarity."""
    return _table(store, _of(schema.classes, session_id))


def tracks(store: Store, session_id: int) -> pd.DataFrame:
    """The tracks of a session, and their students."""
    return _table(store, _of(schema.tracks, session_id))


def students(store: Store, session_id: int) -> pd.DataFrame:
    """The students of a session, with their names."""
    return _table(store, _students(session_id))


def people(store: Store) -> pd.DataFrame:
    """Everybody who has a number: `person`, `name` (None: dropped), in how many `sessions` and `rooms`."""
    table, students, seats = schema.people, schema.students, schema.seats
    every = union(
        *(select(of.c.person).where(of.c.person.is_not(None)) for of in (table, students, seats))
    ).subquery()
    counts = [
        select(func.count()).select_from(of).where(of.c.person == every.c.person).scalar_subquery().label(name)
        for name, of in {"sessions": students, "rooms": seats}.items()
    ]
    rows = select(every.c.person, table.c.name, *counts).outerjoin_from(
        every, table, table.c.person == every.c.person
    )
    with store.reading() as connection:
        records = [tuple(row) for row in connection.execute(rows.order_by(every.c.person))]
    return exact_frame(records, ["person", "name", "sessions", "rooms"])


def corrections(store: Store, session_id: int) -> pd.DataFrame:
    """The identity corrections of a session, undone ones included, in the order in which they were made."""
    return _table(store, _of(schema.corrections, session_id))


def seats(store: Store, room: str) -> pd.DataFrame:
    """The roster of a room: names and seats, in order of name."""
    table, people = schema.seats, schema.people
    columns = [_NAME, *(column for column in table.c if column.name != "room")]
    rows = select(*columns).outerjoin_from(table, people, people.c.person == table.c.person)
    return _table(store, rows.where(table.c.room == room).order_by(_NAME, table.c.person))


def excluded(store: Store, session_id: int) -> pd.DataFrame:
    """The excluded squares of a session's picture, which are blurred: `x`, `y` (middle) and `size`, px."""
    return _table(store, _of(schema.excluded, session_id))


def judgements(store: Store, session_id: int) -> pd.DataFrame:
    """The judgements of a session, the one made last at the end."""
    table = schema.judgements
    return _table(store, select(table).where(table.c.session_id == session_id).order_by(table.c.sequence))


def student_windows(store: Store, judgement_id: int) -> pd.DataFrame:
    """The verdict of every student in every window, in order of window and student."""
    table, students = schema.student_windows, schema.students
    first = [table.c[name] for name in ("window", "start", "stop", "student")]
    remaining = [column for column in table.c if column.name != "judgement_id" and column not in set(first)]
    owner = and_(students.c.session_id == schema.judgements.c.session_id, students.c.student == table.c.student)
    joined = table.join(schema.judgements).join(students, owner).outerjoin(schema.people, _STUDENTS_PERSON)
    rows = select(*first, students.c.label, _NAME, *remaining).select_from(joined)
    return _table(store, rows.where(table.c.judgement_id == judgement_id).order_by(table.c.window, table.c.student))


def class_windows(store: Store, judgement_id: int) -> pd.DataFrame:
    """The verdict of the class in every window, in order of time."""
    table = schema.class_windows
    columns = [column for column in table.c if column.name != "judgement_id"]
    return _table(store, select(*columns).where(table.c.judgement_id == judgement_id).order_by(table.c.window))


def rows_of(store: Store, columns: Sequence[Column[Any]], session_id: int) -> pd.DataFrame:
    """The `columns` of a session's rows in any one table or view that has a session_id, in order of its numbers."""
    table: Any = columns[0].table
    order = [table.c[name] for name in _NUMBERS if name in table.c]
    return _table(store, select(*columns).where(table.c.session_id == session_id).order_by(*order))


def phases(store: Store, session_id: int) -> pd.DataFrame:
    """The phases of a lesson that a person marked, in order of time; `stop` is NaN where it was not given."""
    table = schema.phases
    columns = [column for column in table.c if column.name != "session_id"]
    return _table(store, select(*columns).where(table.c.session_id == session_id).order_by(table.c.start))


def student_phases(store: Store, judgement_id: int) -> pd.DataFrame:
    """The verdict of every student in every lesson phase, in order of time and student."""
    view = views()["v_student_phases"]
    columns = [column for column in view.c if column.name not in _JUDGEMENT]
    return _table(
        store, select(*columns).where(view.c.judgement_id == judgement_id).order_by(view.c.start, view.c.student)
    )


def class_phases(store: Store, judgement_id: int) -> pd.DataFrame:
    """The verdict of the class in every lesson phase, in order of time."""
    view = views()["v_class_phases"]
    columns = [column for column in view.c if column.name not in _JUDGEMENT]
    return _table(store, select(*columns).where(view.c.judgement_id == judgement_id).order_by(view.c.start))


def _of(table: Table, session_id: int) -> Select[Any]:
    """A table's rows of one session in order of their key, without the session's number."""
    columns = [column for column in table.c if column.name != "session_id"]
    return select(*columns).where(table.c.session_id == session_id).order_by(*table.primary_key)


def _frames(session_id: int) -> Select[Any]:
    """The frames of a session in order of time, without bytes."""
    table = schema.frames
    columns = [column for column in table.c if column.name not in ("session_id", "layout")]
    return select(*columns).where(table.c.session_id == session_id).order_by(table.c.pts)


def _students(session_id: int) -> Select[Any]:
    """The students of a session in order of their number, each with the name beside the label."""
    table = schema.students
    columns = [column for column in table.c if column.name not in ("session_id", "student", "label")]
    rows = select(table.c.student, table.c.label, _NAME, *columns)
    joined = rows.outerjoin_from(table, schema.people, _STUDENTS_PERSON)
    return joined.where(table.c.session_id == session_id).order_by(table.c.student)


def _face_arrays(
    connection: Connection,
    session_id: int,
    names: Sequence[str],
    unpack: Mapping[str, Unpack] = MappingProxyType({}),
) -> dict[str, npt.NDArray[Any]]:
    """See `face_columns`. Frames and tracks are joined here, not in SQL: half a second less for an hour's faces."""
    stored = {"track" if name == "student" else name for name in names if name != "time"}
    faces = schema.faces
    rows = select(*(faces.c[name] for name in sorted(stored))).where(faces.c.session_id == session_id)
    arrays = read_columns(connection, rows.order_by(faces.c.pts, faces.c.face), unpack)
    if "time" in names:
        frames = read_columns(connection, _of(schema.frames, session_id))
        # In a session whose class alone was stored, frames count faces that are not stored.
        arrays["time"] = np.repeat(frames["time"], frames["faces"])[: len(next(iter(arrays.values())))]
    if "student" in names:
        tracks = read_columns(connection, _of(schema.tracks, session_id))
        arrays["student"] = _values_of(arrays["track"], tracks["track"], np.append(tracks["student"], -1))
    return {name: arrays[name] for name in names}


def _values_of(
    numbers: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], values: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """The value of each number, which is among the ascending `keys`, or -1 for the last of `values`."""
    looked_up: npt.NDArray[Any] = values[np.where(numbers < 0, len(keys), np.searchsorted(keys, numbers))]
    return looked_up


def _table(store: Store, statement: Select[Any]) -> pd.DataFrame:
    with store.reading() as connection:
        arrays = read_columns(connection, statement)
    nullable = [c.name for c in statement.selected_columns if isinstance(c.type, Integer) and c.nullable]
    return _data_frame(arrays, nullable)


def _data_frame(arrays: Mapping[str, npt.NDArray[Any]], nullable: Sequence[str]) -> pd.DataFrame:
    """The arrays side by side; the `nullable` whole numbers become pandas' Int64, with NA for -1."""
    masked = {name: pd.arrays.IntegerArray(arrays[name], arrays[name] == -1) for name in nullable}
    return pd.DataFrame({**arrays, **masked})
