"""The record that passes between the three passes: its contracts, its dtypes, and the way to rows and back."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from engine.faces import (
    DECIMALS,
    EDGES,
    EMOTIONS,
    FER,
    NEGATIVE,
    POSITIVE,
    Class,
    Classes,
    Faces,
    database_columns,
    score_columns,
    size_grade,
)
from storage.schema import faces as table

THREE = Classes((Class("attentive", "positive"), Class("talks", "ignored"), Class("sleepy", "negative")))


def some_faces(n: int = 4, classes: Classes = FER, seed: int = 0) -> Faces:
    """n faces, two in each frame, the first not scored, every second one with a descriptor."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 4000, (n, 2))
    scores = rng.dirichlet(np.ones(len(classes)), n).astype(np.float32)
    scores[:1] = np.nan
    share = rng.random((4, n), np.float32)
    return Faces(
        pts=np.arange(n) // 2 * 3003,
        face=np.arange(n) % 2,
        boxes_xyxy=np.hstack([corner, corner + rng.uniform(20, 60, (n, 2))]).astype(np.float32),
        score=share[0],
        landmarks=rng.uniform(0, 4000, (n, 5, 2)).astype(np.float32),
        scores=scores,
        loglik=np.where(np.arange(n)[:, None] % 2, np.nan, -rng.uniform(0, 6, (n, 3))).astype(np.float32),
        sharpness=share[1],
        yaw=(share[1] * 40 - 20).round(),
        pitch=(share[2] * 40 - 20).round(),
        roll=(share[3] * 40 - 20).round(),
        conditions=np.arange(n, dtype=np.int64) % 8,
        quality=share[2],
        scorable=share[2] > 0.3,
        appearance=np.where(np.arange(n)[:, None] % 2, rng.integers(1, 256, (n, 6)), 0).astype(np.uint8),
        classes=classes,
    )


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("boxes_xyxy", np.zeros((4, 2), np.float32), r"boxes_xyxy has shape \(4, 2\), expected \(4, 4\)"),
        ("boxes_xyxy", np.zeros((3, 4), np.float32), r"boxes_xyxy has shape \(3, 4\), expected \(4, 4\)"),
        ("landmarks", np.zeros((4, 10), np.float32), r"landmarks has shape \(4, 10\), expected \(4, 5, 2\)"),
        ("scores", np.zeros((4, 3), np.float32), r"scores has shape \(4, 3\), expected \(4, 7\)"),
        ("appearance", np.zeros(4, np.uint8), r"appearance has shape \(4,\), expected \(4, any\)"),
        ("quality", np.zeros((4, 1), np.float32), r"quality has shape \(4, 1\), expected \(4,\)"),
        ("student", np.zeros(5, np.int64), r"student has shape \(5,\), expected \(4,\)"),
        ("boxes_xyxy", np.zeros((4, 4)), "boxes_xyxy has dtype float64, expected float32"),
        ("time", np.zeros(4, np.float32), "time has dtype float32, expected float64"),
        ("track", np.zeros(4), "track has dtype float64, expected int64"),
        ("scorable", np.zeros(4, np.uint8), "scorable has dtype uint8, expected bool"),
    ],
)
def test_an_array_of_another_shape_or_dtype_is_refused_with_both(
    name: str, array: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Faces(**(some_faces().arrays() | {name: array}), classes=FER)


def test_a_column_that_was_not_read_is_named_when_it_is_asked_for() -> None:
    read = Faces.from_columns({"pts": np.arange(3), "yaw": np.zeros(3)})
    assert list(read.arrays()) == ["pts", "yaw"]
    with pytest.raises(AttributeError, match="these faces were read without boxes_xyxy; name it"):
        _ = read.boxes_xyxy
    with pytest.raises(AttributeError, match="'Faces' object has no attribute 'boxes'"):
        _ = read.boxes  # type: ignore[attr-defined]


@pytest.mark.parametrize("classes", [FER, THREE])
def test_faces_become_columns_and_come_back(classes: Classes) -> None:
    faces = some_faces(classes=classes)
    columns = faces.columns()
    assert all(array.shape == (4,) for array in columns.values())
    np.testing.assert_array_equal(np.stack([columns[edge] for edge in EDGES], axis=1), faces.boxes_xyxy)
    assert [blob is None for blob in columns[database_columns(["appearance"])[0]]] == [True, False, True, False]
    assert set(score_columns(classes)) <= columns.keys()
    again = Faces.from_columns({name: array.astype(float) if array.dtype == np.float32 else array
                                for name, array in columns.items()}, classes)  # fmt: skip
    assert again.classes == classes
    assert again.arrays().keys() == faces.arrays().keys()
    for name, array in faces.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array, err_msg=name)
        assert again.arrays()[name].dtype == array.dtype, name


