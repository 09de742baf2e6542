"""How a time in a session is written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.times import format_clock, format_time, parse_time


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0:00"), (5, "0:05"), (62.5, "1:02.5"), (59.97, "1:00"), (750, "12:30"), (3723, "1:02:03")],
)
def test_a_time_is_written_to_a_tenth_of_a_second(seconds: float, written: str) -> None:
    assert format_time(seconds) == written


@pytest.mark.parametrize("seconds", [0, 7, 59, 60, 3599, 3600, 5025])
def test_messages_and_tables_write_whole_seconds_alike(seconds: int) -> None:
    assert format_time(seconds) == format_clock(seconds)


def test_a_clock_shows_the_last_whole_second() -> None:
    assert [format_clock(time) for time in (59.97, 62.5, 3599.9)] == ["0:59", "1:02", "59:59"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("750", 750),
        ("12:30", 750),
        ("1:02:03", 3723),
        (" 0:05.5 ", 5.5),
        ("90:00", 5400),
        ("7.", 7),
        ("1:2", 62),
        ("1:02,25", 62.25),
        ("0,5", 0.5),
    ],
)
def test_a_time_is_read_in_minutes_hours_or_seconds(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "inf",
        "nan",
        "-5",
        "1e3",
        "1:70",
        "1:2:3:4",
        "::",
        "1:-5",
        "0x10",
        "٣",
        "1:inf",
        "1_000",
        "1,5,5",
        "1.5,5",
        ",5",
    ],
)
def test_no_other_text_is_read_as_a_time(text: str) -> None:
    with pytest.raises(UsageError, match=r"invalid time .*; use 12:30, 1:02:03 or seconds"):
        parse_time(text)


@given(st.floats(0, 1e6))
def test_a_time_that_is_written_is_read_back(seconds: float) -> None:
    assert parse_time(format_clock(seconds)) == int(seconds)
    assert parse_time(format_time(seconds)) == pytest.approx(seconds, abs=0.0501)
    assert parse_time(f"{seconds:.3f}") == pytest.approx(seconds, abs=1e-3)
