"""What a terminal shows: tables of sessions, students and windows, drawn with rich from storage's DataFrames."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from classpulse.report import attendance, roles
from classpulse.report.areas import by_area
from classpulse.report.figures import measured, signed, student_counts
from classpulse.report.fitted import fitted_table
from classpulse.report.palette import terminal as colours
from classpulse.report.sentence import session_sentence
from engine.sessions.students import are_students, find_student
from engine.times import format_clock
from engine.verdicts.reasons import worded
from engine.verdicts.scale import BALANCE, Scale

TIMELINE_WIDTH = 30
#: What a narrow terminal does not show beside counts of verdicts and of faces.
_EXTRAS = ("coverage", "balance")
_OF_CLASS = (*_EXTRAS, "measured")
_OF_STUDENTS = ("coverage", "visible", "verdicts")
_LISTED = ("analysed", "file")

BY_ATTENTION = (
    "Judged by attention alone (face visible, usual head pose, little motion), not by emotion: interested stands\n"
    "for attentive, not interested for turned away, bowed or hidden."
)


def timeline(verdicts: pd.Series, width: int = TIMELINE_WIDTH, scale: Scale = BALANCE) -> Text:
    """One sign a window; with more windows than `width`, the most frequent verdict of each bin."""
    bin_size = -(-max(len(verdicts), 1) // width)
    text = Text()
    for first in range(0, len(verdicts), bin_size):
        verdict = verdicts.iloc[first : first + bin_size].mode().iloc[0]
        text.append(scale.class_signs[verdict], colours(scale)[verdict])
    return text


def balance(value: float, margin: float) -> str:
    """A balance with its margin, or a dash where there was no evidence."""
    if pd.isna(value):
        return "–"
    text = signed(value).replace("−", "-")
    return text if pd.isna(margin) else f"{text} ±{margin:.2f}"


def session_summary(
    session: Mapping[str, Any],
    students: pd.DataFrame,
    windows: pd.DataFrame,
    class_windows: pd.DataFrame,
    health: Mapping[str, int],
    scale: Scale = BALANCE,
) -> RenderableType:
    """What `analyze`, `judge` and `show` print of a session.

    `session` is its row, `students` its students, `windows` and `class_windows` the rows of one judgement, `health`
    counts identities and uncertain links.
    """
    heads = _heads(scale)
    table = fitted_table("student~", "visible>", "coverage>", *heads, "verdicts", least_needed=_OF_STUDENTS)
    by_student = dict(list(windows.groupby("student")))
    kinds = attendance.marks(windows)
    for student in roles.students_first(students).to_dict("records"):
        student_windows = by_student.get(student["student"], windows.iloc[:0])
        interval = f"{format_clock(student['first'])}–{format_clock(student['last'])}"
        label = student["label"] if pd.isna(student["name"]) else f"{student['label']} {student['name']}"
        mark = kinds.get(student["student"], "")
        shown = roles.not_counted(student) or timeline(student_windows["verdict"], scale=scale) + mark
        table.add_row(
            escape(label), interval, f"{student['coverage']:.0%}", *_counts(student_windows, scale), shown
        )
    table.add_section()
    coverage = f"{class_windows['coverage'].mean():.0%}" if len(class_windows) else "–"
    whole = f"0:00–{format_clock(session['duration'] or 0)}"
    table.add_row(
        "class", whole, coverage, *_counts(class_windows, scale), timeline(class_windows["verdict"], scale=scale)
    )
    certainty = class_alone(session) or identities(health)
    sentence = Text(session_sentence(class_windows, windows, students))
    told: list[RenderableType] = [headline(session, students), sentence, certainty]
    told += attendance.lines(class_windows)
    return Group(*told, "", table, "", _legend(class_windows, scale))


def headline(session: Mapping[str, Any], students: pd.DataFrame) -> Text:
    """One line: session, length, number of faces and students."""
    text = Text.assemble((f"Session {session['session_id']}: {session['name']}", "bold"))
    text.append(f"  {format_clock(session['duration'] or 0)} long")
    if not class_alone(session):
        people = students[are_students(students)]
        text.append(f", {people['faces'].sum():,} faces of {len(people)} students")
    return text


def retention_line(days: int | None, overdue: pd.DataFrame) -> tuple[str, bool]:
    """The retention limit with the overdue sessions as one line, and whether no session is overdue."""
    if days is None:
        return "no retention limit is set; `classpulse retention --days 180` sets one", True
    which = ", ".join(f"{row['session_id']} ({row['name']})" for row in overdue.to_dict("records"))
    if not which:
        return f"sessions may be kept for {days} days; none is overdue", True
    return (
        f"kept longer than {days} days: {which}; `classpulse forget --session` or --before deletes them",
        False,
    )


def class_alone(session: Mapping[str, Any]) -> str:
    """One line about what a session stores of students if that is of the class only, else empty."""
    settings = json.loads(session["settings"])
    if not settings.get("aggregate_only"):
        return ""
    least = settings["min_group"]
    return (
        f"Stored of students (--aggregate-only): verdicts of the class, each of {least} or more students, and how "
        "many faces each frame has; nothing else"
    )


def identities(health: Mapping[str, int]) -> str:
    """One line: how sure the identities are."""
    return (
        f"Identities: {counted(health['students'], 'student')}, {health['reidentified']:,} re-identified "
        f"({health['uncertain']} uncertain), {counted(health['unassigned'], 'unassigned face')}, "
        f"{counted(health['pictures'], 'poster')}"
        + (f", {counted(health['teachers'], 'teacher')}" if health["teachers"] else "")
    )


def counted(number: int, noun: str) -> str:
    """1 poster, 2,140 posters."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def students_table(students: pd.DataFrame) -> Table:
    """Every student of a session: first and last detection, number of tracks, score of the weakest link."""
    table = fitted_table(
        "student",
        "name~",
        "visible>",
        "coverage>",
        "tracks>",
        "weakest link>",
        "~",
        least_needed=_OF_STUDENTS[:2],
    )
    for row in students.to_dict("records"):
        name, link = ("–" if pd.isna(row[key]) else row[key] for key in ("name", "weakest_link"))
        table.add_row(
            row["label"],
            escape(name),
            f"{format_clock(row['first'])}–{format_clock(row['last'])}",
            f"{row['coverage']:.0%}",
            str(row["tracks"]),
            link if isinstance(link, str) else f"{link:.2f}",
            roles.not_counted(row),
        )
    return table


