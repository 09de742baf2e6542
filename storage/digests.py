"""Digests of segments: they tell whether a segment's rows are those that detection wrote, whatever keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary, Table, bindparam, select, update

from storage.columns import Columns, read_columns
from storage.schema import faces, frames, segments

#: What is no part of a digest: the session's number, which segment it is, and what later passes write.
_LEFT_OUT = {"frames": ("session_id", "segment"), "faces": ("session_id", "track")}
_LATER = "path_"


def segment_digest(frame_columns: Columns, face_columns: Columns) -> str:
    """SHA-256, hexadecimal, of a segment's `frames` and `faces`, as they are written or as they are read back.

    Each column counts by its name and its values in order of the key: real numbers as multiples of the last place
    that the column keeps, so that four bytes give the same as eight. A column without any value does not count:
    a later version may add one.
    """
    sha256 = hashlib.sha256()
    for table, columns in ((frames, frame_columns), (faces, face_columns)):
        keys = [columns[name] for name in ("face", "pts") if name in columns and name in table.c]
        order = np.lexsort(keys)
        sha256.update(f"{table.name} {len(order)}\n".encode())
        for column in digested(table):
            if column.name in columns and (content := _content(column, np.asarray(columns[column.name])[order])):
                sha256.update(f"{column.name}\n".encode() + content)
    return sha256.hexdigest()


def digested(table: Table) -> list[Column[Any]]:
    """The columns of `frames` or `faces` that count."""
    left_out = _LEFT_OUT[table.name]
    return [column for column in table.c if column.name not in left_out and not column.name.startswith(_LATER)]


def _content(column: Column[Any], values: npt.NDArray[np.generic]) -> bytes:
    """The values in little-endian bytes; none where every value is NULL."""
    if isinstance(column.type, LargeBinary):
        parts: list[bytes | None] = list(values)
        if all(part is None for part in parts):
            return b""
        lengths = np.array([-1 if part is None else len(part) for part in parts], "<i8")
        return lengths.tobytes() + b"".join(part or b"" for part in parts)
    if column.nullable and isinstance(column.type, Integer) and (values == -1).all():
        return b""
    if isinstance(column.type, Boolean) or "decimals" not in column.info:
        return values.astype("<i8").tobytes()
    places = np.rint(values.astype(np.float64) * 10 ** column.info["decimals"])
    missing = np.isnan(places)
    places[missing] = np.iinfo(np.int64).min
    return b"" if missing.all() else places.astype("<i8").tobytes()


def digests_of(connection: Connection, session_id: int, numbers: Collection[int] | None = None) -> dict[int, str]:
    """The digests of a session's segments, of those `numbers` or all, from the rows that are there."""
    of_session = frames.c.session_id == session_id
    columns = read_columns(
        connection, select(frames.c.segment, *digested(frames)).where(of_session).order_by(frames.c.pts)
    )
    if numbers is None:
        of_session = segments.c.session_id == session_id
        numbers = connection.scalars(select(segments.c.segment).where(of_session)).all()
    return {number: _digest(connection, session_id, columns, number) for number in numbers}


def _digest(connection: Connection, session_id: int, columns: Columns, number: int) -> str:
    own = {name: values[columns["segment"] == number] for name, values in columns.items()}
    pts = own["pts"]
    rows = select(*digested(faces)).where(faces.c.session_id == session_id)
    if len(pts):  # by their span, which the key finds at once, and then exactly
        rows = rows.where(faces.c.pts.between(int(pts.min()), int(pts.max())))
        found = read_columns(connection, rows.order_by(faces.c.pts, faces.c.face))
        inside = np.isin(found["pts"], pts)
        return segment_digest(own, {name: values[inside] for name, values in found.items()})
    return segment_digest(own, read_columns(connection, rows.where(faces.c.pts.is_(None))))


def stored_digests(connection: Connection, session_id: int) -> dict[int, str | None]:
    """The digests that were stored with a session's segments; None where a version before stored none."""
    rows = select(segments.c.segment, segments.c.digest).where(segments.c.session_id == session_id)
    return {int(number): digest for number, digest in connection.execute(rows.order_by(segments.c.segment))}


def intact(connection: Connection, session_id: int, numbers: Iterable[int]) -> list[int]:
    """Those of the segments `numbers` whose rows have the digest that was stored."""
    stored = stored_digests(connection, session_id)
    known = [number for number in numbers if stored.get(number) is not None]
    found = digests_of(connection, session_id, known)
    return [number for number in known if found[number] == stored[number]]


def write_digests(connection: Connection, session_id: int, numbers: Collection[int] | None = None) -> None:
    """Store the digests of the rows as they are now: of the segments `numbers`, by default all."""
    found = digests_of(connection, session_id, numbers)
    if not found:
        return
    row = update(segments).where(
        segments.c.session_id == session_id, segments.c.segment == bindparam("its_segment")
    )
    values = [{"its_segment": number, "its_digest": digest} for number, digest in found.items()]
    connection.execute(row.values(digest=bindparam("its_digest")), values)
