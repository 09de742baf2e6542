"""Reads the evaluation footage and its ground truth, and scores faces against it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
from scipy.optimize import linear_sum_assignment

from engine.vision.detection import Detector
from engine.vision.guided import DetectionScheduler
from engine.vision.sources.video import Video
from tests.pictures import Image, decoded


def frames(path: Path, step: int, count: int | None = None) -> Iterator[tuple[int, Image]]:
    """Every `step`-th frame from the first: its number from 0, RGB."""
    with av.open(str(path)) as container:
        decoded = enumerate(container.decode(video=0))
        for number, frame in islice(decoded, 0, None if count is None else step * count, step):
            yield number, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def photo(path: Path) -> Image:
    """RGB (h, w, 3)."""
    return decoded(path.read_bytes())


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(len(a), len(b))"""
    corners = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    inter = corners.clip(0).prod(axis=2)
    areas = [(x[:, 2:] - x[:, :2]).prod(axis=1) for x in (a, b)]
    overlap: np.ndarray = inter / (areas[0][:, None] + areas[1] - inter)
    return overlap


def truth(path: Path) -> dict[int, np.ndarray]:
    """Boxes (n, 4) by frame, from 1: a MOT file."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    return {int(frame): boxes[rows[:, 0] == frame] for frame in np.unique(rows[:, 0])}


class Score:
    """Counts true faces (IoU of 0.5, one to one) and false ones; what lies in a don't-care box is neither."""

    def __init__(self, shared: Path) -> None:
        self.truth = truth(shared / "eval/mot/students_gt.txt")
        self.ignored = truth(shared / "eval/mot/students_ignore.txt")
        self.true = self.false = 0

    def add(self, frame: int, boxes: np.ndarray) -> None:
        overlap = iou(boxes, self.truth[frame])
        rows, columns = linear_sum_assignment(-(overlap * (overlap >= 0.5)))
        hit = rows[overlap[rows, columns] >= 0.5]
        rest = np.delete(boxes, hit, axis=0)
        centres, ignored = (rest[:, :2] + rest[:, 2:]) / 2, self.ignored.get(frame, np.empty((0, 4)))
        inside = (centres[:, None] >= ignored[:, :2]) & (centres[:, None] <= ignored[:, 2:])
        self.true += len(hit)
        self.false += int((~inside.all(axis=2).any(axis=1)).sum())


def scans_of_students(shared: Path, detector: Detector) -> tuple[Score, Score]:
    """The scores of full and of guided scans of students.mp4 at 5 frames a second, for faces of 20 px and more."""
    scheduler, full, guided = DetectionScheduler(20), Score(shared), Score(shared)
    with Video(shared / "footage/students.mp4") as video:
        for frame in video.frames(5):
            number = round(frame.time * 24) + 1
            full.add(number, detector.detect(frame.image).boxes)
            found = detector.detect(frame.image, scheduler.regions(frame.time))
            scheduler.update(frame.time, found)
            guided.add(number, found.boxes)
    return full, guided
