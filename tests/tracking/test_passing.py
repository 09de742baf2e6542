"""Who passes by at several faces' widths a frame: a straight line at a steady pace is one track."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from tracking.sort import track

Floats = npt.NDArray[np.float64]

#: A face of 30 x 40 px, 35 px in size, and where it is at successive frames of 0.2 s: two sizes apart.
STEP = 70.0


def boxes_at(x: Sequence[float], y: float = 200.0, size: float = 1.0) -> Floats:
    """(n, 4) faces at the places `x`, px."""
    middle = np.column_stack([x, np.full(len(x), y)])
    half = size * np.array([15.0, 20.0])
    return np.hstack([middle - half, middle + half])


def tracks_of(x: Sequence[float], frames: Sequence[int] | None = None, rate: float = 5.0) -> list[int]:
    """Track of one face in each of the `frames` (all) at the places `x`."""
    seen = range(len(x)) if frames is None else frames
    tracks: list[int] = track(np.arange(max(seen) + 1) / rate, list(seen), boxes_at(x)).tolist()
    return tracks


def test_who_walks_two_faces_a_frame_is_one_track() -> None:
    assert tracks_of([100 + STEP * i for i in range(5)]) == [0] * 5


def test_three_faces_on_a_line_are_too_few_without_any_that_overlap() -> None:
    assert tracks_of([100, 170, 240]) == [-1] * 3
    assert tracks_of([100, 170, 240, 310]) == [0] * 4


def test_a_walker_is_not_detected_in_one_frame_and_goes_on() -> None:
    assert tracks_of([100, 170, 240, 380, 450], [0, 1, 2, 4, 5]) == [0] * 5


def test_faces_in_two_frames_after_a_gap_of_two_are_not_the_walker() -> None:
    assert tracks_of([100, 170, 240, 310, 520, 590], [0, 1, 2, 3, 6, 7]) == [0] * 4 + [-1] * 2


@pytest.mark.parametrize(
    "x",
    [
        pytest.param([100, 200, 60, 260, 20], id="to and fro"),
        pytest.param([100, 170, 200, 330, 360], id="not at a steady pace"),
        pytest.param([100, 250, 400, 550, 700], id="four sizes and more a frame"),
    ],
)
def test_faces_that_are_on_no_steady_line_are_no_track(x: list[float]) -> None:
    assert tracks_of(x) == [-1] * 5


def test_a_head_that_bobs_as_it_walks_stays_on_its_line() -> None:
    """Where the last step alone would have it, it is 20 px off: more than half a face."""
    boxes = boxes_at([100 + STEP * i for i in range(5)])
    boxes[:, [1, 3]] += np.array([0, 8, 0, 12, 4])[:, None]
    assert track(np.arange(5) / 5, range(5), boxes).tolist() == [0] * 5


def test_nobody_is_faster_than_twelve_faces_a_second() -> None:
    assert tracks_of([100 + STEP * i for i in range(30)], rate=25.0) == [-1] * 30


def test_at_low_rates_a_step_of_more_than_four_faces_is_somebody_else() -> None:
    assert tracks_of([100 + 3.5 * 35 * i for i in range(6)], rate=2.0) == [0] * 6
    assert tracks_of([100 + 4.5 * 35 * i for i in range(6)], rate=2.0) == [-1] * 6


def test_a_face_of_another_size_does_not_belong_to_the_walker() -> None:
    boxes = boxes_at([100 + STEP * i for i in range(6)])
    boxes[4:] = boxes_at([380, 450], size=1.6)
    assert track(np.arange(6) / 5, range(6), boxes).tolist() == [0] * 4 + [-1] * 2


def test_two_who_pass_each_other_keep_their_tracks() -> None:
    boxes = np.concatenate(
        [
            boxes_at([x, 520 - x + 100], y)
            for x, y in zip([100 + STEP * i for i in range(7)], [200 + 4 * i for i in range(7)], strict=True)
        ]
    )
    boxes[1::2, [1, 3]] += 8
    found = track(np.arange(7) / 5, np.repeat(np.arange(7), 2), boxes)
    assert found[0::2].tolist() == [found[0]] * 7
    assert found[1::2].tolist() == [found[1]] * 7
    assert {found[0], found[1]} == {0, 1}


def test_a_walker_is_tracked_while_the_camera_pans() -> None:
    pan = np.cumsum([0.0, 40.0, -80.0, 60.0, 20.0, -50.0])
    motion = np.tile(np.eye(2, 3), (6, 1, 1))
    motion[1:, 0, 2] = np.diff(pan)
    boxes = boxes_at(400 + STEP * np.arange(6) + pan)
    assert track(np.arange(6) / 5, range(6), boxes, motion=motion).tolist() == [0] * 6
    assert track(np.arange(6) / 5, range(6), boxes).tolist() == [-1] * 6


def test_no_walker_crosses_a_break() -> None:
    x = [100 + STEP * i for i in range(8)]
    assert track(np.arange(8) / 5, range(8), boxes_at(x), breaks=[4]).tolist() == [0] * 4 + [1] * 4
    assert track(np.arange(8) / 5, range(8), boxes_at(x), breaks=[3, 5]).tolist() == [-1] * 8


def test_weak_faces_do_not_make_a_walker() -> None:
    x = [100 + STEP * i for i in range(5)]
    scores = [0.95, 0.5, 0.95, 0.5, 0.95]
    assert track(np.arange(5) / 5, range(5), boxes_at(x), scores, sure_score=0.8).tolist() == [-1] * 5
    scores[1] = 0.85
    assert track(np.arange(5) / 5, range(5), boxes_at(x), scores, sure_score=0.8).tolist() == [0] * 5


def test_tracks_are_numbered_by_their_first_face_and_the_order_of_rows_does_not_matter() -> None:
    walker, seat = boxes_at([100 + STEP * i for i in range(6)]), boxes_at([300] * 5, 400)
    boxes, frame = np.concatenate([seat, walker]), np.array([1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])
    expected = np.array([1] * 5 + [0] * 6)
    order = np.random.default_rng(5).permutation(11)
    assert track(np.arange(6) / 5, frame, boxes).tolist() == expected.tolist()
    assert track(np.arange(6) / 5, frame[order], boxes[order]).tolist() == expected[order].tolist()
