"""A session, or a student, in one sentence by rules: what prevailed, what changed, who was never measurable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classpulse.report.changepoints import levels
from classpulse.report.figures import signed
from engine.sessions.students import are_students
from engine.times import format_clock
from engine.verdicts.reasons import REASONS

if TYPE_CHECKING:
    from engine.sessions.session import Session

#: Students that are named; of more their number is given.
_NAMED = 3
#: Sessions so long, s, have their changes told in minutes.
_IN_MINUTES = 600.0
#: A balance that is so near to the usual one is no dip and no rise, however sure it is; nor is one that is as near
#: as this share of the furthest from it.
_MATTERS, _SHARE = 0.05, 0.25
#: Reasons that say nothing about a face.
_UNSEEN = ("not_seen", "no_picture")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True)
class Change:
    """A stretch whose balance differs from what prevails, for a minute or more and surely."""

    start: float
    stop: float
    balance: float
    """Its mean."""
    usual: float
    """The mean of the usual stretch."""
    most: int | None
    """The most students that one of its windows calls not interested (interested, where it is a rise)."""
    measured: int | None
    """Of how many in that window; both are None for a single student."""

    @property
    def rise(self) -> bool:
        """Whether it is higher than usual."""
        return self.balance > self.usual


def session_summary(session: Session, judgement: str | None = None) -> str:
    """`session_sentence` of a judgement of a session, by default the latest."""
    return session_sentence(session.class_verdicts(judgement), session.verdicts(judgement), session.students())


def session_sentence(class_windows: pd.DataFrame, windows: pd.DataFrame, students: pd.DataFrame) -> str:
    """One sentence about the rows of one judgement; `students` are all of the session."""
    people = students[are_students(students)]
    parts = [prevailing(class_windows), *_changes(class_windows), _never_measured(windows, people)]
    return "; ".join(part for part in parts if part) + "."


def student_sentence(windows: pd.DataFrame) -> str:
    """One sentence about the rows of one student's windows."""
    if len(windows) and (windows["verdict"] == "insufficient").all():
        reason = _reason(windows)
        return f"Never measurable{': ' + REASONS[reason] if reason else ''}."
    return "; ".join([prevailing(windows), *_changes(windows)]) + "."


def prevailing(windows: pd.DataFrame) -> str:
    """What the windows, of the class or of a student, were mostly, and how many of them say so."""
    if windows.empty:
        return "There are no windows to judge"
    judged = windows[windows["verdict"] != "insufficient"]
    if judged.empty:
        reason = _reason(windows)
        return f"No window has a verdict{': ' + REASONS[reason] if reason else ''}"
    counts = judged["verdict"].value_counts()
    verdict, most = str(counts.index[0]), int(counts.iloc[0])
    tied = [str(name) for name, count in counts.items() if count == most]
    without = len(windows) - len(judged)
    more = f", {without} without a verdict" if without else ""
    if len(tied) > 1:
        return f"As often {' as '.join(tied)} ({most} of {len(windows)} windows each{more})"
    if most == len(judged):
        how = f"{verdict[:1].upper()}{verdict[1:]} throughout"
    else:
        how = f"Mostly {verdict}" if 2 * most > len(judged) else f"Most often {verdict}"
    return f"{how} ({most} of {len(windows)} windows{more})"


def sustained_changes(windows: pd.DataFrame) -> list[Change]:
    """The stretches that differ from the usual one, of the windows of the class or of a student, in order.

    Half of the time is in stretches that are as high as the usual one or higher, half in those as high or lower.
    """
    # Classes without polarity have no balance.
    judged = windows[(windows["verdict"] != "insufficient") & windows["balance"].notna()].sort_values("start")
    start, stop, balance = (judged[name].to_numpy(np.float64) for name in ("start", "stop", "balance"))
    stretches = levels(start, stop, balance)
    if len(stretches) < 2:
        return []
    means = [float(balance[first:after].mean()) for first, after in stretches]
    lasting = [float((stop - start)[first:after].sum()) for first, after in stretches]
    order = np.argsort(means)
    usual = means[int(order[np.searchsorted(np.cumsum(np.array(lasting)[order]), sum(lasting) / 2)])]
    least = max(_MATTERS, _SHARE * max(abs(mean - usual) for mean in means))
    merged: list[tuple[int, int, bool]] = []
    for (first, after), mean in zip(stretches, means, strict=True):
        if abs(mean - usual) <= least:
            continue
        if merged and merged[-1][1:] == (first, mean > usual):
            merged[-1] = merged[-1][0], after, mean > usual
        else:
            merged.append((first, after, mean > usual))
    return [
        Change(
            float(start[first]),
            float(stop[after - 1]),
            float(balance[first:after].mean()),
            usual,
            *_most(judged.iloc[first:after], "interested" if rise else "not_interested"),
        )
        for first, after, rise in merged
    ]


