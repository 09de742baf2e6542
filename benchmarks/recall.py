"""`make bench-recall`: which share of the true faces is found, by their height and by whom.

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

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.footage import SHARED
from benchmarks.guided import mot
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
#: Frames per second of the clips.
RATE = 5


def heads(shared: Path) -> Iterator[tuple[Image, Boxes]]:
    """The 80 images of SCUT-HEAD: RGB (h, w, 3), and the (n, 4) boxes of all heads, also bowed ones and backs."""
    for path in sorted((shared / "eval/heads").glob("*.xml")):
        image = cv2.cvtColor(cv2.imread(str(path.with_suffix(".jpg"))), cv2.COLOR_BGR2RGB)
        boxes = [
            [float(box.findtext(edge, "")) for edge in ("xmin", "ymin", "xmax", "ymax")]
            for box in ET.parse(path).getroot().iter("bndbox")
        ]
        yield image, np.array(boxes, np.float64).reshape(-1, 4)


class Heads:
    """Counts: a face is right where its middle lies in a head, and a head is hit once, however often."""

    def __init__(self) -> None:
        self.heads = self.hit = self.found = self.right = 0
        self.heights: list[float] = []
        self.hits: list[bool] = []

    def add(self, faces: Detections, heads: Boxes) -> None:
        """Count the sure ones of the `faces` of an image with these `heads`."""
        inside = middles_in(faces.boxes[faces.scores >= SURE], heads)
        # Where heads overlap, a face is one of them only.
        hit = np.isin(np.arange(len(heads)), inside.argmax(axis=1)[inside.any(axis=1)] if len(heads) else [])
        self.heads += len(heads)
        self.hit += int(hit.sum())
        self.found += len(inside)
        self.right += int(inside.any(axis=1).sum())
        self.heights += (heads[:, 3] - heads[:, 1]).tolist()
        self.hits += hit.tolist()

    @property
    def precision(self) -> float:
        """Share of the found ones that are right."""
        return self.right / max(self.found, 1)

    def by_height(self) -> list[tuple[int, int]]:
        """(hit, all) in each of ROWS."""
        row, hits = np.digitize(self.heights, HEIGHTS), np.array(self.hits, bool)
        return [(int(hits[row == i].sum()), int((row == i).sum())) for i in range(len(ROWS))]


def middles_in(boxes: npt.NDArray[np.floating], truth: Boxes) -> npt.NDArray[np.bool_]:
    """(n, m) whether the middle of each of the `boxes` (n, 4) lies in each true one (m, 4)."""
    middles = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
    inside: npt.NDArray[np.bool_] = ((middles >= truth[:, :2]) & (middles <= truth[:, 2:])).all(axis=2)
    return inside


@dataclass(frozen=True)
class Clip:
    """Frames that can be seen as a video's can, and the true boxes of each: (n, 4), and those that do not count."""

    name: str
    images: list[Frame]
    truth: list[tuple[Boxes, Boxes]]

    def frames(self, rate: float | None, start: float = 0, stop: float | None = None) -> Iterator[Frame]:
        """As `Video.frames`."""
        del rate
        yield from (f for f in self.images if f.time >= start and (stop is None or f.time < stop))


def footage(file: str, fps: float, size: float, ignored: str | None = None) -> Clip:
    """A clip of `SHARED` at a share of its size."""
    of = mot(f"{Path(file).stem}_gt.txt", fps, ignored)
    with Video(SHARED / "footage" / file) as video:
        frames = [frame for frame in video.frames(RATE) if len(of(frame)[0])]
    truth = [tuple(boxes * size for boxes in of(frame)) for frame in frames]
    smaller = [
        dataclasses.replace(f, image=cv2.resize(f.image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA))
        for f in frames
    ]
    return Clip(f"{file} at {size:.0%}" if size < 1 else file, smaller, truth)


def drawn(name: str, script: Lesson) -> Clip:
    """A drawn lesson; who looks down or is half hidden does not count."""
    images, truth = [], []
    for number, frame in enumerate(drawn_frames(script)):
        seen = (frame.visibility >= 0.5) & ~np.array(frame.looking_down)
        here = np.isfinite(frame.boxes).all(axis=1)
        boxes = frame.boxes.astype(np.float64)
        images.append(Frame(number, frame.time, frame.image))
        truth.append((boxes[here & seen], boxes[here & ~seen]))
    return Clip(name, images, truth)


def clips() -> Iterator[Clip]:
    """All that moves."""
    for size in (1, 0.6, 0.4, 0.3):
        yield footage("students.mp4", 24, size, "students_ignore.txt")
    for size in (1, 0.6):
        yield footage("four_seated.gif", 15, size)
    busy = {"duration": 10, "fps": RATE, "looks_down_every": 20, "crosses_every": 8, "noise": 6.0}
    for seed, students, rows, height in ((400, 20, 2, 160), (401, 28, 4, 120)):
        script = busy_lesson(seed=seed, students=students, rows=rows, width=640, height=height, **busy)
        yield drawn(f"{students} drawn students, seed {seed}", script)


