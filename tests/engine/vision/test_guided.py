"""Where the scheduler sends the detector, and what of a full scan that keeps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.vision.detection import Detections, FullScan
from engine.vision.guided import BANDS, DetectionScheduler
from engine.vision.mtcnn.cascade import Mtcnn
from tests.engine.footage import scans_of_students


def faces_at(*corners: tuple[float, float], size: float = 40) -> Detections:
    boxes = np.array([(x, y, x + size, y + size) for x, y in corners], np.float32).reshape(-1, 4)
    return Detections(boxes, np.ones(len(boxes), np.float32), np.zeros((len(boxes), 5, 2), np.float32))


EVERYTHING = FullScan()


def test_the_first_frame_and_one_after_a_second_are_looked_at_in_full() -> None:
    scheduler = DetectionScheduler(20)
    assert scheduler.regions(7.0).full_scan == EVERYTHING
    scheduler.update(7.0, faces_at((100, 50)))
    assert scheduler.regions(7.9).full_scan is None
    scheduler.update(7.9, faces_at((100, 50)))
    regions = scheduler.regions(8.9)
    assert regions.full_scan == EVERYTHING
    assert len(regions.expected) == len(regions.missing) == 0


@pytest.mark.parametrize("rate", [2, 3, 5, 12, 25, 30])
def test_every_second_the_whole_image_is_scanned(rate: int) -> None:
    scheduler = DetectionScheduler(20)
    scheduler.update(0, faces_at())
    times = np.arange(1, 3 * rate + 1) / rate
    scans = []
    for time in times:
        scans.append(scheduler.regions(time).full_scan)
        scheduler.update(time, faces_at())
    for second in range(3):
        *others, last = scans[second * rate : (second + 1) * rate]
        assert others == [None] * (rate - 1)
        assert last == FullScan(second + 1)


@pytest.mark.parametrize("rate", [1.2, 1.5, 2.5, 5, 29.97])
def test_full_scans_come_once_a_second_on_average_from_the_first_look_on(rate: float) -> None:
    scheduler, scans = DetectionScheduler(20), []
    for frame in range(round(60 * rate)):
        time = frame / rate
        if (scan := scheduler.regions(time).full_scan) is not None:
            scans.append((time, scan))
        scheduler.update(time, faces_at())
    times = [time for time, _ in scans]
    assert scans[0] == (0, EVERYTHING)
    assert [scan for _, scan in scans[1:4]] == [FullScan(1), FullScan(2), FullScan(3)]
    assert 59 <= len(scans) <= 61
    assert np.diff(times).max() < 1 + 1 / rate


@pytest.mark.parametrize("rate", [1.5, 3, 5, 12, 29.97])
def test_bands_cover_the_image_once_in_the_first_second_and_then_every_three(rate: float) -> None:
    scheduler, due = DetectionScheduler(20), []
    for frame in range(round(10 * rate) + 1):
        regions = scheduler.regions(frame / rate)
        due += [(frame / rate, top, bottom) for top, bottom in regions.bands]
        scheduler.update(frame / rate, faces_at())
    assert due[0] == (0, 0, 1)
    covered = np.array([(top, bottom) for _, top, bottom in due[1:]])
    # Each begins where the one before ended, or again from the top.
    np.testing.assert_allclose(covered[1:, 0], covered[:-1, 1] % 1)
    for before, share in ((1 + 1 / rate, 1), (10, 4)):
        total = sum(bottom - top for time, top, bottom in due[1:] if time <= before + 1e-6)
        assert total == pytest.approx(share, abs=2.01 / BANDS)


def test_a_face_is_expected_where_it_moves_to() -> None:
    scheduler = DetectionScheduler(20)
    for time, x in ((0.0, 100), (0.2, 110), (0.4, 120)):
        scheduler.update(time, faces_at((x, 50), (500, 50)))
    expected = scheduler.regions(0.6)
    np.testing.assert_allclose(expected.expected, [[130, 50, 170, 90], [500, 50, 540, 90]], atol=1e-3)
    assert len(expected.missing) == 0


def test_a_missing_face_is_expected_at_its_last_place_until_it_reappears() -> None:
    scheduler = DetectionScheduler(20)
    scheduler.update(0.0, faces_at((100, 50), (500, 50)))
    scheduler.update(0.2, faces_at((500, 50)))
    scheduler.update(0.4, faces_at((500, 50)))
    np.testing.assert_array_equal(scheduler.regions(0.6).missing, [[100, 50, 140, 90]])
    scheduler.update(0.6, faces_at((105, 50), (500, 50)))
    regions = scheduler.regions(0.8)
    assert len(regions.missing) == 0
    assert len(regions.expected) == 2


def test_a_missing_face_is_given_up_after_two_seconds() -> None:
    scheduler = DetectionScheduler(20)
    scheduler.update(0.0, faces_at((100, 50), (500, 50)))
    for time in (0.5, 1.0, 1.5):
        scheduler.update(time, faces_at((500, 50)))
        assert len(scheduler.regions(time + 0.2).missing) == 1
    scheduler.update(2.0, faces_at((500, 50)))
    assert len(scheduler.regions(2.2).missing) == 0


def test_missing_faces_are_shifted_with_the_camera() -> None:
    scheduler = DetectionScheduler(20)
    scheduler.update(0.0, faces_at((100, 50)))
    scheduler.update(0.2, faces_at(), np.array([[1, 0, -30.0], [0, 1, 4]]))
    scheduler.update(0.4, faces_at(), np.full((2, 3), np.nan))
    np.testing.assert_allclose(scheduler.regions(0.6).missing, [[70, 54, 110, 94]])


def scene(seed: int) -> np.ndarray:
    """A grey picture (270, 480) of soft blobs."""
    noise = np.random.default_rng(seed).normal(size=(18, 32)).astype(np.float32)
    large = cv2.resize(noise, (480, 270), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 50 * large, 0, 255).astype(np.uint8)


def test_after_a_cut_everything_is_looked_at() -> None:
    scheduler = DetectionScheduler(20)
    scheduler.update(0.0, faces_at((100, 50)))
    assert scheduler.regions(0.2, scene(1), scene(1) // 2 + 40).full_scan is None  # the lights go down
    assert scheduler.regions(0.2, scene(1), scene(2)).full_scan == EVERYTHING


def test_where_something_moves_a_face_may_be_new() -> None:
    """Two blocks change; one of them where a face is known. Places are as large as the nearest face."""
    before = scene(1)
    now = before.copy()
    now[160:192, 320:352] ^= 128
    now[64:96, 64:96] ^= 128
    scheduler = DetectionScheduler(20)
    scheduler.update(0.0, faces_at((300, 300), size=60))
    missing = scheduler.regions(0.2, before, now, scale=0.25).missing
    centres, sizes = (missing[:, :2] + missing[:, 2:]) / 2, missing[:, 2:] - missing[:, :2]
    assert len(missing) == 4
    assert (centres >= [1280, 640]).all()
    assert (centres <= [1408, 768]).all()
    assert (sizes == 60).all()


def test_a_camera_that_moves_shows_nothing_new() -> None:
    scheduler = DetectionScheduler(20)
    scheduler.update(0.0, faces_at((100, 50)))
    assert len(scheduler.regions(0.2, scene(1), np.roll(scene(1), 5, axis=1), 0.25).missing) == 0


def test_nothing_new_in_noise_or_in_a_tiny_picture() -> None:
    rng = np.random.default_rng(0)
    noisy = [np.clip(scene(1) + rng.normal(0, 6, (270, 480)), 0, 255).astype(np.uint8) for _ in range(2)]
    scheduler = DetectionScheduler(20)
    scheduler.update(0.0, faces_at())
    assert len(scheduler.regions(0.2, noisy[0], noisy[1]).missing) == 0
    assert len(scheduler.regions(0.2, noisy[0][:10, :10], noisy[1][:10, :10]).missing) == 0


def test_guided_scans_keep_the_true_faces_and_add_no_false_ones(shared: Path) -> None:
    """A pan, and a teacher who crosses in front; against the ground truth."""
    full, guided = scans_of_students(shared, Mtcnn())
    assert full.true > 150
    assert guided.true >= 0.98 * full.true
    assert guided.false <= full.false + 0.02 * full.true


def layout(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 30, 72).astype(np.int8)


def test_after_a_cut_nothing_is_expected_and_everything_is_scanned() -> None:
    """Also where the thumbnails of both scenes happen to be alike, so that the cut itself was not noticed."""
    for after, full_scan in ((layout(1), None), (layout(2), EVERYTHING)):
        scheduler = DetectionScheduler(20)
        for i in range(3):
            scheduler.regions(i / 5)
            scheduler.update(i / 5, faces_at((100, 50)), None, layout(1))
        scheduler.regions(0.6)
        scheduler.update(0.6, faces_at((100, 50), (300, 50)), None, after)
        regions = scheduler.regions(0.8)
        assert regions.full_scan == full_scan
        assert len(regions.expected) == (0 if full_scan else 2)
        scheduler.update(0.8, faces_at((100, 50)), None, after)
        assert scheduler.regions(1.0).full_scan != EVERYTHING  # the view stays


def test_a_fade_is_noticed_over_a_second_and_a_slow_change_is_none() -> None:
    for seconds, voided in ((0.8, True), (8, False)):
        scheduler, scans = DetectionScheduler(20), []
        for i in range(round(5 * seconds) + 6):
            weight = min(i / 5 / seconds, 1.0)
            mixed = (1 - weight) * layout(1) + weight * layout(2)
            shown = (mixed * (254 / np.linalg.norm(mixed))).clip(-127, 127).astype(np.int8)
            scans.append(scheduler.regions(i / 5).full_scan)
            scheduler.update(i / 5, faces_at((100, 50)), None, shown)
        assert (EVERYTHING in scans[1:]) == voided


def test_blank_pictures_are_no_other_view() -> None:
    scheduler = DetectionScheduler(20)
    for i, now in enumerate((layout(1), np.zeros(72, np.int8), layout(1), layout(1))):
        assert (scheduler.regions(i / 5).full_scan == EVERYTHING) == (i == 0)
        scheduler.update(i / 5, faces_at((100, 50)), None, now)