def areas_table(rows: pd.DataFrame) -> Table:
    """Each area and its students (`report.areas.measured`): face size, shares of frames detected and scorable."""
    table = fitted_table("area", "student", "face px>", "detected>", "scorable>")
    shares = ("detected", "scorable")
    for area in by_area(rows).to_dict("records"):
        table.add_section()
        table.add_row(
            area["area"],
            str(area["students"]),
            f"{area['size']:.0f}",
            *(f"{area[s]:.0%}" for s in shares),
            style="bold",
        )
        for row in rows[rows["area"] == area["area"]].to_dict("records"):
            label = row["label"] if pd.isna(row["name"]) else f"{row['label']} {row['name']}"
            table.add_row("", escape(label), f"{row['size']:.0f}", *(f"{row[s]:.0%}" for s in shares))
    return table


def corrections_table(corrections: pd.DataFrame) -> Table:
    """Every manual identity correction of a session."""
    table = fitted_table("correction>", "what", "made", "undone")
    for row in corrections.to_dict("records"):
        undone = "–" if pd.isna(row["undone"]) else _to_minute(row["undone"])
        table.add_row(str(row["correction"]), escape(row["what"]), _to_minute(row["made"]), undone)
    return table


def seats_table(seats: pd.DataFrame) -> Table:
    """The roster of a room."""
    table = fitted_table("name", "across>", "down>", "size>", "saved")
    for row in seats.to_dict("records"):
        table.add_row(
            escape(row["name"] or f"P{row['person']}"),
            *(f"{row[key]:.0%}" for key in ("x", "y", "size")),
            _to_minute(row["saved"]),
        )
    return table


def people_table(people: pd.DataFrame) -> Table:
    """Every person with a number, and the name unless it was dropped."""
    table = fitted_table("person", "name", "sessions>", "rosters>")
    for row in people.to_dict("records"):
        table.add_row(f"P{row['person']}", escape(row["name"] or "–"), str(row["sessions"]), str(row["rooms"]))
    return table


def class_table(class_windows: pd.DataFrame, windows: pd.DataFrame | None = None, scale: Scale = BALANCE) -> Table:
    """Every window of the class; `windows` are those of the students, whom classes without polarity need."""
    table = fitted_table(
        "window", "class~", "balance>", "coverage>", "measured>", *_heads(scale), least_needed=_OF_CLASS
    )
    counts = student_counts(class_windows, class_windows if windows is None else windows, scale)
    for row, numbers in zip(class_windows.to_dict("records"), counts.to_numpy(object), strict=True):
        table.add_row(*_window(row, scale), measured(row["measured"], row["present"]), *map(_count, numbers))
    return table


def phases_table(phases: pd.DataFrame, students: pd.DataFrame, scale: Scale = BALANCE) -> Table:
    """Every phase of the class; `students` are the rows of the students' phases."""
    table = fitted_table(
        "number>",
        "phase~",
        "from",
        "class",
        "balance>",
        "coverage>",
        "measured>",
        *_heads(scale),
        least_needed=(*_OF_CLASS, "from"),
    )
    counts = student_counts(phases, students, scale, "phase")
    for row, numbers in zip(phases.to_dict("records"), counts.to_numpy(object), strict=True):
        table.add_row(
            str(row["phase"]),
            escape(row["phase_label"]),
            *_window(row, scale),
            measured(row["measured"], row["present"]),
            *map(_count, numbers),
        )
    return table


