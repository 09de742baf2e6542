"""A lesson as trajectories without images: simulated detections, and the ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from classpulse.simulation.processes import boxes_around, correlated, inside_image, intervals, moved, steps

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DESCRIPTOR_LENGTH = 40


@dataclass(frozen=True, eq=False)
class Lesson:
    """m sampled frames, the n faces that a detector reports in them, and the t faces that are truly visible."""

    times: Floats
    """(m,) seconds."""
    motion: Floats
    """(m, 2, 3) affine from the previous frame's pixels to this one's, as estimated: noisy, NaN where unknown."""
    frame: Ints
    """(n,) index into times."""
    boxes: Floats
    """(n, 4) x1, y1, x2, y2, px."""
    scores: Floats
    """(n,) in [0, 1]."""
    landmarks: Floats
    """(n, 5, 2) px."""
    descriptors: npt.NDArray[np.uint8]
    """(n, DESCRIPTOR_LENGTH); rows of zeros where not described."""
    described: Bools
    """(n,)"""
    student: Ints
    """(n,) the student of each face: 0, 1, ...; -1 for a false face."""
    truth_frame: Ints
    """(t,) index into times."""
    truth_student: Ints
    """(t,)"""
    truth_boxes: Floats
    """(t, 4)"""

    @classmethod
    def of(
        cls,
        random: np.random.Generator,
        times: Floats,
        motion: Floats,
        faces: ReportedFaces,
        described: Bools,
        descriptors: npt.NDArray[np.uint8],
        visible: Bools,
        true_boxes: Floats,
    ) -> Self:
        """The lesson in which `faces` are reported; `visible` is (m, k) of k students, `true_boxes` (m, k, 4)."""
        truth_frame, truth_student = np.nonzero(visible)
        return cls(
            times=times,
            motion=motion,
            frame=faces.frame,
            boxes=faces.boxes,
            scores=faces.scores,
            landmarks=draw_landmarks(random, faces.boxes, faces.pose),
            descriptors=descriptors,
            described=described,
            student=faces.student,
            truth_frame=truth_frame,
            truth_student=truth_student,
            truth_boxes=true_boxes[truth_frame, truth_student],
        )


def lesson(
    seed: int,
    *,
    students: int = 30,
    duration: float = 600.0,
    sample_rate: float = 5.0,
    size: tuple[int, int] = (1920, 1080),
    spacing: float = 3.0,
    events: bool = True,
    posters: int = 0,
    describe_every: float = 1.0,
) -> Lesson:
    """A lesson of `duration` seconds, the same for the same seed.

    Seats of a row stand `spacing` face heights apart (65 cm; 55 cm in a lecture hall are 2.6). Heads sway and
    change their posture, turn away briefly, and bow over the desk for up to a minute. A teacher crosses in
    front twice a minute and now and then stands still. With `events`, three students leave for minutes and come
    back, two swap seats, the tripod is bumped and the camera pans over and back. The detector misses 2 % of the
    visible faces and more of the small and half-turned ones, in runs; it gives false faces, once or in bursts at
    places that look like a face, and `posters` that never move. All faces of a frame are described every
    `describe_every` seconds.
    """
    random = np.random.default_rng(seed)
    times = np.arange(int(duration * sample_rate)) / sample_rate
    seats, sizes = classroom(random, students, size, spacing)
    centre, visible, scale = _behaviour(random, times, seats, sizes, events)
    hidden = teacher(random, times, centre, sizes, size)
    score = detector_score(random, times, sizes, visible, hidden)
    camera, motion, blurred = _camera(random, times, size, events)
    height = sizes * scale
    true_boxes = boxes_around(moved(camera, centre), height)
    visible = visible & (hidden < 0.5) & inside_image(true_boxes, size)
    detected = are_detected(random, visible, score, blurred)

    faces = true_faces(random, times, detected, true_boxes, height, score)
    faces = with_false_faces(random, faces, *false_faces(random, times, camera, size, posters))
    described = faces.frame % max(1, round(describe_every * sample_rate)) == 0
    descriptors = np.zeros((len(faces.frame), DESCRIPTOR_LENGTH), np.uint8)
    descriptors[described] = _descriptors(random, times, students, faces.frame[described], faces.student[described])
    return Lesson.of(random, times, motion, faces, described, descriptors, visible, true_boxes)


@dataclass(frozen=True, eq=False)
class ReportedFaces:
    """n reported faces; the fields as in Lesson, and `pose` (n,): horizontal rotation of the head, standardised."""

    frame: Ints
    student: Ints
    boxes: Floats
    scores: Floats
    pose: Floats


def are_detected(random: np.random.Generator, visible: Bools, score: Floats, blurred: Bools) -> Bools:
    """(m, k) which `visible` (m, k) faces the detector finds, by their `score`; none while `blurred` (m,)."""
    chance = np.select([score > 0.97, score > 0.8], [0.98, 0.6], 0.25)
    found: Bools = visible & (random.random(visible.shape) < chance) & ~blurred[:, None]
    return found


def true_faces(
    random: np.random.Generator,
    times: Floats,
    detected: Bools,
    true_boxes: Floats,
    height: Floats,
    score: Floats,
) -> ReportedFaces:
    """The `detected` (m, n) faces, with a localisation error of 3 % of their `height` (m, n), px."""
    frame, student = np.nonzero(detected)
    jitter = random.normal(0, 0.03, (len(frame), 4)) * height[frame, student, None]
    pose = correlated(random, times, detected.shape[1], 1.0)[frame, student]
    return ReportedFaces(frame, student, true_boxes[frame, student] + jitter, score[frame, student], pose)


def with_false_faces(
    random: np.random.Generator, faces: ReportedFaces, frame: Ints, boxes: Floats, fixed: Bools
) -> ReportedFaces:
    """The faces together with false ones, as from `false_faces`, in order of their frames."""
    false_scores = np.where(fixed, 0.97, random.uniform(0.6, 0.95, len(frame)))
    false_pose = np.where(fixed, 0.0, random.normal(0, 1, len(frame)))
    frames = np.concatenate([faces.frame, frame])
    order = np.argsort(frames, kind="stable")
    return ReportedFaces(
        frame=frames[order],
        student=np.concatenate([faces.student, np.full(len(frame), -1)])[order],
        boxes=np.concatenate([faces.boxes, boxes])[order],
        scores=np.concatenate([faces.scores, false_scores])[order],
        pose=np.concatenate([faces.pose, false_pose])[order],
    )


def classroom(
    random: np.random.Generator, students: int, size: tuple[int, int], spacing: float
) -> tuple[Floats, Floats]:
    """Seats (n, 2) and face heights (n,), px: rows that grow smaller and denser towards the back."""
    width, height = size
    rows = int(np.ceil(np.sqrt(students * 0.8)))
    row = np.arange(students) * rows // students
    depth = row / max(rows - 1, 1)  # 0 is the back
    in_row = np.array([np.arange(np.sum(row == r)) for r in range(rows)], dtype=object)
    place = np.concatenate([(r + 0.5) / len(r) for r in in_row]).astype(float)
    spread = 0.62 + 0.3 * depth
    face = width * spread / np.bincount(row).max() / spacing
    x = width * (0.5 + (place - 0.5) * spread)
    y = height * (0.22 + 0.6 * depth**1.2)
    seats = np.stack([x, y], 1) + random.normal(0, 0.15, (students, 2)) * face[:, None]
    return seats, face * random.uniform(0.88, 1.12, students)


def _behaviour(
    random: np.random.Generator, times: Floats, seats: Floats, sizes: Floats, events: bool
) -> tuple[Floats, Bools, Floats]:
    """Centre (m, n, 2), visibility of the face (m, n), and its size relative to the usual one (m, n)."""
    n = len(seats)
    sway = np.stack([correlated(random, times, n, 3.0), correlated(random, times, n, 3.0)], 2) * [0.16, 0.07]
    posture = np.stack([steps(random, times, n, 60.0), steps(random, times, n, 60.0)], 2) * [0.25, 0.12]
    offset = (sway + posture) * sizes[:, None]
    scale = 1 + 0.04 * steps(random, times, n, 60.0) + 0.01 * correlated(random, times, n, 2.0)
    home = np.broadcast_to(seats, (len(times), n, 2)).copy()
    shows = ~intervals(random, times, n, every=100.0, shortest=2.0, longest=60.0)  # bowed over the desk
    shows &= ~intervals(random, times, n, every=40.0, shortest=0.4, longest=3.0)  # turned to a neighbour
    if events and n >= 5:
        end = times[-1]
        *leaving, a, b = random.permutation(n)[:5]
        for student in leaving:
            out = random.uniform(0.15, 0.5) * end
            back = out + random.uniform(0.2, 0.4) * end
            door = np.array([-2 * sizes[student], seats[student, 1] - sizes[student]])
            walk(home, student, times, out, seats[student], door, sizes[student])
            walk(home, student, times, back, door, seats[student], sizes[student])
        swap = random.uniform(0.45, 0.6) * end
        walk(home, a, times, swap, seats[a], seats[b], sizes[a])
        walk(home, b, times, swap + random.uniform(1, 4), seats[b], seats[a], sizes[b])
        for mover, neighbour in ((a, b), (b, a)):
            scale[times > swap + 5, mover] *= sizes[neighbour] / sizes[mover]
    return home + offset, shows, scale


def walk(
    home: Floats, student: int, times: Floats, start: float, origin: Floats, goal: Floats, face: float
) -> None:
    """Stand up and go from `origin` to `goal`, two faces high and four face heights a second, in place."""
    duration = max(np.hypot(*(goal - origin)) / (4 * face), 1.0)
    share = np.clip((times - start) / duration, 0, 1)[:, None]
    standing = 1.5 * face * np.clip(np.minimum(share, 1 - share) * 8, 0, 1)
    path = origin + (goal - origin) * share - np.hstack([0 * standing, standing])
    home[times >= start, student] = path[times >= start]


def teacher(
    random: np.random.Generator, times: Floats, centre: Floats, sizes: Floats, size: tuple[int, int]
) -> Floats:
    """(m, n) share of each face occluded by the teacher, who crosses every 30 s and sometimes stops."""
    width, height = size
    x = np.full(len(times), np.nan)
    for start in np.arange(random.uniform(0, 30), times[-1], 30.0):
        crossing = random.uniform(4, 9)
        pause = random.choice([0.0, random.uniform(2, 15)], p=[0.7, 0.3])
        at = random.uniform(0.2, 0.8)
        t = times - start
        progress = (
            np.where(t < at * crossing, t, np.where(t < at * crossing + pause, at * crossing, t - pause)) / crossing
        )
        inside = (t >= 0) & (progress <= 1)
        position = progress if random.random() < 0.5 else 1 - progress
        x[inside] = (-0.15 + 1.3 * position[inside]) * width
    half, top = 0.06 * width, height * random.uniform(0.15, 0.3)
    gap = np.abs(centre[..., 0] - x[:, None]) - half
    beside = np.clip(0.5 - gap / (0.8 * sizes), 0, 1)
    below = np.clip(0.5 + (centre[..., 1] - top) / sizes, 0, 1)
    return np.where(np.isnan(x)[:, None], 0.0, beside * below)


def detector_score(
    random: np.random.Generator, times: Floats, sizes: Floats, visible: Bools, hidden: Floats
) -> Floats:
    """(m, n) simulated detector score of each face, in [0, 1]: low in intervals, and at the teacher's edge."""
    ease = correlated(random, times, len(sizes), 1.5)
    score = 0.995 - 0.02 * np.exp(-1.8 * (ease + np.minimum(sizes / 30, 2) - 0.4)) - 0.5 * hidden
    return np.clip(score + 0 * visible, 0.0, 1.0)


