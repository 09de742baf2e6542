"""Which lesson there is when: a timetable in a CSV file, or lessons of equal length one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from engine.errors import UsageError
from engine.tables import Row, read_rows
from engine.texts import NAME_OF_SESSION, checked_text

#: As a timetable may call the days of the week, Monday first; three letters are enough.
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FEWEST_LETTERS = 3


@dataclass(frozen=True)
class Lesson:
    """A lesson of a day: local times without a zone."""

    name: str
    start: datetime
    stop: datetime


@dataclass(frozen=True)
class _Entry:
    """A row of a timetable: every week, or on one date."""

    name: str
    day: int | date
    start: time
    stop: time

    def on(self, day: date) -> Lesson | None:
        if self.day not in (day, day.weekday()):
            return None
        return Lesson(self.name, datetime.combine(day, self.start), datetime.combine(day, self.stop))


class Timetable:
    """The lessons of a room."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self._entries = entries

    def at(self, now: datetime) -> Lesson | None:
        """The lesson that there is at `now`, a local time, else the next one; None where none follows."""
        days = [now.date() + timedelta(days) for days in range(8)]
        days += sorted(entry.day for entry in self._entries if isinstance(entry.day, date) and entry.day > days[-1])
        for day in days:
            lessons = [lesson for entry in self._entries if (lesson := entry.on(day)) and lesson.stop > now]
            if lessons:
                return min(lessons, key=lambda lesson: lesson.start)
        return None


def read_timetable(path: str | Path, room: str | None = None) -> Timetable:
    """The timetable in a CSV file with the columns day, start, end, name and, if wanted, room.

    A day is Monday, Mon or 2026-11-30, a time 09:45. With `room` the rows of that room alone. Raises UsageError,
    which names the row, for what is no day or time, for an end before the start, and for lessons at the same time.
    """
    rows = [
        row
        for row in read_rows(path, ("day", "start", "end", "name"))
        if room is None or row.values.get("room", "").casefold() == room.strip().casefold()
    ]
    if not rows:
        raise UsageError(
            f"{path}: no lesson"
            + ("; every row below the column names is one" if room is None else f" in room {room}")
        )
    entries = [_entry(row) for row in rows]
    for i, entry in enumerate(entries):
        for row, other in zip(rows[:i], entries[:i], strict=True):
            if other.day == entry.day and other.start < entry.stop and entry.start < other.stop:
                raise UsageError(f"{rows[i].place}: at the same time as {row.place}; name the --room")
    return Timetable(entries)


def _entry(row: Row) -> _Entry:
    start, stop = _time(row, "start"), _time(row, "end")
    if stop <= start:
        raise UsageError(f"{row.place}: it ends at {row.values['end']}, before it starts")
    name = checked_text(row.values["name"], NAME_OF_SESSION)
    if not name:
        raise UsageError(f"{row.place}, name: the lesson has none")
    return _Entry(name, _day(row), start, stop)


def _time(row: Row, column: str) -> time:
    try:
        return datetime.strptime(row.values[column].strip(), "%H:%M").time()
    except ValueError:
        raise UsageError(
            f"{row.place}, {column}: {row.values[column]!r} is not a time of day, such as 09:45"
        ) from None


def _day(row: Row) -> int | date:
    text = row.values["day"].strip().casefold()
    named = [number for number, day in enumerate(DAYS) if len(text) >= FEWEST_LETTERS and day.startswith(text)]
    if named:
        return named[0]
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{row.place}, day: {row.values['day']!r} is not a day, such as Monday, Mon or 2026-11-30"
        ) from None
