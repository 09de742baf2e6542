"""Identities against the truth, plain SORT beside ours in the same run: one table.

    python -m benchmarks.tracking [--without-hour] [--data FOLDER]

Footage that is not there is left out, and said so. What is drawn by chance has a seed; seeds under 100 were used to
choose settings, those from 200 on were held back.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.evaluation import Floats, Rows, perfect, score
from classpulse.simulation.motion_truth import lesson
from engine.vision.appearance import describe
from engine.vision.motion import estimate_motion, small_grey
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.sources.video import Video
from tracking.identity import faces_of_students, students_of_tracks
from tracking.kalman import SORT_NOISE
from tracking.sort import Tracker, track
from tracking.tracks import tracks_table

SHARED = Path(os.environ.get("CLASSPULSE_DATA", Path(__file__).parents[2] / "shared"))


@dataclass(frozen=True, eq=False)
class Footage:
    """What a tracker is given, and what is true; frames are counted from 0."""

    name: str
    truth: Rows
    times: Floats
    detections: Rows
    """Their `who` means nothing."""
    scores: Floats
    motion: Floats | None = None
    descriptors: np.ndarray | None = None
    described: np.ndarray | None = None
    seats: bool = True
    """Whether people come back to where they were: tracks are joined to students."""


def sort_as_published(frames: range, detections: Rows, *, min_hits: int = 3, max_age: int = 1) -> Rows:
    """What SORT's own program reports: its filter's boxes, only after `min_hits` frames in a row with a face.

    The unit of time is the frame. `max_age` is SORT's, the frames that a track may miss and live on.
    """
    tracker = Tracker(max_age=max_age + 1, noise=SORT_NOISE, birth_score=0, recover=False)
    starts = np.searchsorted(detections.frame, np.append(frames, frames.stop))
    rows: list[tuple[float, ...]] = []
    for count, frame in enumerate(frames, start=1):
        tracker.update(frame, detections.boxes[starts[count - 1] : starts[count]])
        rows += [
            (frame, track.number, *track.box)
            for track in tracker.tracks
            if track.last_time == frame and (track.streak >= min_hits or count <= min_hits)
        ]
    table = np.array(rows).reshape(-1, 6)
    return Rows(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])


def ours(footage: Footage) -> Rows:
    """The detections with the identities that a whole session gets; those of nobody are left out."""
    frame, boxes = footage.detections.frame, footage.detections.boxes
    numbers = track(footage.times, frame, boxes, footage.scores, motion=footage.motion)
    if footage.seats:
        tracks = tracks_table(
            footage.times,
            frame,
            boxes,
            numbers,
            footage.scores,
            motion=footage.motion,
            descriptors=footage.descriptors,
            described=footage.described,
        )
        numbers = faces_of_students(frame, numbers, students_of_tracks(tracks).student)
    return Rows(frame, numbers, boxes)[numbers >= 0]


def pedestrians(shared: Path) -> Footage:
    """TUD-Campus with the detections that SORT was published with."""
    folder = shared / "eval/mot/TUD-Campus"
    truth, detections = Rows.read(folder / "gt.txt"), Rows.read(folder / "det.txt")
    scores = np.loadtxt(folder / "det.txt", delimiter=",")[:, 6]
    return Footage("TUD-Campus", from_zero(truth), np.arange(71) / 25, from_zero(detections), scores, seats=False)


def shots(shared: Path, name: str, seed: int) -> Footage:
    """Faces of a music video, as a poor detector reports them: motion only, identities new in every shot.

    20 % are dropped, every face is hidden every 3 s or so for 0.2-1.5 s, corners jitter by 3 % of the box, and 5 %
    more boxes are false.
    """
    random = np.random.default_rng(seed)
    truth = from_zero(Rows.read(shared / f"eval/mot/faces/{name}_shots.txt"))
    visible = random.random(len(truth)) >= 0.2
    for who in np.unique(truth.who):
        rows = np.flatnonzero(truth.who == who)
        frame = truth.frame[rows]
        hides = frame[0] + random.exponential(3 * 25)
        while hides <= frame[-1]:
            back = hides + random.uniform(0.2, 1.5) * 25
            visible[rows[(frame >= hides) & (frame < back)]] = False
            hides = back + random.exponential(3 * 25)
    detected = truth[visible]
    side = np.tile(detected.boxes[:, 2:] - detected.boxes[:, :2], 2)
    boxes = detected.boxes + random.normal(0, 0.03, side.shape) * side
    like = random.integers(0, len(detected), int(0.05 * len(detected)))
    corner = random.uniform(0, 1, (len(like), 2)) * truth.boxes[:, 2:].max(axis=0)
    boxes = np.vstack([boxes, np.hstack([corner, corner + side[like, :2]])])
    frames = np.concatenate([detected.frame, detected.frame[like]])
    order = np.argsort(frames, kind="stable")
    times = np.arange(truth.frame.max() + 1) / 25
    shots = Rows(frames[order], np.zeros(len(order), np.int64), boxes[order])
    return Footage(f"shots {name}, seed {seed}", truth, times, shots, np.ones(len(order)), seats=False)


def clip(shared: Path, file: str, sample_rate: float) -> Footage:
    """A clip from its pixels: faces, camera motion and appearance as pass 1 measures them."""
    truth = from_zero(Rows.read(shared / "eval/mot" / f"{Path(file).stem}_gt.txt"))
    number = {frame.pts: i for i, frame in enumerate(Video(shared / "footage" / file).frames(None))}
    detector = Mtcnn()
    frames, times, boxes, scores, motion, descriptors = [], [], [], [], [], []
    before = None
    for frame in Video(shared / "footage" / file).frames(sample_rate):
        detections = detector.detect(frame.image)
        grey, scale = small_grey(frame.image)
        motion.append(np.eye(2, 3) if before is None else estimate_motion(before, grey, boxes[-1], scale=scale))
        before = grey
        frames.append(number[frame.pts])
        times.append(frame.time)
        boxes.append(detections.boxes.astype(np.float64))
        scores.append(detections.scores)
        descriptors.append(describe(frame.image, detections.boxes))
    where = np.repeat(np.arange(len(frames)), [len(one) for one in boxes])
    faces = Rows(where, np.zeros(len(where), np.int64), np.concatenate(boxes))
    sampled = truth[np.isin(truth.frame, frames)]
    truth = Rows(np.searchsorted(frames, sampled.frame), sampled.who, sampled.boxes)
    return Footage(
        f"{file}, {sample_rate:g}/s",
        truth,
        np.array(times),
        faces,
        np.concatenate(scores).astype(np.float64),
        np.array(motion),
        np.concatenate(descriptors),
    )


def simulated(seed: int, *, students: int = 30, minutes: float = 10.0, spacing: float = 3.0) -> Footage:
    """A lesson with everything that happens in one; `classpulse/simulation/motion_truth.py` says what."""
    drawn = lesson(seed, students=students, duration=minutes * 60, spacing=spacing)
    return Footage(
        f"{students} students, {minutes:g} min, seed {seed}",
        Rows(drawn.truth_frame, drawn.truth_student, drawn.truth_boxes),
        drawn.times,
        Rows(drawn.frame, drawn.student, drawn.boxes),
        drawn.scores,
        drawn.motion,
        drawn.descriptors[drawn.described],
        drawn.described,
    )


def corridor(seed: int, rate: float, *, people: int = 14, duration: float = 40.0) -> Footage:
    """People who walk from side to side, behind and in front of each other, or towards the camera; some pause.

    They walk at 1.5 to 6 face heights a second, and sway as they step. Whoever is nearer hides who is behind.
    """
    random = np.random.default_rng((seed, 77))
    width, height = 1280, 720
    times = np.arange(int(duration * rate)) / rate
    rows: list[tuple[float, ...]] = []
    for who in range(people):
        size, since = random.uniform(24, 60), times - random.uniform(-3, duration - 3)
        pause, stop = random.uniform(0.5, 2) * (random.random() < 0.3), random.uniform(1, 3)
        walked = np.where(since < stop, since, np.maximum(since - pause, np.minimum(since, stop)))
        if random.random() < 0.7:  # from side to side
            side, speed = random.choice([-1, 1]), random.uniform(1.5, 6)
            x = width / 2 + side * (speed * walked * size - width / 2 - size)
            y, scale = (
                np.full(len(times), 0.35 * height + (60 - size) * 1.2 + random.normal(0, 10)),
                np.ones(len(times)),
            )
        else:
            distance = random.uniform(8, 12) - random.uniform(0.8, 1.5) * walked
            since = np.where(distance < 1.8, -1.0, since)
            scale = 220 / np.maximum(distance, 1.8) / size
            x, y = width / 2 + random.uniform(-3, 3) * scale * size, 0.35 * height + 0.3 * scale * size
        tall = scale * size
        x = x + 0.05 * tall * np.sin(2 * np.pi * 0.95 * since + random.uniform(0, 6))
        y = y + 0.06 * tall * np.sin(2 * np.pi * 1.9 * since + random.uniform(0, 6))
        for frame in np.flatnonzero((since >= 0) & (x > 0.4 * tall) & (x < width - 0.4 * tall)).tolist():
            half = np.array([0.4, 0.5]) * tall[frame]
            rows.append(
                (frame, who, x[frame] - half[0], y[frame] - half[1], x[frame] + half[0], y[frame] + half[1])
            )
    table = np.array(sorted(rows))
    truth = Rows(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])
    tall = truth.boxes[:, 3] - truth.boxes[:, 1]
    visible = np.ones(len(truth), np.bool_)
    for frame in np.unique(truth.frame).tolist():
        inside = np.flatnonzero(truth.frame == frame)
        bodies = truth.boxes[inside] + np.outer(tall[inside], [-0.6, 0, 0.6, 2.0])
        for row in inside.tolist():
            low = np.maximum(truth.boxes[row, :2], bodies[:, :2])
            high = np.minimum(truth.boxes[row, 2:], bodies[:, 2:])
            hidden = np.prod(np.clip(high - low, 0, None), axis=1) > 0.4 * 0.8 * tall[row] ** 2
            visible[row] = not (hidden & (tall[inside] > 1.02 * tall[row])).any()
    detected = truth[visible & (random.random(len(truth)) < 0.9)]
    noise = random.normal(0, 0.03, (len(detected), 4)) * (detected.boxes[:, 3] - detected.boxes[:, 1])[:, None]
    faces = Rows(detected.frame, 0 * detected.who, detected.boxes + noise)
    scores = np.clip(random.normal(0.98, 0.02, len(faces)), 0.8, 1)
    return Footage(f"corridor, {rate:g}/s, seed {seed}", truth, times, faces, scores, seats=False)


def from_zero(rows: Rows) -> Rows:
    """MOT files count frames from 1."""
    return Rows(rows.frame - 1, rows.who, rows.boxes)


def footages(shared: Path, *, hour: bool) -> Iterator[Footage]:
    """All there is to measure on, in the order of the table."""
    if shared.is_dir():
        yield pedestrians(shared)
        for seed in (0, 200):
            yield from (shots(shared, name, seed) for name in "ab")
        yield from (clip(shared, "students.mp4", rate) for rate in (5, 12))
        yield clip(shared, "four_seated.gif", 5)
    else:
        print(f"no footage at {shared}: only what is simulated")
    for rate in (5.0, 12.0, 25.0):
        yield from (corridor(seed, rate) for seed in (1, 2, 200, 201))
    for seed in (1, 2, 3, 200, 201, 202, 203, 204):
        yield simulated(seed)
    if hour:
        yield from (simulated(seed, students=100, minutes=60, spacing=2.6) for seed in (11, 200))


def cost(students: int, frames: int = 300) -> float:
    """Frames of so many faces that are tracked and given students, per second of CPU time."""
    drawn = lesson(99, students=students, duration=frames / 5, spacing=2.6, events=False)
    every_face = Rows(drawn.truth_frame, drawn.truth_student, drawn.truth_boxes)
    # All seats taken and no head bowed: as many faces as can be in every frame.
    size = np.zeros(students)
    size[every_face.who] = every_face.boxes[:, 3] - every_face.boxes[:, 1]
    seat = np.zeros((students, 4))
    seat[every_face.who] = every_face.boxes
    random = np.random.default_rng(0)
    boxes = (seat + random.normal(0, 0.02, (frames, students, 4)) * size[:, None]).reshape(-1, 4)
    motion = np.tile([[1.0, 0.0, 0.01], [0.0, 1.0, 0.01]], (frames, 1, 1))
    where = np.repeat(np.arange(frames), students)
    described = where % 5 == 0
    descriptors = random.integers(0, 255, (described.sum(), 48)).astype(np.uint8)
    rows = Rows(where, where, boxes)
    footage = Footage("", rows, np.arange(frames) / 5, rows, np.ones(len(where)), motion, descriptors, described)
    began = time.process_time()
    ours(footage)
    return frames / (time.process_time() - began)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, default=SHARED, help="folder with footage/ and eval/")
    arguments.add_argument("--without-hour", action="store_true", help="leave out the two hours of 100 students")
    options = arguments.parse_args()
    print(f"{'':31} {'plain SORT':^33}   {'classpulse':^33}   perfect")
    head = f"{'ids':>6} {'IDSW':>5} {'IDF1':>6} {'MOTA':>6} {'HOTA':>6}"
    print(f"{'':25} {'true':>5} {head}   {head}   {'IDF1':>6}")
    for footage in footages(options.data, hour=not options.without_hour):
        numbers = []
        long = len(footage.detections) > 300_000  # HOTA of an hour takes hours
        plain = sort_as_published(range(len(footage.times)), footage.detections)
        for rows in (plain, ours(footage)):
            result = score(footage.truth, rows, hota=not long)
            numbers.append(
                f"{result['ids']:6.0f} {result['IDSW']:5.0f} {result['IDF1']:6.3f} {100 * result['MOTA']:6.2f} "
                + (f"{result['HOTA']:6.3f}" if "HOTA" in result else f"{'-':>6}")
            )
        best = score(footage.truth, perfect(footage.truth, footage.detections), hota=False)["IDF1"]
        people = len(np.unique(footage.truth.who))
        print(f"{footage.name:25} {people:5} {numbers[0]}   {numbers[1]}   {best:6.3f}", flush=True)
    for students, wanted in ((30, 260), (100, 60)):
        rate = cost(students)
        print(f"{students} faces a frame, everything on: {rate:.0f} frames/s of CPU time (wanted: {wanted})")


if __name__ == "__main__":
    main()