def _camera(
    random: np.random.Generator, times: Floats, size: tuple[int, int], events: bool
) -> tuple[Floats, Floats, Bools]:
    """Affines (m, 2, 3) from the room to each frame and, as estimated, between frames; the blurred frames (m,)."""
    m = len(times)
    shift, turn = np.zeros((m, 2)), np.zeros(m)
    blurred = np.zeros(m, bool)
    if events:
        bump = random.uniform(0.2, 0.8) * times[-1]
        shift[times >= bump] += random.choice([-1, 1], 2) * random.uniform([0.02, 0.01], [0.05, 0.03]) * size[0]
        turn[times >= bump] += np.deg2rad(random.normal(0, 0.7))
        blurred |= (times >= bump) & (times < bump + 0.4)
        pan = random.uniform(0.1, 0.7) * times[-1]
        over = np.clip((times - pan) / 15, 0, 1) - np.clip((times - pan - 60) / 15, 0, 1)
        shift[:, 0] += 0.08 * size[0] * over
    rotation = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], 1).reshape(m, 2, 2)
    middle = np.array(size) / 2
    camera = np.concatenate([rotation, (middle - rotation @ middle + shift)[:, :, None]], 2)
    full = np.concatenate([camera, np.broadcast_to([[[0.0, 0.0, 1.0]]], (m, 1, 3))], 1)
    motion = np.full((m, 2, 3), np.nan)
    motion[1:] = (full[1:] @ np.linalg.inv(full[:-1]))[:, :2]
    # A tenth of a pixel, and a little turn and zoom, each frame: they add up to some px in ten minutes.
    wrong = random.normal(0, 3e-5, (m, 2, 2))
    motion[:, :, :2] += wrong
    motion[:, :, 2] += random.normal(0, 0.1, (m, 2)) - wrong @ middle
    motion[blurred & (random.random(m) < 0.5)] = np.nan
    return camera, motion, blurred


