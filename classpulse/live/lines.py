"""A window of a lesson that goes on as JSON: for a program that reads lines, a broker or a web hook."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from engine.sessions.live.rolling import JudgedWindow
from engine.verdicts.scale import COUNTS, PROBABILITIES

#: Columns of the table `class_windows` that are told, in this order, under their own names.
_COLUMNS = ("verdict", "reason", "balance", "margin", *PROBABILITIES, "present", "measured", *COUNTS, "coverage")


def line_of(window: JudgedWindow, *, students: bool) -> dict[str, Any]:
    """The window as JSON's types; its students where they are asked for."""
    row = window.of_class
    begun = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=window.begun)
    line: dict[str, Any] = {"session": window.session_id, "name": window.name, "window": row["window"]}
    for edge in ("start", "stop"):
        line[edge] = (
            (begun + timedelta(seconds=row[edge])).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
    line |= {column: _plain(row[column]) for column in _COLUMNS}
    return line | ({"students": window.students} if students else {})


def encoded(line: dict[str, Any]) -> str:
    """One line, without its end."""
    return json.dumps(line, ensure_ascii=False, allow_nan=False)


def host_of(url: str) -> str:
    """Where lines are sent, for messages and logs: the path of a web hook is often its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "?"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
