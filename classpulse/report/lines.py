"""Lines for people: the files and shots of a recording, and whom a roster named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from rich.markup import escape

from classpulse.report.terminal import counted
from engine.times import format_clock

#: Shots of a session that are listed; the table `shots` has all.
MOST_SHOTS = 12


def sources_line(sources: pd.DataFrame) -> str:
    """One line: which files a session was recorded in, and when each starts; empty for a single one."""
    if sources.empty:
        return ""
    starts = zip(sources["file_name"], sources["start"], sources["stop"], strict=True)
    listed = ", ".join(f"{name} {format_clock(start)}–{format_clock(stop)}" for name, start, stop in starts)
    return escape(f"Files: {len(sources)}: {listed}")


def shots_line(shots: pd.DataFrame) -> str:
    """One line: when each shot of a session starts, and which view it shows; empty for a single one."""
    if len(shots) < 2:
        return ""
    first = shots.head(MOST_SHOTS)
    starts = ", ".join(
        f"{format_clock(start)} view {view + 1}" for start, view in zip(first["start"], first["view"], strict=True)
    )
    more = f", and {len(shots) - MOST_SHOTS} more" if len(shots) > MOST_SHOTS else ""
    return f"Shots: {len(shots)}, {counted(shots['view'].nunique(), 'view')}: {starts}{more}"


def carried(room: str, named: Mapping[str, str], unmatched: Sequence[str], unnamed: Sequence[str]) -> str:
    """Result of applying a roster to a session."""
    groups = {
        f"named by seat in {room}": [f"{label} {name}" for label, name in named.items()],
        "seats without a match": unmatched,
        "students without a name": unnamed,
    }
    return "\n".join(
        f"{what}: {len(members)}" + (f" ({', '.join(members)})" if members else "")
        for what, members in groups.items()
    )
