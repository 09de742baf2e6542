"""Lessons that are hard on identities, as detections without images: one scenario for each way to go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from classpulse.simulation.looks import Clothes, Seen, Wardrobe, describe_drawn
from classpulse.simulation.motion_truth import (
    Bools,
    Floats,
    Ints,
    Lesson,
    are_detected,
    classroom,
    detector_score,
    false_faces,
    teacher,
    true_faces,
    walk,
    with_false_faces,
)
from classpulse.simulation.processes import boxes_around, correlated, inside_image, intervals, moved, steps
from engine.vision.appearance import LENGTH

Light = Literal["steady", "steps", "ramps", "side", "flicker", "projector"]
Motion = Literal["tripod", "moved", "shaken", "cut"]

#: How much of a change of light a camera's exposure takes back, and in how many seconds; of its colour.
_EXPOSURE, _EXPOSURE_SECONDS, _BALANCE, _BALANCE_SECONDS = 0.7, 1.5, 0.5, 10.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A lesson with something that is hard; what is not named here is as in `motion_truth.lesson`."""

    name: str
    students: int = 12
    duration: float = 600.0
    """Seconds."""
    rate: float = 5.0
    """Frames per second."""
    spacing: float = 3.0
    """Of the seats in a row, face heights."""
    size: tuple[int, int] = (1920, 1080)
    """Of the image, px."""
    restless: float = 1.0
    """How far people slump and lean, and how often they put a hand to the cheek; 1 as most do."""
    clothes: Clothes = "own"
    light: Light = "steady"
    vignetting: float = 0.0
    """Share of the light that is lost in the image's corners; the room then reaches to the image's edges."""
    blocks: float = 0.0
    """How much of the detail compression takes away, 0 to 1."""
    swaps: int = 1
    """How often two students change seats."""
    leaves: int = 2
    """How many students leave, and come back after minutes."""
    camera: Motion = "tripod"

    def draw(self, seed: int) -> tuple[Lesson, Ints]:
        """The lesson, the same for the same seed, and the view (m,) of each frame: 0, and 1 for a second camera.

        A student in the second camera's view is another one, numbered from `students` on: no place there compares.
        """
        random = np.random.default_rng((seed, len(self.name), *self.name.encode()))
        times = np.arange(int(self.duration * self.rate)) / self.rate
        seats, sizes = classroom(random, self.students, self.size, self.spacing)
        if self.vignetting:  # the outer seats are cut off by the image's edge
            seats[:, 0] = self.size[0] / 2 + (seats[:, 0] - self.size[0] / 2) * 1.12
            seats[:, 1] = self.size[1] / 2 + (seats[:, 1] - self.size[1] / 2) * 1.25
        people = _People.draw(random, self, times, seats, sizes)
        hidden = teacher(random, times, people.centre, sizes, self.size)
        score = detector_score(random, times, sizes, people.shows, hidden)
        wardrobe = Wardrobe.draw(random, self.students, self.clothes)
        light = room_light(random, self, times, seats)
        view = _views(random, self, times)
        if self.camera == "cut":
            people, hidden, score, sizes = (
                people.twice(self.size),
                np.tile(hidden, 2),
                np.tile(score, 2),
                np.tile(sizes, 2),
            )
            wardrobe = Wardrobe(
                *(np.concatenate([part, part[:, :, ::-1]]) for part in (wardrobe.body, wardrobe.head))
            )
            light = np.tile(light, (1, 2, 1))
        of_view = np.arange(len(sizes)) // self.students

        camera, motion, blurred = _camera(random, self, times, view)
        zoom = np.sqrt(np.abs(np.linalg.det(camera[:, :, :2])))
        height = sizes * people.scale * zoom[:, None]
        true_boxes = boxes_around(moved(camera, people.centre), height)
        visible = people.shows & (hidden < 0.5) & inside_image(true_boxes, self.size)
        visible &= of_view == view[:, None]
        detected = are_detected(random, visible, score, blurred)
        faces = true_faces(random, times, detected, true_boxes, height, score)
        faces = with_false_faces(random, faces, *false_faces(random, times, camera, self.size, 0))
        described = faces.frame % max(1, round(self.rate)) == 0
        frame, who = faces.frame[described], faces.student[described]
        boxes = faces.boxes[described]
        strange = np.where(who < 0, random.integers(0, len(sizes), len(who)), who)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        radius = ((2 * centre / self.size - 1) ** 2).sum(axis=1) / 2
        seen = Seen(
            who=strange,
            boxes=boxes,
            lean=people.lean[frame, strange],
            hand=people.hand[frame, strange],
            light=light[frame, strange] * (1 - self.vignetting * radius)[:, None],
            size=self.size,
            blocks=self.blocks,
        )
        descriptors = np.zeros((len(faces.frame), LENGTH), np.uint8)
        descriptors[described] = describe_drawn(random, wardrobe, seen)
        return Lesson.of(random, times, motion, faces, described, descriptors, visible, true_boxes), view


