"""The motion model of one box: what it learns, predicts, and how it goes along with the camera."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tracking.camera import scale_of, warp_boxes
from tracking.kalman import BoxFilter, measurement

Floats = npt.NDArray[np.float64]

BOX = np.array([100.0, 200.0, 140.0, 250.0])
SIDEWAYS = np.array([1.0, 0.0, 1.0, 0.0])
#: (2, 3) a quarter turn that makes lengths three times as long: x becomes 3 y, y becomes -3 x.
TURN = np.array([[0.0, 3.0, 30.0], [-3.0, 0.0, 700.0]])


def test_a_measurement_is_centre_area_and_aspect_ratio() -> None:
    assert measurement(np.array([10.0, 20.0, 40.0, 80.0])).tolist() == [25, 50, 1800, 0.5]


def test_a_new_filter_gives_its_box_back() -> None:
    np.testing.assert_allclose(BoxFilter(BOX).box, BOX)


@pytest.mark.parametrize("step", [0.04, 0.2, 1.0])
def test_constant_velocity_is_learned_at_any_sample_rate(step: float) -> None:
    velocity = np.array([3.0, -1.0, 3.0, -1.0])
    box = BoxFilter(BOX)
    for i in range(1, 60):
        box.predict(step)
        box.update(BOX + velocity * step * i)
    box.predict(5.0)
    np.testing.assert_allclose(box.box, BOX + velocity * (step * 59 + 5.0), atol=0.5)


def test_one_long_step_predicts_the_same_place_as_many_short_ones() -> None:
    once, often = (BoxFilter(np.array([0.0, 0.0, 20.0, 20.0])) for _ in range(2))
    for box in (once, often):
        box.predict(1.0)
        box.update(np.array([4.0, 2.0, 24.0, 22.0]))
    once.predict(2.0)
    for _ in range(10):
        often.predict(0.2)
    np.testing.assert_allclose(once.box, often.box)


def shrinking() -> BoxFilter:
    """A box of 40 px that lost 10 px a second and was last 10 px large, 20 px about its centre."""
    box = BoxFilter(np.array([0.0, 0.0, 40.0, 40.0]))
    for side in (30.0, 20.0, 10.0):
        box.predict(1.0)
        box.update(np.array([20 - side / 2, 20 - side / 2, 20 + side / 2, 20 + side / 2]))
    return box


def test_a_shrinking_box_never_turns_inside_out() -> None:
    box = shrinking()
    for _ in range(50):
        box.predict(1.0)
        x1, y1, x2, y2 = box.box
        assert x1 < x2
        assert y1 < y2


def test_a_box_whose_area_would_become_negative_stops_shrinking() -> None:
    box = shrinking()
    before = box.state[2]
    assert box.state[6] < -before / 50  # at this velocity nothing is left of it within 50 s
    for _ in range(50):
        box.predict(1.0)
    assert 0 < box.state[2] < before
    assert box.state[6] == 0


@pytest.mark.parametrize("elapsed", [0.5, 1.0, 4.0])
@pytest.mark.parametrize(("left", "area"), [(-1.0, 2000.0), (0.0, 2000.0), (0.5, 0.5), (2.0, 2.0)])
def test_a_box_of_which_nothing_would_be_left_keeps_its_area(elapsed: float, left: float, area: float) -> None:
    """A box of 2000 px, of which at this velocity `left` px would be left after `elapsed` seconds."""
    box = BoxFilter(BOX)
    box.state[6] = (left - 2000) / elapsed
    box.predict(elapsed)
    assert box.state[2] == pytest.approx(area)


def tracked(scale: float) -> BoxFilter:
    """A face that moves to the right and grows, measured five times, in a picture `scale` times as large."""
    box = BoxFilter(scale * BOX)
    for i in range(1, 6):
        box.predict(0.2)
        box.update(scale * (BOX + 3 * i * SIDEWAYS + [0.0, 0.0, 2.0 * i, 2.5 * i]))
    return box


def test_a_picture_ten_times_as_large_gives_boxes_ten_times_as_large() -> None:
    """What a measurement counts for depends on ratios of variances alone, so they need no unit of length."""
    small, large = tracked(1.0), tracked(10.0)
    np.testing.assert_allclose(large.state, small.state * [10, 10, 100, 1, 10, 10, 100], rtol=1e-9)
    for box in (small, large):
        box.predict(1.0)
    np.testing.assert_allclose(large.box, 10 * small.box, rtol=1e-9)


@pytest.mark.parametrize("elapsed", [0.25, 1.0, 2.0])
def test_an_area_is_smoothed_as_much_as_its_noise_says(elapsed: float) -> None:
    """Two boxes of areas 2000 and 2420: the estimate is the mean weighted by the variances of the model."""
    box = BoxFilter(BOX)
    box.predict(elapsed)
    box.update(np.array([98.0, 197.5, 142.0, 252.5]))
    velocity, drift, measured = 0.4**2 * elapsed**2, 0.05**2 * elapsed, 0.06**2
    predicted = 0.06**2 + velocity + drift  # at birth, and what was added since
    assert box.state[2] == pytest.approx(2000 + 420 * predicted / (predicted + measured), rel=1e-9)


def test_a_filter_goes_along_with_a_camera_that_turns_and_zooms() -> None:
    box = tracked(1.0)
    unmoved = box.box
    box.warp(TURN, float(scale_of(TURN)))
    np.testing.assert_allclose(box.box, warp_boxes(unmoved[None], TURN)[0])


def test_a_velocity_turns_and_grows_with_the_camera() -> None:
    box, unmoved = tracked(1.0), tracked(1.0)
    box.warp(TURN, float(scale_of(TURN)))
    before = box.box
    for moving in (box, unmoved):
        moving.predict(2.0)
    x, y = measurement(box.box)[:2] - measurement(before)[:2]
    velocity_x, velocity_y, growth = unmoved.state[4:]
    assert velocity_x > 5
    assert (x, y) == pytest.approx((6 * velocity_y, -6 * velocity_x))  # to the right is up now, thrice as far
    assert box.state[6] == pytest.approx(9 * growth)
    np.testing.assert_allclose(box.box, warp_boxes(unmoved.box[None], TURN)[0])
