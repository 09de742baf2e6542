"""`make bench-recall`: which share of the true faces is detected, by their height and by which detector.

A face is right where its middle lies in a true box. The clips of people were looked at while settings were chosen,
the drawn lessons were not.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.footage import SHARED, read_image
from benchmarks.guided import in_any, middles_in, mot
from benchmarks.speed import keep
from classpulse.simulation.lesson import Lesson, busy_lesson
from classpulse.simulation.render import frames as drawn_frames
from engine.faces import EDGES
from engine.sessions.tracking import track_session
from engine.settings import Settings
from engine.vision.detection import Detections, Detector
from engine.vision.extraction import FeatureExtractor
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.reference import ReferenceDetector
from engine.vision.retinaface.detector import RetinaFace
from engine.vision.sources.protocol import Frame
from engine.vision.sources.video import Video
from engine.vision.yunet import YuNet
from storage import queries
from storage.store import Store

Boxes = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]

#: O-Net's threshold: faces under it are weak ones, for trackers alone.
SURE = 0.8
#: Heights, px, at which a row of a table ends; the last row has all higher ones.
HEIGHTS = (10, 15, 20, 30, 48)
ROWS = ("under 10", "10–15", "15–20", "20–30", "30–48", "48 and more")
WEIGHTS = SHARED / "eval" / "yunet_2026may.onnx"
#: How many images of SCUT-HEAD there are.
IMAGES = 80
#: Frames per second of the clips.
RATE = 5


def heads(shared: Path) -> Iterator[tuple[Image, Boxes]]:
    """The images of SCUT-HEAD: RGB (h, w, 3), and the (n, 4) boxes of all heads, also bowed ones and backs."""
    for path in sorted((shared / "eval/heads").glob("*.xml")):
        boxes = [
            [float(box.findtext(edge, "")) for edge in ("xmin", "ymin", "xmax", "ymax")]
            for box in ET.parse(path).getroot().iter("bndbox")
        ]
        yield read_image(path.with_suffix(".jpg")), np.array(boxes, np.float64).reshape(-1, 4)


class Heads:
    """Counts: a face is right where its middle lies in a head, and a head is hit once, however often."""

    def __init__(self) -> None:
        self.heads = self.hit = self.detected = self.right = 0
        self.heights: list[float] = []
        self.hits: list[bool] = []

    def add(self, faces: Detections, heads: Boxes) -> None:
        """Count the `faces` of an image with these `heads` whose score is SURE or more."""
        inside = middles_in(faces.boxes[faces.scores >= SURE], heads)
        # Where heads overlap, a face is one of them only.
        hit = np.isin(np.arange(len(heads)), inside.argmax(axis=1)[inside.any(axis=1)] if len(heads) else [])
        self.heads += len(heads)
        self.hit += int(hit.sum())
        self.detected += len(inside)
        self.right += int(inside.any(axis=1).sum())
        self.heights += (heads[:, 3] - heads[:, 1]).tolist()
        self.hits += hit.tolist()

    def include(self, other: Heads) -> None:
        """Add the counts of other images."""
        self.heads += other.heads
        self.hit += other.hit
        self.detected += other.detected
        self.right += other.right
        self.heights += other.heights
        self.hits += other.hits

    @property
    def precision(self) -> float:
        """Share of the detections that are right."""
        return self.right / max(self.detected, 1)

    def by_height(self) -> list[tuple[int, int]]:
        """(hit, all) in each of ROWS."""
        row, hits = np.digitize(self.heights, HEIGHTS), np.array(self.hits, bool)
        return [(int(hits[row == i].sum()), int((row == i).sum())) for i in range(len(ROWS))]


@dataclass(frozen=True)
class Clip:
    """Frames, and the true boxes of each: (n, 4), and those that do not count."""

    name: str
    images: list[Frame]
    truth: list[tuple[Boxes, Boxes]]


def footage(file: str, fps: float, size: float, ignored: str | None = None) -> Clip:
    """A clip of `SHARED` at a share of its size."""
    of = mot(f"{Path(file).stem}_gt.txt", fps, ignored)
    with Video(SHARED / "footage" / file) as video:
        frames = [frame for frame in video.frames(RATE) if len(of(frame)[0])]
    truth = [(true * size, other * size) for true, other in map(of, frames)]
    smaller = [dataclasses.replace(frame, image=_resized(frame.image, size)) for frame in frames]
    return Clip(f"{file} at {size:.0%}" if size < 1 else file, smaller, truth)


def _resized(image: Image, size: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), np.uint8)


def drawn(name: str, script: Lesson) -> Clip:
    """A drawn lesson; who looks down or is half hidden does not count."""
    images, truth = [], []
    for number, frame in enumerate(drawn_frames(script)):
        visible = (frame.visibility >= 0.5) & ~np.array(frame.looking_down)
        here = np.isfinite(frame.boxes).all(axis=1)
        boxes = frame.boxes.astype(np.float64)
        images.append(Frame(number, frame.time, frame.image))
        truth.append((boxes[here & visible], boxes[here & ~visible]))
    return Clip(name, images, truth)


def clips() -> Iterator[Clip]:
    """All that moves."""
    for size in (1, 0.6, 0.4, 0.3):
        yield footage("students.mp4", 24, size, "students_ignore.txt")
    for size in (1, 0.6):
        yield footage("four_seated.gif", 15, size)
    busy: dict[str, Any] = {"duration": 10, "fps": RATE, "looks_down_every": 20, "crosses_every": 8, "noise": 6.0}
    for seed, students, rows, height in ((400, 20, 2, 160), (401, 28, 4, 120)):
        script = busy_lesson(seed=seed, students=students, rows=rows, width=640, height=height, **busy)
        yield drawn(f"{students} drawn students, seed {seed}", script)


def tracked(clip: Clip, settings: Settings) -> pd.DataFrame:
    """The faces of a session of the clip, detected and tracked: `pts`, box and `student` (NA: nobody's)."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "recall.db") as store:
        number = store.add_session(
            name="", source="", sha256="", settings=settings.to_json(), version="", models="{}",
            time_base=Fraction(1, 1), start_pts=0, width=1, height=1,
        )  # fmt: skip
        for segment in FeatureExtractor(settings).from_frames(clip.images):
            store.write_segment(number, segment.number, segment.frames, segment.faces.columns())
        store.finish_detection(number, clip.images[-1].time + 1 / RATE)
        track_session(store, number, settings)
        return queries.faces(store, number)


@dataclass
class Covered:
    """True faces that a student's face covers, and the students most of whose faces are false."""

    hit: int = 0
    all: int = 0
    false: dict[int, list[bool]] = field(default_factory=dict)

    @classmethod
    def of(cls, clip: Clip, settings: Settings) -> Covered:
        """Those of a session of the clip."""
        covered, faces = cls(), tracked(clip, settings)
        faces = faces[faces["student"].notna()]
        for frame, (truth, ignored) in zip(clip.images, clip.truth, strict=True):
            here = faces[faces["pts"] == frame.pts]
            boxes = here[list(EDGES)].to_numpy()
            covered.hit += int(np.any(middles_in(boxes, truth), axis=0).sum())
            covered.all += len(truth)
            for student, wrong in zip(
                here["student"], ~in_any(boxes, truth) & ~in_any(boxes, ignored), strict=True
            ):
                covered.false.setdefault(student, []).append(bool(wrong))
        return covered

    @property
    def false_students(self) -> int:
        """How many."""
        return sum(bool(np.mean(wrong) > 0.5) for wrong in self.false.values())


def contenders() -> dict[str, Callable[[], Detector]]:
    """Everybody who is here, the original package first."""
    here: dict[str, Callable[[], Detector]] = {}
    if importlib.util.find_spec("mtcnn"):
        here["`mtcnn`"] = ReferenceDetector
    here |= {"20 px": Mtcnn, "10 px": lambda: Mtcnn(10), "RetinaFace": lambda: RetinaFace(10)}
    if WEIGHTS.exists():
        here["YuNet"] = lambda: YuNet(WEIGHTS.read_bytes(), 10)
    return here


def shares(tallies: dict[str, Heads], what: str) -> Iterator[str]:
    """A table: a row for every height, a column for everybody."""
    yield f"| {what}, px | all | {' | '.join(tallies)} |"
    yield "|---|---:|" + "---:|" * len(tallies)
    columns = [tally.by_height() for tally in tallies.values()]
    for row, name in enumerate(ROWS):
        if count := columns[0][row][1]:
            yield f"| {name} | {count} | {' | '.join(f'{column[row][0] / count:.2f}' for column in columns)} |"
    first = next(iter(tallies.values()))
    yield f"| all: hit | {first.heads} | {' | '.join(str(tally.hit) for tally in tallies.values())} |"
    yield f"| precision | | {' | '.join(f'{tally.precision:.3f}' for tally in tallies.values())} |"


def on_images() -> Iterator[str]:
    """The table of every contender's detections on the images of SCUT-HEAD."""
    whole: dict[str, Heads] = {}
    halves: dict[str, tuple[Heads, Heads]] = {}
    cpu = []
    for name, make in contenders().items():
        detector, spent = make(), 0.0
        whole[name], halves[name] = Heads(), (Heads(), Heads())
        for number, (image, boxes) in enumerate(heads(SHARED)):
            began = time.process_time()
            detections = detector.detect(image)
            spent += time.process_time() - began
            whole[name].add(detections, boxes)
            halves[name][number % 2].add(detections, boxes)
        cpu.append(f"{1e3 * spent / IMAGES:.0f}")
    yield from shares(whole, "head")
    for number in (0, 1):
        each = [f"{half[number].hit}, {half[number].precision:.3f}" for half in halves.values()]
        total = next(iter(halves.values()))[number].heads
        yield f"| {('even', 'odd')[number]} images: hit, precision | {total} | {' | '.join(each)} |"
    yield f"| CPU ms an image | | {' | '.join(cpu)} |"


def frame_by_frame(clip: Clip) -> dict[str, Heads]:
    """What every contender detects in a clip; a detection in a box that does not count is left out."""
    tallies: dict[str, Heads] = {}
    for name, make in contenders().items():
        detector, tallies[name] = make(), Heads()
        for frame, (truth, ignored) in zip(clip.images, clip.truth, strict=True):
            detections = detector.detect(frame.image)
            tallies[name].add(detections[~in_any(detections.boxes, ignored)], truth)
    return tallies


def by_students(clip: Clip, tallies: dict[str, Heads]) -> str:
    """The row of a clip: its faces that detections cover frame by frame, and those that its students cover."""
    first = next(iter(tallies.values()))
    usual, small = (
        Covered.of(clip, Settings(sample_rate=RATE, min_face=min_face, expression=False))
        for min_face in (Settings().min_face, 10)
    )
    base, share = first.hit / first.heads, small.hit / small.all
    low, high = np.percentile(first.heights, (5, 95))
    numbers = (base, tallies["10 px"].hit / small.all, share, share / base)
    cells = [clip.name, f"{low:.0f}–{high:.0f}", *(f"{number:.2f}" for number in numbers)]
    return f"| {' | '.join(cells)} | {usual.false_students} | {small.false_students} |"


def main() -> None:
    """Print the tables, and keep them in results.md."""
    cv2.setNumThreads(1)
    lines = [
        "## Recall by height (`make bench-recall`)",
        "",
        f"{IMAGES} images of SCUT-HEAD, by the height of the head:",
        "",
        *on_images(),
        "",
        "Faces on video, frame by frame, by their height:",
        "",
    ]
    moving: dict[str, Heads] = {name: Heads() for name in contenders()}
    rows = []
    for clip in clips():
        tallies = frame_by_frame(clip)
        for name, tally in tallies.items():
            moving[name].include(tally)
        rows.append(by_students(clip, tallies))
        print(rows[-1], flush=True)
    first = next(iter(moving))
    lines += [
        *shares(moving, "face"),
        "",
        f"True faces on video that are covered: by {first} frame by frame, by `--min-face 10` frame by frame, and "
        "by its students after tracking; and students most of whose faces are false.",
        "",
        f"| | faces, px | {first} | 10 px | students | times | false at 20 px | false at 10 px |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
    print("\n".join(lines))
    keep("Recall by height", lines)


if __name__ == "__main__":
    main()