#: What `make bench-identity` measures.
SCENARIOS = (
    Scenario(name="plain"),
    Scenario(name="postures", restless=2.0),
    Scenario(name="light in steps", light="steps"),
    Scenario(name="light in ramps", light="ramps"),
    Scenario(name="light from one side", light="side"),
    Scenario(name="flicker", light="flicker"),
    Scenario(name="projector", light="projector"),
    Scenario(name="frame's edge", vignetting=0.6),
    Scenario(name="compressed", blocks=0.8, size=(960, 540)),
    Scenario(name="uniform", clothes="uniform"),
    Scenario(name="twins", clothes="twins"),
    Scenario(name="seats swapped", swaps=6),
    Scenario(name="desks shared", spacing=2.1),
    Scenario(name="camera moved", camera="moved"),
    Scenario(name="camera shaken", camera="shaken"),
    Scenario(name="cut and back", camera="cut", light="steps"),
    Scenario(name="two frames a second", rate=2.0),
    Scenario(name="one frame a second", rate=1.0),
)


@dataclass(frozen=True, eq=False)
class _People:
    """What n students do over m frames."""

    centre: Floats
    """(m, n, 2) px."""
    shows: Bools
    """(m, n) whether the face can be seen, but for the teacher."""
    scale: Floats
    """(m, n) size of the face relative to its usual one."""
    lean: Floats
    """(m, n, 2) as in `Seen`."""
    hand: Ints
    """(m, n) as in `Seen`."""

    @classmethod
    def draw(
        cls, random: np.random.Generator, scenario: Scenario, times: Floats, seats: Floats, sizes: Floats
    ) -> _People:
        n = len(seats)
        sway = np.stack([correlated(random, times, n, 3.0) for _ in range(2)], 2) * [0.16, 0.07]
        posture = np.stack([steps(random, times, n, 60.0 / scenario.restless) for _ in range(2)], 2) * [0.25, 0.12]
        slump = np.abs(steps(random, times, n, 90.0 / scenario.restless)) * 0.15
        lean = sway + scenario.restless * (posture + slump[..., None] * [0.0, 1.0])
        every = 180.0 / scenario.restless
        hand = intervals(random, times, n, every=every, shortest=5.0, longest=90.0)
        side = np.where(steps(random, times, n, 120.0) > 0, 1, -1)
        scale = 1 + 0.04 * steps(random, times, n, 60.0) + 0.01 * correlated(random, times, n, 2.0)
        home = np.broadcast_to(seats, (len(times), n, 2)).copy()
        shows = ~intervals(random, times, n, every=100.0, shortest=2.0, longest=60.0)
        shows &= ~intervals(random, times, n, every=40.0, shortest=0.4, longest=3.0)
        _move_about(random, scenario, times, home, scale, seats, sizes)
        return cls(home + lean * sizes[:, None], shows, scale, lean, np.where(hand, side, 0))

    def twice(self, size: tuple[int, int]) -> _People:
        """The same people as the first camera shows them and, after these, as a second one does from the side."""
        other = self.centre * [-1.0, 0.9] + [size[0], 0.04 * size[1]]
        return _People(
            centre=np.concatenate([self.centre, other], axis=1),
            shows=np.tile(self.shows, 2),
            scale=np.tile(self.scale, 2),
            lean=np.concatenate([self.lean, self.lean * [-1.0, 1.0]], axis=1),
            hand=np.concatenate([self.hand, -self.hand], axis=1),
        )


def _move_about(
    random: np.random.Generator,
    scenario: Scenario,
    times: Floats,
    home: Floats,
    scale: Floats,
    seats: Floats,
    sizes: Floats,
) -> None:
    """Let students leave and come back, and change seats two by two, in place."""
    end, n = times[-1], len(seats)
    order = random.permutation(n)
    leaving, staying = order[: scenario.leaves], order[scenario.leaves :]
    for student in leaving.tolist():
        out = random.uniform(0.15, 0.5) * end
        door = np.array([-2 * sizes[student], seats[student, 1] - sizes[student]])
        walk(home, student, times, out, seats[student], door, sizes[student])
        back = out + random.uniform(0.2, 0.4) * end
        walk(home, student, times, back, door, seats[student], sizes[student])
    seat_of = np.arange(n)
    for at in np.sort(random.uniform(0.2, 0.9, scenario.swaps)) * end:
        a, b = random.choice(staying, 2, replace=False).tolist()
        for mover, other, start in ((a, b, at), (b, a, at + random.uniform(1, 4))):
            goal = seats[seat_of[other]]
            walk(home, mover, times, start, seats[seat_of[mover]], goal, sizes[mover])
            scale[times > at + 5, mover] *= sizes[seat_of[other]] / sizes[seat_of[mover]]
        seat_of[[a, b]] = seat_of[[b, a]]


