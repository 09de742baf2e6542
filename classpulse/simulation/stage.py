"""Students of a lesson at a given time: seats in perspective, sway, moods, looking down, leaving and returning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classpulse.simulation.face import BOX_TOP, CHIN
from classpulse.simulation.lesson import Lesson, Span

Floats = npt.NDArray[np.float64]

FACE_UNITS = CHIN - BOX_TOP
"""Height of a face in face units."""

_PITCH_STEPS = 4
_MOOD_FADE = 0.4
"""Seconds that a face takes from one mood to the next, half of them before the change."""
_SMILE_EVERY, _SMILE = 2.5, 0.5
"""Seconds between the brief smiles of a neutral face, and duration of a smile: FER's network scores a motionless
face as slightly sad; the smiles compensate for that."""
_BLINK = 0.12
_NOD = 0.4
"""Seconds from looking up to looking down, or away."""
_TURN = 1.2
"""How far the head turns when a student looks away, about 30 degrees."""
_WALK = 0.8
"""Face heights a second that a student walks."""


@dataclass(frozen=True, eq=False)
class Seats:
    """Where the n students sit; row 0 is the front one."""

    row: npt.NDArray[np.int64]
    x: Floats
    y: Floats
    """Origin of the face (between eyes and nose) in px."""
    face: Floats
    """Height of the face in px."""
    desks: tuple[int, ...]
    """Per row the y at which the row's desk begins."""


@dataclass(frozen=True, eq=False)
class Scene:
    """All students at one time; arrays of n students."""

    x: Floats
    y: Floats
    unit: Floats
    """Length of a face unit in px."""
    tilt: Floats
    """Radians, clockwise."""
    present: npt.NDArray[np.bool_]
    walking: npt.NDArray[np.bool_]
    mood: tuple[str, ...]
    """The scripted one."""
    shown: tuple[tuple[str, str, float], ...]
    """Displayed expression: previous mood, next mood, and progress of the change, in 0..1."""
    pitch: Floats
    """0 looks up, 1 down, in few steps."""
    yaw: Floats
    blinking: npt.NDArray[np.bool_]
    teacher: float | None
    """Place of the teacher's middle in image widths; None while the teacher is outside."""


