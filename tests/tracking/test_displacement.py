"""Displacement: which faces move too far from one frame to the next, and what rate would do."""

from __future__ import annotations

import numpy as np
import pytest

from tracking.camera import IDENTITY
from tracking.displacement import Displacement, measure_displacement


def measured(places: list[list[float]], interval: float = 1.0, shift: float = 0.0) -> Displacement:
    """Of faces of 40 px at x = `places`, a list for each frame; the camera moves all by `shift` px a frame."""
    frame = np.repeat(np.arange(len(places)), [len(one) for one in places])
    x = np.concatenate([np.asarray(one, float) for one in places]) + shift * frame
    boxes = np.stack([x - 20, np.full(len(x), 80.0), x + 20, np.full(len(x), 120.0)], axis=1)
    motion = np.tile(IDENTITY, (len(places), 1, 1))
    motion[1:, 0, 2] = shift
    motion[0] = np.nan
    return measure_displacement(interval * np.arange(len(places), dtype=np.float64), frame, boxes, motion)


def test_who_sits_overlaps_and_who_walks_is_displaced() -> None:
    found = measured([[100, 500], [104, 540], [98, 580], [100, 620]], interval=0.5)
    assert (found.overlapping, found.displaced, found.share) == (3, 3, 0.5)
    assert found.speed == pytest.approx(2.0)  # a face a frame
    assert found.least_rate == pytest.approx(2.0 / 0.54)


def test_a_face_that_is_missed_and_a_neighbour_are_no_displacement() -> None:
    found = measured([[100, 300], [100], [100, 300], [300], [100]])
    assert (found.overlapping, found.displaced) == (3, 0)


def test_what_the_camera_does_is_no_displacement() -> None:
    assert measured([[100, 500], [100, 500]], shift=60.0) == measured([[100, 500], [100, 500]])
    assert measured([[100, 500], [100, 500]], shift=60.0).displaced == 0


def test_without_two_frames_nothing_is_displaced() -> None:
    assert measured([[100.0]]) == Displacement(0, 0, 0.0)
    assert measured([[100.0]]).share == measured([[100.0]]).least_rate == 0.0
