"""The plots as outlines in SVG: they are there at once, without JavaScript, in print, and in either colour scheme.

Across, a session is 1000 units long whatever its duration; text is no part of them, since they are stretched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from classpulse.report.figures import LEVELS
from engine.verdicts.scale import COUNTS

#: Steps of an axis of time, s.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOST_TICKS = 8


def ticks(duration: float) -> list[float]:
    """Times for the labels of an axis, s: round ones, eight at most."""
    step = next((step for step in _STEPS if duration / step <= _MOST_TICKS), 14_400)
    return [float(time) for time in range(0, int(duration) + 1, step)]


def balance_paths(timeline: dict[str, Any], height: float = 100) -> dict[str, Any]:
    """Outlines of a timeline's balance: `lines` by verdict, the `ribbon` of its interval, what is `judged` at all.

    `band` is that of neutral balances, where the timeline has one.

    Upwards is interested; the axis ends at -end and end.
    """
    unit, end = _unit(timeline), timeline["end"]
    middle = height / 2

    def down(value: float) -> float:
        return float(middle - min(max(value / end, -1), 1) * middle)

    ribbon, judged = [], []
    lines: dict[str, list[str]] = {}
    before: float | None = None  # where the line is, if the window before has a verdict
    for start, stop, verdict, balance, margin in zip(
        *(timeline[name] for name in ("start", "stop", "verdict", "balance", "margin")), strict=True
    ):
        left, right = start / unit, stop / unit
        if verdict == "insufficient" or balance is None:
            before = None
            continue
        judged.append(_box(left, 0, right, height))
        here = down(balance)
        from_before = f"M{left:.1f} {here:.1f}" if before is None else f"M{left:.1f} {before:.1f}V{here:.1f}"
        lines.setdefault(verdict, []).append(f"{from_before}H{right:.1f}")
        before = here
        ribbon.append(_box(left, down(balance + (margin or 0)), right, down(balance - (margin or 0))))
    band = timeline.get("band")
    return {
        "lines": {verdict: "".join(parts) for verdict, parts in lines.items()},
        "ribbon": "".join(ribbon),
        "judged": "".join(judged),
        "band": _box(0, down(band), 1000, down(-band)) if band else "",
    }


def share_paths(timeline: dict[str, Any], height: float = 100) -> dict[str, str]:
    """Outlines of how many students have which verdict, stacked from the bottom: interested lowest."""
    unit = _unit(timeline)
    names = timeline.get("kinds", COUNTS)
    numbers = timeline.get("numbers") or [timeline.get(name, []) for name in names]
    paths: dict[str, list[str]] = {name: [] for name in names}
    for start, stop, *counts in (
        zip(timeline["start"], timeline["stop"], *numbers, strict=True) if any(numbers) else ()
    ):
        every = sum(counts)
        bottom = height
        for name, count in zip(names, counts, strict=True):
            if count:
                top = bottom - count / every * height
                paths[name].append(_box(start / unit, top, stop / unit, bottom))
                bottom = top
    return {name: "".join(parts) for name, parts in paths.items()}


def attendance_paths(timeline: dict[str, Any], height: float = 100) -> dict[str, str]:
    """Lines over those shares: how many students are `present`, and how many `measured`; none where unknown."""
    unit = _unit(timeline)
    times = list(zip(timeline["start"], timeline["stop"], strict=True))
    numbers = timeline["numbers"] if "kinds" in timeline else [timeline[name] for name in COUNTS]
    every = [sum(counts) for counts in zip(*numbers, strict=True)]
    if "kinds" in timeline and not any(every):  # of classes without polarity, where the class alone was stored
        return {}
    lines = {}
    for name, counts in timeline.get("attendance", {}).items():
        down = [height * (1 - count / max(number, 1)) for count, number in zip(counts, every, strict=True)]
        steps = (
            f"M{start / unit:.1f} {y:.3g}H{stop / unit:.1f}" for (start, stop), y in zip(times, down, strict=True)
        )
        lines[name] = "".join(steps)
    return lines


def level_paths(rows: Iterable[Sequence[int]], timeline: dict[str, Any]) -> dict[int, str]:
    """Outlines of the cells of each level: `rows` of levels, a unit high each; adjoining equal ones are one."""
    unit = _unit(timeline)
    left = [start / unit for start in timeline["start"]]
    right = [stop / unit for stop in timeline["stop"]]
    rows = list(rows)
    others = sorted({level for row in rows for level in row} - {*LEVELS})
    paths: dict[int, list[str]] = {level: [] for level in (*LEVELS, *others)}
    for place, row in enumerate(rows):
        new = (k for k in range(1, len(row)) if row[k] != row[k - 1] or left[k] > right[k - 1])
        for first, after in pairwise([0, *new, len(row)] if row else []):
            paths[row[first]].append(_box(left[first], place, right[after - 1], place + 1))
    return {level: "".join(parts) for level, parts in paths.items() if parts}


def _unit(timeline: dict[str, Any]) -> float:
    """Seconds in one of the 1000 units."""
    return float(timeline["length"] or 1000) / 1000


def _box(left: float, top: float, right: float, bottom: float) -> str:
    return f"M{left:.1f} {top:.3g}H{right:.1f}V{bottom:.3g}H{left:.1f}z"
