"""When a recording began, from the name of its file, and as people write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from engine.errors import UsageError

_DAY = r"(?P<year>(?:19|20)\d\d){0}(?P<month>0[1-9]|1[0-2]){0}(?P<day>0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?P<hour>[01]\d|2[0-3]){0}(?P<minute>[0-5]\d)(?:{0}(?P<second>[0-5]\d))?"
_WHOLE_CLOCK = r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d)"
#: How recorders write day and time into names (docs/commands.md lists them); the first that fits is taken.
_PATTERNS = tuple(
    re.compile(rf"(?<!\d){pattern}")
    for pattern in (
        # 2026-09-14_08-00, 2026-09-14 08.00.15, 2026-09-14T08:00, 2026-09-14 at 08.00.15
        _DAY.format("[-._]") + r"(?: at |[ T_-]+)" + _CLOCK.format("[-.:_h]") + r"(?!\d)",
        # 2026_0914_080015
        _DAY.format("_?") + "_" + _WHOLE_CLOCK + r"(?!\d)",
        # 20260914_080015, 20260914-080015, 20260914T080015, 20260914080015, and with milliseconds
        _DAY.format("") + r"[-_T ]?" + _WHOLE_CLOCK + r"(?:\d{3})?(?!\d)",
        # 2026-09-14_0800, 20260914_0800, 20260914T0800
        _DAY.format("-?") + r"[-_T ]" + _CLOCK.format("") + r"(?!\d)",
    )
)
#: Beginnings of names whose time is UTC: Google's phones, Zoom.
_UTC_NAMES = ("PXL_", "GMT")


def time_in_name(name: str) -> datetime | None:
    """When the recording of this file name began, UTC; None where the name does not say day and time.

    A name has the time of its recorder's clock, which is taken to be in this machine's time zone.
    """
    for pattern in _PATTERNS:
        if found := pattern.search(name):
            parts = {part: int(value or 0) for part, value in found.groupdict().items()}
            try:
                time = datetime(**parts, tzinfo=UTC)
            except ValueError:  # 31 June
                return None
            return time if name.startswith(_UTC_NAMES) else time.replace(tzinfo=None).astimezone(UTC)
    return None


def parse_recorded(text: str) -> datetime:
    """`2026-09-14 08:00`, in this machine's time zone, or with another one as ISO 8601 writes it; UTC.

    Raises UsageError for anything else.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        time = None
    if time is None or len(text.strip()) < len("2026-09-14 08"):
        raise UsageError(f"invalid date and time {text!r}; use YYYY-MM-DD HH:MM, or ISO 8601 with a time zone")
    return time.astimezone(UTC)
