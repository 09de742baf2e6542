"""Tracks as columns: place at the start, at the end and on average, appearance, and frames in common."""

from __future__ import annotations

import numpy as np
import pytest

from tracking.tracks import tracks_table

SEAT = np.array([100.0, 200.0, 140.0, 250.0])
SIDEWAYS = np.array([1.0, 0.0, 1.0, 0.0])


def test_the_places_of_a_track_are_medians_of_its_first_and_last_two_seconds_and_of_all() -> None:
    """Ten seconds at five frames a second, 1 px to the right each: both edges are eleven faces."""
    boxes = SEAT + np.arange(51)[:, None] * SIDEWAYS
    tracks = tracks_table(np.arange(51) / 5, np.arange(51), boxes, np.zeros(51, int))
    size = np.sqrt(40.0 * 50.0)
    np.testing.assert_allclose(tracks.start, [[120 + 5, 225, size]])
    np.testing.assert_allclose(tracks.end, [[120 + 45, 225, size]])
    np.testing.assert_allclose(tracks.place, [[120 + 25, 225, size]])
    np.testing.assert_allclose(tracks.deviation, [13 / size])  # of 0, 1, 1, 2, 2, ... 25, 25 px
    assert (tracks.first_time[0], tracks.last_time[0], tracks.faces[0], tracks.frames) == (0.0, 10.0, 51, 51)


def test_places_are_those_of_the_first_frame_while_the_camera_pans() -> None:
    motion = np.tile([[1.0, 0.0, -7.0], [0.0, 1.0, 0.0]], (30, 1, 1))
    boxes = SEAT - 7 * np.arange(30)[:, None] * SIDEWAYS
    tracks = tracks_table(np.arange(30) / 5, np.arange(30), boxes, np.zeros(30, int), motion=motion)
    np.testing.assert_allclose(tracks.start[0, :2], [120, 225])
    np.testing.assert_allclose(tracks.end[0, :2], [120, 225])
    np.testing.assert_allclose(tracks.deviation, [0], atol=1e-12)


def test_appearance_score_and_shared_frames_are_those_of_the_faces_in_any_order() -> None:
    frame = np.array([2, 0, 1, 1, 2, 0])
    track = np.array([0, 0, 0, 1, 1, -1])
    described = np.array([True, True, False, True, False, True])
    descriptors = np.array([[10, 0], [30, 2], [7, 7], [99, 99]], np.uint8)
    scores = np.array([0.9, 0.7, 0.8, 1.0, 0.5, 0.1])
    tracks = tracks_table(
        [0.0, 0.2, 0.4], frame, np.tile(SEAT, (6, 1)), track, scores, descriptors=descriptors, described=described
    )
    np.testing.assert_allclose(tracks.appearance, [[20, 1], [7, 7]])
    np.testing.assert_allclose(tracks.score, [0.8, 0.75])
    assert tracks.descriptors.tolist() == [2, 1]
    assert tracks.sample_track.tolist() == [0, 0, 1]
    assert tracks.sample.tolist() == [[30, 2], [10, 0], [7, 7]]  # in order of time
    assert tracks.shared.toarray().tolist() == [[3, 2], [2, 2]]


def test_descriptors_that_are_not_as_many_as_the_described_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="1 descriptors of 2 faces"):
        tracks_table([0.0, 0.2], [0, 1], np.tile(SEAT, (2, 1)), [0, 0], descriptors=np.zeros((1, 4), np.uint8))
