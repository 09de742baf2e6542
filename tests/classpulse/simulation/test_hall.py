"""The drawn lecture hall: rows that hide each other, bowed heads, little light at the back, and blur."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.hall import found_and_false
from classpulse.simulation.lesson import Lesson, Span, lecture_hall
from classpulse.simulation.render import Renderer
from classpulse.simulation.stage import seats

STILL = Lesson(
    seed=6, students=12, rows=3, width=480, height=270, fps=5, duration=10, noise=0, face_heights=(30, 12), rake=1.1
)


def test_a_hall_has_faces_of_sixty_px_in_front_and_ten_at_the_back_in_perspective() -> None:
    place = seats(lecture_hall(seed=1, duration=1))
    sizes = [float(place.face[place.row == row].mean()) for row in range(10)]
    assert sizes[0] == pytest.approx(60)
    assert sizes[-1] == pytest.approx(10)
    assert np.diff(np.reciprocal(sizes)) == pytest.approx((1 / 10 - 1 / 60) / 9)
    assert np.bincount(place.row).tolist() == [10] * 10


def test_a_row_sits_so_many_of_its_faces_above_the_one_before() -> None:
    place = seats(dataclasses.replace(STILL, students=300 // 2, rows=3))
    heights = [float(place.y[place.row == row].mean()) for row in range(3)]
    sizes = [float(place.face[place.row == row].mean()) for row in range(3)]
    assert -np.diff(heights) == pytest.approx(1.1 * np.array(sizes[1:]), rel=0.04)


def test_heads_of_a_flat_hall_hide_those_behind_them_and_those_of_a_steep_one_do_not() -> None:
    def hidden(rake: float) -> int:
        hall = dataclasses.replace(STILL, students=24, rows=3, rake=rake, sway=0.0)
        return int((Renderer(hall).frame(0).visibility < 0.7).sum())

    assert hidden(0.5) >= 8
    assert hidden(2.0) == 0


def test_in_a_hall_a_quarter_of_the_heads_is_bowed() -> None:
    hall = lecture_hall(seed=3, duration=2000, students=40)
    bowed = sum(min(span.end, 2000) - span.start for span in hall.looks_down) / (40 * 2000)
    assert bowed == pytest.approx(0.25, abs=0.04)


def test_light_falls_from_the_front_row_to_the_back_row_and_no_further() -> None:
    dim = dataclasses.replace(STILL, back_light=0.3)
    light, dark = (Renderer(lesson).frame(0).image.astype(np.float64) for lesson in (STILL, dim))
    share = dark.sum(axis=(1, 2)) / light.sum(axis=(1, 2))
    place = seats(STILL)
    front, back = (round(float(place.y[place.row == row].mean())) for row in (0, 2))
    assert share[front:] == pytest.approx(1, abs=0.01)
    assert share[:back] == pytest.approx(0.3, abs=0.01)
    assert share[(front + back) // 2] == pytest.approx(0.65, abs=0.02)


def test_the_noise_is_as_strong_in_the_dark_so_that_less_of_the_picture_is_left() -> None:
    dim = dataclasses.replace(STILL, back_light=0.3)
    with_noise, without = (Renderer(dataclasses.replace(dim, noise=noise)).frame(0).image for noise in (4.0, 0.0))
    assert np.std(with_noise[:60].astype(float) - without[:60]) == pytest.approx(4, abs=0.6)


def test_an_exposure_blurs_who_moves_and_leaves_who_sits_still() -> None:
    walks = dataclasses.replace(
        STILL, students=2, rows=1, sway=0.0, absences=(Span(0, 1, 60),), face_heights=(40, 40), duration=60
    )
    number = 12  # 1.4 s after the student set out, 30 px a second
    sharp, blurred = (
        Renderer(dataclasses.replace(walks, exposure=exposure)).frame(number) for exposure in (0.0, 0.4)
    )
    assert blurred.time == sharp.time
    assert blurred.boxes == pytest.approx(sharp.boxes, abs=1)
    changed = []
    for box in sharp.boxes.round().astype(int):
        here = slice(box[1], box[3]), slice(box[0], box[2])
        changed.append(float(np.abs(blurred.image[here].astype(float) - sharp.image[here]).mean()))
    assert changed[0] > 5
    assert changed[1] == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"face_heights": (10, 60)}, "face_heights"),
        ({"face_heights": (10, 3)}, "face_heights"),
        ({"rake": 0}, "rake"),
        ({"back_light": 0}, "back_light"),
        ({"back_light": 1.1}, "back_light"),
        ({"exposure": -1}, "exposure"),
        ({"exposure": math.inf}, "exposure"),
    ],
)
def test_a_hall_that_cannot_be_is_refused_by_name(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(STILL, **change)  # type: ignore[arg-type]


def test_the_script_of_a_hall_survives_its_json() -> None:
    hall = lecture_hall(seed=4, duration=30, students=20)
    assert Lesson.from_json(hall.to_json()) == hall


def test_a_student_is_found_where_most_faces_of_an_identity_are_that_persons() -> None:
    common = np.array([[90, 30, 0, 0], [10, 0, 0, 50], [0, 0, 40, 0]])
    # The second identity is the first person again, the third one has as many faces of nobody, the fourth more.
    assert found_and_false(common, np.array([100, 30, 80, 101])) == (1, 2)
    assert found_and_false(common, np.array([100, 30, 79, 99])) == (3, 0)
    assert found_and_false(np.zeros((3, 0), np.int64), np.zeros(0, np.int64)) == (0, 0)
