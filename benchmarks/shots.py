"""`make bench-shots`: boundaries between shots, and who is who across them, in joins of the evaluation clips.

    python -m benchmarks.shots [--joins 40] [--seed 200] [--data FOLDER]

Each join is five clips in random order, no clip after itself; half of the boundaries are hard, half are faded over
0.5 s. Constants were chosen on joins of two clips, hard and faded over 0.3 to 1 s, at 2, 5 and 12 frames a second,
and on joins of seeds under 100; those from 200 on were held back. The same clips uncut, and a drawn lesson of ten
minutes whose light changes, have no boundary.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.footage import SHARED
from classpulse.simulation.lesson import busy_lesson
from classpulse.simulation.render import frames as drawn_frames
from engine.sessions.tracking import track_session
from engine.settings import Settings
from engine.vision.extraction import FeatureExtractor, Segment
from engine.vision.layout import Layout, describe_layout, thumbnail, unexplained_share
from engine.vision.motion import estimate_motion, small_grey
from engine.vision.sources.video import Video
from storage import queries
from storage.store import Store
from tracking.association import iou, match
from tracking.shots import find_shots

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Moment = tuple[float, float, float]

CLIPS = ("students.mp4", "four_seated.gif", "one_person.mp4", "walking_1080p.mp4")
#: Who is one person in a clip, as seen by a person: pairs of a time, s, and a place in the face, px. Somebody who
#: walks is hidden for a second, and comes back elsewhere: that is more than who is who at every frame can tell.
SAME_PERSON = {"walking_1080p.mp4": (((0.5, 523, 309), (2.8, 511, 322)),)}
WIDTH, HEIGHT, FPS = 898, 506, 24
#: Seconds of a clip that are taken at most, and of a fade.
LONGEST, FADE = 6.0, 0.5
#: Frames analysed a second, and how far a boundary that was found may be from the true one, s.
RATE = 5.0
SETTINGS = Settings(sample_rate=RATE, expression=False)
#: A person with fewer faces than the first need not be a student; fewer than the second of a person are a slip.
SURE_FACES, LEAST_FACES = 8, 3


class Part(NamedTuple):
    """A clip, or a piece of it, in a join: it starts at `start` and is faded into over `fade` seconds."""

    clip: str
    offset: float
    start: float
    stop: float
    fade: float


class Person(NamedTuple):
    """Somebody in a clip."""

    clip: str
    number: int


@dataclass(frozen=True, eq=False)
class Identities:
    """n faces that were given a student: what a person's truth is taken from, or held against it."""

    time: Floats
    boxes: Floats
    student: Ints


@dataclass(frozen=True)
class Result:
    """Identities of a join against those of its clips."""

    students: int
    """Those that are a person of the clips."""
    missing: int
    """People of the clips who are no student."""
    merges: int
    splits: int
    others: int
    """Students that are nobody of the clips: not faces, or faces for which the clip alone has no student."""

    @property
    def right(self) -> bool:
        """Whether everybody is one student, and nobody two."""
        return not (self.missing or self.merges or self.splits)

    def __str__(self) -> str:
        wrong = f"{self.missing} missing, {self.merges} merges, {self.splits} splits"
        return f"{self.students} students, {wrong}, {self.others} others"


