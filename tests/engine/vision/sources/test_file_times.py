"""Where a session's times are in its file."""

from __future__ import annotations

from fractions import Fraction

import pytest

from engine.vision.sources.file_times import FileTimes
from engine.vision.sources.protocol import SourceWarning

WARNINGS = [
    SourceWarning("damaged", "3 packets", None),
    SourceWarning("clock_back", "back", 20.0, 1.0),
    SourceWarning("cut", "no clock", 15.0),
    SourceWarning("clock_jump", "jump", 10.0, 36_000.0),
]


def test_session_and_file_run_alike_between_the_warnings_with_a_file_time() -> None:
    times = FileTimes.of(900_000, Fraction(1, 90_000), WARNINGS)
    assert times.sections == ((0, 10), (10, 36_000), (20, 1))
    assert [times.ends(section) for section in range(3)] == [20, 36_010, float("inf")]


@pytest.mark.parametrize(
    ("time", "file_time"), [(0, 10), (9.5, 19.5), (10, 36_000), (19.9, 36_009.9), (20, 1), (500, 481)]
)
def test_the_files_clock_at_a_time_of_the_session(time: float, file_time: float) -> None:
    assert FileTimes.of(900_000, Fraction(1, 90_000), WARNINGS).file_time(time) == pytest.approx(file_time)
