"""The codes of human coders, each of one student in one interval of a session, read from a table or annotations."""

from __future__ import annotations

from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from engine.errors import UsageError
from engine.sessions.formats.reading import ANY_RECORDING, Recording, code_rows
from engine.sessions.students import STUDENT, find_student, is_called
from engine.tables import Row, read_rows
from engine.texts import checked_text, normalised
from engine.times import format_time, parse_time
from engine.verdicts.scale import VERDICTS

#: What can be coded, in the order of the scale.
CODES = VERDICTS[:3]
#: The codes of an interval in which nothing could be coded.
UNCODABLE = ("", "cannot tell")
#: The shortest interval, s.
SHORTEST = 0.1
#: Seconds that an end may lie beyond the session's, whose duration is not known to the frame.
_SLACK = 1.0


class Codes(NamedTuple):
    """The codes of a file, of one session."""

    table: pd.DataFrame
    """A row for each code: `coder`, `student` (number), `label`, `start`, `stop` (s), `code` (place in `kinds`)."""
    uncodable: int
    """Number of further intervals that were uncodable."""
    kinds: tuple[str, ...] = CODES
    """What could be coded: the verdicts of a balance, or the names of classes without polarity."""

    def units(self) -> pd.DataFrame:
        """A row for each interval of a student: `student`, `label`, `start`, `stop`, and the majority's code.

        `majority` is a place in `kinds`, -1 where no code has more coders than every other. The index counts the
        rows; each coder has a column, `by NAME`, with -1 where the coder did not code the interval.
        """
        key = ["student", "label", "start", "stop"]
        by_coder = self.table.pivot(index=key, columns="coder", values="code").fillna(-1).astype("int64")
        by_coder.columns = [column_of(coder) for coder in by_coder.columns]
        votes = pd.concat([(by_coder == code).sum(axis=1) for code in range(len(self.kinds))], axis=1)
        most = votes.eq(votes.max(axis=1), axis=0)
        majority = most.idxmax(axis=1).where(most.sum(axis=1) == 1, -1)
        return by_coder.assign(majority=majority.astype("int64")).reset_index()

    @property
    def coders(self) -> list[str]:
        """The coders' names, sorted."""
        return sorted(self.table["coder"].unique())


def column_of(coder: str) -> str:
    """The column of a coder's codes; the prefix keeps it apart from the other columns."""
    return f"by {coder}"


def read_codes(
    path: str | Path,
    students: pd.DataFrame,
    duration: float,
    recording: Recording = ANY_RECORDING,
    kinds: tuple[str, ...] = CODES,
) -> Codes:
    """The codes in a file about `students` (rows of `queries.students`) of a session of `duration` s.

    A table (CSV, XLSX, SPSS, Stata, Parquet) or annotations of ELAN, BORIS or Praat, which are on the clock of the
    `recording`: docs/validation.md has the columns, docs/formats.md the tiers. `kinds` are what can be coded.
    Raises UsageError with the row's number for an invalid row.
    """
    annotated = code_rows(path, recording, partial(_is_somebody, students))
    rows = read_rows(path, ("student", "start", "code")) if annotated is None else annotated
    if rows and not {"stop", "length"} & set(rows[0].values):
        raise UsageError(f"{path}, row 1: no column stop or length; one of them is required")
    find = cache(partial(find_student, students))
    codes = []
    for row in rows:
        key = row.values["student"]
        try:
            student = find(key)
        except UsageError as error:
            raise UsageError(f"{row.place}: {error}") from error
        if student["role"] != STUDENT:
            raise UsageError(f"{row.place}: {key} is a {student['role']}, and only students are judged")
        start, stop = _interval(row, duration)
        codes.append((row.place, _coder(row), student["student"], student["label"], start, stop, _code(row, kinds)))
    columns = ["place", "coder", "student", "label", "start", "stop", "code"]
    table = pd.DataFrame.from_records(codes, columns=columns)
    for _, intervals in table.assign(row=range(len(table))).groupby(["coder", "student"], sort=False):
        _check_apart(intervals.sort_values("start", kind="stable"))
    coded = table[table["code"] >= 0].drop(columns="place").reset_index(drop=True)
    if coded.empty:
        raise UsageError(f"{path}: no codes; every row below the column names is a code")
    return Codes(coded, len(table) - len(coded), kinds)


def _is_somebody(students: pd.DataFrame, key: str) -> bool:
    """Whether `key` is the label or the name of somebody in the session, or of several."""
    return bool(((students["label"] == key.upper()) | is_called(students, normalised(key))).any())


def _interval(row: Row, duration: float) -> tuple[float, float]:
    """Start and stop of a row's interval, s."""
    start = round(_time(row, "start"), 6)
    if bool(row.values.get("stop")) == bool(row.values.get("length")):
        raise UsageError(f"{row.place}: give either stop or length")
    stop = round(_time(row, "stop") if row.values.get("stop") else start + _time(row, "length"), 6)
    if stop < start + SHORTEST:
        raise UsageError(
            f"{row.place}: invalid interval from {start:g} to {stop:g} s; the shortest is {SHORTEST} s"
        )
    if start >= duration or stop > duration + _SLACK:
        verb, time = ("begins", start) if start >= duration else ("ends", stop)
        raise UsageError(
            f"{row.place}: it {verb} at {format_time(time)}, but the session ends at {format_time(duration)}"
        )
    return start, min(stop, duration)


def _time(row: Row, name: str) -> float:
    try:
        return parse_time(row.values[name])
    except UsageError as error:
        raise UsageError(f"{row.place}, {name}: {error}") from error


def _coder(row: Row) -> str:
    coder = row.values.get("coder", "coder")
    if not coder:
        raise UsageError(f"{row.place}: no coder; name one in every row, or omit the column")
    try:
        return checked_text(coder, "coder")
    except UsageError as error:
        raise UsageError(f"{row.place}: {error}") from None


def _code(row: Row, kinds: tuple[str, ...]) -> int:
    code = _spelled(row.values["code"])
    if code in UNCODABLE:
        return -1
    spelled = [_spelled(kind) for kind in kinds]
    if code not in spelled:
        options = ", ".join([*kinds, UNCODABLE[1]])
        raise UsageError(f"{row.place}: invalid code {row.values['code']!r}; use {options}")
    return spelled.index(code)


def _spelled(text: str) -> str:
    """However it is written: small, with single spaces."""
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())


def _check_apart(intervals: pd.DataFrame) -> None:
    """Raise UsageError where two intervals of one coder and student, in order of time, overlap."""
    rows = intervals.to_dict("records")
    for before, after in pairwise(rows):
        if after["start"] < before["stop"]:
            # The later row of the file is reported.
            row, earlier = (before, after) if before["row"] > after["row"] else (after, before)
            when = f"{format_time(earlier['start'])} to {format_time(earlier['stop'])}"
            coded = f"{row['label']} is coded by {row['coder']} already from {when}"
            raise UsageError(f"{row['place']}: {coded}, in {earlier['place']}")
