"""A lesson's script: students, their moods over time, absences and glances down, and the teacher's crossings."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from classpulse.simulation.person import MOODS

#: The verdict that a mood is scripted to get.
VERDICT_OF = {
    "happy": "interested",
    "surprise": "interested",
    "neutral": "neutral",
    "angry": "not interested",
    "sad": "not interested",
}

#: x264's quality of a camera that sends a hall of many people over a network.
HALL_CRF = 28


@dataclass(frozen=True)
class Span:
    """An activity of a student (0, 1, ...) from `start` until `end`, in seconds."""

    student: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The whole script of a drawn lesson; the same script gives the same frames and the same truth.

    Students are numbered 0, 1, ... from the front row's left to the back row's right, in the image.
    """

    seed: int = 0
    students: int = 12
    duration: float = 20.0
    """Seconds."""
    width: int = 1280
    height: int = 720
    """Size of the frames in px, even numbers (H.264 halves them for its colours)."""
    fps: int = 25
    rows: int | None = None
    """Rows of seats; None chooses a square-ish room."""
    people: tuple[int, ...] = ()
    """Seeds of the students' identities; () takes them from `seed`."""

    mood_seconds: float = 60.0
    """Moods change at the multiples of this, all students at once."""
    moods: tuple[tuple[str, ...], ...] = ()
    """Per student the moods of the successive periods, the last one lasting on; () draws them from `seed`."""
    sway: float = 1.0
    """How much the students move in their seats: 0 not at all, 1 as people do."""
    looks_down: tuple[Span, ...] = ()
    looks_away: tuple[Span, ...] = ()
    """Who turns to a neighbour when."""
    absences: tuple[Span, ...] = ()
    """Who is on the way or out of the room when: the way out and the way in lie within the span. One that starts at
    0 is a late arrival, one that ends at the end or later a departure for good."""
    crossings: tuple[float, ...] = ()
    """When the teacher sets out to cross in front of the students, in seconds; from alternating sides."""
    crossing_seconds: float = 3.0
    """How long one crossing takes, from outside to outside. A face is hidden for about a fifth of it."""
    noise: float = 1.6
    """Standard deviation of the sensor's noise, in levels of 255."""

    face_heights: tuple[float, float] | None = None
    """Height of the faces in the front and in the back row, px; None: as large as the image allows."""
    rake: float | None = None
    """How much higher in the image a row sits than the one before it, in face heights of the row: under about 1.5
    heads hide those behind them. None: the rows fill the image."""
    back_light: float = 1.0
    """The light on the back row as a share of that on the front row."""
    exposure: float = 0.0
    """How long the camera exposes a frame, s: what moves meanwhile is blurred."""

    def __post_init__(self) -> None:
        _check(1 <= self.students <= 200, "students", self.students, "1 to 200")
        _check(0 < self.duration < math.inf, "duration", self.duration, "a number of seconds above 0")
        even = self.width % 2 == 0 and self.height % 2 == 0
        _check(
            even and min(self.width, self.height) >= 64, "size", (self.width, self.height), "even, 64 px or more"
        )
        _check(1 <= self.fps <= 240, "fps", self.fps, "1 to 240")
        _check(
            self.rows is None or 1 <= self.rows <= self.students, "rows", self.rows, "1 to the number of students"
        )
        front, back = self.face_heights or (4.0, 4.0)
        _check(4 <= back <= front, "face_heights", self.face_heights, "front >= back >= 4 px")
        _check(self.rake is None or self.rake > 0, "rake", self.rake, "a number above 0")
        _check(0 < self.back_light <= 1, "back_light", self.back_light, "above 0, up to 1")
        _check(0 <= self.exposure < math.inf, "exposure", self.exposure, "0 s or more")
        _check(self.mood_seconds > 0, "mood_seconds", self.mood_seconds, "a number of seconds above 0")
        _check(self.crossing_seconds > 0, "crossing_seconds", self.crossing_seconds, "a number of seconds above 0")
        _check(len(self.people) in (0, self.students), "people", self.people, "one seed for each student")
        _check(
            len(self.moods) in (0, self.students) and all(row and set(row) <= set(MOODS) for row in self.moods),
            "moods",
            self.moods,
            f"one row for each student, of {', '.join(MOODS)}",
        )
        for span in (*self.looks_down, *self.looks_away, *self.absences):
            fits = 0 <= span.student < self.students and span.start < span.end
            _check(fits, "a span", span, "of one of the students, its end after its start")

    @property
    def frames(self) -> int:
        """Number of frames; frame k is shown at k / fps seconds."""
        return max(1, round(self.duration * self.fps))

    def identities(self) -> tuple[int, ...]:
        """Seed of each student's identity."""
        return self.people or tuple(self.seed * 1000 + student for student in range(self.students))

    def mood_table(self) -> tuple[tuple[str, ...], ...]:
        """Per student the moods of the successive periods, the script's own or drawn from the seed."""
        if self.moods:
            return self.moods
        rng = np.random.default_rng((self.seed, 1))
        periods = math.ceil(self.duration / self.mood_seconds)
        names, share = ("happy", "surprise", "neutral", "angry", "sad"), (0.3, 0.1, 0.2, 0.3, 0.1)
        return tuple(tuple(rng.choice(names, periods, p=share).tolist()) for _ in range(self.students))

    def to_json(self) -> str:
        """The script as JSON that `from_json` reads back to an equal value."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; an unknown name raises TypeError, a value that cannot be ValueError."""
        values: dict[str, Any] = json.loads(text)
        for name in ("looks_down", "looks_away", "absences"):
            values[name] = tuple(Span(**span) for span in values.get(name, ()))
        for name in ("people", "crossings"):
            values[name] = tuple(values.get(name, ()))
        if values.get("face_heights") is not None:
            values["face_heights"] = tuple(values["face_heights"])
        values["moods"] = tuple(tuple(row) for row in values.get("moods", ()))
        return cls(**values)