def followed(clip: Clip, settings: Settings) -> pd.DataFrame:
    """The faces of a session of the clip, seen and followed: `pts`, box and `student` (NA: nobody's)."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "recall.db") as store:
        number = store.add_session(
            name="", source="", sha256="", settings=settings.to_json(), version="", models="{}",
            time_base=Fraction(1, 1), start_pts=0, width=1, height=1,
        )  # fmt: skip
        for segment in FeatureExtractor(settings).segments(clip):  # type: ignore[arg-type]
            store.write_segment(number, segment.number, segment.frames, segment.faces.columns())
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
        covered, faces = cls(), followed(clip, settings)
        faces = faces[faces["student"].notna()]
        for frame, (truth, ignored) in zip(clip.images, clip.truth, strict=True):
            here = faces[faces["pts"] == frame.pts]
            boxes = here[list(EDGES)].to_numpy()
            right, beside = middles_in(boxes, truth), middles_in(boxes, ignored).any(axis=1)
            covered.hit += int(right.any(axis=0).sum())
            covered.all += len(truth)
            for student, wrong in zip(here["student"], ~right.any(axis=1) & ~beside, strict=True):
                covered.false.setdefault(student, []).append(bool(wrong))
        return covered

    @property
    def false_students(self) -> int:
        """How many."""
        return sum(np.mean(wrong) > 0.5 for wrong in self.false.values())


def contenders() -> dict[str, Callable[[], Detector]]:
    """Everybody who is here, the original package first."""
    here: dict[str, Callable[[], Detector]] = {}
    if importlib.util.find_spec("mtcnn"):
        here["`mtcnn`"] = ReferenceDetector
    here |= {"20 px": Mtcnn, "10 px": lambda: Mtcnn(10)}
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


def main() -> None:
    """Print the tables, and keep them in results.md."""
    cv2.setNumThreads(1)
    pictures, halves, cpu = {}, {}, []
    for name, make in contenders().items():
        detector, whole, half, spent = make(), Heads(), (Heads(), Heads()), 0.0
        for number, (image, boxes) in enumerate(heads(SHARED)):
            began = time.process_time()
            found = detector.detect(image)
            spent += time.process_time() - began
            whole.add(found, boxes)
            half[number % 2].add(found, boxes)
        pictures[name], halves[name] = whole, half
        cpu.append(f"{1e3 * spent / 80:.0f}")
    lines = [
        "## Recall by height (`make bench-recall`)",
        "",
        "80 images of SCUT-HEAD, by the height of the head:",
        "",
    ]
    lines += shares(pictures, "head")
    for number in (0, 1):
        each = [f"{half[number].hit}, {half[number].precision:.3f}" for half in halves.values()]
        total = next(iter(halves.values()))[number].heads
        lines.append(f"| {('even', 'odd')[number]} images: hit, precision | {total} | {' | '.join(each)} |")
    lines += [
        f"| CPU ms an image | | {' | '.join(cpu)} |",
        "",
        "Faces on video, frame by frame, by their height:",
        "",
    ]

    moving: dict[str, Heads] = {name: Heads() for name in contenders()}
    rows = []
    first = next(iter(moving))
    for clip in clips():
        alone = {name: Heads() for name in moving}
        for name, make in contenders().items():
            detector = make()
            for frame, (truth, ignored) in zip(clip.images, clip.truth, strict=True):
                found = detector.detect(frame.image)
                found = found[~middles_in(found.boxes, ignored).any(axis=1)]
                moving[name].add(found, truth)
                alone[name].add(found, truth)
        usual = Covered.of(clip, Settings(sample_rate=RATE, expression=False))
        small = Covered.of(clip, Settings(sample_rate=RATE, min_face=10, expression=False))
        base = alone[first].hit / alone[first].heads
        share = small.hit / small.all
        low, high = np.percentile(alone[first].heights, (5, 95))
        numbers = (base, alone["10 px"].hit / small.all, share, share / base)
        cells = [clip.name, f"{low:.0f}–{high:.0f}", *(f"{number:.2f}" for number in numbers)]
        rows.append(f"| {' | '.join(cells)} | {usual.false_students} | {small.false_students} |")
        print(rows[-1], flush=True)
    lines += shares(moving, "face")
    lines += [
        "",
        f"True faces on video that are covered: by {first} frame by frame, by `--min-face 10` frame by frame, and "
        "by its students after following; and students most of whose faces are false.",
        "",
        f"| | faces, px | {first} | 10 px | students | times | false at 20 px | false at 10 px |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
    print("\n".join(lines))
    keep("Recall by height", lines)


if __name__ == "__main__":
    main()
