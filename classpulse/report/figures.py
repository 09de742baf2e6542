"""The data of a report's figures: pure functions from the rows of `report.queries` to JSON values."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from classpulse.report import attendance
from classpulse.report.roles import not_counted, students_first
from engine.faces import POLARITIES, Classes
from engine.sessions.students import uncertain_links
from engine.verdicts.reasons import MEASURABLE, REASONS, worded
from engine.verdicts.scale import BALANCE, COUNTS, SIDES, VERDICTS, Scale

#: The level of a cell without a verdict; all others are -3 (not interested) to 3 (interested), 0 is neutral.
INSUFFICIENT = -9
LEVELS = (INSUFFICIENT, *range(-3, 4))
#: The level of the first of classes without polarity; the others follow.
FIRST_KIND = 11
#: How many shades the report has for the classes of one polarity.
SHADES = 4
_ORDERS = ("seat", "level", "label")


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """A dict for each row."""
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def display_name(student: dict[str, Any]) -> str:
    """S07, or S07 Ada for a named student."""
    return str(student["label"] if pd.isna(student["name"]) else f"{student['label']} {student['name']}")


def levels(verdict: pd.Series, balance: pd.Series, scale: Scale = BALANCE) -> npt.NDArray[np.int64]:
    """One number a window that agrees with its verdict: its sign, in three steps of |balance| (thirds).

    Of classes without polarity it is FIRST_KIND and the place of the class.
    """
    if not scale.polar:
        kinds = {kind: FIRST_KIND + place for place, kind in enumerate(scale.kinds)}
        return np.array([kinds.get(name, INSUFFICIENT) for name in verdict], np.int64)
    steps = np.clip(np.ceil(np.abs(balance.astype(float).fillna(0.0).to_numpy()) * 3), 1, 3).astype(np.int64)
    sign = verdict.map(SIDES).to_numpy(np.int64)
    return np.where(verdict.to_numpy() == "insufficient", INSUFFICIENT, sign * steps)


def verdict_of(level: int, scale: Scale = BALANCE) -> str:
    """The verdict that a level stands for."""
    if level >= FIRST_KIND:
        return scale.kinds[level - FIRST_KIND]
    if level == INSUFFICIENT:
        return VERDICTS[-1]
    side = (level > 0) - (level < 0)
    return next(verdict for verdict, of in SIDES.items() if of == side)


def levels_of(scale: Scale) -> tuple[int, ...]:
    """All levels, in the order in which they are drawn."""
    return LEVELS if scale.polar else (INSUFFICIENT, *range(FIRST_KIND, FIRST_KIND + len(scale.kinds)))


def student_counts(of: pd.DataFrame, students: pd.DataFrame, scale: Scale, by: str = "window") -> pd.DataFrame:
    """How many students have each of `scale.verdicts` in every row `of` the class, a column for each.

    `students` are the rows of students; classes without polarity are counted in them. Where the class alone was
    stored there are none, and the counts are missing.
    """
    if scale.polar:
        return of[list(COUNTS)].set_axis(list(scale.verdicts), axis=1)
    if students.empty:
        return pd.DataFrame(index=of.index, columns=list(scale.verdicts), dtype="Int64")
    counts = pd.crosstab(students[by], students["verdict"]).reindex(columns=list(scale.verdicts), fill_value=0)
    return counts.reindex(of[by], fill_value=0).set_axis(of.index).astype("Int64")


def class_counts(windows: pd.DataFrame, scale: Scale = BALANCE) -> dict[str, int]:
    """How many windows of the class have which verdict; `divided` only where any has."""
    counts = {verdict: int((windows["verdict"] == verdict).sum()) for verdict in scale.class_verdicts}
    return {verdict: count for verdict, count in counts.items() if count or verdict in scale.verdicts}


def usually_measured(windows: pd.DataFrame) -> str:
    """`5 of 7`: the medians of how many students were measured and in view, over the windows of the class."""
    known = windows[["measured", "present"]].dropna()
    return measured(*known.median().round()) if len(known) else ""


def signed(value: float) -> str:
    """+0.42, −0.42, and 0.00 without a sign."""
    text = f"{value:+.2f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def measured(number: float, present: float) -> str:
    """`5 of 7`: how many students of those in view were measured; a dash where it is not known."""
    return "–" if pd.isna(number) else f"{number:.0f} of {present:.0f}"


def timeline(
    windows: pd.DataFrame,
    phases: pd.DataFrame | None = None,
    counts: pd.DataFrame | None = None,
    scale: Scale = BALANCE,
) -> dict[str, Any]:
    """The windows of the class, or of one student: columns, `end` and `length` of the axes of balance and time (s).

    For the class, the four counts of students come as well; `phases` are the marked ones. Classes without polarity
    have `kinds`, their names and insufficient, and of the class `numbers`, a list of `student_counts` for each.
    """
    columns = ("start", "stop", "balance", "margin", "coverage", *COUNTS * scale.polar)
    known = {name: _numbers(windows[name]) for name in columns if name in windows}
    reach = (windows["balance"].astype(float).abs() + windows["margin"].astype(float).fillna(0)).max()
    end = next((end for end in (0.25, 0.5, 0.75) if reach <= end), 1.0)
    length = float(windows["stop"].max()) if len(windows) else 0.0
    marked = [] if phases is None else records(phases[["phase_label", "start", "stop"]])
    counted: dict[str, Any] = {}
    if "measured" in windows:
        counted["measured"] = [*map(measured, windows["measured"], windows["present"])]
    if scale.polar:
        counted |= attendance.over_time(windows)
    else:
        counted["kinds"] = list(scale.verdicts)
        counted["numbers"] = [] if counts is None else [counts[name].fillna(0).tolist() for name in scale.verdicts]
    shown = [*map(worded, windows["verdict"], windows["reason"])]
    return {
        **known,
        **counted,
        "verdict": windows["verdict"].tolist(),
        "shown": shown,
        "end": end,
        "length": length,
        "phases": marked,
    }


def heatmap(students: pd.DataFrame, windows: pd.DataFrame, scale: Scale = BALANCE) -> dict[str, Any]:
    """Students x windows: a row for each judged student, in three orders.

    `levels`, `balance`, `margin`, `coverage` (percent), `scorable`, `reason` (its place in `reasons`, or -1)
    and `measurable` (in `told`) have a list for each student, with a number a window; `orders` name the rows
    from the top down, by `seat` (from the back row to the front, left to right), by `level` (mean balance of the
    windows with a verdict, the highest first) and by `label`.
    """
    judged = students[students["student"].isin(windows["student"])]
    numbers = judged["student"].tolist()
    shape = len(numbers), -1
    windows = windows[windows["student"].isin(numbers)]
    told = [*MEASURABLE]
    first = windows[windows["student"] == numbers[0]] if numbers else windows

    def rows(values: Any) -> list[list[Any]]:
        listed: list[list[Any]] = np.asarray(values, object).reshape(shape).tolist() if numbers else []
        return listed

    level = levels(windows["verdict"], windows["balance"], scale)
    return {
        **({} if scale.polar else {"kinds": list(scale.verdicts)}),
        "students": numbers,
        "labels": [display_name(student) for student in records(judged)],
        "start": _numbers(first["start"]),
        "stop": _numbers(first["stop"]),
        "length": float(first["stop"].max()) if len(first) else 0.0,
        "levels": rows(level),
        "balance": rows(_numbers(windows["balance"], 2)),
        "margin": rows(_numbers(windows["margin"], 2)),
        "coverage": rows((windows["coverage"].astype(float) * 100).round().astype(int)),
        "scorable": rows(windows["scorable"].astype(int)),
        "reason": rows(windows["reason"].map([*REASONS].index, na_action="ignore").fillna(-1).astype(int)),
        "reasons": [*REASONS.values()],
        "measurable": rows(windows["measurable"].map(told.index, na_action="ignore").fillna(-1).astype(int)),
        "told": [*MEASURABLE.values()],
        "orders": dict(zip(_ORDERS, _orders(judged, windows), strict=True)),
    }


def _orders(students: pd.DataFrame, windows: pd.DataFrame) -> tuple[list[int], list[int], list[int]]:
    """Places in `students`: by seat, by level, by label."""
    judged = windows[windows["verdict"] != "insufficient"]
    mean = judged.groupby("student")["balance"].mean().reindex(students["student"]).astype(float).to_numpy()
    by_level = np.argsort(-np.where(np.isnan(mean), -np.inf, mean), kind="stable")
    return by_seat(students), by_level.tolist(), list(range(len(students)))


def by_seat(students: pd.DataFrame) -> list[int]:
    """Places in `students`, row by row from the back (the top of the picture), and from left to right."""
    x, y, size = (students[name].astype(float).to_numpy() for name in ("x", "y", "size"))
    row = np.zeros(len(x), np.int64)
    down = np.argsort(y, kind="stable")
    for before, here in pairwise(down):
        row[here] = row[before] + (y[here] - y[before] > 0.75 * min(size[here], size[before]))
    return [int(place) for place in np.lexsort((x, row))]


def seats(
    students: pd.DataFrame, windows: pd.DataFrame, picture: tuple[int, int], scale: Scale = BALANCE
) -> dict[str, Any]:
    """Seats of all students, in px of an image of (width, height), with the session's verdict and coverage.

    The verdict is the most frequent one of the student's judged windows; `level` is its sign, graded by the mean
    balance of these windows. `reason` is the most frequent code of the windows without one, `kind` what can be told
    of the student at all (`attendance.kinds`).
    """
    judged = windows[windows["verdict"] != "insufficient"]
    by_student = dict(list(judged.groupby("student")))
    window_counts = windows.groupby("student").size()
    reasons = windows.dropna(subset="reason").groupby("student")["reason"].agg(lambda codes: codes.mode().iloc[0])
    kinds = attendance.kinds(windows)
    placed = []
    for student in records(students):
        student_windows = by_student.get(student["student"], judged.iloc[:0])
        verdict = "insufficient" if student_windows.empty else str(student_windows["verdict"].mode().iloc[0])
        mean = float(student_windows["balance"].mean()) if len(student_windows) else math.nan
        level = int(levels(pd.Series([verdict]), pd.Series([mean]), scale)[0])
        placed.append(
            {
                "student": int(student["student"]),
                "label": student["label"],
                "display_name": display_name(student),
                "x": float(student["x"]),
                "y": float(student["y"]),
                "size": float(student["size"]),
                "coverage": float(student["coverage"]),
                "not_counted": not_counted(student),
                "verdict": verdict,
                "level": level,
                "balance": None if math.isnan(mean) else mean,
                "judged": len(student_windows),
                "windows": int(window_counts.get(student["student"], 0)),
                "reason": reasons.get(student["student"]),
                "kind": kinds.get(student["student"]),
            }
        )
    return {"width": picture[0], "height": picture[1], "students": placed}


def cards(
    students: pd.DataFrame,
    windows: pd.DataFrame,
    measured: pd.DataFrame,
    tracks: pd.DataFrame,
    unmeasured: pd.DataFrame,
    phases: pd.DataFrame,
    classes: pd.DataFrame,
    *,
    scale: Scale = BALANCE,
) -> list[dict[str, Any]]:
    """A card for everybody, students first: figures, timeline, mix of classes, tracks, doubtful links, duplicate.

    `measured` are means for each student: of the scores of the session's `classes`, or of the three `signals` of
    attention in place of the mix. `unmeasured` lists students without a verdict in most windows, with the cause.
    """
    by_student = dict(list(windows.groupby("student")))
    doubtful = uncertain_links(tracks)
    means = measured.set_index("student")
    mixed = "score_1" in measured
    why = dict(zip(unmeasured["student"], records(unmeasured), strict=True))
    kinds = attendance.kinds(windows)
    cards_by_student = []
    for student in records(students_first(students)):
        number = student["student"]
        student_windows = by_student.get(number, windows.iloc[:0])
        mean = means.loc[number] if number in means.index else None
        judged = bool((student_windows["verdict"] != "insufficient").any())
        cards_by_student.append(
            {
                **student,
                "display_name": display_name(student),
                "not_counted": not_counted(student),
                "counts": {
                    verdict: int((student_windows["verdict"] == verdict).sum()) for verdict in scale.verdicts
                },
                "timeline": timeline(student_windows, scale=scale),
                "levels": levels(student_windows["verdict"], student_windows["balance"], scale).tolist(),
                "mix": mix(mean, classes) if mixed and mean is not None and judged else [],
                "signals": None if mixed or mean is None else _known(mean),
                "phases": records(phases[phases["student"] == number]),
                "unmeasured": why.get(number),
                "kind": kinds.get(number),
                "doubtful": records(doubtful[doubtful["student"] == number].sort_values(["first", "track"])),
                "neighbour": _possible_duplicate(student, students),
            }
        )
    end = max((card["timeline"]["end"] for card in cards_by_student), default=1.0)
    for card in cards_by_student:  # equal axes, so that students can be compared
        card["timeline"]["end"] = end
    return cards_by_student


def mix(mean: pd.Series, classes: pd.DataFrame) -> list[dict[str, Any]]:
    """Name, shade and share of every class, as a bar shows them: positive, neutral, negative, ignored.

    `mean` has score_1, score_2, ...; a shade is a polarity and a number from 1 to SHADES, such as "negative2".
    """
    members = Classes.of(classes["name"], classes["polarity"])
    number = {name: place for place, name in enumerate(members.names, 1)}
    return [
        {
            "name": name,
            "shade": f"{polarity}{place % SHADES + 1}",
            "share": float(mean[f"score_{number[name]}"]),
        }
        for polarity in POLARITIES
        for place, name in enumerate(members.with_polarity(polarity))
    ]


def _known(values: pd.Series) -> dict[str, float | None]:
    return {str(name): None if pd.isna(value) else float(value) for name, value in values.items()}


def _possible_duplicate(student: dict[str, Any], students: pd.DataFrame) -> str | None:
    """Label of the nearest student (within three face sizes) never visible at the same time, or None."""
    others = students[(students["last"] < student["first"]) | (students["first"] > student["last"])]
    away = np.hypot(others["x"].astype(float) - student["x"], others["y"].astype(float) - student["y"])
    return None if away.empty or away.min() > 3 * student["size"] else str(others.loc[away.idxmin(), "label"])


def _numbers(column: pd.Series, decimals: int = 4) -> list[float | None]:
    """A column's numbers, None for missing values."""
    values = column.astype(float).round(decimals)
    return [None if math.isnan(value) else value for value in values]
