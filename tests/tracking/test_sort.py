"""Tracks: their life, the order of faces, recovery of lost faces, and compensation for the camera's motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import event, given, settings, target
from hypothesis import strategies as st

from benchmarks.evaluation import Rows, score
from benchmarks.tracking import sort_as_published
from classpulse.simulation.motion_truth import lesson
from tracking.association import iou
from tracking.camera import IDENTITY, compose, invert, warp_boxes
from tracking.kalman import FACE_NOISE, SORT_NOISE, BoxFilter, Noise
from tracking.sort import Tracker, track

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

SEAT = np.array([100.0, 100.0, 130.0, 140.0])
AWAY = np.array([300.0, 0.0, 300.0, 0.0])


def test_sort_reproduces_its_published_result_on_tud_campus(shared: Path) -> None:
    truth, detections = (Rows.read(shared / "eval/mot/TUD-Campus" / name) for name in ("gt.txt", "det.txt"))
    result = score(truth, sort_as_published(range(1, 72), detections, min_hits=3, max_age=1))
    assert (result["FP"], result["FN"], result["IDSW"]) == (15, 113, 6)
    assert round(100 * result["MOTA"], 2) == 62.67
    assert round(100 * result["MOTP"], 1) == 73.7


def lives(pattern: str, rate: float = 5.0) -> list[int]:
    """Track of one seat's face in every frame of `pattern`, where x is a face and - none."""
    seen = [i for i, mark in enumerate(pattern) if mark == "x"]
    tracks: list[int] = track(np.arange(len(pattern)) / rate, seen, np.tile(SEAT, (len(seen), 1))).tolist()
    return tracks


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


def test_the_age_of_a_track_is_media_time_not_frames() -> None:
    pattern = "x" * 11 + "-" * 20 + "x" * 11
    assert lives(pattern, rate=25.0) == [0] * 22
    assert lives(pattern, rate=5.0) == [0] * 11 + [1] * 11


def test_a_gap_of_an_hour_ends_every_track() -> None:
    times = [0.0, 0.2, 0.4, 3600.0, 3600.2, 3600.4]
    assert track(times, range(6), np.tile(SEAT, (6, 1))).tolist() == [0, 0, 0, 1, 1, 1]


def test_two_students_on_two_seats_keep_their_tracks_apart() -> None:
    boxes = np.concatenate([[SEAT + i, SEAT + AWAY - i] for i in range(10)])
    assert track(np.arange(10) / 5, np.repeat(np.arange(10), 2), boxes).tolist() == [0, 1] * 10


@pytest.mark.parametrize(
    "box", [[np.nan, 0, 10, 10], [0, 0, np.inf, 10], [10, 0, 0, 10], [0, 10, 10, 0], [0, 0, 0, 0]]
)
def test_a_box_without_an_area_or_not_finite_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="is not finite with x1 < x2 and y1 < y2"):
        track([0.0], [0], [box])


def test_it_is_the_wrong_box_that_is_named() -> None:
    for wrong in ([5.0, 0.0, np.inf, 10.0], [7.0, 0.0, 7.0, 10.0]):
        with pytest.raises(ValueError, match=f"box .{wrong[0]}, 0.0, .* is not finite"):
            Tracker().update(0.0, np.array([SEAT, wrong]))


def test_each_track_has_a_number_of_its_own() -> None:
    tracker = Tracker()
    row = np.array([SEAT + i * AWAY for i in range(4)])
    assert tracker.update(0.0, row[:3]).tolist() == [0, 1, 2]
    assert tracker.update(0.2, row[[3, 1]]).tolist() == [3, 1]


@pytest.mark.parametrize("times", [[0.0, 0.2, 0.1], [0.0, 0.0], [0.0, np.nan]])
def test_a_frame_that_is_not_later_than_the_last_is_refused(times: list[float]) -> None:
    with pytest.raises(ValueError, match="does not come after"):
        track(times, [], np.empty((0, 4)))


@pytest.mark.parametrize("frame", [-1, 2])
def test_a_face_of_a_frame_that_does_not_exist_is_refused(frame: int) -> None:
    with pytest.raises(ValueError, match="but there are 2 frames"):
        track([0.0, 0.2], [frame], [SEAT])


