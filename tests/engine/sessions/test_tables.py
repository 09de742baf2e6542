"""How session time is written."""

from __future__ import annotations

import pytest

from classpulse.report import terminal
from engine.verdicts.windows import clock


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0:00"), (5, "0:05"), (62.5, "1:02.5"), (59.97, "1:00"), (750, "12:30"), (3723, "1:02:03")],
)
def test_session_time_is_written_as_people_write_it(seconds, written):
    assert clock(seconds) == written


@pytest.mark.parametrize("seconds", [0, 7, 59, 60, 3599, 3600, 5025])
def test_errors_and_tables_write_whole_seconds_alike(seconds):
    assert clock(seconds) == terminal.clock(seconds)
