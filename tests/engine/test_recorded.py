"""When a recording began: from names as recorders write them, and from what people type."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine.errors import UsageError
from engine.recorded import parse_recorded, time_in_name


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine two hours ahead of UTC in September, one in January."""
    if sys.platform == "win32":
        pytest.skip("the environment does not set this system's time zone")
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("name", "hour", "minute", "second"),
    [
        ("2026-09-14_08-00.mp4", 6, 0, 0),
        ("Physics 8b 2026-09-14 08-00-15.mkv", 6, 0, 15),
        ("Screen Recording 2026-09-14 at 08.00.15.mov", 6, 0, 15),
        ("2026-09-14T08:00.mp4", 6, 0, 0),
        ("2026.09.14_08h05.mp4", 6, 5, 0),
        ("20260914_080015_NF.mp4", 6, 0, 15),
        ("VID_20260914_080015.mp4", 6, 0, 15),
        ("20260914T080015.mp4", 6, 0, 15),
        ("PXL_20260914_060015123.mp4", 6, 0, 15),
        ("2026_0914_080015_0001F.MP4", 6, 0, 15),
        ("ch01_20260914080015.mp4", 6, 0, 15),
        ("NVR_ch1_main_20260914080015_20260914090015.mp4", 6, 0, 15),
        ("GMT20260914-060015_Recording_1920x1080.mp4", 6, 0, 15),
        ("Lesson-20260914_080015-Meeting Recording.mp4", 6, 0, 15),
        ("2026-09-14_0800.mp4", 6, 0, 0),
        ("20260914-0800.mp4", 6, 0, 0),
    ],
)
def test_names_of_recorders(name: str, hour: int, minute: int, second: int) -> None:
    assert time_in_name(name) == datetime(2026, 9, 14, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "lesson.mp4",
        "2026-09-14.mp4",
        "20260914.mp4",
        "VID-20260914-WA0001.mp4",
        "2026-13-14_08-00.mp4",
        "2026-06-31_08-00.mp4",
        "2026-09-14_24-00.mp4",
        "120260914_0800151.mp4",
        "9920260914080015.mp4",
        "1920x1080_30.mp4",
        "MVI_1234.MP4",
    ],
)
def test_names_that_say_no_time(name: str) -> None:
    assert time_in_name(name) is None


def test_winter_time_is_the_zones_of_that_day() -> None:
    assert time_in_name("2026-01-14_08-00.mp4") == datetime(2026, 1, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026-09-14 08:00", 6), ("2026-09-14T08:00:00+00:00", 8), ("2026-09-14T08:00Z", 8), (" 2026-09-14 08 ", 6)],
)
def test_what_people_write(text: str, hour: int) -> None:
    assert parse_recorded(text) == datetime(2026, 9, 14, hour, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-09-14", "2026-09-31 08:00", "08:00", "20260914"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="use YYYY-MM-DD HH:MM"):
        parse_recorded(text)
