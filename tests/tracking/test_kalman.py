import numpy as np
import pytest

from tracking.kalman import BoxFilter, measurement


def test_measurement_is_centre_area_and_aspect() -> None:
    assert measurement(np.array([10.0, 20.0, 40.0, 80.0])).tolist() == [25, 50, 1800, 0.5]


def test_a_new_filter_gives_its_box_back() -> None:
    box = np.array([10.0, 20.0, 40.0, 80.0])
    np.testing.assert_allclose(BoxFilter(box).box, box)


@pytest.mark.parametrize("step", [0.04, 0.2, 1.0])
def test_constant_velocity_is_learned_whatever_the_sample_rate(step: float) -> None:
    velocity = np.array([3.0, -1.0, 3.0, -1.0])
    start = np.array([100.0, 100.0, 140.0, 150.0])
    box = BoxFilter(start)
    for i in range(1, 60):
        box.predict(step)
        box.update(start + velocity * step * i)
    box.predict(5.0)
    np.testing.assert_allclose(box.box, start + velocity * (step * 59 + 5.0), atol=0.5)


def test_one_long_step_predicts_the_same_place_as_many_short_ones() -> None:
    one, many = (BoxFilter(np.array([0.0, 0.0, 20.0, 20.0])) for _ in range(2))
    for box in (one, many):
        box.predict(1.0)
        box.update(np.array([4.0, 2.0, 24.0, 22.0]))
    one.predict(2.0)
    for _ in range(10):
        many.predict(0.2)
    np.testing.assert_allclose(one.box, many.box)


def test_a_shrinking_box_never_turns_inside_out() -> None:
    box = BoxFilter(np.array([0.0, 0.0, 40.0, 40.0]))
    for side in (30.0, 20.0, 10.0):
        box.predict(1.0)
        box.update(np.array([20 - side / 2, 20 - side / 2, 20 + side / 2, 20 + side / 2]))
    for _ in range(50):
        box.predict(1.0)
        x1, y1, x2, y2 = box.box
        assert x1 < x2
        assert y1 < y2
