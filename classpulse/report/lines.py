"""Lines for people: a recording's files and shots, whose identity is in doubt, and whom a roster named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.markup import escape

from classpulse.report.terminal import counted
from engine.sessions.students import MOST_IN_DOUBT, MOST_NAMED, are_students, share_in_doubt, uncertain_links
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


def doubt_line(session_id: int, tracks: pd.DataFrame, students: pd.DataFrame) -> str:
    """A warning where much of the class's time rests on uncertain links: how much, whose, and when; else empty."""
    share = share_in_doubt(tracks, students)
    if share <= MOST_IN_DOUBT:
        return ""
    doubtful = most_doubtful(tracks, students)
    named = ", ".join(f"{each['label']} from {format_clock(each['first'])}" for each in doubtful)
    first = doubtful[0]
    return (
        f"{share:.0%} of the class's time rests on uncertain re-identification; most of it: {named}. See who it is "
        f"then; if it is somebody else: classpulse split {session_id} {first['label']} "
        f"--at {format_clock(first['first'])}"
    )


def most_doubtful(tracks: pd.DataFrame, students: pd.DataFrame) -> list[dict[str, Any]]:
    """The uncertain link of each of the students of whom most is at stake: label, first, last and link_score."""
    counted = students[are_students(students)].set_index("student")["label"]
    uncertain = uncertain_links(tracks[tracks["student"].isin(counted.index)]).drop_duplicates("student")
    rows = uncertain.head(MOST_NAMED)
    named = rows.assign(label=rows["student"].map(counted))
    table = named[["label", "first", "last", "link_score"]]
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


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