def false_faces(
    random: np.random.Generator, times: Floats, camera: Floats, size: tuple[int, int], posters: int
) -> tuple[Ints, Floats, Bools]:
    """Frames, boxes, and whether it is a poster: single false faces, bursts at three places, and the posters."""
    m = len(times)
    once = np.flatnonzero(random.random(m) < 0.06)
    places = random.uniform([0.05, 0.3], [0.95, 0.95], (3, 2)) * size
    bursts = intervals(random, times, 3, every=150.0, shortest=0.2, longest=4.0) & (random.random((m, 3)) < 0.5)
    burst_frame, burst = np.nonzero(bursts)
    walls = random.uniform([0.05, 0.03], [0.95, 0.12], (posters, 2)) * size
    poster_frame, poster = np.nonzero(random.random((m, posters)) < 0.9)
    frame = np.concatenate([once, burst_frame, poster_frame])
    centre = np.concatenate([random.uniform(0.05, 0.95, (len(once), 2)) * size, places[burst], walls[poster]])
    fixed = np.arange(len(frame)) >= len(once) + len(burst_frame)
    face = np.concatenate(
        [random.uniform(20, 60, len(once)), np.array([24.0, 32.0, 40.0])[burst], np.full(len(poster), 36.0)]
    )
    shown = np.einsum("nij,nj->ni", camera[frame][:, :, :2], centre) + camera[frame][:, :, 2]
    boxes = (
        boxes_around(shown, face)
        + random.normal(0, 1, (len(frame), 4)) * np.where(fixed, 0.006, 0.04)[:, None] * face[:, None]
    )
    good = inside_image(boxes, size)
    return frame[good], boxes[good], fixed[good]


