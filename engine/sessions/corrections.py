"""Manual identity corrections of a session: names, merges, splits and roles, each logged, undone in reverse order.

The students are always the tracker's output plus every active correction, in order; undoing one replays the
others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import UsageError
from engine.sessions.judgements import judge
from engine.sessions.students import checked_name, find_student, label_of, number_of
from engine.sessions.tracking import Rows, columns_of
from engine.settings import Settings
from engine.times import format_time
from storage import queries
from storage.aggregates import is_aggregate
from storage.corrections import add_correction, mark_undone, write_persons
from storage.people import add_people
from storage.schema import ROLES
from storage.store import Store
from tracking.corrections import Merge, Split, replay, shared_frames


def rename(store: Store, session_id: int, names: Iterable[tuple[str, str]]) -> None:
    """Name students, each given by label or former name, in one correction; an empty name takes one away.

    Raises UsageError for an unknown student, two names for one, a name of another student, and an invalid name.
    """
    with store.writing():
        students = finished_students(store, session_id)
        changes: dict[str, str | None] = {}
        for key, text in names:
            label, name = find_student(students, key)["label"], checked_name(text) or None
            if changes.setdefault(label, name) != name:
                raise UsageError(f"{label} is given two names, {changes[label]!r} and {name!r}; choose one")
        after = dict(zip(students["label"], students["name"], strict=True)) | changes
        for label, name in changes.items():
            twins = [student for student in after if name and student != label and after[student] == name]
            if twins:
                raise UsageError(
                    f"{twins[0]} is named {name!r} already; if they are one person, merge {twins[0]} {label}"
                )
        numbers = add_people(store, filter(None, changes.values()))
        persons = {label: numbers[name] if name else None for label, name in changes.items()}
        _make(store, session_id, "rename", {"persons": persons})


def identify(store: Store, session_id: int, persons: Mapping[str, int], room: str) -> None:
    """Name students by the roster of `room`: labels to numbers of the table `people`. One correction."""
    _make(store, session_id, "rename", {"persons": dict(persons), "room": room})


def merge(store: Store, session_id: int, student_a: str, student_b: str) -> None:
    """Merge two students into one, with the smaller label, and its name or else the other's.

    Raises UsageError where both have a face in one frame: they are two people.
    """
    with store.writing():
        students = finished_students(store, session_id)
        first, second = (find_student(students, key) for key in (student_a, student_b))
        if first["student"] > second["student"]:
            first, second = second, first
        if first["label"] == second["label"]:
            raise UsageError(f"{first['label']} cannot be merged with itself; name two students")
        faces = queries.face_columns(store, session_id, ("pts", "time", "student"))
        shared = shared_frames(faces["pts"], faces["student"], first["student"], second["student"])
        if len(shared):
            time = format_time(faces["time"][np.searchsorted(faces["pts"], shared[0])])
            raise UsageError(
                f"{first['label']} and {second['label']} both have faces at {time} ({len(shared)} frames in all), "
                "so they are two people; split off the other person's faces first"
            )
        _make(store, session_id, "merge", {"student": first["label"], "other": second["label"]})


def split(store: Store, session_id: int, key: str, time: float) -> str:
    """Assign the faces of a student from `time` (s) on to a new student; returns the new label.

    Raises UsageError unless the student has faces both before and after.
    """
    with store.writing():
        student = find_student(finished_students(store, session_id), key)
        if not student["first"] < time <= student["last"]:
            first, last = (format_time(student[name]) for name in ("first", "last"))
            raise UsageError(f"{student['label']} has faces from {first} to {last}; choose a time in between")
        new = label_of(unused(store, session_id))
        _make(store, session_id, "split", {"student": student["label"], "time": time, "new": new})
    return new


def set_role(store: Store, session_id: int, key: str, role: str) -> None:
    """Say whether somebody is a student, the teacher, or on a picture or a screen, and judge again.

    Raises UsageError for an unknown role, and for the role that it is already.
    """
    if role not in ROLES:
        raise UsageError(f"invalid role {role!r}; use {', '.join(ROLES[:-1])} or {ROLES[-1]}")
    with store.writing():
        student = find_student(finished_students(store, session_id), key)
        if student["role"] == role and student["student"] in given_roles(store, session_id):
            raise UsageError(f"{student['label']} has the role {role} already")
        _make(store, session_id, "role", {"student": student["label"], "role": role})


def undo(store: Store, session_id: int) -> str:
    """Undo the most recent active correction and return its description. Raises UsageError if there is none."""
    with store.writing():
        finished_students(store, session_id)
        active = _active(store, session_id)
        if active.empty:
            raise UsageError(f"session {session_id} has no correction to undo")
        last = active.iloc[-1]
        if last["action"] == "forget":
            description = describe(last["action"], last["arguments"], {})
            raise UsageError(f"{description} cannot be undone, nor can any earlier correction")
        mark_undone(store, session_id, int(last["correction"]))
        remake(store, session_id, again=last["action"] != "rename")
        return describe(last["action"], last["arguments"], names_of(store))


def names_of(store: Store) -> dict[int, str]:
    """Names by number in the table `people`; P7 for a person whose name was removed."""
    people = queries.people(store)
    return {person: name or f"P{person}" for person, name in zip(people["person"], people["name"], strict=True)}


def describe(action: str, arguments: str, names: Mapping[int, str]) -> str:
    """A correction as the command that makes it: merge S07 S19. `names` are those of `names_of`."""
    fields: dict[str, Any] = json.loads(arguments)
    if action == "forget":
        return f"forget {', '.join(fields['students'])}"
    if action == "merge":
        return f"merge {fields['student']} {fields['other']}"
    if action == "split":
        return f"split {fields['student']} at {format_time(fields['time'])}, later {fields['new']}"
    if action == "relabel":
        return "shown live, now: " + ", ".join(
            f"{label} {' and '.join(labels)}" for label, labels in fields["labels"].items()
        )
    if action == "role":
        return f"role {fields['student']} {fields['role']}"
    names_by_label = {
        label: names.get(person, f"P{person}") if person else "" for label, person in fields["persons"].items()
    }
    named = ", ".join(f"{label} {name!r}" for label, name in names_by_label.items())
    return f"rename {named}" + (f" (roster of {fields['room']})" if "room" in fields else "")


def finished_students(store: Store, session_id: int) -> pd.DataFrame:
    """The students of a session. Raises UsageError while it is not done: its students are preliminary."""
    check_done(store, session_id)
    return queries.students(store, session_id)


def check_done(store: Store, session_id: int) -> None:
    """Raise UsageError while a session's analysis is not done: it has no students yet, or preliminary ones.

    Also for a session of which the class alone was stored: it never has students.
    """
    session = store.session(session_id)
    if is_aggregate(store, session_id):
        raise UsageError(
            f"session {session_id} ({session['name']}) has no data of students (--aggregate-only), so there is "
            "nothing to judge or correct; `classpulse analyze --again` analyses the recording again"
        )
    if session["state"] != "done":
        raise UsageError(
            f"session {session_id} ({session['name']}) is not finished; run "
            f"`classpulse analyze {session['source']}`"
        )


def has_corrections(store: Store, session_id: int) -> bool:
    """Whether the session has an active correction."""
    return not _active(store, session_id).empty


def _active(store: Store, session_id: int) -> pd.DataFrame:
    corrections = queries.corrections(store, session_id)
    return corrections[corrections["undone"].isna() & corrections["action"].ne("relabel")]


def unused(store: Store, session_id: int) -> int:
    """The smallest student number that was never used."""
    tracked = queries.track_columns(store, session_id)["found"].max(initial=-1)
    logged = [json.loads(text) for text in queries.corrections(store, session_id)["arguments"]]
    labels = [label for fields in logged for label in (fields.get("new", "S0"), fields.get("last", "S0"))]
    return max([int(tracked), *map(number_of, labels)]) + 1


def _make(store: Store, session_id: int, action: str, arguments: Mapping[str, Any]) -> None:
    add_correction(store, session_id, action, arguments)
    remake(store, session_id, again=action != "rename")


@dataclass(frozen=True)
class _Corrected:
    """What the active corrections of a session come to; students are numbers."""

    changes: list[Merge | Split]
    persons: dict[int, int]
    """Number in the table `people` of each student who has one."""
    roles: dict[int, str]
    """Those that a person gave."""


def _corrected(store: Store, session_id: int) -> _Corrected:
    changes: list[Merge | Split] = []
    persons: dict[int, int] = {}
    roles: dict[int, str] = {}
    for action, text in _active(store, session_id)[["action", "arguments"]].itertuples(index=False):
        fields = json.loads(text)
        if action in ("rename", "forget"):
            persons |= {number_of(label): person or 0 for label, person in fields["persons"].items()}
            roles |= {number_of(label): role for label, role in fields.get("roles", {}).items()}
            continue
        student = number_of(fields["student"])
        if action == "role":
            roles[student] = fields["role"]
        elif action == "merge":
            merged = number_of(fields["other"])
            persons[student] = persons.get(student) or persons.pop(merged, 0)
            if merged in roles:
                roles.setdefault(student, roles.pop(merged))
            changes.append(Merge(student, merged))
        else:
            changes.append(Split(student, fields["time"], number_of(fields["new"])))
    return _Corrected(changes, {student: person for student, person in persons.items() if person}, roles)


def given_roles(store: Store, session_id: int) -> dict[int, str]:
    """The roles that a person gave, by number of the student."""
    return _corrected(store, session_id).roles


def remake(store: Store, session_id: int, *, again: bool) -> None:
    """Rebuild the students from the tracks and the active corrections; with `again` the judgements, too."""
    corrected = _corrected(store, session_id)
    if not again:
        write_persons(store, session_id, corrected.persons)
        return
    _replay(store, session_id, corrected)
    for judgement in queries.judgements(store, session_id).to_dict("records"):
        settings = Settings.from_json(judgement["settings"])
        judge(store, session_id, settings, judgement["name"], judgement["created"])


def _replay(store: Store, session_id: int, active: _Corrected) -> None:
    rows, stored = Rows.read(store, session_id), queries.track_columns(store, session_id)
    part_of = np.full(stored["track"].max(initial=-1) + 2, -1)  # the last is for no track, -1
    part_of[stored["track"]] = stored["part_of"]
    unsplit = stored["track"] == stored["part_of"]
    count = int(stored["part_of"].max(initial=-1)) + 1
    tracked_student, link_score = np.full(count, -1), np.full(count, np.nan)
    tracked_student[stored["track"][unsplit]] = stored["found"][unsplit]
    link_score[stored["track"][unsplit]] = stored["link_score"][unsplit]
    corrected = replay(rows.faces.time, part_of[rows.faces.track], tracked_student, active.changes)
    changed = corrected.track != rows.faces.track
    track_columns, student_columns = columns_of(
        rows, corrected, tracked_student, link_score, active.persons, active.roles
    )
    store.replace_students(
        session_id,
        pts=rows.faces.pts[changed],
        face=rows.faces.face[changed],
        track=corrected.track[changed],
        track_columns=track_columns,
        student_columns=student_columns,
    )