def test_frames_tracked_one_by_one_and_stored_rows_give_the_same_tracks() -> None:
    times, frame, boxes = seated(np.random.default_rng(1), 40)
    tracker = Tracker()
    live = np.concatenate([tracker.update(time, boxes[frame == i]) for i, time in enumerate(times)])
    stored = track(times, frame, boxes, min_hits=1)
    np.testing.assert_array_equal(live, stored)


def seated(random: np.random.Generator, frames: int) -> tuple[Floats, Indices, Floats]:
    """Faces of up to eight seats so close that neighbours overlap, most of them in every frame, and false faces."""
    times = np.cumsum(random.uniform(0.01, 0.4, frames))
    seats = np.stack([random.integers(0, 4, 8) * 25.0, random.integers(0, 4, 8) * 25.0], axis=1)
    seats = seats[: random.integers(1, 9)]
    frame, seat = np.nonzero(random.random((frames, len(seats))) < 0.8)
    corner = seats[seat] + random.normal(0, 2, (len(seat), 2))
    false = np.flatnonzero(random.random(frames) < 0.2)
    corner = np.vstack([corner, random.uniform(0, 200, (len(false), 2))])
    frame = np.append(frame, false)
    order = np.argsort(frame, kind="stable")
    boxes = np.hstack([corner, corner + random.uniform(26, 32, (len(frame), 2))])
    return times, frame[order], boxes[order]


def test_no_frame_has_a_track_twice_and_the_order_of_faces_does_not_matter() -> None:
    in_tracks, births = [], []

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(seed=st.integers(0, 2**32 - 1), frames=st.integers(0, 30))
    def check(seed: int, frames: int) -> None:
        random = np.random.default_rng(seed)
        times, frame, boxes = seated(random, frames)
        tracks = track(times, frame, boxes)
        assert tracks.dtype == np.int64
        pairs = np.stack([frame, tracks])[:, tracks >= 0]
        assert len(np.unique(pairs, axis=1).T) == len(pairs.T)
        assert set(tracks) - {-1} == set(range(tracks.max(initial=-1) + 1))
        shuffled = random.permutation(len(frame))
        again = track(times, frame[shuffled], boxes[shuffled])
        np.testing.assert_array_equal(again, tracks[shuffled])
        first = [frame[tracks == number].min() for number in range(tracks.max(initial=-1) + 1)]
        in_tracks.append(np.mean(tracks >= 0) if len(tracks) else 0.0)
        births.append(len(first) - len(set(first)))
        target(float(births[-1]), label="tracks that started in a frame with another")
        event(f"tracks that started in a frame with another: {'some' if births[-1] else 'none'}")

    check()
    assert np.mean(np.array(in_tracks) > 0.5) > 0.6  # most faces are in confirmed tracks,
    assert np.mean(np.array(births) > 0) > 0.4  # and often two tracks start in one frame


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(1, 40), cut=st.integers(0, 40))
def test_later_frames_change_no_track_of_earlier_ones(seed: int, frames: int, cut: int) -> None:
    times, frame, boxes = seated(np.random.default_rng(seed), frames)
    early = frame < cut
    np.testing.assert_array_equal(
        track(times, frame[early], boxes[early], min_hits=1), track(times, frame, boxes, min_hits=1)[early]
    )


def test_faces_of_low_score_continue_a_track_but_confirm_none() -> None:
    """A false positive tends to recur with low scores; a real face has a low score now and then."""
    times = np.arange(10.0) / 5
    frame = np.repeat(np.arange(10), 2)
    boxes = np.tile([[0, 0, 20, 20], [100, 0, 120, 20]], (10, 1))
    pattern = [0.95, 0.85, 0.5, 0.5, 0.6, 0.5, 0.7, 0.5, 0.5, 0.5]
    face = [0.5, 0.95, 0.5, 0.5, 0.85, 0.6, 0.5, 0.9, 0.5, 0.5]
    scores = np.column_stack([pattern, face]).ravel()
    numbers = track(times, frame, boxes, scores, sure_score=0.8).reshape(10, 2)
    assert (numbers[:, 0] == -1).all()
    assert numbers[:, 1].tolist() == [-1] + [0] * 9
    assert set(track(times, frame, boxes, scores).tolist()) == {-1, 0, 1}