def draw_landmarks(random: np.random.Generator, boxes: Floats, pose: Floats) -> Floats:
    """(n, 5, 2) eyes, nose and mouth within the box; the nose goes with the pose."""
    face = np.array([[0.31, 0.38], [0.69, 0.38], [0.5, 0.58], [0.35, 0.77], [0.65, 0.77]])
    points = np.broadcast_to(face, (len(boxes), 5, 2)) + random.normal(0, 0.006, (len(boxes), 5, 2))
    points[:, 2, 0] += 0.06 * pose
    return boxes[:, None, :2] + points * (boxes[:, 2:] - boxes[:, :2])[:, None]


def _descriptors(random: np.random.Generator, times: Floats, students: int, frame: Ints, student: Ints) -> Floats:
    """(n, DESCRIPTOR_LENGTH) in 0-255: roots of a histogram of clothes and hair.

    Clothes come from a wardrobe of a dozen, so that some students look much alike; each appearance drifts with the
    light and the posture, and one sample in twelve is mixed with an occluding object.
    """
    wardrobe = random.dirichlet(np.full(DESCRIPTOR_LENGTH, 0.25), 12)
    individual = random.dirichlet(np.full(DESCRIPTOR_LENGTH, 0.25), students)
    appearance = 0.6 * wardrobe[random.integers(0, 12, students)] + 0.4 * individual
    light = 0.35 * correlated(random, times, DESCRIPTOR_LENGTH, 120.0)[frame]
    posture = np.stack([steps(random, times, students, 60.0) for _ in range(4)], 2)
    bend = random.normal(0, 0.18, (4, DESCRIPTOR_LENGTH))
    distribution = np.where(
        student[:, None] >= 0, appearance[student], random.dirichlet(np.full(DESCRIPTOR_LENGTH, 0.25), len(student))
    )
    logits = (
        np.log(distribution + 2e-3)
        + light
        + posture[frame, student] @ bend
        + random.normal(0, 0.45, distribution.shape)
    )
    occluded = random.random(len(distribution)) < 1 / 12
    logits[occluded] = np.log(
        0.5 * distribution[occluded]
        + 0.5 * random.dirichlet(np.full(DESCRIPTOR_LENGTH, 0.25), occluded.sum())
        + 2e-3
    )
    share = np.exp(logits)
    described: Floats = np.rint(255 * np.sqrt(share / share.sum(axis=1, keepdims=True)))
    return described
