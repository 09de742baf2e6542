"""The drawn classroom: back wall, benches, and the teacher from behind."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from classpulse.simulation.canvas import Array, blurred, ellipse
from classpulse.simulation.stage import FACE_UNITS, Seats

#: The place between the teacher's head and neck in the teacher's picture, in face units from its upper left corner.
TEACHER_ORIGIN = (2.2, 1.7)

Image = npt.NDArray[np.uint8]


def draw_room(width: int, height: int, seats: Seats, seed: int) -> tuple[Image, list[Image]]:
    """The empty room, and for each row of `seats` the strip of picture from its desk down to the lower edge.

    Pasting a row's strip over the picture, after the row's students, hides what is behind the row's bench.
    """
    rng = np.random.default_rng((seed, 5))
    room = _wall(width, height)
    strips: list[Image] = []
    picture = room.copy()
    for row in reversed(range(len(seats.desks))):
        unit = float(seats.face[seats.row == row].mean()) / FACE_UNITS
        _bench(picture, seats.desks[row], unit, seats.x[seats.row == row], rng)
        strips.append(np.clip(picture[seats.desks[row] :], 0, 255).astype(np.uint8))
    return np.clip(room, 0, 255).astype(np.uint8), strips[::-1]


def _wall(width: int, height: int) -> Array:
    """A plain wall that darkens downwards, with a notice board and two windows."""
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = np.array([206, 204, 196], np.float32) * (1 - 0.25 * down) * np.ones((height, width, 1), np.float32)
    line = max(2, height // 160)

    def panel(x1: float, y1: float, x2: float, y2: float, fill: tuple[int, ...], frame: tuple[int, ...]) -> None:
        corners = (round(x1 * width), round(y1 * height)), (round(x2 * width), round(y2 * height))
        cv2.rectangle(picture, *corners, fill, -1)
        cv2.rectangle(picture, *corners, frame, line, cv2.LINE_AA)

    panel(0.26, 0.03, 0.74, 0.20, (58, 92, 76), (140, 104, 66))
    for left in (0.04, 0.83):
        panel(left, 0.03, left + 0.13, 0.34, (214, 226, 236), (120, 120, 118))
        panel(left, 0.03, left + 0.065, 0.34, (220, 231, 240), (120, 120, 118))
    return picture


def _bench(picture: Array, top: int, unit: float, seats: npt.NDArray[np.float64], rng: np.random.Generator) -> None:
    """One long bench from `top` downwards: its top, paper in front of each student, its panel, then floor."""
    height, width = picture.shape[:2]
    depth, panel = round(0.42 * unit), round(2.0 * unit)
    wood = np.array([178, 140, 98], np.float32)
    # The grain runs along the bench.
    grain = rng.normal(0, 1, (height - top, width)).astype(np.float32)
    grain = 6 * blurred(grain, 30, 1, unit=True)[..., None]
    down = np.arange(height - top, dtype=np.float32)[:, None, None]
    colour = np.where(down < depth, wood, wood * 0.72 * (1 - 0.18 * np.clip((down - depth) / panel, 0, 1)))
    colour = np.where(down < depth + panel, colour + grain, np.array([96, 88, 82], np.float32))
    picture[top:] = colour
    edge = max(1, round(0.05 * unit))
    picture[top + depth : top + depth + edge] *= 0.75
    for x in seats:
        x1, x2 = x - rng.uniform(0.3, 0.8) * unit, x + rng.uniform(0.5, 1.0) * unit
        y1, y2, slant = top + 0.10 * depth, top + 0.75 * depth, 0.15 * unit
        sheet = np.array([[x1 + slant, y1], [x2 - slant, y1], [x2, y2], [x1, y2]])
        cv2.fillPoly(picture, [np.round(sheet * 16).astype(np.int32)], (236, 234, 226), cv2.LINE_AA, 4)


def draw_teacher(unit: float, seed: int) -> tuple[Array, Array]:
    """The teacher from behind, no face to be found: image (h, w, 3) in 0..255 and alpha (h, w) in 0..1.

    `unit` is the length of a face unit in px; the picture is 4.4 units wide and 14 high.
    """
    rng = np.random.default_rng((seed, 6))
    w, h = round(4.4 * unit), round(14 * unit)
    x, y = np.meshgrid(
        (np.arange(w, dtype=np.float32) + 0.5) / unit - TEACHER_ORIGIN[0],
        (np.arange(h, dtype=np.float32) + 0.5) / unit - TEACHER_ORIGIN[1],
    )
    image, alpha = np.zeros((h, w, 3), np.float32), np.zeros((h, w), np.float32)

    def paint(distance: Array, colour: Array) -> None:
        cover = np.clip(0.5 - distance * unit / 1.5, 0, 1)
        image[:] += cover[..., None] * (colour - image)
        np.maximum(alpha, cover, out=alpha)

    grain = blurred(rng.normal(0, 1, (h, w)).astype(np.float32), 0.12 * unit, 0.5 * unit, unit=True)
    jacket = np.array([62, 70, 96], np.float32) * (1 + 0.04 * grain - 0.06 * x**2)[..., None]
    hair = np.array([66, 48, 36], np.float32) * (1 + 0.10 * grain - 0.25 * x)[..., None]
    skin = np.array([190, 146, 116], np.float32)

    paint(np.maximum(np.abs(x) - 0.45, np.abs(y - 1.3) - 0.6), np.broadcast_to(skin * 0.85, image.shape))
    for side in (-1, 1):
        paint(ellipse(x, y, side * 0.98, 0.05, 0.15, 0.28), np.broadcast_to(skin * 0.9, image.shape))
        # Arms hang beside the body, down to the hips.
        arm = np.hypot(x - side * (1.62 + 0.02 * y), np.maximum(np.abs(y - 4.9) - 2.5, 0)) - 0.4
        paint(arm, jacket * 0.88)
    torso = np.hypot(np.maximum(np.abs(x) - 0.55 + 0.02 * (y - 3), 0) * 0.75, np.maximum(2.7 - y, 0)) - 0.95
    paint(torso, jacket)
    seam = np.exp(-((x / 0.025) ** 2)) * (y > 2) * 0.2
    image *= (1 - seam * alpha)[..., None]
    paint(ellipse(x, y, 0, -0.15, 1.02, 1.32), hair)
    return np.clip(image, 0, 255), alpha