@pytest.mark.parametrize("birth_score", [0.9, 0.6])
def test_a_face_that_scores_exactly_the_birth_score_starts_a_track(birth_score: float) -> None:
    boxes = np.tile(SEAT, (3, 1))
    for score_of_first, tracks in ((birth_score, [0, 0, 0]), (np.nextafter(birth_score, 0), [-1, -1, -1])):
        scores = [score_of_first, 0.5, 0.5]
        assert track([0.0, 0.2, 0.4], [0, 1, 2], boxes, scores, birth_score=birth_score).tolist() == tracks


def test_a_track_ends_and_goes_on_as_the_settings_say() -> None:
    """A face that is away for 0.6 s, and then 12 px of its 30 further to the right: it overlaps by 18 of 42."""
    times, boxes = [0.0, 0.6], [SEAT, SEAT + 1.5 * SIDEWAYS]
    assert track(times, [0, 1], boxes, min_hits=1).tolist() == [0, 0]
    assert track(times, [0, 1], boxes, min_hits=1, max_age=0.5).tolist() == [0, 1]
    seen_twice = [-0.2, 0.0, 0.6], [0, 1, 2], [SEAT, *boxes]
    assert track(*seen_twice, min_hits=1).tolist() == [0, 0, 0]
    assert track(*seen_twice, min_hits=1, iou_threshold=0.5).tolist() == [0, 0, 1]
    assert track(times, [0, 1], boxes, min_hits=2).tolist() == [0, 0]
    assert track([0.0, 0.2], [0, 1], boxes).tolist() == [-1, -1]


@pytest.mark.parametrize(("gap", "tracks"), [(1.0, [0, 0]), (1.25, [0, 1])])
def test_a_live_tracker_waits_a_second_for_a_face(gap: float, tracks: list[int]) -> None:
    tracker = Tracker()
    np.testing.assert_array_equal(tracker.step, IDENTITY)
    assert [int(tracker.update(time, [SEAT])[0]) for time in (0.0, gap)] == tracks


def test_boxes_of_small_whole_numbers_are_tracked_like_any_other() -> None:
    """The area of a face of 300 px does not fit into 16 bits."""
    times, boxes = np.arange(6) / 5, np.array([[10 * i, 0, 10 * i + 300, 300] for i in range(6)])
    whole, exact = Tracker(), Tracker()
    for time, box in zip(times, boxes, strict=True):
        assert whole.update(time, box[None].astype(np.uint16)).tolist() == [0]
        exact.update(time, box[None].astype(np.float64))
    np.testing.assert_array_equal(whole.tracks[0].state, exact.tracks[0].state)


@pytest.mark.parametrize(("frames", "scores"), [(1, 2), (3, 2), (2, 1)])
def test_arrays_of_different_lengths_are_refused(frames: int, scores: int) -> None:
    message = f"{frames} frames of faces, 2 boxes and {scores} scores"
    with pytest.raises(ValueError, match=message):
        track([0.0, 0.2, 0.4], range(frames), np.tile(SEAT, (2, 1)), np.ones(scores))


#: Frames of a face of 30 px that moves to the right, 2 px each, is hidden, and comes back where it was last.
RUN, HIDDEN = 10, 3
SIDEWAYS = np.array([8.0, 0.0, 8.0, 0.0])


def lost_and_back(
    *, recover: bool, shift: float = 0.0, compensate: bool = True, step: float = 2.0, iou_threshold: float = 0.75
) -> list[int]:
    """Track of the face in each frame; while it is hidden the camera pans by `shift` px in all."""
    tracker = Tracker(recover=recover, iou_threshold=iou_threshold)
    tracks: list[int] = []
    for i in range(RUN):
        tracks += tracker.update(i / 5, [SEAT + i * step / 8 * SIDEWAYS]).tolist()
    for i in range(RUN, RUN + HIDDEN):
        pan = np.array([[1.0, 0.0, shift / HIDDEN], [0.0, 1.0, 0.0]])
        tracker.update(i / 5, np.empty((0, 4)), motion=pan if compensate else None)
    x = step * (RUN - 1) + shift
    tracks += tracker.update((RUN + HIDDEN) / 5, [SEAT + x / 8 * SIDEWAYS]).tolist()
    return tracks


