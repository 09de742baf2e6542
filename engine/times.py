"""How a time in a session is written and read: 0:05, 12:30, 1:02:03; and how long something lasts: 45m."""

from __future__ import annotations

import re

from engine.errors import UsageError

_DURATION = re.compile(r"(?=.)(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m(?:in)?)?(?:([0-9]{1,6})s)?")
_TIME = re.compile(r"[0-9]{1,9}(:[0-5]?[0-9]){0,2}([.][0-9]*)?")


def parse_time(text: str) -> float:
    """Seconds of 12:30, 1:02:03 or 750, each with or without decimals, after a point or a comma.

    Raises UsageError for anything else.
    """
    stripped = text.strip().replace(",", ".")
    if not _TIME.fullmatch(stripped):
        raise UsageError(f"invalid time {text!r}; use 12:30, 1:02:03 or seconds")
    return sum(float(part) * 60.0**place for place, part in enumerate(reversed(stripped.split(":"))))


def parse_duration(text: str) -> float:
    """Seconds of 90s, 45m or 1h30m. Raises UsageError for anything else, and for none at all."""
    match = _DURATION.fullmatch(text.strip().lower())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    if not (total := 3600 * hours + 60 * minutes + seconds):
        raise UsageError(f"invalid duration {text!r}; use 90s, 45m or 1h30m")
    return float(total)


def format_time(seconds: float) -> str:
    """Seconds to a tenth, as people write them: 0:05, 0:05.5, 12:30, 1:02:03."""
    minutes, remainder = divmod(round(seconds, 1), 60)
    return _joined(int(minutes), f"{remainder:04.1f}".removesuffix(".0"))


def format_clock(seconds: float) -> str:
    """The last whole second: 0:05, 12:30, 1:02:03."""
    minutes, remainder = divmod(int(seconds), 60)
    return _joined(minutes, f"{remainder:02}")


def _joined(minutes: int, second: str) -> str:
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{second}" if hours else f"{minutes}:{second}"
