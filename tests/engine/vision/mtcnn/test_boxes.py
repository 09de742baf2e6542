"""The cascade's geometry by numbers worked out by hand: every function of `boxes`, without a network."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.vision.mtcnn.boxes import (
    MAX_CANDIDATES,
    PYRAMID_FACTOR,
    RECEPTIVE_FIELD,
    antialiased_crops,
    apply_offsets,
    batched_nms,
    centres_inside,
    crops,
    nms,
    paired_iou,
    pyramid,
    square,
)

# -- non-maximum suppression: boxes, scores, threshold, over_smaller -> kept
BOX = [0, 0, 10, 10]
SUPPRESSED = [
    ("nothing", [], [], 0.5, False, []),
    ("one", [BOX], [0.9], 0.5, False, [0]),
    ("apart, the highest score first", [BOX, [20, 0, 30, 10]], [0.8, 0.9], 0.5, False, [1, 0]),
    ("above one another", [BOX, [0, 20, 10, 30]], [0.9, 0.8], 0.5, False, [0, 1]),
    ("diagonal: two negative sides are no overlap", [BOX, [20, 20, 30, 30]], [0.9, 0.8], 0.01, False, [0, 1]),
    ("the same twice", [BOX, BOX], [0.8, 0.9], 0.5, False, [1]),
    ("equal scores: the first", [BOX, BOX], [0.9, 0.9], 0.5, False, [0]),
    ("an IoU of exactly the threshold is kept", [BOX, [0, 0, 10, 5]], [0.9, 0.8], 0.5, False, [0, 1]),
    ("an IoU just above it is not", [BOX, [0, 0, 10, 5.1]], [0.9, 0.8], 0.5, False, [0]),
    ("an IoU of a third, width", [BOX, [5, 0, 15, 10]], [0.9, 0.8], 0.32, False, [0]),
    ("an IoU of a third, height", [BOX, [0, 5, 10, 15]], [0.9, 0.8], 0.34, False, [0, 1]),
    ("an IoU of a seventh, both", [BOX, [5, 5, 15, 15]], [0.9, 0.8], 0.14, False, [0]),
    ("and under it", [BOX, [5, 5, 15, 15]], [0.9, 0.8], 0.145, False, [0, 1]),
    ("a small one inside", [BOX, [2, 2, 5, 5]], [0.9, 0.8], 0.5, False, [0, 1]),
    ("over the smaller, a small one inside", [BOX, [2, 2, 5, 5]], [0.9, 0.8], 0.5, True, [0]),
    ("over the smaller, a large one around", [[2, 2, 5, 5], BOX], [0.9, 0.8], 0.5, True, [0]),
    ("over the smaller, half of it", [BOX, [8, 0, 12, 10]], [0.9, 0.8], 0.5, True, [0, 1]),
    ("over the smaller, more than half", [BOX, [7.9, 0, 12, 10]], [0.9, 0.8], 0.5, True, [0]),
    ("a suppressed box suppresses", [BOX, [3, 0, 13, 10], [6, 0, 16, 10]], [0.9, 0.8, 0.7], 0.5, False, [0]),
    (
        "a lower score suppresses nothing",
        [[3, 0, 13, 10], BOX, [40, 0, 50, 10]],
        [0.7, 0.8, 0.9],
        0.5,
        False,
        [2, 1],
    ),
]


@pytest.mark.parametrize(
    ("boxes", "scores", "threshold", "over_smaller", "kept"),
    [c[1:] for c in SUPPRESSED],
    ids=[c[0] for c in SUPPRESSED],
)
def test_nms_keeps_the_highest_scores_that_overlap_no_higher_one(
    boxes: list[list[float]], scores: list[float], threshold: float, over_smaller: bool, kept: list[int]
) -> None:
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    assert nms(corners, np.array(scores, np.float32), threshold, over_smaller=over_smaller).tolist() == kept


def brute_force_iou(a: list[float], b: list[float]) -> float:
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (areas - width * height)


@pytest.fixture(scope="module")
def crowd() -> tuple[np.ndarray, np.ndarray]:
    """Sixty boxes of all shapes that overlap much, with scores in no order."""
    rng = np.random.default_rng(7)
    corners = rng.uniform(0, 60, (60, 2))
    return np.hstack([corners, corners + rng.uniform(8, 40, (60, 2))]).astype(np.float32), rng.permutation(60) / 60


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.8])
def test_nms_is_the_definition_over_a_crowd(crowd: tuple[np.ndarray, np.ndarray], threshold: float) -> None:
    boxes, scores = crowd
    kept = [
        i
        for i in np.argsort(-scores)
        if all(brute_force_iou(boxes[i], boxes[j]) <= threshold for j in np.flatnonzero(scores > scores[i]))
    ]
    assert 1 < len(kept) < 60
    assert nms(boxes, scores, threshold).tolist() == kept


def test_batched_nms_is_nms_of_every_group(crowd: tuple[np.ndarray, np.ndarray]) -> None:
    boxes, scores = crowd
    groups, of_group = boxes.reshape(3, 20, 4), scores.reshape(3, 20)
    wanted = []
    for each, score in zip(groups, of_group, strict=True):
        kept = [i for i in nms(each, score, 0.3) if score[i] > 0.75][:4]
        wanted += each[kept].tolist()
    assert len(wanted) == 4 + 3 + 4
    assert batched_nms(groups, of_group, 0.75, 0.3, 4).tolist() == wanted


def test_batched_nms_keeps_only_scores_above_the_threshold_and_so_many() -> None:
    boxes = np.array([[[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9], [60, 0, 69, 9]]], np.float32)
    scores = np.array([[0.25, 0.75, 0.5, 0.625]], np.float32)
    assert batched_nms(boxes, scores, 0.5, 0.5, 9)[:, 0].tolist() == [20, 60]
    assert batched_nms(boxes, scores, 0.0, 0.5, 3)[:, 0].tolist() == [20, 60, 40]
    assert batched_nms(boxes, scores, 0.0, 0.5, 1)[:, 0].tolist() == [20]


def test_batched_nms_keeps_an_overlap_of_exactly_the_threshold_and_none_above() -> None:
    boxes = np.array([[BOX, [0, 0, 10, 5]], [BOX, [0, 0, 10, 5.1]]], np.float32)
    kept = batched_nms(boxes, np.array([[0.9, 0.8]] * 2, np.float32), 0.5, 0.5, 9)
    np.testing.assert_array_equal(kept, [BOX, [0, 0, 10, 5], BOX])


def test_batched_nms_keeps_the_highest_scores_of_every_group_that_overlap_little() -> None:
    square = np.array([0, 0, 10, 10], np.float32)
    boxes = np.stack([square, square + 1, square + 20, square + 40])
    scores = np.array([[0.9, 0.8, 0.7, 0.1], [0.1, 0.1, 0.1, 0.1], [0.1, 0.9, 0.8, 0.7]], np.float32)
    found = batched_nms(np.stack([boxes] * 3), scores, 0.5, 0.5, 2)
    np.testing.assert_array_equal(found, boxes[[0, 2, 1, 2]])


def test_batched_nms_does_not_multiply_two_negative_sides() -> None:
    boxes = np.array([[BOX, [20, 20, 30, 30]]], np.float32)
    assert len(batched_nms(boxes, np.array([[0.9, 0.8]], np.float32), 0.5, 0.01, 9)) == 2


def test_batched_nms_compares_the_highest_scores_of_a_group_and_no_others() -> None:
    assert MAX_CANDIDATES == 40
    n = MAX_CANDIDATES + 1
    corners = np.stack([20.0 * np.arange(n), np.zeros(n)], axis=1)
    boxes = np.hstack([corners, corners + 10]).astype(np.float32)[np.newaxis]
    scores = np.linspace(0.9, 0.6, n, dtype=np.float32)[np.newaxis]
    kept = batched_nms(boxes[:, ::-1], scores[:, ::-1], 0.5, 0.5, 99)
    np.testing.assert_array_equal(kept, boxes[0, :MAX_CANDIDATES])


# -- single boxes


def test_paired_iou_by_hand() -> None:
    a = [BOX, BOX, BOX, [0, 0, 4, 4], [3, 3, 3, 3], BOX, BOX, BOX, [5, 5, 3, 3]]
    b = [BOX, [5, 0, 15, 10], [10, 10, 20, 20], [0, 0, 8, 8], [3, 3, 3, 3], [20, 30, 25, 50], [0, 5, 10, 15]]
    b += [[5, 5, 15, 15], BOX]
    iou = paired_iou(np.array(a, np.float32), np.array(b, np.float32))
    np.testing.assert_allclose(iou, [1, 1 / 3, 0, 1 / 4, 0, 0, 1 / 3, 1 / 7, 0], rtol=1e-6)
    assert iou.dtype == np.float32


def test_paired_iou_is_the_definition_and_symmetric(crowd: tuple[np.ndarray, np.ndarray]) -> None:
    boxes, _ = crowd
    others = np.roll(boxes, 7, axis=0)
    wanted = [brute_force_iou(a, b) for a, b in zip(boxes, others, strict=True)]
    assert 0 < np.count_nonzero(wanted) < 60
    np.testing.assert_allclose(paired_iou(boxes, others), wanted, rtol=1e-5)
    np.testing.assert_array_equal(paired_iou(boxes, others), paired_iou(others, boxes))


def test_a_centre_is_inside_any_face_but_not_on_its_edge() -> None:
    faces = np.array([[0, 0, 10, 20], [30, 0, 40, 10]], np.float32)
    centres = {
        (5, 15): True,
        (35, 5): True,
        (35, 15): False,
        (15, 5): False,
        (-1, 5): False,
        (5, -1): False,
        (5, 21): False,
        (0, 5): False,
        (10, 5): False,
        (5, 0): False,
        (5, 20): False,
        (0.25, 0.25): True,
        (9.75, 19.75): True,
    }
    middle, half = np.array(list(centres), np.float32), np.array([4, 30], np.float32)
    boxes = np.concatenate([middle - half, middle + half], axis=1)
    assert centres_inside(boxes, faces).tolist() == list(centres.values())
    assert centres_inside(boxes, faces[:0]).tolist() == [False] * len(centres)
    assert centres_inside(boxes[:0], faces).shape == (0,)


def test_offsets_move_each_corner_by_shares_of_the_width_and_the_height() -> None:
    boxes = np.array([[10, 20, 30, 60], [0, 0, 8, 8]], np.float32)
    offsets = np.array([[0.5, 0.25, -0.25, 0.125], [0, 0, 0, 0]], np.float32)
    moved = apply_offsets(boxes, offsets)
    np.testing.assert_array_equal(moved, [[20, 30, 25, 65], [0, 0, 8, 8]])
    assert moved.dtype == np.float32


def test_a_square_has_the_centre_and_the_longer_side_of_its_box() -> None:
    boxes = np.array([[10, 20, 30, 60], [0, 10, 8, 14], [1, 1, 3, 3]], np.float32)
    np.testing.assert_array_equal(square(boxes), [[0, 20, 40, 60], [0, 8, 8, 16], [1, 1, 3, 3]])


# -- images


@pytest.mark.parametrize(
    ("size", "scale", "sizes"),
    [
        ((100, 60), 0.6, [(60, 36), (42, 25), (30, 18), (21, 12)]),
        ((12, 12), 1.0, [(12, 12)]),
        ((12, 12), 0.6, []),
        ((1, 1), 0.6, []),
        ((1000, 11), 1.0, []),
        ((11, 1000), 1.0, []),
        ((20, 15), 1.2, [(24, 18), (17, 12)]),
        ((60, 100), 0.6, [(36, 60), (25, 42), (18, 30), (12, 21)]),
    ],
)
def test_the_levels_of_the_pyramid(size: tuple[int, int], scale: float, sizes: list[tuple[int, int]]) -> None:
    width, height = size
    levels = list(pyramid(np.full((height, width, 3), 77, np.uint8), scale))
    assert [level.shape[1::-1] for level in levels] == sizes
    assert all((level == 77).all() for level in levels)
    assert (RECEPTIVE_FIELD, PYRAMID_FACTOR) == (12, 0.709)


def test_another_factor_makes_other_levels() -> None:
    levels = pyramid(np.zeros((96, 96, 3), np.uint8), 1.0, factor=0.5)
    assert [level.shape[0] for level in levels] == [96, 48, 24, 12]


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (96, 128, 3), np.uint8)


def test_the_first_level_averages_areas_and_the_next_interpolate(noise: np.ndarray) -> None:
    """Beyond a half, each from the image halved exactly."""
    first, second, third, *_ = pyramid(noise, 0.8, factor=0.6)
    np.testing.assert_array_equal(first, cv2.resize(noise, (102, 76), interpolation=cv2.INTER_AREA))
    halved = cv2.resize(noise, (64, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(second, cv2.resize(halved, (61, 46), interpolation=cv2.INTER_LINEAR))
    np.testing.assert_array_equal(third, cv2.resize(halved, (36, 27), interpolation=cv2.INTER_LINEAR))


def test_a_first_level_of_exactly_half_is_the_image_halved(noise: np.ndarray) -> None:
    """Each pixel the mean of four; of a quarter, of sixteen."""
    wanted = noise.reshape(48, 2, 64, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(next(pyramid(noise, 0.5)), wanted, atol=0.5)
    wanted = noise.reshape(24, 4, 32, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(next(pyramid(noise, 0.25)), wanted, atol=1)


def test_the_first_level_may_be_interpolated_and_an_enlarged_one_always_is(noise: np.ndarray) -> None:
    (first, *_) = pyramid(noise, 0.8, method=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(first, cv2.resize(noise, (102, 76), interpolation=cv2.INTER_LINEAR))
    (large, *_) = pyramid(noise, 1.5)
    np.testing.assert_array_equal(large, cv2.resize(noise, (192, 144), interpolation=cv2.INTER_LINEAR))
    np.testing.assert_array_equal(next(pyramid(noise, 1.0)), noise)


def test_a_crop_of_its_own_size_is_the_image_and_outside_it_is_grey(noise: np.ndarray) -> None:
    boxes = np.array([[10, 20, 34, 44], [-12, 40, 12, 64], [116, 84, 140, 108]], np.float32)
    inner, left, corner = crops(noise, boxes, 24)
    np.testing.assert_array_equal(inner, noise[20:44, 10:34])
    np.testing.assert_array_equal(left[:, 12:], noise[40:64, :12])
    np.testing.assert_array_equal(corner[:12, :12], noise[84:, 116:])
    for outside in (left[:, :12], corner[12:], corner[:, 12:]):
        assert (outside == 128).all()


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_crops_samples_are_at_the_centres_of_its_cells(axis: str) -> None:
    """Of a ramp of four levels a pixel, whose pixel i has its centre at i + 0.5: at p px it is 4 p - 2."""
    ramp = np.tile((4 * np.arange(64, dtype=np.uint8))[None, :, None], (64, 1, 3))
    image = ramp if axis == "x" else np.ascontiguousarray(ramp.swapaxes(0, 1))
    first, last = (8, 4) if axis == "x" else (4, 8)
    boxes = np.array([[first, last, first + 48, last + 48], [first, last, first + 12, last + 12]], np.float32)
    reduced, enlarged = crops(image, boxes, 24).astype(int)[..., 0]
    cells = np.arange(24)
    for cut, side in ((reduced, 2), (enlarged, 0.5)):
        wanted = 4 * (8 + side * (cells + 0.5)) - 2
        np.testing.assert_array_equal(cut if axis == "x" else cut.T, np.tile(wanted, (24, 1)))


def test_no_boxes_have_no_crops(noise: np.ndarray) -> None:
    assert crops(noise, np.empty((0, 4), np.float32), 24).shape == (0, 24, 24, 3)


def test_antialiased_crops_come_from_the_image_halved_until_they_are_less_than_twice_too_large(
    noise: np.ndarray,
) -> None:
    boxes = np.array([[0, 0, 24, 24], [8, 8, 55, 55], [16, 16, 64, 64], [0, 0, 96, 96], [4, 4, 9, 9]], np.float32)
    half = cv2.resize(noise, (64, 48), interpolation=cv2.INTER_AREA)
    quarter = cv2.resize(half, (32, 24), interpolation=cv2.INTER_AREA)
    cut = antialiased_crops(noise, boxes, 24)
    assert cut.shape == (5, 24, 24, 3)
    assert cut.dtype == np.uint8
    np.testing.assert_array_equal(cut[[0, 1, 4]], crops(noise, boxes[[0, 1, 4]], 24))
    np.testing.assert_array_equal(cut[2], half[8:32, 8:32])
    np.testing.assert_array_equal(cut[3], quarter[:24, :24])


def test_large_crops_are_averaged_not_sampled() -> None:
    """A fine chessboard is grey from afar, also where its crop is 5 times as large as asked for."""
    image = np.repeat((np.indices((400, 400)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
    boxes = np.array([[100, 100, 260, 260], [110, 110, 142, 142]], np.float32)
    large, exact = antialiased_crops(image, boxes, 32)
    assert np.ptp(large) <= 2
    np.testing.assert_array_equal(exact, image[110:142, 110:142])


def test_antialiased_crops_of_a_tiny_image_do_not_vanish() -> None:
    image = np.full((2, 1, 3), 50, np.uint8)
    cut = antialiased_crops(image, np.array([[-500, -500, 500, 500]], np.float32), 24)
    assert cut.shape == (1, 24, 24, 3)