def student_table(windows: pd.DataFrame, label: str, scale: Scale = BALANCE) -> Table:
    """Every window of the student with this label or name. Raises UsageError unless there is one."""
    student_windows = windows[windows["label"] == find_student(windows, label)["label"]]
    table = fitted_table("window", "verdict~", "balance>", "coverage>", "scorable>", "faces>", least_needed=_EXTRAS)
    for row in student_windows.to_dict("records"):
        table.add_row(*_window(row, scale), str(row["scorable"]), str(row["faces"]))
    return table


def sessions_table(sessions: pd.DataFrame) -> Table:
    """Every session of a database."""
    table = fitted_table(
        "session>", "name~", "file~", "length>", "state", "analysed", least_needed=("analysed", "file")
    )
    for row in sessions.to_dict("records"):
        length = "–" if pd.isna(row["duration"]) else format_clock(row["duration"])
        analysed = _to_minute(row["created"])
        table.add_row(
            str(row["session_id"]), escape(row["name"]), escape(row["file_name"]), length, row["state"], analysed
        )
    return table


def checks_table(checks: Sequence[tuple[str, str, bool]]) -> Table:
    """Results of `doctor`: (check, result, whether it passed)."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for what, result, good in checks:
        table.add_row(Text("ok" if good else "BAD", "green" if good else "bold red"), what, escape(result))
    return table


def comparison(students: tuple[int, int], windows: Mapping[str, tuple[int, int]]) -> Text:
    """Agreement with the ground truth: (detected, true) students; (correct, all) windows by group."""
    correct = ", ".join(f"{right} of {every} {group}" for group, (right, every) in windows.items())
    detected = f"{students[0]} of {students[1]} students found"
    return Text(f"\nCompared with the ground truth: {detected}; correct windows: {correct}.")


class AnalysisProgress(Protocol):
    """The part of the engine's `Progress` that the bar reads."""

    @property
    def stage(self) -> str: ...  # noqa: D102
    @property
    def time(self) -> float: ...  # noqa: D102
    @property
    def duration(self) -> float | None: ...  # noqa: D102
    @property
    def faces(self) -> int: ...  # noqa: D102


class ProgressBar:
    """Shows the progress of an analysis on standard error; hidden if that is not a terminal."""

    def __init__(self, title: str, *, hidden: bool = False) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[clock]}", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=hidden or not sys.stderr.isatty(),
            transient=True,
        )
        self._title = title
        self._task = self._progress.add_task(title, total=None, clock="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, progress: AnalysisProgress) -> None:
        """Show `progress`."""
        if progress.stage == "detect":
            of = f" of {format_clock(progress.duration)}" if progress.duration else ""
            shown = f"{format_clock(progress.time)}{of}, {progress.faces:,} faces"
            self._progress.update(self._task, completed=progress.time, total=progress.duration, clock=shown)
        else:
            what = {"track": "tracking students", "judge": "judging windows"}[progress.stage]
            self._progress.update(self._task, clock=what)

    def count(self, done: int, of: int | None) -> None:
        """Show that `done` of so many are done."""
        self._progress.update(self._task, completed=done, total=of, clock=f"{done} of {of}" if of else f"{done}")


def show(what: RenderableType) -> None:
    """Print to standard output; plain text where no terminal reads it."""
    console(sys.stdout).print(what)


def say(line: str) -> None:
    """Print one line about the work, on standard error."""
    sys.stderr.write(line + "\n")


def console(file: Any) -> Console:
    """A console that neither guesses at highlights nor cuts a table off where no terminal limits it."""
    return Console(file=file, highlight=False, width=None if file.isatty() else 200)


def _to_minute(text: str) -> str:
    """An ISO 8601 date and time, to the minute."""
    return text[:16].replace("T", " ")


def _heads(scale: Scale) -> tuple[str, ...]:
    """How often each was the verdict; its sign, so that a table fits into 80 columns."""
    return tuple(f"{sign}>" for sign in scale.signs.values())


def _counts(windows: pd.DataFrame, scale: Scale) -> list[str]:
    return [str(int((windows["verdict"] == name).sum())) for name in scale.signs]


def _count(number: Any) -> str:
    return "–" if pd.isna(number) else str(number)


def _window(row: Mapping[Any, Any], scale: Scale) -> tuple[RenderableType, ...]:
    """When, which verdict, balance and coverage: what student and class windows share."""
    verdict = Text(worded(row["verdict"], row.get("reason")), colours(scale)[row["verdict"]])
    when = f"{format_clock(row['start'])}–{format_clock(row['stop'])}"
    return when, verdict, balance(row["balance"], row["margin"]), f"{row['coverage']:.0%}"


def _legend(class_windows: pd.DataFrame, scale: Scale) -> Text:
    """What one sign stands for."""
    text = Text()
    divided = (class_windows["verdict"] == "divided").any()
    for name, sign in (scale.class_signs if divided else scale.signs).items():
        text.append(f"{sign} {name}  ", colours(scale)[name])
    if len(class_windows):
        first = class_windows.iloc[0]
        bin_size = -(-len(class_windows) // TIMELINE_WIDTH)
        text.append(f"(one sign: {format_clock((first['stop'] - first['start']) * bin_size)})")
    return text
