"""`make bench-guided`: true and false faces of the guided scan against full scans, wherever there is truth."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.evaluation import Rows
from benchmarks.footage import SHARED
from benchmarks.speed import keep
from classpulse.simulation.lesson import busy_lesson
from classpulse.simulation.render import render_lesson
from engine.settings import SEGMENT_SECONDS
from engine.vision.detection import Detections, Detector
from engine.vision.guided import DetectionScheduler
from engine.vision.motion import small_grey
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.retinaface.detector import RetinaFace
from engine.vision.sources.protocol import Frame
from engine.vision.sources.video import Video
from tracking.association import iou, match

Boxes = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
#: A drawn face that is hidden more than this need not be detected, and may be.
VISIBLE = 0.3
#: Those that search regions of interest.
DETECTORS: dict[str, Callable[[], Detector]] = {"mtcnn": Mtcnn, "retinaface": RetinaFace}


def middles_in(boxes: npt.NDArray[np.floating], others: Boxes) -> Mask:
    """(n, m) whether the middle of each of the `boxes` (n, 4) lies in each of the others (m, 4)."""
    middles = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
    inside: Mask = np.all((middles >= others[:, :2]) & (middles <= others[:, 2:]), axis=2)
    return inside


def in_any(boxes: npt.NDArray[np.floating], others: Boxes) -> Mask:
    """(n,) whether the middle of each of the `boxes` lies in any of the others."""
    inside: Mask = np.any(middles_in(boxes, others), axis=1)
    return inside


@dataclass
class Count:
    """True and false detections, ms of CPU time, and frames."""

    true: int = 0
    false: int = 0
    cpu: float = 0.0
    frames: int = 0

    def add(self, detections: Detections, truth: Boxes, ignored: Boxes) -> None:
        """One to one at an overlap of 0.5; what has its middle in an ignored box is neither true nor false."""
        pairs = match(iou(truth, detections.boxes.astype(np.float64)), 0.5)
        self.true += len(pairs.rows)
        self.false += int((~in_any(detections.boxes[pairs.unmatched_columns], ignored)).sum())
        self.frames += 1


Truth = Callable[[Frame], tuple[Boxes, Boxes]]


def compare(path: Path, rate: float | None, truth: Truth, make: Callable[[], Detector]) -> tuple[Count, Count]:
    """Full scans and guided ones over the frames of a file, each with a detector of its own."""
    detectors, counts = (make(), make()), (Count(), Count())
    scheduler, segment, before = DetectionScheduler(20), -1, None
    with Video(path) as video:
        for frame in video.frames(rate):
            if frame.time // SEGMENT_SECONDS != segment:
                scheduler, segment = DetectionScheduler(20), int(frame.time // SEGMENT_SECONDS)
            grey, scale = small_grey(frame.image)
            regions = scheduler.regions(frame.time, before, grey, scale)
            before = grey
            for detector, count, where in zip(detectors, counts, (None, regions), strict=True):
                began = time.process_time()
                detections = detector.detect(frame.image, where)
                count.cpu += 1e3 * (time.process_time() - began)
                count.add(detections, *truth(frame))
            scheduler.update(frame.time, detections)
    return counts


def mot(name: str, fps: float, ignored: str | None = None) -> Truth:
    """The truth in MOT files of `SHARED`, whose frames count from 1."""
    tables = [Rows.read(SHARED / "eval" / "mot" / file) if file else None for file in (name, ignored)]

    def of(frame: Frame) -> tuple[Boxes, Boxes]:
        number = round(frame.time * fps) + 1
        true, other = (np.empty((0, 4)) if rows is None else rows.boxes[rows.frame == number] for rows in tables)
        return true, other

    return of


def lesson(seed: int, folder: Path) -> tuple[Path, Truth]:
    """Twenty seconds of thirty students who look down, leave and come back, and of a teacher who crosses often."""
    script = busy_lesson(
        seed=seed, duration=20, width=1920, height=1080, looks_down_every=20, leaves_every=60, crosses_every=8
    )
    truth = render_lesson(script, folder / f"lesson {seed}.mp4")
    here = np.isfinite(truth.boxes).all(axis=1)

    def of(frame: Frame) -> tuple[Boxes, Boxes]:
        now = here & (np.abs(truth.time - frame.time) < 0.5 / script.fps)
        visible = truth.visibility >= VISIBLE
        return truth.boxes[now & visible].astype(np.float64), truth.boxes[now & ~visible].astype(np.float64)

    return folder / f"lesson {seed}.mp4", of


def clips(folder: Path) -> Iterator[tuple[str, Path, float | None, Truth]]:
    """Name, file, frames per second and truth of everything that has truth."""
    footage, students = SHARED / "footage", mot("students_gt.txt", 24, "students_ignore.txt")
    for rate in (5.0, 12.0):
        yield f"students.mp4, {rate:g}/s", footage / "students.mp4", rate, students
    seated = footage / "four_seated.gif", mot("four_seated_gt.txt", 15)
    yield "four_seated.gif, 5/s", seated[0], 5.0, seated[1]
    yield "four_seated.gif, every frame", seated[0], None, seated[1]
    for seed in (300, 301):
        path, truth = lesson(seed, folder)
        yield f"30 students drawn at 1080p, 5/s, seed {seed}", path, 5.0, truth


def main() -> None:
    """Print the table, and keep it in results.md."""
    cv2.setNumThreads(1)
    lines = [
        "## Guided scan (`make bench-guided`)",
        "",
        "Seed 301 was never tuned on. CPU time of detection alone, on one thread.",
        "",
        "| | detector | true, full | true, guided | kept | false, full | false, guided | ms, full | ms, guided |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    print("\n".join(lines))
    with tempfile.TemporaryDirectory() as folder:
        for (name, path, rate, truth), (detector, make) in product(clips(Path(folder)), DETECTORS.items()):
            full, guided = compare(path, rate, truth, make)
            cells: list[object] = [
                detector,
                full.true,
                guided.true,
                f"{guided.true / full.true:.3f}",
                full.false,
                guided.false,
            ]
            cells += [f"{count.cpu / count.frames:.1f}" for count in (full, guided)]
            lines.append(f"| {name} | {' | '.join(map(str, cells))} |")
            print(lines[-1], flush=True)
    keep("Guided scan", lines)


if __name__ == "__main__":
    main()
