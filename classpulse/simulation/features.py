"""Folds, nose, eyes, brows, mouth and glasses, each drawn by one function on the head's surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classpulse.simulation.canvas import Array, Canvas, band, bump, ellipse
from classpulse.simulation.person import Expression, Identity

_EYE_Y = -0.20
_REDDISH = (0.8, 1.0, 1.0)
"""Shadows in skin keep some red."""


@dataclass(frozen=True, eq=False)
class Surface:
    """The head that features are drawn on: `u`, `v` are each pixel's place on the turned face, in face units."""

    canvas: Canvas
    identity: Identity
    expression: Expression
    yaw: float
    blink: float
    u: Array
    v: Array
    mask: Array
    """Coverage of the head."""
    light: Array
    """How much direct light falls there, in 0..1."""
    mouth_y: float

    @property
    def side(self) -> Array:
        """Distance from the face's middle line: what is drawn with it is mirrored."""
        return np.abs(self.u)

    def cover(self, distance: Array, softness: float | None = None) -> Array:
        """Coverage of a shape, nowhere beyond the head."""
        return self.canvas.cover(distance, softness) * self.mask

    def darken(self, amount: Array, tint: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> None:
        """A shadow, nowhere beyond the head."""
        self.canvas.darken(amount * self.mask, tint)

    def crease(
        self, start: tuple[float, float], end: tuple[float, float], bend: float, width: float, strength: float
    ) -> None:
        """A soft dark curve on both sides of the face; `bend` is how far its middle leaves the straight line."""
        (x1, y1), (x2, y2) = start, end
        dx, dy = x2 - x1, y2 - y1
        along = np.clip(((self.side - x1) * dx + (self.v - y1) * dy) / (dx * dx + dy * dy), 0, 1)
        aside = bend * 4 * along * (1 - along) / float(np.hypot(dx, dy))
        px, py = x1 + along * dx + aside * dy, y1 + along * dy - aside * dx
        fade = np.sin(np.pi * np.clip(along * 0.8 + 0.15, 0, 1))
        near = np.exp(-((self.side - px) ** 2 + (self.v - py) ** 2) / width**2)
        self.darken(strength * near * fade, _REDDISH)


def draw_folds(face: Surface) -> None:
    """The folds beside the mouth, between the brows and across the forehead."""
    identity, expression, u, v = face.identity, face.expression, face.u, face.v
    face.crease(
        (identity.nose_width + 0.06, identity.nose_length - 0.06),
        (expression.mouth_width + 0.13, face.mouth_y - expression.mouth_curve + 0.02),
        bend=0.05,
        width=0.05,
        strength=expression.cheek_fold,
    )
    if expression.frown > 0:
        face.crease((0.07, -0.55), (0.06, -0.32), bend=0, width=0.035, strength=expression.frown)
        face.darken(expression.frown * 0.25 * bump(u, v, 0, -0.38, 0.16, 0.14))
    if expression.forehead > 0:
        for height in (-0.92, -0.80):
            line = band(v - height + 0.06 * np.cos(u * 3), 0.025)
            face.darken(expression.forehead * 0.5 * line * np.clip(1 - (u / 0.6) ** 2, 0, 1))


def draw_nose(face: Surface) -> None:
    """Nostrils, the shadow under the tip and the wings; the relief has drawn the rest."""
    width, tip = face.identity.nose_width, face.identity.nose_length
    face.darken(0.45 * bump(face.side, face.v, width * 0.52, tip + 0.055, 0.055, 0.035), (0.85, 1.0, 1.0))
    face.darken(0.22 * bump(face.u, face.v, 0, tip + 0.10, 0.2, 0.05))
    face.darken(0.18 * bump(face.side, face.v, width * 0.98, tip, 0.035, 0.08))


def draw_eyes(face: Surface) -> None:
    """Sockets, then each eye: white, iris, pupil, glint, lashes, lower lid and the fold of the lid."""
    identity, expression, canvas, u, v = face.identity, face.expression, face.canvas, face.u, face.v
    middle, half = identity.eye_x, identity.eye_width
    face.darken(
        expression.eye_socket * bump(face.side, v, middle - 0.06, _EYE_Y - 0.10, 0.24, 0.11), (0.9, 1.0, 1.0)
    )
    face.darken(0.15 * bump(face.side, v, middle, _EYE_Y + 0.15, 0.2, 0.05))
    for side in (-1, 1):
        across = (u - side * middle) / half
        arc = np.clip(1 - across**2, 0, 1)
        line = _EYE_Y - 0.02 * across * side  # the outer corner lies slightly higher
        upper = line - expression.upper_lid * (1 - face.blink) * arc**0.8
        lower = line + (expression.lower_lid - expression.squint * 0.06) * arc
        ends = (np.abs(across) - 1) * half
        eye = face.cover(np.maximum(np.maximum(upper - v, v - lower), ends))
        white = 0.88 - 0.35 * band(v - upper, 0.06)
        canvas.paint(eye, np.array([226, 220, 214], np.float32) * white[..., None])
        iris = ellipse(u, v, side * middle + 0.10 * face.yaw, _EYE_Y - 0.035, expression.iris, expression.iris)
        canvas.paint(eye * canvas.cover(iris, canvas.pixel * 1.5), identity.iris)
        canvas.paint(eye * canvas.cover(iris + expression.iris * 0.55), (12, 10, 10))
        canvas.paint(eye * bump(u, v, side * middle - 0.03, _EYE_Y - 0.075, 0.026, 0.026), (245, 245, 245))
        face.darken(0.8 * band(v - upper + 0.01, 0.028) * canvas.cover((np.abs(across) - 1.08) * half))
        face.darken(0.35 * band(v - lower, 0.02) * canvas.cover(ends))
        fold = band(v - upper + 0.075, 0.022) * np.clip(1.1 - across**2, 0, 1)
        face.darken(expression.lid_fold * fold, _REDDISH)


def draw_brows(face: Surface) -> None:
    """Two bars from the inner to the outer height, thinner outwards."""
    expression = face.expression
    t = (face.side - expression.brow_gap) / 0.58
    along = np.clip(t, 0, 1)
    height = expression.brow_inner + (expression.brow_outer - expression.brow_inner) * along
    height -= expression.brow_arch * 4 * along * (1 - along) * (0.5 + along * 0.6)
    thickness = expression.brow_thickness * face.identity.brows * (1 - 0.55 * along**2)
    bar = np.maximum(np.abs(face.v - height) - thickness, np.maximum(-t, t - 1) * 0.58)
    face.canvas.paint(0.85 * face.cover(bar, 0.07), np.minimum(face.identity.hair * 0.8, 110))


def draw_mouth(face: Surface) -> None:
    """Lips, what lies between them when they open, the line where they meet, and the corners."""
    identity, expression, canvas, u, v = face.identity, face.expression, face.canvas, face.u, face.v
    is_open = expression.mouth_open > 0.01
    across = u / expression.mouth_width
    arc = np.clip(1 - across**2, 0, 1)
    middle = face.mouth_y - expression.mouth_curve * across**2 * (1.25 - 0.25 * across**2)
    upper = middle - expression.mouth_open * expression.upper_share * arc**0.6
    lower = middle + expression.mouth_open * (1 - expression.upper_share) * arc**0.6 * 1.6
    bow = 1 - 0.25 * np.exp(-((u / 0.07) ** 2))
    top = upper - expression.upper_lip * identity.lips * arc**0.7 * bow
    bottom = lower + expression.lower_lip * identity.lips * arc**0.6
    ends = (np.abs(across) - 1) * expression.mouth_width

    lip = identity.skin * np.array([0.86, 0.60, 0.60], np.float32) * 0.9825 + np.array([6, 0, 2], np.float32)
    gloss = (0.82 + 0.30 * np.clip((v - lower) / 0.12, 0, 1) - 0.12 * (v < upper)) * (0.75 + 0.3 * face.light)
    canvas.paint(0.85 * face.cover(np.maximum(np.maximum(top - v, v - bottom), ends), 0.05), lip * gloss[..., None])
    face.darken(0.25 * band(v - bottom - 0.05, 0.05) * arc)

    if is_open:
        inside = face.cover(np.maximum(np.maximum(upper - v, v - lower), ends))
        canvas.paint(inside, (52, 20, 20))
        canvas.paint(inside * bump(u, v, 0, lower + 0.02, expression.mouth_width * 0.6, 0.12) * 0.7, (150, 72, 70))
        edge = upper + expression.teeth * (lower - upper)
        teeth = canvas.cover(v - edge, 0.03) * canvas.cover(np.abs(across) - 0.92, 0.15)
        colour = np.array([232, 226, 214], np.float32) * (0.95 - 0.3 * across**2)[..., None]
        canvas.paint(inside * teeth * min(1, expression.teeth * 4), colour)
    line = band(v - (upper if is_open else middle), 0.022) * (np.abs(across) < 1)
    face.darken(0.75 * line * (0.5 if is_open else 1.0))
    face.darken(
        0.4 * bump(face.side, v, expression.mouth_width, face.mouth_y - expression.mouth_curve, 0.05, 0.045)
    )


def draw_glasses(face: Surface) -> None:
    """A dark rim around each eye, the bridge, and a glint."""
    side, v, middle = face.side, face.v, face.identity.eye_x
    rim = np.abs(np.maximum(np.abs(side - middle) - 0.29, np.abs(v - _EYE_Y) - 0.21)) - 0.018
    bridge = np.maximum(np.abs(v - _EYE_Y + 0.08) - 0.02, side - 0.13)
    face.canvas.paint(0.9 * face.cover(np.minimum(rim, bridge), 0.03), (30, 28, 30))
    glint = bump(side, v, middle + 0.1, _EYE_Y - 0.1, 0.06, 0.04)
    face.canvas.paint(0.25 * glint * face.mask, (255, 255, 255))
