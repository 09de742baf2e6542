"""What the public API adds to a session for notebooks: its sentence, a sparkline and a table, and Arrow tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any, ParamSpec

import pandas as pd

from classpulse.report.palette import rgb
from classpulse.report.sentence import session_summary
from engine.errors import UsageError
from engine.sessions import analysis, session
from engine.verdicts.scale import INSUFFICIENT, VERDICTS

P = ParamSpec("P")

#: Height of the sparkline, and the widest that one of its bars is, px.
_HEIGHT, _BAR = 40, 12
_WIDTH = 600


class Session(session.Session):
    """A session in a database, as `engine` has it, that shows itself in notebooks."""

    def to_arrow(self, table: str = "verdicts") -> Any:
        """One of the tables verdicts, class_verdicts, students, faces, frames and phases as a pyarrow.Table.

        Raises UsageError for another name.
        """
        tables: dict[str, Callable[[], pd.DataFrame]] = {
            "verdicts": self.verdicts,
            "class_verdicts": self.class_verdicts,
            "students": self.students,
            "faces": self.faces,
            "frames": self.frames,
            "phases": self.phases,
        }
        if table not in tables:
            raise UsageError(f"no table {table!r}; there are {', '.join(tables)}")
        import pyarrow

        return pyarrow.Table.from_pandas(tables[table](), preserve_index=False)

    def _repr_html_(self) -> str:
        """The session in a sentence, the class's balance as bars, and a row for each student."""
        name = escape(str(self.info()["name"]))
        if self.info()["state"] != "done":
            return f"<p><b>{name}</b>: not finished; the same analysis resumes it</p>"
        windows = self.verdicts()
        counts = windows.groupby("label")["verdict"].value_counts().unstack(fill_value=0)
        verdicts = self.scale().verdicts
        counts = counts.reindex(columns=list(verdicts), fill_value=0)
        people = self.students().set_index("label")["name"]
        head = "".join(f"<th>{column}</th>" for column in ("student", *map(escape, verdicts)))
        rows = []
        for label, row in counts.iterrows():
            called = people.get(str(label))
            who = f"{label} {called}" if isinstance(called, str) else str(label)
            rows.append(f"<tr><th>{escape(who)}</th>{''.join(f'<td>{number}</td>' for number in row)}</tr>")
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        return f"<p><b>{name}</b>: {escape(session_summary(self))}</p>{sparkline(self.class_verdicts())}{table}"


def sparkline(windows: pd.DataFrame) -> str:
    """The balance of the class's windows as bars from the middle, in SVG; no bar where it is insufficient."""
    colours = {verdict: "#{:02x}{:02x}{:02x}".format(*channels) for verdict, channels in rgb().items()}
    width = min(_BAR, _WIDTH / max(len(windows), 1))
    middle = _HEIGHT / 2
    bars = []
    for place, (verdict, balance) in enumerate(windows.sort_values("start")[["verdict", "balance"]].to_numpy()):
        if verdict == VERDICTS[INSUFFICIENT] or balance != balance:
            continue
        high = max(abs(balance) * middle, 1)
        top = middle - high if balance > 0 else middle
        fill = colours.get(verdict, "#888888")
        area = f'x="{place * width:.2f}" y="{top:.2f}" width="{width:.2f}" height="{high:.2f}"'
        bars.append(f'<rect {area} fill="{fill}"/>')
    whole = f"{len(windows) * width:.0f}"
    size = f'width="{whole}" height="{_HEIGHT}"'
    axis = f'<line x1="0" x2="{whole}" y1="{middle}" y2="{middle}" stroke="currentColor" opacity="0.4"/>'
    return f'<svg role="img" aria-label="balance of the class" {size}>{axis}{"".join(bars)}</svg>'


def _shown(of: Callable[P, session.Session]) -> Callable[P, Session]:
    """The function with its session as a `Session` of this module."""

    @wraps(of)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> Session:
        found = of(*arguments, **named)
        return Session(found.database, found.session_id, was_done=found.was_done, warnings=found._unstored)

    return wrapped


analyze = _shown(analysis.analyze)
find = _shown(session.find)
