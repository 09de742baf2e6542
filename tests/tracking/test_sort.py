from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.evaluation import Rows, score
from benchmarks.tracking import sort_as_published
from tracking.sort import Tracker, follow

SEAT = np.array([100.0, 100.0, 130.0, 140.0])
AWAY = np.array([300.0, 0.0, 300.0, 0.0])


def test_the_published_row_of_tud_campus_comes_out_exactly(shared: Path) -> None:
    truth, detections = (Rows.read(shared / "eval/mot/TUD-Campus" / name) for name in ("gt.txt", "det.txt"))
    result = score(truth, sort_as_published(range(1, 72), detections, min_hits=3, max_age=1))
    assert (result["FP"], result["FN"], result["IDSW"]) == (15, 113, 6)
    assert round(100 * result["MOTA"], 2) == 62.67
    assert round(100 * result["MOTP"], 1) == 73.7


def lives(pattern: str, rate: float = 5.0, **settings: float) -> list[int]:
    """Track of one seat's face in every frame of `pattern`, where x is a face and - none."""
    seen = [i for i, mark in enumerate(pattern) if mark == "x"]
    return follow(np.arange(len(pattern)) / rate, seen, np.tile(SEAT, (len(seen), 1)), **settings).tolist()


@pytest.mark.parametrize(
    ("pattern", "tracks"),
    [
        ("", []),
        ("-----", []),
        ("x", [-1]),
        ("xx", [-1, -1]),
        ("xxx", [0, 0, 0]),
        ("-xxx-", [0, 0, 0]),
        ("xxx----x", [0, 0, 0, 0]),  # 1.0 s after its last face it still lives
        ("xxx-----x", [0, 0, 0, -1]),  # 1.2 s after, it is dead
        ("xxx-----xxx", [0, 0, 0, 1, 1, 1]),
    ],
)
def test_the_life_of_a_track_at_five_frames_a_second(pattern: str, tracks: list[int]) -> None:
    assert lives(pattern) == tracks


def test_age_is_media_time_not_frames() -> None:
    pattern = "xxx" + "-" * 20 + "xxx"
    assert lives(pattern, rate=25.0) == [0] * 6
    assert lives(pattern, rate=5.0) == [0, 0, 0, 1, 1, 1]


def test_a_gap_of_an_hour_ends_every_track() -> None:
    times = [0.0, 0.2, 0.4, 3600.0, 3600.2, 3600.4]
    assert follow(times, range(6), np.tile(SEAT, (6, 1))).tolist() == [0, 0, 0, 1, 1, 1]


def test_two_seats_keep_their_tracks_apart() -> None:
    boxes = np.concatenate([[SEAT + i, SEAT + AWAY - i] for i in range(10)])
    assert follow(np.arange(10) / 5, np.repeat(np.arange(10), 2), boxes).tolist() == [0, 1] * 10


@pytest.mark.parametrize(
    "box", [[np.nan, 0, 10, 10], [0, 0, np.inf, 10], [10, 0, 0, 10], [0, 10, 10, 0], [0, 0, 0, 0]]
)
def test_a_box_that_is_none_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="is not finite with x1 < x2 and y1 < y2"):
        follow([0.0], [0], [box])


@pytest.mark.parametrize("times", [[0.0, 0.2, 0.1], [0.0, 0.0], [0.0, np.nan]])
def test_time_that_does_not_advance_is_refused(times: list[float]) -> None:
    with pytest.raises(ValueError, match="does not come after"):
        follow(times, [], np.empty((0, 4)))


@pytest.mark.parametrize("frame", [-1, 2])
def test_a_face_of_no_frame_is_refused(frame: int) -> None:
    with pytest.raises(ValueError, match="but there are 2 frames"):
        follow([0.0, 0.2], [frame], [SEAT])


def test_live_and_stored_agree() -> None:
    times, frame, boxes = wandering(np.random.default_rng(1), 40)
    tracker = Tracker()
    live = np.concatenate([tracker.update(time, boxes[frame == i]) for i, time in enumerate(times)])
    stored = follow(times, frame, boxes, min_hits=1)
    np.testing.assert_array_equal(live, stored)


def wandering(random: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Any number of faces in every frame, some near each other, none where it was before."""
    times = np.cumsum(random.uniform(0.01, 0.6, frames))
    frame = np.repeat(np.arange(frames), random.integers(0, 6, frames))
    corner = random.integers(0, 12, (len(frame), 2)) * 10 + random.normal(0, 3, (len(frame), 2))
    return times, frame, np.hstack([corner, corner + random.uniform(15, 30, (len(frame), 2))])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(0, 40))
def test_whatever_comes_a_frame_has_no_track_twice_and_the_order_of_faces_is_no_matter(
    seed: int, frames: int
) -> None:
    random = np.random.default_rng(seed)
    times, frame, boxes = wandering(random, frames)
    tracks = follow(times, frame, boxes)
    assert tracks.dtype == np.int64
    kept = np.stack([frame, tracks])[:, tracks >= 0]
    assert len(np.unique(kept, axis=1).T) == len(kept.T)
    assert set(tracks) - {-1} == set(range(tracks.max(initial=-1) + 1))
    shuffled = random.permutation(len(frame))
    again = follow(times, frame[shuffled], boxes[shuffled])
    np.testing.assert_array_equal(again, tracks[shuffled])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(1, 40), cut=st.integers(0, 40))
def test_what_comes_later_changes_no_link_made_before(seed: int, frames: int, cut: int) -> None:
    times, frame, boxes = wandering(np.random.default_rng(seed), frames)
    early = frame < cut
    np.testing.assert_array_equal(
        follow(times, frame[early], boxes[early], min_hits=1), follow(times, frame, boxes, min_hits=1)[early]
    )


def test_weak_faces_continue_a_track_and_confirm_none():
    """A pattern that was once taken for a face is half of one ever after; a real face is weak now and then."""
    times = np.arange(10.0) / 5
    frame = np.repeat(np.arange(10), 2)
    boxes = np.tile([[0, 0, 20, 20], [100, 0, 120, 20]], (10, 1))
    pattern = [0.95, 0.85, 0.5, 0.5, 0.6, 0.5, 0.7, 0.5, 0.5, 0.5]
    face = [0.5, 0.95, 0.5, 0.5, 0.85, 0.6, 0.5, 0.9, 0.5, 0.5]
    scores = np.column_stack([pattern, face]).ravel()
    numbers = follow(times, frame, boxes, scores, sure_score=0.8).reshape(10, 2)
    assert (numbers[:, 0] == -1).all()
    assert numbers[:, 1].tolist() == [-1] + [0] * 9
    assert set(follow(times, frame, boxes, scores).tolist()) == {-1, 0, 1}