def test_time_and_student_belong_to_other_tables_and_are_not_written_to_that_of_faces() -> None:
    faces = Faces(**some_faces().arrays(), time=np.zeros(4), track=np.arange(4), student=np.arange(4), classes=FER)
    assert "track" in faces.columns()
    assert not {"time", "student"} & faces.columns().keys()


def test_what_is_added_up_is_float64_and_the_very_number_of_the_database() -> None:
    kept = np.array([0.1, 1234.57, 8191.99])
    faces = Faces.from_columns({"pts": np.arange(3), **dict.fromkeys(EDGES, kept)})
    assert faces.boxes_xyxy.dtype == np.float32
    assert faces.exact("boxes_xyxy").dtype == np.float64
    assert (faces.exact("boxes_xyxy") == kept[:, None]).all()
    assert (faces.boxes_xyxy.astype(np.float64) != kept[:, None]).any()  # so the rule is needed
    # Faces that were never stored count as those that were.
    thirds = Faces(pts=np.arange(1), quality=np.array([1 / 3], np.float32))
    assert thirds.exact("quality").tolist() == [0.3333]


def test_the_decimals_are_those_that_the_database_keeps() -> None:
    for name, decimals in DECIMALS.items():
        for column in database_columns([name]):
            assert table.c[column].info["decimals"] == decimals, column


def test_faces_taken_and_joined_again_are_the_same() -> None:
    faces = some_faces(6)
    parts = [faces.take(slice(0, 2)), faces.take(np.array([], np.int64)), faces.take(np.arange(6) >= 2)]
    again = Faces.concatenate(parts)
    for name, array in faces.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    assert faces.take(np.array([3, 1])).pts.tolist() == [3003, 0]


def test_no_faces_have_the_columns_of_some() -> None:
    assert Faces.empty(THREE).columns().keys() == some_faces(classes=THREE).columns().keys()
    assert len(Faces.concatenate([Faces.empty()])) == 0


def test_faces_of_other_classes_or_columns_are_not_joined() -> None:
    with pytest.raises(ValueError, match=r"faces with classes \('attentive', 'talks', 'sleepy'\), expected"):
        Faces.concatenate([some_faces(), some_faces(classes=THREE)])
    with pytest.raises(ValueError, match=r"faces with columns \['pts'\], expected \['pts', 'face'"):
        Faces.concatenate([some_faces(), Faces(pts=np.arange(2))])


def test_faces_pass_between_processes() -> None:
    faces = Faces(pts=np.arange(3), score=np.ones(3, np.float32), classes=THREE)
    again = pickle.loads(pickle.dumps(faces))
    assert again.arrays().keys() == {"pts", "score"}
    assert again.classes == THREE


def test_the_seven_classes_of_fer_in_the_order_of_its_network() -> None:
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert POSITIVE == ("happy", "surprise")
    assert NEGATIVE == ("angry", "disgust", "fear", "sad")
    assert FER.places("neutral") == [6]
    assert FER.by_polarity == ("happy", "surprise", "neutral", "angry", "disgust", "fear", "sad")


@pytest.mark.parametrize(
    ("names", "polarity", "message"),
    [
        (["alone"], "positive", "1 classes; expected 2 to 12"),
        ([str(k) for k in range(13)], "neutral", "13 classes; expected 2 to 12"),
        (["up", "up"], "positive", "classes up, up: each name must stand once"),
        (["up", " "], "positive", "a class has no name"),
        (["up", "down"], "bad", "class up has polarity 'bad'; expected positive, neutral, negative, ignored"),
    ],
)
def test_classes_that_nothing_can_be_judged_by_are_refused(names: list[str], polarity: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classes.of(names, [polarity] * len(names))


def test_twelve_classes_are_as_good_as_two() -> None:
    assert len(Classes.of([str(k) for k in range(12)], ["ignored"] * 12)) == 12
    assert Classes.of(["up", "down"], ["positive", "negative"]).places("negative") == [1]


def test_a_face_of_8_px_is_worth_nothing_one_of_28_everything_and_their_geometric_mean_half() -> None:
    sides = np.array([5.0, 8.0, np.sqrt(8 * 28), 28.0, 90.0])
    np.testing.assert_allclose(size_grade(sides), [0, 0, 0.5, 1, 1], atol=1e-6)