def test_a_lost_face_is_recovered_where_it_was_last() -> None:
    """Observation-centric recovery (OC-SORT): the prediction has gone on, the face has not."""
    assert lost_and_back(recover=True) == [0] * (RUN + 1)
    assert lost_and_back(recover=False) == [0] * RUN + [1]


def test_who_walks_is_not_recovered_where_somebody_else_is_now() -> None:
    """At two face sizes a second the hidden one has gone on: the face in the old place is another person's."""
    assert lost_and_back(recover=True, step=12.0, iou_threshold=0.3) == [0] * RUN + [1]


def test_a_face_of_twice_the_size_does_not_continue_a_track() -> None:
    """Somebody nearer, in front of whoever was there: boxes of 30 by 40 and of 52 by 70 px, one in the other."""
    larger = SEAT + np.array([-11.0, -15.0, 11.0, 15.0])
    assert iou(SEAT[None], larger[None])[0, 0] > 0.3
    assert track(np.arange(6) / 5, range(6), [*[SEAT] * 3, *[larger] * 3]).tolist() == [0, 0, 0, 1, 1, 1]


def test_the_second_face_of_a_track_may_be_further_off_than_boxes_overlap() -> None:
    """Boxes of 30 by 40 px: at 20 px they overlap too little, and at 26 px they are two people's."""

    def found(*x: float) -> list[int]:
        boxes = SEAT + np.outer(x, [1.0, 0.0, 1.0, 0.0])
        return list(track(np.arange(len(x)) / 5, range(len(x)), boxes, min_hits=1))

    assert found(0, 20, 40, 60) == [0, 0, 0, 0]
    assert found(0, 26) == [0, 1]
    assert found(0, 0, 20) == [0, 0, 1]  # who was seen twice in one place is sitting


def test_lost_faces_are_recovered_unless_that_is_turned_off() -> None:
    """By stored rows as well: the face moved on for ten frames, and is then back where it was last seen."""
    boxes = [SEAT + min(i, RUN - 1) * SIDEWAYS / 4 for i in range(RUN + 1)]
    times = [*np.arange(RUN) / 5, (RUN + HIDDEN) / 5]
    assert track(times, range(RUN + 1), boxes, iou_threshold=0.75).tolist() == [0] * (RUN + 1)


def test_the_motion_of_each_frame_is_that_from_the_one_before_and_the_first_is_not_used() -> None:
    """A pan of 60 px before the second frame, and one of 90 px back before the third."""
    x = np.array([0.0, 60.0, -30.0, -30.0])
    boxes = SEAT + np.outer(x, [1.0, 0.0, 1.0, 0.0])
    motion = np.tile(np.eye(2, 3), (4, 1, 1))
    motion[:, 0, 2] = [500.0, 60.0, -90.0, 0.0]
    times = np.arange(4) / 5
    for affines in (motion, motion.reshape(4, 6).tolist()):
        assert track(times, range(4), boxes, motion=affines).tolist() == [0] * 4
    assert track(times, range(4), boxes, min_hits=1).tolist() == [0, 1, 2, 2]
    assert track(times, [2, 3], boxes[2:], motion=motion, min_hits=1).tolist() == [0, 0]  # no track to go along


@pytest.mark.parametrize(("score", "tracks"), [(0.8, [0, 0, 0]), (0.79, [-1, -1, -1])])
def test_a_face_that_scores_exactly_the_sure_score_confirms_a_track(score: float, tracks: list[int]) -> None:
    found = track(np.arange(3) / 5, range(3), np.tile(SEAT, (3, 1)), [0.9, score, 0.9], sure_score=0.8)
    assert found.tolist() == tracks


def test_a_lost_face_is_recovered_where_it_was_last_while_the_camera_pans() -> None:
    assert lost_and_back(recover=True, shift=-120) == [0] * (RUN + 1)
    assert lost_and_back(recover=False, shift=-120) == [0] * RUN + [1]
    assert lost_and_back(recover=True, shift=-120, compensate=False) == [0] * RUN + [1]