def _most(windows: pd.DataFrame, kind: str) -> tuple[int, int] | tuple[None, None]:
    """The most students of a kind in one of the windows, and of how many; None for a single student's windows."""
    if kind not in windows:
        return None, None
    row = windows.iloc[int(windows[kind].to_numpy().argmax())]
    return int(row[kind]), int(row["interested"] + row["neutral"] + row["not_interested"])


def _changes(windows: pd.DataFrame) -> list[str]:
    changes, end = sustained_changes(windows), float(windows["stop"].max()) if len(windows) else 0.0
    groups = [[change for change in changes if change.rise == rise] for rise in (False, True)]
    groups.sort(key=lambda group: group[0].start if group else end)
    return [_told(group, end) for group in groups if group]


def _told(changes: Sequence[Change], end: float) -> str:
    """Changes to one side: `two dips, 13–21 and 33–42 min, up to 16 of 24 not interested`."""
    rise, number = changes[0].rise, len(changes)
    counted = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    text = f"{counted} {'rise' if rise else 'dip'}{'s' if number > 1 else ''}, {_times(changes, end)}"
    most, measured = max(((c.most or 0, c.measured or 0) for c in changes), key=lambda pair: pair[0])
    if most:
        return f"{text}, up to {most} of {measured} {'interested' if rise else 'not interested'}"
    furthest = max(changes, key=lambda change: abs(change.balance - change.usual))
    return f"{text}, balance {signed(furthest.balance)} after {signed(furthest.usual)}"


def _times(changes: Sequence[Change], end: float) -> str:
    minutes = end >= _IN_MINUTES

    def told(time: float) -> str:
        return str(round(time / 60)) if minutes else format_clock(time)

    spans = [f"{told(change.start)}–{told(change.stop)}" for change in changes]
    listed = spans[0] if len(spans) == 1 else f"{', '.join(spans[:-1])} and {spans[-1]}"
    return f"{listed} min" if minutes else listed


def _never_measured(windows: pd.DataFrame, students: pd.DataFrame) -> str:
    """`6 of 30 never measurable: 4 face too small, 2 turned away`; empty where everybody once was."""
    judged = set(windows.loc[windows["verdict"] != "insufficient", "student"])
    counted = students[students["student"].isin(windows["student"])]
    never = counted[~counted["student"].isin(judged)]
    if never.empty:
        return ""
    text = f"{len(never)} of {len(counted)} never measurable"
    why = {
        student: REASONS[reason]
        for student, rows in windows[windows["student"].isin(never["student"])].groupby("student")
        if (reason := _reason(rows))
    }
    if len(never) <= _NAMED:
        names = [
            f"{row['label']} ({why[row['student']]})" if row["student"] in why else str(row["label"])
            for row in never.to_dict("records")
        ]
        return f"{text}: {', '.join(names)}"
    counts = pd.Series(why, dtype=object).value_counts()
    if len(counts) == 1:
        return f"{text}: {counts.index[0]}"
    return f"{text}: {', '.join(f'{count} {words}' for words, count in counts.items())}" if len(counts) else text


def _reason(windows: pd.DataFrame) -> str | None:
    """Why windows have no verdict, most often; while somebody was seen, if ever."""
    reasons = windows["reason"].dropna()
    seen = reasons[~reasons.isin(_UNSEEN)]
    counts = (seen if len(seen) else reasons).value_counts()
    return str(counts.index[0]) if len(counts) else None
