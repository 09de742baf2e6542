import numpy as np
import pytest

from classpulse.simulation.motion_truth import Lesson, lesson


@pytest.fixture(scope="module")
def drawn() -> Lesson:
    return lesson(7, students=20, duration=300.0, posters=1)


def test_the_same_seed_gives_the_same_lesson_and_another_another(drawn: Lesson) -> None:
    again, other = (
        lesson(7, students=20, duration=300.0, posters=1),
        lesson(8, students=20, duration=300.0, posters=1),
    )
    for name, column in vars(drawn).items():
        np.testing.assert_array_equal(getattr(again, name), column)
    assert len(other.boxes) != len(drawn.boxes)


def test_columns_fit_together(drawn: Lesson) -> None:
    n, m, t = len(drawn.frame), len(drawn.times), len(drawn.truth_frame)
    shapes = {name: column.shape for name, column in vars(drawn).items()}
    assert m == 1500
    assert shapes["motion"] == (m, 2, 3)
    assert shapes["boxes"] == (n, 4)
    assert shapes["landmarks"] == (n, 5, 2)
    assert shapes["truth_boxes"] == (t, 4)
    assert (np.diff(drawn.frame) >= 0).all()
    assert (drawn.boxes[:, 2:] > drawn.boxes[:, :2]).all()
    assert drawn.descriptors[drawn.described].any(axis=1).all()
    assert not drawn.descriptors[~drawn.described].any()


def test_the_detector_is_about_as_good_as_mtcnn(drawn: Lesson) -> None:
    assert 0.94 < (drawn.student >= 0).sum() / len(drawn.truth_frame) < 0.98
    false = (drawn.student < 0).sum() / len(drawn.times)
    assert 0.9 < false < 1.3  # the poster, and one more in ten frames


def test_everybody_is_seen_and_sometimes_not(drawn: Lesson) -> None:
    share = np.bincount(drawn.truth_student, minlength=20) / len(drawn.times)
    assert (share > 0.2).all()
    assert (share < 1).all()
    gone = [np.diff(drawn.truth_frame[drawn.truth_student == one]).max() / 5 for one in range(20)]
    assert sum(gap > 60 for gap in gone) >= 3  # those who left, and heads bowed for long
