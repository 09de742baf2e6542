"""Phases of a lesson: checked, stored, and judged with every judgement of the session."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from engine.errors import UsageError
from engine.sessions.corrections import check_done
from engine.sessions.formats.reading import ANY_RECORDING, Recording, mark_annotations
from engine.sessions.judgements import judge_phases
from engine.tables import read_rows
from engine.texts import checked_text
from engine.times import format_time, parse_time
from storage import queries
from storage.phases import add_phases, delete_phases
from storage.store import Store

#: Seconds that an end may lie beyond the session's, whose duration is not known to the frame.
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


def read_marks(path: str | Path, recording: Recording = ANY_RECORDING) -> list[Mark]:
    """The marks in a table with the columns start, label and, if wanted, stop; see docs/verdicts.md.

    Or in annotations on the clock of the `recording`: chapters of WebVTT, a tier `phases` (docs/formats.md).
    Raises UsageError with the row's number for an invalid time.
    """
    annotations = mark_annotations(path, recording)
    if annotations:
        return [Mark(start, stop, text, f"{path}, {text!r}") for start, stop, text in annotations]
    marks = []
    for row in [] if annotations is not None else read_rows(path, ("start", "label")):
        times: list[float | None] = []
        for name in ("start", "stop"):
            text = row.values.get(name, "")
            try:
                times.append(parse_time(text) if text or name == "start" else None)
            except UsageError as error:
                raise UsageError(f"{row.place}, {name}: {error}") from error
        marks.append(Mark(times[0] or 0.0, times[1], row.values["label"], row.place))
    if not marks:
        raise UsageError(f"{path}: no phases; every row below the column names is a phase")
    return marks


def mark(store: Store, session_id: int, marks: Sequence[Mark]) -> list[int]:
    """Mark phases of session `session_id`, all or none, and judge them with every judgement; returns their numbers.

    Raises UsageError for a phase that does not lie in the session, has no label, or overlaps another.
    """
    with store.writing():
        check_done(store, session_id)
        duration = store.session(session_id)["duration"]
        stored = [
            Mark(row["start"], None if pd.isna(row["stop"]) else row["stop"], row["label"], f"mark {row['phase']}")
            for row in queries.phases(store, session_id).to_dict("records")
        ]
        checked = [_checked(entry, duration) for entry in marks]
        _check_apart(stored, checked)
        numbers = add_phases(store, session_id, [(entry.start, entry.stop, entry.label) for entry in checked])
        judge_phases(store, session_id)
    return numbers


def unmark(store: Store, session_id: int, marks: Sequence[int] | None = None) -> list[int]:
    """Delete marks by their numbers, by default all, and their verdicts; returns the numbers.

    Raises UsageError for an unknown mark.
    """
    with store.writing():
        stored = queries.phases(store, session_id)["phase"].tolist()
        for number in marks or ():
            if number not in stored:
                options = ", ".join(map(str, stored)) or "none"
                raise UsageError(f"session {session_id} has no phase {number}; there are {options}")
        deleted = stored if marks is None else list(marks)
        delete_phases(store, session_id, deleted)
        judge_phases(store, session_id)
    return deleted


def _checked(entry: Mark, duration: float) -> Mark:
    """The mark as it is stored. Raises UsageError for an invalid one."""
    if not entry.label.strip():
        raise _wrong(entry, "it has no label; name the phase")
    try:
        label = checked_text(entry.label, "label")
    except UsageError as error:
        raise _wrong(entry, str(error)) from None
    if entry.start >= duration:
        raise _wrong(
            entry,
            f"it begins at {format_time(entry.start)}, but the session ends at {format_time(duration)}",
        )
    if entry.stop is None:
        return entry._replace(label=label)
    if entry.stop <= entry.start:
        raise _wrong(
            entry,
            f"it ends at {format_time(entry.stop)}, not after its begin at {format_time(entry.start)}",
        )
    if entry.stop > duration + _SLACK:
        raise _wrong(
            entry,
            f"it ends at {format_time(entry.stop)}, but the session ends at {format_time(duration)}",
        )
    return entry._replace(label=label, stop=min(entry.stop, duration))


def _check_apart(stored: list[Mark], new: list[Mark]) -> None:
    for before, after in pairwise(sorted([*stored, *new], key=lambda entry: entry.start)):
        if after.start == before.start or (before.stop or 0) > after.start:
            # A stored phase stays, and of two new ones the later row of the file is rejected.
            rejected, accepted = (before, after) if after in stored else (after, before)
            end = "" if accepted.stop is None else f" to {format_time(accepted.stop)}"
            raise _wrong(
                rejected,
                f"it overlaps {_named(accepted)}, from {format_time(accepted.start)}{end}; phases must not overlap",
            )


def _named(entry: Mark) -> str:
    return entry.place or f"mark {entry.label!r}"


def _wrong(entry: Mark, reason: str) -> UsageError:
    return UsageError(f"{_named(entry)}: {reason}")
