"""Exclusion of students without consent: squares of the image whose faces are dropped before they are measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import UsageError
from engine.sessions.corrections import finished_students
from engine.sessions.students import find_student, is_called
from engine.texts import normalised
from storage import queries
from storage.store import Store

Square = tuple[float, float, float]

#: Side of the square around a seat in which a face is taken for its owner's, in face sizes: the chair is moved, the
#: head sways and bows. A neighbour whose face comes into it is left out there, too.
SEAT = 3.0


def squares(store: Store, texts: Iterable[str], width: int, height: int) -> list[Square]:
    """The squares (x and y of the middle, side) that `texts` mean in a picture of `width` x `height` px.

    `X,Y,SIZE` is one in px; `NAME@ROOM` is around a seat of a roster; `SESSION/S07` around a student's seat in an
    earlier session, and `SESSION` all squares excluded there: both scaled to this picture. Raises UsageError or
    SessionError for any other text.
    """
    return [square for text in texts for square in _squares(store, text, width, height)]


def square_of(student: pd.Series | Mapping[Any, Any]) -> Square:
    """The square around a student's seat, px."""
    return _rounded(student["x"], student["y"], SEAT * student["size"])


def _squares(store: Store, text: str, width: int, height: int) -> list[Square]:
    try:
        x, y, size = map(float, text.split(","))
        return [_rounded(x, y, size)]
    except ValueError:
        pass  # it is one of the other forms
    name, at, room = text.rpartition("@")
    if at:
        seats = queries.seats(store, normalised(room))
        named = seats[is_called(seats, normalised(name))]
        if named.empty:
            raise UsageError(f"no seat of {name!r} in the roster of {room!r}; see `classpulse roster --room`")
        x, y, size = named[["x", "y", "size"]].iloc[0] * [width, height, height]
        return [square_of({"x": x, "y": y, "size": size})]
    session, slash, key = text.rpartition("/")
    session_id = store.find_session(session if slash else text)
    if slash:
        excluded = [square_of(find_student(finished_students(store, session_id), key))]
    else:
        excluded = [tuple(row) for row in queries.excluded(store, session_id)[["x", "y", "size"]].to_numpy()]
        if not excluded:
            raise UsageError(f"no student was excluded from session {session_id}; name one as in {text}/S07")
    row = store.session(session_id)
    scale = np.array([width / row["width"], height / row["height"], height / row["height"]])
    return [_rounded(*(square * scale)) for square in np.array(excluded)]


def _rounded(x: float, y: float, size: float) -> Square:
    return round(float(x), 1), round(float(y), 1), round(float(size), 1)
