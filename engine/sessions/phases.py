"""Phases of a lesson: checked, stored, and judged with every judgement of the session."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from engine.errors import UsageError
from engine.sessions.corrections import check_done
from engine.sessions.judgements import judge_phases
from engine.tables import read_rows
from engine.times import format_time, parse_time
from storage import queries
from storage.phases import add_phases, delete_phases
from storage.store import Store

#: An end may lie so many seconds beyond the session's, which nobody knows to the frame.
_SLACK = 1.0


class Mark(NamedTuple):
    """A phase of a lesson, to be marked."""

    start: float
    """s"""
    stop: float | None
    """s; None: at the next mark, or with the session."""
    label: str
    place: str = ""
    """Where it was read, for messages: `marks.csv, row 3`."""


def read_marks(path: str | Path) -> list[Mark]:
    """The marks in a CSV file with the columns start, label and, if wanted, stop; see docs/verdicts.md.

    Raises UsageError with the row's number for a time that is none.
    """
    found = []
    for row in read_rows(path, ("start", "label")):
        times: list[float | None] = []
        for name in ("start", "stop"):
            text = row.values.get(name, "")
            try:
                times.append(parse_time(text) if text or name == "start" else None)
            except UsageError as error:
                raise UsageError(f"{row.place}, {name}: {error}") from error
        found.append(Mark(times[0] or 0.0, times[1], row.values["label"], row.place))
    if not found:
        raise UsageError(f"{path}: no phases; every row below the column names is a phase")
    return found


def mark(store: Store, session_id: int, given: Sequence[Mark]) -> list[int]:
    """Mark phases of session `session_id`, all or none, and judge them with every judgement; returns their numbers.

    Raises UsageError for a phase that does not lie in the session, has no label, or overlaps another.
    """
    with store.writing():
        check_done(store, session_id)
        duration = store.session(session_id)["duration"]
        known = [
            Mark(one["start"], None if pd.isna(one["stop"]) else one["stop"], one["label"], f"mark {one['phase']}")
            for one in queries.phases(store, session_id).to_dict("records")
        ]
        checked = [_checked(one, duration) for one in given]
        _check_apart(known, checked)
        numbers = add_phases(store, session_id, [(one.start, one.stop, one.label) for one in checked])
        judge_phases(store, session_id)
    return numbers


def unmark(store: Store, session_id: int, marks: Sequence[int] | None = None) -> list[int]:
    """Take marks away by their numbers, by default all, and with them what was judged; returns the numbers.

    Raises UsageError where there is no such mark.
    """
    with store.writing():
        known = queries.phases(store, session_id)["phase"].tolist()
        for one in marks or ():
            if one not in known:
                there = ", ".join(map(str, known)) or "none"
                raise UsageError(f"session {session_id} has no phase {one}; there are {there}")
        gone = known if marks is None else list(marks)
        delete_phases(store, session_id, gone)
        judge_phases(store, session_id)
    return gone


def _checked(one: Mark, duration: float) -> Mark:
    """The mark as it is kept. Raises UsageError for one that cannot be."""
    label = one.label.strip()
    if not label or not label.isprintable():
        raise _wrong(one, f"invalid label {one.label!r}" if label else "it has no label; name the phase")
    if one.start >= duration:
        raise _wrong(
            one,
            f"it begins at {format_time(one.start)}, but the session ends at {format_time(duration)}",
        )
    if one.stop is None:
        return one._replace(label=label)
    if one.stop <= one.start:
        raise _wrong(
            one,
            f"it ends at {format_time(one.stop)}, not after its begin at {format_time(one.start)}",
        )
    if one.stop > duration + _SLACK:
        raise _wrong(
            one,
            f"it ends at {format_time(one.stop)}, but the session ends at {format_time(duration)}",
        )
    return one._replace(label=label, stop=min(one.stop, duration))


def _check_apart(known: list[Mark], new: list[Mark]) -> None:
    for before, after in pairwise(sorted([*known, *new], key=lambda one: one.start)):
        if after.start == before.start or (before.stop or 0) > after.start:
            # What is there stays, and what stands further down gives way.
            one, other = (before, after) if after in known else (after, before)
            end = "" if other.stop is None else f" to {format_time(other.stop)}"
            raise _wrong(
                one,
                f"it overlaps {_named(other)}, from {format_time(other.start)}{end}; phases must not overlap",
            )


def _named(one: Mark) -> str:
    return one.place or f"mark {one.label!r}"


def _wrong(one: Mark, what: str) -> UsageError:
    return UsageError(f"{_named(one)}: {what}")
