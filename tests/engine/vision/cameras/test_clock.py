"""A camera's timestamps on this machine's clock."""

from __future__ import annotations

import pytest

from engine.vision.cameras.clock import AHEAD, BEHIND, CameraClock


def times(clock: CameraClock, pictures: list[tuple[float, float]]) -> list[float | None]:
    """The time of each picture (stamp, arrived)."""
    return [clock.time_of(*picture) for picture in pictures]


def test_pictures_are_as_far_apart_as_the_camera_says_and_not_as_they_arrive() -> None:
    arrived = [1000.0, 1000.3, 1000.32, 1000.33]
    stamps = [50.0, 50.1, 50.2, 50.3]
    clock = CameraClock()
    assert times(clock, list(zip(stamps, arrived, strict=True))) == pytest.approx([1000, 1000.1, 1000.2, 1000.3])
    assert clock.jumps == 0


def test_no_picture_is_from_the_future_and_one_that_would_be_tells_that_those_before_were_late() -> None:
    pictures = [(0, 1000.0), (1.0, 1000.5), (2.0, 1001.8), (3.0, 1002.5)]
    assert times(CameraClock(), pictures) == pytest.approx([1000, 1000.5, 1001.5, 1002.5])


@pytest.mark.parametrize("wrong", [-95_443.7, 0.0, 3 * 3600.0])
def test_one_stray_stamp_is_passed_over(wrong: float) -> None:
    pictures = [(500 + 0.1 * i, 1000 + 0.1 * i) for i in range(6)]
    pictures[3] = wrong, pictures[3][1]
    clock = CameraClock()
    assert times(clock, pictures) == [None if i == 3 else pytest.approx(1000 + 0.1 * i) for i in range(6)]
    assert clock.jumps == 0


@pytest.mark.parametrize("step", [3 * 3600.0, -10.5, -(2.0**33) / 90_000])
def test_a_clock_that_is_set_goes_on_from_the_third_picture_s_arrival(step: float) -> None:
    pictures = [(500 + 0.1 * i + (step if i >= 3 else 0), 1000 + 0.1 * i) for i in range(8)]
    clock = CameraClock()
    assert times(clock, pictures) == [None if i in (3, 4) else pytest.approx(1000 + 0.1 * i) for i in range(8)]
    assert clock.jumps == 1


def test_how_early_and_how_late_a_picture_may_be() -> None:
    for delay, is_kept in ((-AHEAD, True), (-AHEAD - 0.01, False), (BEHIND, True), (BEHIND + 0.01, False)):
        clock = CameraClock()
        clock.time_of(0, 1000)
        assert (clock.time_of(20, 1020 + delay) is not None) == is_kept


@pytest.mark.parametrize("rate", [1.0002, 0.9998])
def test_a_camera_whose_clock_is_fast_or_slow_is_followed_for_an_hour(rate: float) -> None:
    """Every fourth picture is late by up to half a second; without following, the end would be 0.7 s off."""
    clock = CameraClock()
    worst = 0.0
    for i in range(36_000):
        taken = 0.1 * i
        arrived = taken + (0.17 * (i % 4))
        time = clock.time_of(taken * rate, 1000 + arrived)
        assert time is not None
        if i > 1000:
            worst = max(worst, abs(time - 1000 - taken))
    assert worst < 0.05
    assert clock.jumps == 0