def main() -> None:
    """Print a line for each join, and the sums."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, default=SHARED, help="folder with footage/")
    arguments.add_argument("--joins", type=int, default=40)
    arguments.add_argument("--seed", type=int, default=200, help="of the first join")
    options = arguments.parse_args()
    extractor = FeatureExtractor(SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        clips = {name: list(read(options.data / "footage" / name)) for name in CLIPS}
        lengths = {name: len(clip) / FPS for name, clip in clips.items()}
        whole = {name: uncut(extractor, clips[name], Path(folder), SAME_PERSON.get(name, ())) for name in CLIPS}
        found, right, true, exact = 0, 0, 0, 0
        for seed in range(options.seed, options.seed + options.joins):
            parts = drawn_parts(np.random.default_rng(seed), lengths)
            path = write(Path(folder) / "join.mp4", joined(clips, parts))
            segments = detected(extractor, path)
            boundaries, identities = tracked(segments)
            hits = count_hits(boundaries, parts)
            found, right, true = found + len(boundaries), right + hits, true + len(parts) - 1
            result = compare(identities, parts, whole)
            exact += result.right
            names = " ".join(f"{'~' if part.fade else '|'} {Path(part.clip).stem}" for part in parts)[2:]
            line = f"{hits} of {len(parts) - 1} boundaries, {len(boundaries) - hits} false; {result}"
            print(f"{seed} {names}: {line}", flush=True)
    print(f"boundaries: recall {right / true:.3f} of {true}, precision {right / max(found, 1):.3f} of {found}")
    print(f"identities right in {exact} of {options.joins} joins")
    print(f"ten minutes of a drawn lesson with changing light: {lit_lesson(options.seed)} boundaries (right: 0)")


def read(path: Path) -> Iterator[Image]:
    """The clip's images at FPS, each fitted into WIDTH x HEIGHT."""
    with av.open(str(path)) as container:
        last, due = None, 0
        for frame in container.decode(video=0):
            time = float(frame.time or 0)
            while last is not None and due / FPS < time:
                yield last
                due += 1
            last = fitted(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
        if last is not None:
            yield last


def fitted(image: Image) -> Image:
    """The image as large as fits, in the middle of black."""
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    x, y = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = smaller
    return canvas


def drawn_parts(random: np.random.Generator, lengths: dict[str, float]) -> list[Part]:
    """Five clips in random order."""
    parts: list[Part] = []
    fades = random.permutation([0.0, 0.0, FADE, FADE])
    for number in range(5):
        before = parts[-1].clip if parts else None
        clip = str(random.choice([name for name in CLIPS if name != before]))
        length = min(lengths[clip], LONGEST)
        offset = float(random.uniform(0, lengths[clip] - length))
        fade = float(fades[number - 1]) if parts else 0.0
        start = parts[-1].stop - fade if parts else 0.0
        parts.append(Part(clip, offset, start, start + length, fade))
    return parts


def joined(clips: dict[str, list[Image]], parts: list[Part]) -> Iterator[Image]:
    """The images of a join."""
    for number in range(int(parts[-1].stop * FPS)):
        time = number / FPS
        image: Image | None = None
        for part in parts:
            if not part.start <= time < part.stop:
                continue
            clip = clips[part.clip]
            shown = clip[min(int((part.offset + time - part.start) * FPS), len(clip) - 1)]
            weight = min((time - part.start) / part.fade, 1.0) if part.fade else 1.0
            mixed = shown if image is None else cv2.addWeighted(image, 1 - weight, shown, weight, 0)
            image = np.asarray(mixed, np.uint8)
        if image is not None:
            yield image


def write(path: Path, images: Iterator[Image] | list[Image]) -> Path:
    """As an H.264 video."""
    with av.open(str(path), "w") as container:
        options = {"crf": "20", "preset": "veryfast", "threads": "2"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def detected(extractor: FeatureExtractor, path: Path, rate: float | None = RATE) -> list[Segment]:
    """Pass 1 over the frames of a video."""
    with Video(path) as video:
        return list(extractor.from_frames(video.frames(rate)))


def tracked(segments: list[Segment], start: float = -np.inf, stop: float = np.inf) -> tuple[Floats, Identities]:
    """Pass 2 over what was detected from `start` to `stop`, s, as if that were all.

    Times of the boundaries that are found, s, and the faces with their students.
    """
    with Store.in_memory() as store:
        number = store.add_session(
            name="",
            source="",
            sha256="",
            settings=SETTINGS.to_json(),
            version="",
            models="{}",
            time_base=Fraction(1),
            start_pts=0,
            width=WIDTH,
            height=HEIGHT,
        )
        for segment in segments:
            times = segment.frames["time"]
            here = (times >= start) & (times < stop)
            frames = {name: column[here] for name, column in segment.frames.items()}
            of_frames = np.isin(segment.faces.pts, frames["pts"])
            faces = {name: column[of_frames] for name, column in segment.faces.columns().items()}
            store.write_segment(number, segment.number, frames, faces)
        store.finish_detection(number, float(segments[-1].frames["time"][-1]))
        track_session(store, number, SETTINGS)
        names = ("time", "student", "x1", "y1", "x2", "y2")
        columns = queries.face_columns(store, number, names)
        given = columns["student"] >= 0
        boxes = np.column_stack([columns[name] for name in names[2:]])
        identities = Identities(columns["time"][given], boxes[given], columns["student"][given])
        return queries.shots(store, number)["start"].to_numpy()[1:], identities


def uncut(
    extractor: FeatureExtractor, clip: list[Image], folder: Path, pairs: Iterable[tuple[Moment, Moment]] = ()
) -> Identities:
    """Who is who in the whole clip at every frame: the truth for its pieces. Its boundaries are printed.

    At the moments of each of the `pairs` a person saw the same person.
    """
    path = write(folder / "clip.mp4", clip)
    boundaries, identities = tracked(detected(extractor, path, None))
    sampled, _ = tracked(detected(extractor, path))
    print(f"uncut: {len(boundaries) + len(sampled)} boundaries (right: 0), {identities.student.max() + 1} students")
    return as_seen(identities, pairs)


def as_seen(identities: Identities, pairs: Iterable[tuple[Moment, Moment]]) -> Identities:
    """The identities where those at both moments of each of the `pairs` are one.

    Raises ValueError where nobody, or more than one, is at a moment.
    """
    student = identities.student.copy()
    for pair in pairs:
        one, other = (int(student[_face_at(identities, moment)]) for moment in pair)
        student[student == other] = one
    return Identities(identities.time, identities.boxes, student)


def _face_at(identities: Identities, moment: Moment) -> int:
    """The face at a time, s, and a place, px."""
    time, x, y = moment
    now = np.abs(identities.time - time) <= np.abs(identities.time - time).min() + 1e-6
    x1, y1, x2, y2 = identities.boxes.T
    faces = np.flatnonzero(now & (x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2))
    if len(faces) != 1:
        raise ValueError(f"{len(faces)} faces at {x}, {y} px, {time} s")
    return int(faces[0])


def count_hits(boundaries: Floats, parts: list[Part]) -> int:
    """How many true boundaries were found, each by one of its own, within a sampled frame."""
    hits = 0
    left = boundaries.tolist()
    for before, part in pairwise(parts):
        near = [time for time in left if part.start - 1 / RATE - 0.01 <= time <= before.stop + 1 / RATE + 0.01]
        if near:
            left.remove(near[0])
            hits += 1
    return hits


def compare(found: Identities, parts: list[Part], whole: dict[str, Identities]) -> Result:
    """Every student's faces by the person whose they are in the clip alone, the whole of it, at every frame."""
    pairs: Counter[tuple[Person, int]] = Counter()
    seen: Counter[Person] = Counter()
    for number, part in enumerate(parts):
        start, stop = part.start + part.fade, parts[number + 1].start if number + 1 < len(parts) else part.stop
        truth = whole[part.clip]
        moments = np.unique(truth.time)
        for time in np.unique(found.time[(found.time >= start) & (found.time < stop)]):
            nearest = moments[np.abs(moments - (part.offset - part.start + time)).argmin()]
            here, there = found.time == time, truth.time == nearest
            people = [Person(part.clip, who) for who in truth.student[there].tolist()]
            matched = match(iou(found.boxes[here], truth.boxes[there]), 0.3)
            seen.update(people)
            pairs.update(
                (people[column], student)
                for student, column in zip(
                    found.student[here][matched.rows].tolist(), matched.columns.tolist(), strict=True
                )
            )
    sure = [pair for pair, count in pairs.items() if count >= LEAST_FACES]
    people_of = {student: [person for person, owner in sure if owner == student] for _, student in sure}
    return Result(
        students=len(people_of),
        missing=len({person for person, count in seen.items() if count >= SURE_FACES} - {who for who, _ in sure}),
        merges=len(sure) - len(people_of),
        splits=len(sure) - len({who for who, _ in sure}),
        others=len(set(found.student.tolist()) - set(people_of)),
    )


def lit_lesson(seed: int, seconds: float = 600.0) -> int:
    """The boundaries that are found in a drawn lesson whose light changes every few seconds in some way."""
    random = np.random.default_rng(seed)
    lesson = busy_lesson(seed=seed, duration=seconds, students=12, width=640, height=360, fps=int(RATE))
    light, due, before = 1.0, 0, None
    rows: list[tuple[float, Floats, Layout]] = []
    for number, frame in enumerate(drawn_frames(lesson)):
        flash = False
        if number >= due:  # steps by up to four times, ramps, flashes
            light, due = float(random.uniform(0.25, 1.0)), number + int(random.uniform(3, 20) * RATE)
            flash = random.uniform() < 0.3
        lit = np.full_like(frame.image, 250) if flash else (frame.image * light).astype(np.uint8)
        small, scale = small_grey(lit)
        now = thumbnail(small)
        motion: Floats = np.full((2, 3), np.nan)
        share = np.nan
        if before is not None:
            motion = estimate_motion(before[0], small, scale=scale)
            share = unexplained_share(before[1], now, motion, (640, 360))
        rows.append((share, motion, describe_layout(now)))
        before = small, now
    shares, motions, layouts = zip(*rows, strict=True)
    times, faces = np.arange(len(rows)) / RATE, np.full(len(rows), lesson.students)
    return len(find_shots(times, shares, motions, layouts, faces, size=(640, 360))) - 1


if __name__ == "__main__":
    main()