def room_light(random: np.random.Generator, scenario: Scenario, times: Floats, seats: Floats) -> Floats:
    """(m, n, 3) the light on each student in the picture, after the camera's exposure and white balance."""
    m, (width, height) = len(times), scenario.size
    across = seats[:, 0] / width
    light = np.ones((m, len(seats), 3))
    if scenario.light == "steps":  # lamps go on and off, twice as bright and more
        levels = 2.0 ** np.clip(1.5 * steps(random, times, 1, 45.0), -2, 2)
        light *= levels[:, :, None]
    elif scenario.light == "ramps":  # clouds, dusk, blinds
        light *= 2.0 ** (1.2 * correlated(random, times, 1, 90.0))[:, :, None]
    elif scenario.light == "side":  # the sun in the windows at the left
        sun = np.maximum(steps(random, times, 1, 90.0), 0) * 1.5
        warm = np.array([1.15, 1.0, 0.8])
        light += sun[:, :, None] * ((1 - across) ** 2)[:, None] * warm
    elif scenario.light == "flicker":  # lamps at 100 Hz, lines exposed one after the other
        phase = 2 * np.pi * (0.37 * times[:, None] + seats[:, 1] / height)
        light *= (1 + 0.35 * np.sin(phase))[:, :, None]
    elif scenario.light == "projector":  # slides in all colours; more of their light falls on the front rows
        colour = np.stack([steps(random, times, 1, 25.0)[:, 0] for _ in range(3)], 1)
        near = 0.3 + 0.7 * seats[:, 1] / height
        light = 0.5 + 0.5 * 2.0 ** (0.8 * colour[:, None] * near[:, None])
    mean = light.mean(axis=1)
    brightness = mean.mean(axis=1)
    exposure = _lagging(np.log(brightness), times, _EXPOSURE_SECONDS)
    balance = _lagging(np.log(mean / brightness[:, None]), times, _BALANCE_SECONDS)
    return np.asarray(light * np.exp(-_EXPOSURE * exposure[:, None] - _BALANCE * balance)[:, None])


def _lagging(values: Floats, times: Floats, seconds: float) -> Floats:
    """(m, ...) what follows `values` (m, ...) by so many seconds."""
    share = 1 - np.exp(-(times[1] - times[0]) / seconds) if len(times) > 1 else 1.0
    lagging = np.empty_like(values)
    last = values[0]
    for i in range(len(values)):
        last = last + share * (values[i] - last)
        lagging[i] = last
    return lagging


def _views(random: np.random.Generator, scenario: Scenario, times: Floats) -> Ints:
    """(m,) 0, or 1 while a second camera is shown: every two minutes, for half a minute to one."""
    view = np.zeros(len(times), np.int64)
    if scenario.camera == "cut":
        for start in np.arange(random.uniform(30, 90), times[-1], 120.0):
            view[(times >= start) & (times < start + random.uniform(30, 60))] = 1
    return view


def _camera(
    random: np.random.Generator, scenario: Scenario, times: Floats, view: Ints
) -> tuple[Floats, Floats, Bools]:
    """Affines (m, 2, 3) from the room to each frame and, as estimated, between frames; the blurred frames (m,)."""
    m, (width, height) = len(times), scenario.size
    shift, turn, zoom, blurred = np.zeros((m, 2)), np.zeros(m), np.zeros(m), np.zeros(m, np.bool_)
    if scenario.camera == "moved":
        for bump in random.uniform(0.1, 0.9, 2) * times[-1]:
            shift[times >= bump] += random.choice([-1, 1], 2) * random.uniform([0.02, 0.01], [0.05, 0.03]) * width
            turn[times >= bump] += np.deg2rad(random.normal(0, 0.7))
            blurred |= (times >= bump) & (times < bump + 0.4)
        pan, near = random.uniform(0.1, 0.7, 2) * times[-1]
        shift[:, 0] += 0.08 * width * _there_and_back(times, pan, 15.0, 45.0)
        zoom += 0.25 * _there_and_back(times, near, 20.0, 60.0)
    elif scenario.camera == "shaken":
        shift += 0.004 * width * correlated(random, times, 2, 0.4)
        turn += np.deg2rad(0.3) * correlated(random, times, 1, 0.4)[:, 0]
    cos, sin = np.cos(turn) * np.exp(zoom), np.sin(turn) * np.exp(zoom)
    linear = np.stack([cos, -sin, sin, cos], 1).reshape(m, 2, 2)
    middle = np.array([width, height]) / 2
    camera = np.concatenate([linear, (middle - linear @ middle + shift)[:, :, None]], 2)
    full = np.concatenate([camera, np.broadcast_to([[[0.0, 0.0, 1.0]]], (m, 1, 3))], 1)
    motion = np.full((m, 2, 3), np.nan)
    motion[1:] = (full[1:] @ np.linalg.inv(full[:-1]))[:, :2]
    wrong = random.normal(0, 3e-5, (m, 2, 2))
    motion[:, :, :2] += wrong
    motion[:, :, 2] += random.normal(0, 0.1, (m, 2)) - wrong @ middle
    motion[blurred & (random.random(m) < 0.5)] = np.nan
    motion[1:][np.diff(view) != 0] = np.nan
    return camera, motion, blurred


def _there_and_back(times: Floats, start: float, over: float, stays: float) -> Floats:
    """(m,) from 0 to 1 in `over` seconds, and back as fast after `stays` more."""
    return np.asarray(np.clip((times - start) / over, 0, 1) - np.clip((times - start - over - stays) / over, 0, 1))
