"""RetinaFace where the scheduler sends it: its patches, its bands, and what of a full scan they keep."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from engine.vision.detection import Detections, FullScan, RegionsOfInterest
from engine.vision.guided import BANDS
from engine.vision.retinaface.detector import RetinaFace
from tests.engine.footage import iou, photo, scans_of_students

Image = npt.NDArray[np.uint8]
NOWHERE = np.empty((0, 4), np.float32)


@pytest.fixture(scope="module")
def retinaface() -> RetinaFace:
    return RetinaFace()


@pytest.fixture(scope="module")
def group(shared: Path, retinaface: RetinaFace) -> tuple[Image, Detections]:
    """Five people whose faces are 30 px high, as in the back of a room, and what a full scan finds of them."""
    image = photo(shared / "eval/photos/pyfeat_multi_face.jpg")
    boxes = retinaface.detect(image).boxes
    size = 30 / float(np.median(boxes[:, 3] - boxes[:, 1]))
    image = np.asarray(cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), np.uint8)
    return image, retinaface.detect(image)


def same(found: Detections, faces: Detections, overlap: float = 0.6) -> list[int]:
    """Which of the `faces` are among those `found`."""
    return np.flatnonzero((iou(faces.boxes, found.boxes) > overlap).any(axis=1)).tolist() if len(found) else []


def test_with_regions_only_these_are_searched(retinaface: RetinaFace, group: tuple[Image, Detections]) -> None:
    image, faces = group
    assert len(faces) == 5
    for regions in (RegionsOfInterest(faces.boxes[:2], NOWHERE), RegionsOfInterest(NOWHERE, faces.boxes[:2])):
        assert same(retinaface.detect(image, regions), faces) == [0, 1]
    assert len(retinaface.detect(image, RegionsOfInterest(NOWHERE, NOWHERE))) == 0


@pytest.mark.parametrize("shift", [-0.5, 0.5])
@pytest.mark.parametrize("size", [0.75, 1.33])
def test_a_face_is_found_half_its_size_from_its_region_and_a_third_larger_or_smaller(
    retinaface: RetinaFace, group: tuple[Image, Detections], shift: float, size: float
) -> None:
    image, faces = group
    sides = (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1, keepdims=True)
    middles = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 + shift * sides
    off = np.concatenate([middles - size * sides / 2, middles + size * sides / 2], axis=1).astype(np.float32)
    assert same(retinaface.detect(image, RegionsOfInterest(off, NOWHERE)), faces) == [0, 1, 2, 3, 4]


def test_a_region_alone_gives_no_face_and_may_lie_outside(
    retinaface: RetinaFace, group: tuple[Image, Detections]
) -> None:
    image, faces = group
    blank = np.full_like(image, 90)
    assert len(retinaface.detect(blank, RegionsOfInterest(faces.boxes, faces.boxes + 10))) == 0
    width = image.shape[1]
    outside = np.array([[-90, -90, -50, -50], [width + 9, 0, width + 49, 40], [-5e5, 0, 5e5, 1e6]], np.float32)
    assert len(retinaface.detect(image, RegionsOfInterest(outside, outside))) == 0


@pytest.mark.parametrize(("min_face", "height", "twice"), [(20, 40, 0), (10, 15, 1)])
def test_the_bands_together_find_what_a_full_scan_finds(
    shared: Path, min_face: float, height: float, twice: int
) -> None:
    """Every face of a photo, though a band's edge goes through some; a band of its own finds no other's.

    One whose middle lies on the edge within half a pixel may be found on either side.
    """
    image, retinaface = photo(shared / "eval/photos/pyfeat_multi_face.jpg"), RetinaFace(min_face)
    boxes = retinaface.detect(image).boxes
    size = height / float(np.median(boxes[:, 3] - boxes[:, 1]))
    image = np.asarray(cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), np.uint8)
    faces, rows = retinaface.detect(image), image.shape[0]
    found: list[int] = []
    for band in range(BANDS):
        top, bottom = band / BANDS, (band + 1) / BANDS
        part = retinaface.detect(image, RegionsOfInterest(NOWHERE, NOWHERE, None, ((top, bottom),)))
        middle = (part.boxes[:, 1] + part.boxes[:, 3]) / 2
        assert ((middle >= top * rows - 1) & (middle <= bottom * rows + 1)).all()
        assert len(same(part, faces)) == len(part)
        found += same(part, faces)
    assert sorted(set(found)) == list(range(len(faces))) == [0, 1, 2, 3, 4]
    assert len(found) <= 5 + twice


def test_every_second_the_whole_image_is_scanned_for_faces_more_than_twice_as_large_as_the_smallest(
    shared: Path, retinaface: RetinaFace
) -> None:
    image, scan = (
        photo(shared / "eval/photos/pyfeat_multi_face.jpg"),
        RegionsOfInterest(NOWHERE, NOWHERE, FullScan(1)),
    )
    faces = retinaface.detect(image)
    assert same(retinaface.detect(image, scan), faces) == [0, 1, 2, 3, 4]
    size = 22 / float(np.median(faces.boxes[:, 3] - faces.boxes[:, 1]))
    image = np.asarray(cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), np.uint8)
    assert len(retinaface.detect(image, scan)) == 0


def test_guided_scans_keep_the_true_faces_and_add_no_false_ones(shared: Path, retinaface: RetinaFace) -> None:
    full, guided = scans_of_students(shared, retinaface)
    assert full.true > 170
    assert guided.true >= 0.98 * full.true
    assert guided.false <= full.false + 1
