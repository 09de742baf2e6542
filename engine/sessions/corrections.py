"""Manual identity corrections of a session: names, merges and splits, each logged, and undone in reverse order.

The students are always the tracker's output plus every active correction, in order; to undo one is to do that again
without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from storage.store import Store
from tracking.corrections import Merge, Split, replay, shared_frames


def rename(store: Store, session_id: int, names: Mapping[str, str]) -> None:
    """Name students, each given by label or former name, in one correction; an empty name takes one away.

    Raises UsageError for a student that is not there, a name that another one has, and one that is not allowed.
    """
    with store.writing():
        students = finished_students(store, session_id)
        given = {find_student(students, who)["label"]: checked_name(name) or None for who, name in names.items()}
        after = dict(zip(students["label"], students["name"], strict=True)) | given
        for label, name in given.items():
            twins = [other for other in after if name and other != label and after[other] == name]
            if twins:
                raise UsageError(
                    f"{twins[0]} is named {name!r} already; if they are one person, merge {twins[0]} {label}"
                )
        numbers = add_people(store, filter(None, given.values()))
        persons = {label: numbers[name] if name else None for label, name in given.items()}
        _make(store, session_id, "rename", {"persons": persons})


def identify(store: Store, session_id: int, persons: Mapping[str, int], room: str) -> None:
    """Say who students are by the roster of `room`: labels to numbers of the table `people`. One correction."""
    _make(store, session_id, "rename", {"persons": dict(persons), "room": room})


def merge(store: Store, session_id: int, one: str, other: str) -> None:
    """Make two students one, who keeps the smaller label, and its name or else the other's.

    Raises UsageError where both are seen in one frame: they are two.
    """
    with store.writing():
        students = finished_students(store, session_id)
        first, second = (find_student(students, who) for who in (one, other))
        if first["student"] > second["student"]:
            first, second = second, first
        if first["label"] == second["label"]:
            raise UsageError(f"{first['label']} cannot be merged with itself; name two students")
        faces = queries.face_columns(store, session_id, ("pts", "time", "student"))
        both = shared_frames(faces["pts"], faces["student"], first["student"], second["student"])
        if len(both):
            when = format_time(faces["time"][np.searchsorted(faces["pts"], both[0])])
            raise UsageError(
                f"{first['label']} and {second['label']} both have faces at {when} ({len(both)} frames in all), "
                "so they are two people; split off the other person's faces first"
            )
        _make(store, session_id, "merge", {"student": first["label"], "other": second["label"]})


def split(store: Store, session_id: int, who: str, time: float) -> str:
    """Make the faces of a student from `time` (s) on a new one, whose label is returned.

    Raises UsageError unless the student has faces both before and after.
    """
    with store.writing():
        student = find_student(finished_students(store, session_id), who)
        if not student["first"] < time <= student["last"]:
            first, last = (format_time(student[name]) for name in ("first", "last"))
            raise UsageError(f"{student['label']} has faces from {first} to {last}; choose a time in between")
        new = label_of(unused(store, session_id))
        _make(store, session_id, "split", {"student": student["label"], "time": time, "new": new})
    return new


def undo(store: Store, session_id: int) -> str:
    """Undo the last correction that holds, and say which. Raises UsageError where there is none."""
    with store.writing():
        finished_students(store, session_id)
        holding = _holding(store, session_id)
        if holding.empty:
            raise UsageError(f"session {session_id} has no correction to undo")
        last = holding.iloc[-1]
        if last["action"] == "forget":
            what = describe(last["action"], last["arguments"], {})
            raise UsageError(f"{what} cannot be undone, nor can any earlier correction")
        mark_undone(store, session_id, int(last["correction"]))
        remake(store, session_id, again=last["action"] != "rename")
        return describe(last["action"], last["arguments"], names_of(store))


def names_of(store: Store) -> dict[int, str]:
    """What everybody is called, by number in the table `people`; P7 for who has no name there any more."""
    people = queries.people(store)
    return {person: name or f"P{person}" for person, name in zip(people["person"], people["name"], strict=True)}


def describe(action: str, arguments: str, names: Mapping[int, str]) -> str:
    """A correction in the words in which it was asked for: merge S07 S19. `names` are as of `names_of`."""
    given: dict[str, Any] = json.loads(arguments)
    if action == "forget":
        return f"forget {', '.join(given['students'])}"
    if action == "merge":
        return f"merge {given['student']} {given['other']}"
    if action == "split":
        return f"split {given['student']} at {format_time(given['time'])}, later {given['new']}"
    called = {
        label: names.get(person, f"P{person}") if person else "" for label, person in given["persons"].items()
    }
    named = ", ".join(f"{label} {name!r}" for label, name in called.items())
    return f"rename {named}" + (f" (roster of {given['room']})" if "room" in given else "")


def finished_students(store: Store, session_id: int) -> pd.DataFrame:
    """The students of a session. Raises UsageError while it is not done: they are not the last ones yet."""
    check_done(store, session_id)
    return queries.students(store, session_id)


def check_done(store: Store, session_id: int) -> None:
    """Raise UsageError while a session's analysis is not done: it has no students yet, or not the last ones.

    The same for a session of which the class alone was kept: it never has any.
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
    """Whether any correction of the session holds."""
    return not _holding(store, session_id).empty


