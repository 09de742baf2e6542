"""Renders the frames of a lesson, one at a time, each with its ground truth, or all of them as a video file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from classpulse.simulation.canvas import LEFT, RIGHT, TOP, Array
from classpulse.simulation.face import Box, Pose, draw_face
from classpulse.simulation.lesson import Lesson
from classpulse.simulation.person import MOODS, Identity, play
from classpulse.simulation.room import TEACHER_ORIGIN, Image, draw_room, draw_teacher
from classpulse.simulation.stage import FACE_UNITS, Scene, Seats, Stage
from classpulse.simulation.truth import Truth

_NO_STUDENT, _TEACHER = 255, 254
_PIVOT = 2.0
"""Where a body turns, in face units below the face's origin."""
_BELOW = 1.0
"""How much further down than a drawn face the body goes, in face units."""
_NOISE_LEVEL, _NOISE_SLACK = 8, 64


@dataclass(frozen=True, eq=False)
class DrawnFrame:
    """One drawn frame and its ground truth; the arrays have one row a student."""

    time: float
    image: Image
    """(h, w, 3) RGB."""
    boxes: npt.NDArray[np.float32]
    """(n, 4) x1, y1, x2, y2 in px; NaN for a student who is outside the room."""
    visibility: npt.NDArray[np.float32]
    """(n,) share of the face's oval that is visible."""
    mood: tuple[str, ...]
    looking_down: npt.NDArray[np.bool_]


