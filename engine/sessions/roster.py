"""A room's roster: names by seat, stored by the user, and carried to the next session by seat alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.errors import UsageError
from engine.sessions import corrections
from engine.sessions.students import are_students
from engine.texts import normalised, required_text
from storage import queries
from storage.corrections import write_seats
from storage.store import Store
from tracking.seats import match_seats


@dataclass(frozen=True)
class Carried:
    """The result of applying a roster to a session."""

    named: dict[str, str]
    """Names by label: the students who sit where the roster says."""
    unmatched: list[str]
    """The roster's names whose seat is empty, or that several students match: ambiguous seats stay unnamed."""
    unnamed: list[str]
    """Labels of the students who have no name."""


def keep_seats(store: Store, session_id: int, room: str) -> list[str]:
    """Keep the seats of a session's named students in the roster of `room`; returns their names.

    They replace the seats of the same names, and seats at the same places. Raises UsageError where no
    student has a name, and for an invalid name of a room.
    """
    room = required_text(room, "room")
    with store.writing():
        students = corrections.finished_students(store, session_id)
        named = students[students["person"].notna() & are_students(students)]
        if named.empty:
            raise UsageError(f"no student of session {session_id} has a name; name some with --seat S01=NAME")
        stored = queries.seats(store, room)
        remaining = stored[~stored["person"].isin(named["person"])]
        width, height = _picture(store, session_id)
        places = _places(named)
        replaced = match_seats(_pixels(remaining, width, height), remaining["spread"], places, named["spread"]) >= 0
        shares = np.round(places / [width, height, height], 5)
        rows = pd.DataFrame(shares, columns=["x", "y", "size"]).assign(
            person=named["person"].to_numpy(np.int64), spread=named["spread"].to_numpy()
        )
        write_seats(store, room, session_id, rows, forget=remaining["person"][replaced].tolist())
        names = corrections.names_of(store)
    return [names[person] for person in named["person"]]


def carry_names(store: Store, session_id: int, room: str) -> Carried:
    """Name the students of a session by their seats in the roster of `room`; one correction to undo.

    Students who have a name keep it. Raises UsageError where the room has no roster.
    """
    room = normalised(room)
    with store.writing():
        students = corrections.finished_students(store, session_id)
        seats = queries.seats(store, room)
        if seats.empty:
            raise UsageError(f"room {room!r} has no roster yet; create one with --seat S01=NAME")
        open_seats = seats[~seats["person"].isin(students["person"].dropna())]
        people = students[are_students(students)]
        nameless = people[people["person"].isna()]
        matched = match_seats(
            _pixels(open_seats, *_picture(store, session_id)),
            open_seats["spread"],
            _places(nameless),
            nameless["spread"],
        )
        occupied = matched >= 0
        labels = nameless["label"].to_numpy(object)[matched[occupied]].tolist()
        persons = dict(sorted(zip(labels, open_seats["person"][occupied].tolist(), strict=True)))
        if persons:
            corrections.identify(store, session_id, persons, room)
        names = corrections.names_of(store)
    unnamed = [label for label in nameless["label"] if label not in persons]
    named = {label: names[person] for label, person in persons.items()}
    return Carried(named, [names[person] for person in open_seats["person"][~occupied]], unnamed)


def _picture(store: Store, session_id: int) -> tuple[int, int]:
    session = store.session(session_id)
    return session["width"], session["height"]


def _places(students: pd.DataFrame) -> npt.NDArray[np.float64]:
    """(n, 3) x, y, size in px."""
    return students[["x", "y", "size"]].to_numpy(np.float64)


def _pixels(seats: pd.DataFrame, width: int, height: int) -> npt.NDArray[np.float64]:
    """(n, 3) x, y, size in px of a picture of this size."""
    return _places(seats) * [width, height, height]