def _holding(store: Store, session_id: int) -> pd.DataFrame:
    corrections = queries.corrections(store, session_id)
    return corrections[corrections["undone"].isna()]


def unused(store: Store, session_id: int) -> int:
    """The smallest number of a student that none has or ever had."""
    found = queries.track_columns(store, session_id)["found"].max(initial=-1)
    given = [json.loads(text) for text in queries.corrections(store, session_id)["arguments"]]
    had = [label for one in given for label in (one.get("new", "S0"), one.get("last", "S0"))]
    return max([int(found), *map(number_of, had)]) + 1


def _make(store: Store, session_id: int, action: str, arguments: Mapping[str, Any]) -> None:
    add_correction(store, session_id, action, arguments)
    remake(store, session_id, again=action != "rename")


def remake(store: Store, session_id: int, *, again: bool) -> None:
    """Make the students of what was found and what holds; `again` if more than names changed: judgements, too."""
    corrections: list[Merge | Split] = []
    persons: dict[int, int] = {}
    for action, text in _holding(store, session_id)[["action", "arguments"]].itertuples(index=False):
        given = json.loads(text)
        if action in ("rename", "forget"):
            persons |= {number_of(label): person or 0 for label, person in given["persons"].items()}
            continue
        student = number_of(given["student"])
        if action == "merge":
            other = number_of(given["other"])
            persons[student] = persons.get(student) or persons.pop(other, 0)
            corrections.append(Merge(student, other))
        else:
            corrections.append(Split(student, given["time"], number_of(given["new"])))
    persons = {student: person for student, person in persons.items() if person}
    if not again:
        write_persons(store, session_id, persons)
        return
    _replay(store, session_id, corrections, persons)
    for judgement in queries.judgements(store, session_id).to_dict("records"):
        settings = Settings.from_json(judgement["settings"])
        judge(store, session_id, settings, judgement["name"], judgement["created"])


def _replay(store: Store, session_id: int, corrections: list[Merge | Split], persons: dict[int, int]) -> None:
    rows, stored = Rows.read(store, session_id), queries.track_columns(store, session_id)
    part_of = np.full(stored["track"].max(initial=-1) + 2, -1)  # the last is for no track, -1
    part_of[stored["track"]] = stored["part_of"]
    whole = stored["track"] == stored["part_of"]
    count = int(stored["part_of"].max(initial=-1)) + 1
    found, link_score = np.full(count, -1), np.full(count, np.nan)
    found[stored["track"][whole]] = stored["found"][whole]
    link_score[stored["track"][whole]] = stored["link_score"][whole]
    corrected = replay(rows.faces.time, part_of[rows.faces.track], found, corrections)
    changed = corrected.track != rows.faces.track
    track_columns, student_columns = columns_of(rows, corrected, found, link_score, persons)
    store.replace_students(
        session_id,
        pts=rows.faces.pts[changed],
        face=rows.faces.face[changed],
        track=corrected.track[changed],
        track_columns=track_columns,
        student_columns=student_columns,
    )
