"""The path of the camera: of a known motion and of an unknown one, and that it comes back as it was stored."""

from __future__ import annotations

import numpy as np
import pytest

from storage.schema import frames
from tracking.camera import IDENTITY, compose, invert, warp_boxes
from tracking.path import COLUMNS, DECIMALS, CameraPath, measured_motion

UNKNOWN = np.full((2, 3), np.nan)
NOBODY = np.empty(0, np.int64), np.empty((0, 4))
TURN = np.array([[0.99, -0.05, 3.25], [0.05, 0.99, -7.5]])


def shift(x: float, y: float = 0.0) -> np.ndarray:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def boxes(*lefts: float, y: float = 100.0, size: float = 40.0) -> np.ndarray:
    return np.array([[x, y, x + size, y + size] for x in lefts])


SEATS = (100.0, 220.0, 340.0, 460.0)


def test_the_path_undoes_every_motion_since_the_first_frame() -> None:
    path = CameraPath.estimate([UNKNOWN, shift(5), TURN, shift(-3, 2)], *NOBODY)
    there = compose(compose(shift(5), TURN), shift(-3, 2))
    point = there[:, :2] @ [200.0, 150.0] + there[:, 2]
    np.testing.assert_allclose(path.to_first[3][:, :2] @ point + path.to_first[3][:, 2], [200, 150], atol=1e-3)
    np.testing.assert_allclose(path.from_first[3], there, atol=1e-3)
    np.testing.assert_array_equal(path.to_first[0], IDENTITY)
    np.testing.assert_array_equal(path.steps[2], TURN)


def test_the_path_leads_a_point_of_the_background_back_to_the_first_frame() -> None:
    steps = np.array([UNKNOWN, shift(5, 0), [[1.1, 0.0, 0.0], [0.0, 1.1, 0.0]], shift(-3, 2)])
    point = np.array([200.0, 100.0])
    places = [point]
    for step in steps[1:]:
        places.append(step[:, :2] @ places[-1] + step[:, 2])
    for affine, place in zip(CameraPath.estimate(steps, *NOBODY).to_first, places, strict=True):
        np.testing.assert_allclose(affine[:, :2] @ place + affine[:, 2], point, atol=5.1e-5)  # as it is stored


def test_a_pan_that_was_not_measured_is_told_by_the_faces_and_begins_a_new_section() -> None:
    motion = [UNKNOWN, shift(0), UNKNOWN, shift(0)]
    seats = np.array(SEATS)
    faces = np.vstack([boxes(*seats), boxes(*seats), boxes(*(seats - 80)), boxes(*(seats - 80))])
    path = CameraPath.estimate(motion, np.repeat(np.arange(4), 4), faces)
    np.testing.assert_allclose(path.to_first[:, 0, 2], [0, 0, 80, 80])
    np.testing.assert_allclose(path.steps[:, 0, 2], [0, 0, -80, 0])
    assert path.section.tolist() == [0, 0, 1, 1]


def test_with_too_few_faces_the_camera_is_taken_to_stand_but_the_section_says_that_nobody_knows() -> None:
    path = CameraPath.estimate(
        [UNKNOWN, UNKNOWN], np.array([0, 0, 1, 1]), np.vstack([boxes(100, 220), boxes(20, 140)])
    )
    np.testing.assert_array_equal(path.to_first, np.tile(IDENTITY, (2, 1, 1)))
    assert path.section.tolist() == [0, 1]


def test_boxes_of_many_frames_in_the_first_frames_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracking.path.CHUNK_ROWS", 3)
    path = CameraPath.estimate([UNKNOWN, shift(10), shift(10, 5)], *NOBODY)
    frame = np.array([0, 0, 1, 1, 2, 2, 2])
    found = path.boxes_in_first(boxes(*np.full(7, 100.0)), frame)
    np.testing.assert_allclose(found[:, :2], np.array([100, 100]) - np.array([[0, 0], [10, 0], [20, 5]])[frame])
    np.testing.assert_allclose(found, [warp_boxes(boxes(100), path.to_first[k])[0] for k in frame])


def test_a_stored_path_is_the_one_that_was_reckoned_with() -> None:
    motion = [UNKNOWN, TURN, compose(TURN, shift(1 / 3)), UNKNOWN, invert(TURN)]
    path = CameraPath.estimate(motion, *NOBODY)
    columns = path.columns()
    again = CameraPath.from_columns(columns)
    assert again is not None
    np.testing.assert_array_equal(again.to_first, path.to_first)
    np.testing.assert_array_equal(again.section, path.section)
    np.testing.assert_allclose(again.steps, path.steps, atol=1e-3)
    for name, decimals in zip(COLUMNS, DECIMALS, strict=False):
        assert frames.c[name].info["decimals"] == decimals  # or storing it would round it once more
        np.testing.assert_array_equal(np.round(columns[name], decimals), columns[name])


@pytest.mark.parametrize("missing", ["path_a", "path_y"])
def test_a_path_that_is_not_stored_whole_is_none(missing: str) -> None:
    columns = CameraPath.unmoved(3).columns()
    columns[missing] = np.array([0.0, np.nan, 0.0])
    assert CameraPath.from_columns(columns) is None
    del columns[missing]
    assert CameraPath.from_columns(columns) is None


def test_the_motion_that_detection_stored_is_read_as_affines() -> None:
    columns = {
        "camera_a": np.array([np.nan, 0.99]),
        "camera_b": np.array([np.nan, 0.05]),
        "camera_x": np.array([np.nan, 3.25]),
        "camera_y": np.array([0, -7.5]),
    }
    motion = measured_motion(columns)
    np.testing.assert_array_equal(motion[1], TURN)
    assert not np.isfinite(motion[0]).all()


def test_a_shot_begins_the_path_anew() -> None:
    """Panned by 5 px a frame, and known throughout: before the second shot there is still nothing to go by."""
    path = CameraPath.estimate([shift(-5.0)] * 6, *NOBODY, starts=[0, 4])
    assert path.section.tolist() == [0, 0, 0, 0, 1, 1]
    np.testing.assert_allclose(path.to_first[:, 0, 2], [0, 5, 10, 15, 0, 5])
    np.testing.assert_array_equal(path.steps[4], IDENTITY)


def test_no_face_before_a_cut_tells_of_the_motion_after_it() -> None:
    """Three faces in both shots, 30 px apart: they are other people's."""
    boxes = np.array([[100.0, 100, 140, 140], [200, 100, 240, 140], [300, 150, 340, 190]])
    frame = np.repeat(np.arange(4), 3)
    every = np.concatenate([boxes, boxes, boxes + 30, boxes + 30])
    motion = [IDENTITY, IDENTITY, UNKNOWN, UNKNOWN]
    for starts, x in (((), -30), ((2,), 0)):
        path = CameraPath.estimate(motion, frame, every, starts=starts)
        np.testing.assert_allclose(path.to_first[2:, 0, 2], x)


def test_a_path_that_goes_on_elsewhere() -> None:
    path = CameraPath.estimate([shift(-5.0)] * 4, *NOBODY, starts=[2]).continued(np.arange(4) >= 2, TURN)
    np.testing.assert_allclose(path.to_first[:2, 0, 2], [0, 5])
    np.testing.assert_allclose(path.to_first[2], TURN)
    np.testing.assert_allclose(path.to_first[3], compose(shift(5.0), TURN), atol=1e-4)
    for i, row in enumerate(path.to_first):  # as the database keeps it
        assert np.round(row[0, 2], 4) == row[0, 2], i