@pytest.mark.parametrize("noise", [FACE_NOISE, SORT_NOISE], ids=["faces", "SORT"])
@pytest.mark.parametrize("start", [0.0, 3000.0])
def test_a_track_moves_on_by_the_time_between_frames_whenever_that_is(start: float, noise: Noise) -> None:
    tracker, expected = Tracker(noise=noise), BoxFilter(SEAT, noise)
    tracker.update(start, [SEAT])
    for i in range(1, RUN):
        box = SEAT + i * SIDEWAYS
        tracker.update(start + i / 5, [box])
        expected.predict(0.2)
        expected.update(box)
        np.testing.assert_allclose(tracker.tracks[0].state, expected.state, rtol=1e-6)


def test_a_streak_is_of_consecutive_frames_and_starts_again_after_a_gap() -> None:
    """SORT reports a track after so many; the frame in which it starts is not counted."""
    tracker, streaks = Tracker(), []
    for i, mark in enumerate("xxx-xx"):
        tracker.update(i / 5, [SEAT] if mark == "x" else np.empty((0, 4)))
        streaks.append(tracker.tracks[0].streak)
    assert streaks == [0, 1, 2, 2, 1, 2]


def similarity(angle: float, scale: float, shift: float) -> Floats:
    """(2, 3) affine that turns by `angle` (degrees) and scales about the middle of the image, then shifts, px."""
    cosine, sine = scale * np.cos(np.deg2rad(angle)), scale * np.sin(np.deg2rad(angle))
    linear, middle = np.array([[cosine, -sine], [sine, cosine]]), np.array([960.0, 540.0])
    return np.hstack([linear, (middle - linear @ middle + [shift, 0])[:, None]])


@pytest.mark.parametrize(
    ("angle", "scale", "shift"),
    [
        pytest.param(0.0, 1.0, 120.0, id="pan"),
        pytest.param(0.0, 1.2, 0.0, id="zoom"),
        pytest.param(8.0, 1.0, 0.0, id="rotation"),
    ],
)
def test_tracks_of_a_lesson_hold_while_the_camera_moves_and_break_without_its_motion(
    angle: float, scale: float, shift: float
) -> None:
    """Every 0.8 s the camera jumps on to the next of three positions, and then back to the first."""
    drawn = lesson(41, students=12, duration=40.0, events=False)
    step = np.arange(len(drawn.times)) // 4 % 3
    camera = np.array([similarity(angle * i, 1 + (scale - 1) * i, shift * i) for i in step])
    boxes = warp_boxes(drawn.boxes, camera[drawn.frame])
    motion = np.array([compose(invert(camera[max(i - 1, 0)]), camera[i]) for i in range(len(camera))])

    def tracked(boxes: Floats, motion: Floats | None) -> tuple[Indices, float]:
        """(n,) track of each face, and the identity switches."""
        tracks = track(drawn.times, drawn.frame, boxes, drawn.scores, motion=motion)
        real, kept = drawn.student >= 0, tracks >= 0
        truth = Rows(drawn.frame[real], drawn.student[real], boxes[real])
        return tracks, score(truth, Rows(drawn.frame[kept], tracks[kept], boxes[kept]), hota=False)["IDSW"]

    unmoved, switches = tracked(drawn.boxes, None)
    compensated, switches_compensated = tracked(boxes, motion)
    broken, switches_broken = tracked(boxes, None)
    np.testing.assert_array_equal(compensated, unmoved)
    assert (unmoved.max() + 1, switches, switches_compensated) == (19, 7, 7)
    assert broken.max() + 1 > 5 * (unmoved.max() + 1)
    assert switches_broken > 10 * switches


def test_all_tracks_end_before_a_break() -> None:
    """A face that holds still, on a seat that another person takes at a cut."""
    frame, boxes = np.arange(20), np.tile([[10.0, 10.0, 50.0, 50.0]], (20, 1))
    assert track(frame / 5, frame, boxes).tolist() == [0] * 20
    assert track(frame / 5, frame, boxes, breaks=[8]).tolist() == [0] * 8 + [1] * 12
    unknown = np.full((20, 2, 3), np.nan)
    assert track(frame / 5, frame, boxes, motion=unknown, breaks=[8, 18]).tolist() == [0] * 8 + [1] * 10 + [-1] * 2