def seats(lesson: Lesson) -> Seats:
    """Place the students in rows: the front one largest and lowest, every other row shifted by part of a seat."""
    rows = lesson.rows or max(1, round(math.sqrt(lesson.students / 1.33)))
    counts = [lesson.students // rows + (rows - 1 - row < lesson.students % rows) for row in range(rows)]
    sizes = _sizes(lesson, rows, max(counts))
    heights = _heights(lesson, sizes)

    rng = np.random.default_rng((lesson.seed, 3))
    row_of, xs, ys, faces = [], [], [], []
    for row, count in enumerate(counts):
        gap = 0.88 * lesson.width / max(counts) * math.sqrt(sizes[row] / sizes[0])
        shift = (0.2 if row % 2 else -0.2) * gap * (count > 1)
        for place in range(count):
            row_of.append(row)
            xs.append(lesson.width / 2 + shift + (place - (count - 1) / 2) * gap + rng.uniform(-0.04, 0.04) * gap)
            ys.append(heights[row] + rng.uniform(-0.06, 0.06) * sizes[row])
            faces.append(sizes[row])
    desks = tuple(round(heights[row] + 2.55 * sizes[row] / FACE_UNITS) for row in range(rows))
    return Seats(np.array(row_of), np.array(xs), np.array(ys), np.array(faces), desks)


def _sizes(lesson: Lesson, rows: int, seats_in_row: int) -> Floats:
    """(rows,) face heights, px: in perspective reciprocals of distances, which grow by the same row by row."""
    if lesson.face_heights is None:
        largest = min(0.15 * lesson.height, lesson.width / (2.25 * seats_in_row))
        return np.asarray(largest / (1 + 0.35 * np.arange(rows)), np.float64)
    front, back = lesson.face_heights
    distances: Floats = np.linspace(1 / front, 1 / back, rows)
    return 1 / distances


def _heights(lesson: Lesson, sizes: Floats) -> Floats:
    """(rows,) y of the faces' origins, px, in rows of those `sizes`."""
    low, high = 0.68 * lesson.height, 0.20 * lesson.height
    if lesson.rake is None:
        # In perspective the height of a row in the image is linear in its size.
        slope = (low - high) / (sizes[0] - sizes[-1]) if len(sizes) > 1 else 0.0
        heights: Floats = low - slope * (sizes[0] - sizes)
    else:
        heights = low - lesson.rake * np.concatenate([[0.0], np.cumsum(sizes[1:])])
    return heights


class Stage:
    """Computes all students' positions at any time, in any order."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.seats = seats(lesson)
        self._moods = lesson.mood_table()
        rng = np.random.default_rng((lesson.seed, 4))
        n = lesson.students
        # Two slow swings in each of: across, along, nearer, tilted.
        self._rate = 2 * np.pi / rng.uniform(2.5, 9.0, (4, 2, n))
        self._phase = rng.uniform(0, 2 * np.pi, (4, 2, n))
        self._blink_every = rng.uniform(2.5, 6.0, n)
        self._blink_at = rng.uniform(0, 1, n) * self._blink_every
        self._out = {span: self._way_out(span) for span in lesson.absences}

    def at(self, time: float) -> Scene:
        """Everybody at `time` seconds."""
        lesson, seats = self.lesson, self.seats
        swing = lesson.sway * np.sin(self._rate * time + self._phase).mean(axis=1)
        x = seats.x + 0.14 * seats.face * swing[0]
        y = seats.y + 0.035 * seats.face * swing[1]
        unit = seats.face / FACE_UNITS * (1 + 0.03 * swing[2])
        tilt = 0.05 * swing[3]
        present = np.ones(lesson.students, np.bool_)
        walking = np.zeros(lesson.students, np.bool_)
        yaw = np.zeros(lesson.students)
        for span in lesson.absences:
            if span.start <= time < span.end:
                self._walk(span, time, x, y, yaw, present, walking)
        pitch = np.zeros(lesson.students)
        for span in lesson.looks_down:
            pitch[span.student] = max(pitch[span.student], _depth(span, time))
        for span in lesson.looks_away:
            side = 1 if seats.x[span.student] < lesson.width / 2 else -1  # there the others sit
            yaw[span.student] += side * _TURN * _depth(span, time)
        blinking = (time + self._blink_at) % self._blink_every < _BLINK
        moods = [self._mood(student, time) for student in range(lesson.students)]
        return Scene(
            x=x,
            y=y,
            unit=unit,
            tilt=tilt,
            present=present,
            walking=walking,
            mood=tuple(mood for mood, _ in moods),
            shown=tuple(shown for _, shown in moods),
            pitch=pitch,
            yaw=yaw,
            blinking=blinking & (lesson.sway > 0),
            teacher=self._teacher(time),
        )

    def _mood(self, student: int, time: float) -> tuple[str, tuple[str, str, float]]:
        """The scripted mood, and the displayed expression between two moods."""
        every = self.lesson.mood_seconds
        mood = self._scripted(student, time)
        # Faces change at moods' boundaries, and neutral ones also in between: the change that is nearest in time.
        changes = {round(time / every) * every}
        if mood == "neutral":
            cycle = math.floor(time / _SMILE_EVERY) * _SMILE_EVERY
            changes |= {cycle, cycle + _SMILE, cycle + _SMILE_EVERY}
        change = min(changes, key=lambda change_time: abs(time - change_time))
        share = min(max((time - change) / _MOOD_FADE + 0.5, 0.0), 1.0)
        return mood, (self._shown(student, change - 0.01), self._shown(student, change + 0.01), round(share, 6))

    def _scripted(self, student: int, time: float) -> str:
        row = self._moods[student]
        period = math.floor(time / self.lesson.mood_seconds + 1e-9)
        return row[min(max(period, 0), len(row) - 1)]

    def _shown(self, student: int, time: float) -> str:
        """What the face shows once it has changed."""
        mood = self._scripted(student, time)
        if mood != "neutral":
            return mood
        return "amused" if time % _SMILE_EVERY < _SMILE else "neutral"

    def _way_out(self, span: Span) -> tuple[float, float]:
        """How far out of the image the nearer side is (px, signed), and how many seconds the way takes."""
        seats, width = self.seats, self.lesson.width
        x, face = seats.x[span.student], seats.face[span.student]
        distance = -(x + 1.2 * face) if x < width / 2 else width - x + 1.2 * face
        return distance, abs(distance) / (_WALK * face)

    def _walk(
        self,
        span: Span,
        time: float,
        x: Floats,
        y: Floats,
        yaw: Floats,
        present: npt.NDArray[np.bool_],
        walking: npt.NDArray[np.bool_],
    ) -> None:
        """Move a leaving or returning student along the way; in between the student is absent."""
        student, (distance, seconds) = span.student, self._out[span]
        leaving = (time - span.start) / seconds if span.start > 0 else math.inf
        entering = (span.end - time) / seconds if span.end < self.lesson.duration else math.inf
        share = min(leaving, entering)
        if share >= 1:
            present[student] = False
            return
        walking[student] = True
        # Rises first, then walks, each with an ease at its ends so that no student jumps.
        go = _ease(max(0.0, share - 0.15) / 0.85)
        x[student] += distance * go
        y[student] -= 0.35 * self.seats.face[student] * _ease(min(1.0, share / 0.3))
        away = math.copysign(1.0, distance) * (1 if leaving < entering else -1)
        yaw[student] = 0.4 * away if go > 0.02 else 0.0

    def _teacher(self, time: float) -> float | None:
        for number, start in enumerate(self.lesson.crossings):
            share = (time - start) / self.lesson.crossing_seconds
            if 0 <= share < 1:
                place = 1.3 * share - 0.15
                return place if number % 2 == 0 else 1 - place
        return None


def _depth(span: Span, time: float) -> float:
    """How far the head is turned by a glance in the span: 0 not at all, 1 fully, in few steps."""
    depth = max(0.0, min(1.0, (time - span.start) / _NOD, (span.end - time) / _NOD))
    return round(depth * (_PITCH_STEPS - 1)) / (_PITCH_STEPS - 1)


def _ease(share: float) -> float:
    """Half slow start, half straight: 0 at 0 and 1 at 1."""
    return share * share * (1.5 - 0.5 * share) if share < 1 else 1.0
