"""Forgets people and sessions for good: no row is left of them, no name, and no byte in the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from engine.arrays import inside_squares
from engine.errors import UsageError
from engine.sessions.corrections import finished_students, given_roles, remake, unused
from engine.sessions.excluding import square_of
from engine.sessions.students import find_person, find_student, is_called, label_of
from engine.sessions.tracking import Rows, write_path
from engine.texts import normalised
from storage import queries
from storage.excluding import write_excluded
from storage.forgetting import (
    delete_faces,
    delete_persons,
    delete_sessions,
    delete_unused_names,
    erasing,
    sessions_before,
    settle_corrections,
)
from storage.store import Store


@dataclass(frozen=True)
class Chosen:
    """What is to be forgotten."""

    sessions: Sequence[int] = ()
    students: Sequence[tuple[int, str]] = ()
    """Session and label of each."""
    persons: Sequence[int] = ()
    """Their numbers in the table `people`: names and seats in rosters."""

    def __bool__(self) -> bool:
        return bool(self.sessions or self.students or self.persons)


def choose_student(store: Store, text: str) -> Chosen:
    """`monday/S07` is a student of one session; a name, or P7, a person in every session and roster.

    Raises UsageError or SessionError for an unknown name, and one of several people.
    """
    people = queries.people(store)
    session, slash, key = text.rpartition("/")
    if slash and not is_called(people, normalised(text)).any():
        session_id = store.find_session(session)
        student = find_student(finished_students(store, session_id), key)
        person = student["person"]
        return Chosen(students=[(session_id, student["label"])], persons=[int(person)] if pd.notna(person) else [])
    persons = [find_person(people, text)]
    members = [
        (session_id, label)
        for session_id in queries.sessions(store)["session_id"].tolist()
        for label, person in queries.students(store, session_id)[["label", "person"]]
        .dropna()
        .itertuples(index=False)
        if person in persons
    ]
    return Chosen(students=members, persons=persons)


def choose_before(store: Store, text: str) -> Chosen:
    """The sessions recorded before the day `text`, as in 2026-09-01, UTC. Raises UsageError for other texts."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"invalid date {text!r}; use YYYY-MM-DD") from None
    return Chosen(sessions=sessions_before(store, day.isoformat()))


def describe(store: Store, chosen: Chosen) -> str:
    """The choice in one line, for the user to confirm."""
    sessions = queries.sessions(store).set_index("session_id")
    parts = [f"session {session_id} ({sessions['name'][session_id]})" for session_id in chosen.sessions]
    parts += [
        f"{label} of session {session_id} ({sessions['name'][session_id]})" for session_id, label in chosen.students
    ]
    return ", ".join(parts) or "a seat in a roster and its name"


def forget(store: Store, chosen: Chosen) -> None:
    """Delete what is chosen, make the judgements of what stays again, and clean the file of what was deleted.

    All of it in one transaction, save for the cleaning. A session that loses a student keeps its other students as
    they are, and its corrections are settled: they can be undone no longer.
    """
    with erasing(store):
        delete_sessions(store, chosen.sessions)
        for session_id in dict.fromkeys(session_id for session_id, _ in chosen.students):
            _forget_students(
                store, session_id, [label for session, label in chosen.students if session == session_id]
            )
        delete_persons(store, chosen.persons)
        delete_unused_names(store)


def _forget_students(store: Store, session_id: int, labels: list[str]) -> None:
    students = finished_students(store, session_id)
    forgotten = students["label"].isin(labels)
    rows = Rows.read(store, session_id)
    faces = queries.face_columns(store, session_id, ("student",))["student"]
    deleted = np.isin(faces, students["student"][forgotten])
    # An unassigned face on their seat is probably theirs.
    seats = [square_of(student) for student in students[forgotten].to_dict("records")]
    deleted |= (faces < 0) & inside_squares(rows.boxes_in_first, seats)
    # A path that is not stored yet is estimated from all faces, so before any is deleted.
    write_path(store, session_id, rows)
    delete_faces(store, session_id, rows.faces.pts[deleted], rows.faces.face[deleted])
    corrections = queries.corrections(store, session_id)
    before = [
        label
        for action, text in zip(corrections["action"], corrections["arguments"], strict=True)
        if action == "forget"
        for label in json.loads(text)["students"]
    ]
    remaining = students[~forgotten & students["person"].notna()]
    persons = dict(zip(remaining["label"], remaining["person"].astype(int).tolist(), strict=True))
    last = label_of(unused(store, session_id) - 1)  # the next label comes after it
    given = {label_of(student): role for student, role in given_roles(store, session_id).items()}
    roles = {label: role for label, role in given.items() if label in students["label"][~forgotten].tolist()}
    settled = {"students": [*before, *labels], "persons": persons, "roles": roles, "last": last}
    settle_corrections(store, session_id, settled)
    remake(store, session_id, again=True)


def exclude_student(store: Store, session_id: int, key: str) -> str:
    """Forget a student of a session, and leave the seat out of it from now on; returns the label.

    The roster keeps name and seat, so that the next session excludes them, too. Raises UsageError for an unknown
    student.
    """
    with erasing(store):
        student = find_student(finished_students(store, session_id), key)
        write_excluded(store, session_id, [square_of(student)])
        _forget_students(store, session_id, [student["label"]])
        delete_unused_names(store)
    return str(student["label"])