class Renderer:
    """Draws the frames of a lesson; a face is drawn once for each mood and pose, and then moved about."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.stage = Stage(lesson)
        self._people = [Identity.from_seed(seed) for seed in lesson.identities()]
        self._units = self.stage.seats.face / FACE_UNITS
        self._room, self._benches = draw_room(lesson.width, lesson.height, self.stage.seats, lesson.seed)
        self._teacher_unit = 1.25 * float(self._units.max())
        self._teacher = _rgba(*draw_teacher(self._teacher_unit, lesson.seed))
        self._noise = _noise_bank(lesson)
        self._light = _light(lesson, self.stage.seats)
        self._level = np.full_like(self._room, _NOISE_LEVEL)
        # A few sprites for each student, of the current moods and poses: the bound limits memory.
        self._sprite = lru_cache(maxsize=12 * lesson.students)(self._draw_sprite)

    def frame(self, number: int) -> DrawnFrame:
        """Frame 0, 1, ...; any order gives the same frames."""
        lesson, time = self.lesson, number / self.lesson.fps
        if lesson.exposure:
            # Movements within an exposure are of few px: the mean of more moments looks the same.
            drawn = self._moment(max(time - lesson.exposure / 4, 0), number)
            later = self._moment(time + lesson.exposure / 4, number)
            image = cv2.addWeighted(drawn.image, 0.5, later.image, 0.5, 0).astype(np.uint8, copy=False)
            drawn = dataclasses.replace(
                drawn, time=time, image=image, boxes=(drawn.boxes + later.boxes) / np.float32(2)
            )
        else:
            drawn = self._moment(time, number)
        image = drawn.image
        if self._light is not None:
            image = cv2.multiply(image, self._light, scale=1 / 255).astype(np.uint8, copy=False)
        return dataclasses.replace(drawn, image=self._add_noise(image, number))

    def _moment(self, time: float, number: int) -> DrawnFrame:
        """What there is to see at `time`, about that of frame `number`, in full light and without noise."""
        lesson = self.lesson
        scene = self.stage.at(time)
        image = self._room.copy()
        owners = np.full(image.shape[:2], _NO_STUDENT, np.uint8)
        boxes = np.full((lesson.students, 4), np.nan, np.float32)
        for row in reversed(range(len(self._benches))):
            of_row = np.flatnonzero((self.stage.seats.row == row) & scene.present)
            # Walking students pass behind seated ones.
            for student in sorted(of_row, key=lambda student: not scene.walking[student]):
                boxes[student] = self._draw_student(image, owners, scene, int(student))
            top = self.stage.seats.desks[row]
            image[top:] = self._benches[row]
            owners[top:] = _NO_STUDENT
        if scene.teacher is not None:
            self._draw_teacher(image, owners, scene.teacher, number)
        return DrawnFrame(
            time=time,
            image=image,
            boxes=boxes,
            visibility=np.array([_visible(owners, box, student) for student, box in enumerate(boxes)], np.float32),
            mood=scene.mood,
            looking_down=scene.pitch > 0,
        )

    def _draw_sprite(
        self, student: int, mood: str, yaw: float, pitch: float, blink: bool
    ) -> tuple[Image, npt.NDArray[np.float64]]:
        unit = float(self._units[student])
        # Drawn larger and reduced, as a camera does: fine lines keep their weight on small faces.
        scale = max(1.5 * unit, 36.0)
        pose = Pose(yaw, pitch, max(float(blink), 0.6 * pitch))
        face = draw_face(self._people[student], play(mood, unit * FACE_UNITS), scale, pose)
        size = round((RIGHT - LEFT) * unit), round(face.alpha.shape[0] / scale * unit)
        pixels = cv2.resize(_rgba(face.image, face.alpha), size, interpolation=cv2.INTER_AREA)
        # The body extends below, for a standing student.
        pixels = cv2.copyMakeBorder(pixels, 0, round(_BELOW * unit), 0, 0, cv2.BORDER_REPLICATE)
        return pixels.astype(np.uint8, copy=False), np.array(face.box)

    def _draw_student(self, image: Image, owners: Image, scene: Scene, student: int) -> Box:
        """Draw one student into the image; returns the true box."""
        old, new, share = scene.shown[student]
        pose = float(scene.yaw[student]), float(scene.pitch[student]), bool(scene.blinking[student])
        sprite, box = self._sprite(student, new if share > 0 else old, *pose)
        if old != new and 0 < share < 1:
            before, box_before = self._sprite(student, old, *pose)
            sprite = cv2.addWeighted(before, 1 - share, sprite, share, 0).astype(np.uint8, copy=False)
            box = (1 - share) * box_before + share * box

        unit, angle = float(scene.unit[student]), float(scene.tilt[student])
        cos, sin = unit * np.cos(angle), unit * np.sin(angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        pivot = np.array([scene.x[student], scene.y[student] + unit * _PIVOT])
        # Sprite pixels -> face units -> pixels of the picture; coordinates name edges, hence the halves.
        step = np.array([(RIGHT - LEFT) / sprite.shape[1], (RIGHT - LEFT) / sprite.shape[1]])
        corner = np.array([LEFT, TOP - _PIVOT]) + 0.5 * step
        matrix = np.column_stack([turn * step, pivot + turn @ corner - 0.5])
        _blend(image, owners, sprite, matrix, student)

        x1, y1, x2, y2 = box.tolist()
        cx, cy = pivot + turn @ np.array([(x1 + x2) / 2, (y1 + y2) / 2 - _PIVOT])
        half_w, half_h = unit * (x2 - x1) / 2, unit * (y2 - y1) / 2
        return float(cx - half_w), float(cy - half_h), float(cx + half_w), float(cy + half_h)

    def _draw_teacher(self, image: Image, owners: Image, place: float, number: int) -> None:
        unit, (left, up) = self._teacher_unit, TEACHER_ORIGIN
        bob = 0.08 * unit * abs(np.sin(2 * np.pi * 0.9 * number / self.lesson.fps))
        x = place * self.lesson.width - left * unit
        y = 0.36 * self.lesson.height - up * unit - bob
        _blend(image, owners, self._teacher, np.array([[1.0, 0.0, x], [0.0, 1.0, y]]), _TEACHER)

    def _add_noise(self, image: Image, number: int) -> Image:
        if self.lesson.noise == 0:
            return image
        rng = np.random.default_rng((self.lesson.seed, 7, number))
        dy, dx = rng.integers(0, _NOISE_SLACK, 2)
        height, width = image.shape[:2]
        noise = self._noise[number % len(self._noise)][dy : dy + height, dx : dx + width]
        # Twice saturating arithmetic on bytes: an order faster than floats, and dark stays dark.
        cv2.add(image, noise, dst=image)
        return cv2.subtract(image, self._level, dst=image).astype(np.uint8, copy=False)


def frames(lesson: Lesson) -> Iterator[DrawnFrame]:
    """The frames of a lesson in order of time, one in memory at a time."""
    renderer = Renderer(lesson)
    for number in range(lesson.frames):
        yield renderer.frame(number)


def render_lesson(
    lesson: Lesson,
    path: str | Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    crf: int = 20,
    container_format: str | None = None,
) -> Truth:
    """Write the lesson as an H.264 video, and return what is true in it.

    The container is FFmpeg's `container_format`, by default that of the suffix, such as .mp4.

    Frame k has the timestamp k / fps. `progress` is called with (frames done, frames in all) after every frame.
    `crf` is x264's quality, lower is better. Memory does not grow with the length, save for the truth's 150 bytes
    or so for each student of each frame. An unwritable path raises OSError.
    """
    recorder = _Recorder(lesson)
    with av.open(str(path), "w", format=container_format) as container:
        # One fixed number of threads and no B-frames: the same bytes anywhere, and timestamps from 0 on.
        options = {"crf": str(crf), "preset": "veryfast", "bf": "0", "threads": "2"}
        stream = container.add_stream("libx264", rate=lesson.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = lesson.width, lesson.height, "yuv420p"
        for number, frame in enumerate(frames(lesson)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
            recorder.add(number, frame)
            if progress is not None:
                progress(number + 1, lesson.frames)
        container.mux(stream.encode(None))
    return recorder.truth()


class _Recorder:
    """Gathers the truth frame by frame in arrays of their final size."""

    def __init__(self, lesson: Lesson) -> None:
        shape = (lesson.frames, lesson.students)
        self.time = np.repeat(np.arange(lesson.frames) / lesson.fps, lesson.students)
        self.student = np.tile(np.arange(lesson.students), lesson.frames)
        self.boxes = np.empty((*shape, 4), np.float32)
        self.mood = np.empty(shape, f"U{max(map(len, MOODS))}")
        self.visibility = np.empty(shape, np.float32)
        self.looking_down = np.empty(shape, np.bool_)

    def add(self, number: int, frame: DrawnFrame) -> None:
        self.boxes[number] = frame.boxes
        self.mood[number] = frame.mood
        self.visibility[number] = frame.visibility
        self.looking_down[number] = frame.looking_down

    def truth(self) -> Truth:
        return Truth(
            time=self.time,
            student=self.student,
            boxes=self.boxes.reshape(-1, 4),
            mood=self.mood.ravel(),
            visibility=self.visibility.ravel(),
            looking_down=self.looking_down.ravel(),
        )


def _rgba(image: Array, alpha: Array) -> Image:
    """Bytes of colours multiplied by alpha, and of alpha as the fourth channel."""
    pixels: Image = np.clip(np.dstack([image * alpha[..., None], alpha * 255]) + 0.5, 0, 255).astype(np.uint8)
    return pixels


def _blend(image: Image, owners: Image, sprite: Image, matrix: npt.NDArray[np.float64], owner: int) -> None:
    """Lay a sprite over the picture where `matrix` (2, 3), sprite px to picture px, puts it."""
    height, width = sprite.shape[:2]
    corners = matrix[:, :2] @ np.array([[0, width, 0, width], [0, 0, height, height]]) + matrix[:, 2:]
    x1, y1 = np.maximum(np.floor(corners.min(axis=1)).astype(int), 0)
    x2 = min(int(np.ceil(corners[0].max())) + 1, image.shape[1])
    y2 = min(int(np.ceil(corners[1].max())) + 1, image.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    shifted = matrix - [[0, 0, x1], [0, 0, y1]]
    warped = cv2.warpAffine(sprite, shifted, (x2 - x1, y2 - y1), flags=cv2.INTER_LINEAR)
    alpha = warped[..., 3]
    patch = image[y1:y2, x1:x2]
    behind = cv2.multiply(patch, cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    cv2.add(behind, cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB), dst=behind)
    patch[:] = behind
    owners[y1:y2, x1:x2][alpha > 127] = owner


def _visible(owners: Image, box: npt.NDArray[np.float32], student: int) -> float:
    """Share of the oval in the box with pixels of the student inside the image."""
    if np.isnan(box[0]):
        return 0.0
    x1, y1, x2, y2 = (int(value) for value in np.round(box))
    y, x = np.mgrid[y1:y2, x1:x2]
    oval = ((x + 0.5 - box[[0, 2]].mean()) / (box[2] - box[0])) ** 2 + (
        (y + 0.5 - box[[1, 3]].mean()) / (box[3] - box[1])
    ) ** 2 < 0.2  # within the jaw, too
    height, width = owners.shape
    inside = oval & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return float(np.count_nonzero(owners[y[inside], x[inside]] == student) / np.count_nonzero(oval))


def _light(lesson: Lesson, seats: Seats) -> Image | None:
    """(h, w, 3) the light on the picture in 255ths, from the front row's height to the back row's; None: full."""
    if lesson.back_light == 1:
        return None
    heights = [float(seats.y[seats.row == row].mean()) for row in (seats.row.max(), 0)]
    rows = np.arange(lesson.height) + 0.5
    share = np.interp(rows, heights, (lesson.back_light, 1.0)) if heights[0] < heights[1] else np.ones(len(rows))
    levels = np.round(255 * share).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(levels[:, None, None], (lesson.height, lesson.width, 3)))


def _noise_bank(lesson: Lesson) -> list[Image]:
    """Frames of grain around _NOISE_LEVEL, larger than the picture so that they can be shifted."""
    rng = np.random.default_rng((lesson.seed, 8))
    shape = (lesson.height + _NOISE_SLACK, lesson.width + _NOISE_SLACK, 3)
    bank = []
    for _ in range(2 if lesson.noise else 0):
        grain = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 0.7)
        bank.append(np.clip(_NOISE_LEVEL + lesson.noise / grain.std() * grain + 0.5, 0, 255).astype(np.uint8))
    return bank