def demo_lesson() -> Lesson:
    """Twenty seconds of twelve students at 720p, with moods that change every five seconds.

    The teacher crosses twice, one student looks down for a while, and one leaves in the last quarter.
    """
    bored, glad, still = "angry", "happy", "neutral"
    return Lesson(
        seed=1,
        mood_seconds=5.0,
        moods=(
            (glad, glad, glad, bored),
            (bored, glad, glad, glad),
            (glad, bored, "surprise", glad),
            (bored, bored, glad, glad),
            (glad, glad, bored, bored),
            (bored, glad, glad, glad),
            (bored, "surprise", glad, glad),
            (glad, glad, bored, glad),
            (glad, still, still, glad),
            (bored, bored, "sad", glad),
            (glad, "surprise", glad, bored),
            (glad, glad, still, still),
        ),
        looks_down=(Span(6, 11.0, 13.0),),
        absences=(Span(7, 15.5, 60.0),),
        crossings=(3.0, 12.5),
    )


def busy_lesson(
    *,
    seed: int,
    duration: float,
    students: int = 30,
    looks_down_every: float = 60.0,
    looks_down_for: tuple[float, float] = (1, 6),
    leaves_every: float = 1200.0,
    crosses_every: float = 45.0,
    **settings: Any,
) -> Lesson:
    """A lesson of any length with events drawn from the seed.

    The three `..._every` are the mean seconds between two such events (of one student; of the teacher); math.inf is
    never; `looks_down_for` are the shortest and the longest seconds of a look down. `settings` are further fields
    of Lesson.
    """
    rng = np.random.default_rng((seed, 2))

    def spans(every: float, shortest: float, longest: float) -> tuple[Span, ...]:
        drawn: list[Span] = []
        for student in range(students):
            start = rng.exponential(every)
            while start < duration:
                end = start + rng.uniform(shortest, longest)
                drawn.append(Span(student, round(start, 2), round(end, 2)))
                start = end + 2 + rng.exponential(every)
        return tuple(drawn)

    crossings: list[float] = []
    start = rng.exponential(crosses_every)
    while start < duration:
        crossings.append(round(start, 2))
        start += 5 + rng.exponential(crosses_every)
    return Lesson(
        seed=seed,
        duration=duration,
        students=students,
        looks_down=spans(looks_down_every, *looks_down_for),
        absences=spans(leaves_every, 15, 60),
        crossings=tuple(crossings),
        **settings,
    )


def lecture_hall(*, seed: int, duration: float, students: int = 100, **settings: Any) -> Lesson:
    """A lecture hall at 720p as a camera in front has it: faces of 60 px in the front row and of 10 in the back.

    Heads hide those behind them, students write with bowed heads a quarter of the time, the light at the back is a
    quarter of that in front, which makes the sensor's noise stronger there, and what moves is blurred. With
    `render_lesson(..., crf=HALL_CRF)` compression takes what little detail is left in the dark.
    """
    hall: dict[str, Any] = {
        "width": 1280, "height": 720, "rows": max(1, round(students / 10)), "face_heights": (60.0, 10.0),
        "rake": 1.15, "looks_down_every": 60.0, "looks_down_for": (5, 35), "back_light": 0.25, "noise": 3.0,
        "exposure": 0.06,
    }  # fmt: skip
    return busy_lesson(seed=seed, duration=duration, students=students, **hall | settings)


def _check(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value!r}; it must be {wanted}")
