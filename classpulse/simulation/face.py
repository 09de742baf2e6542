"""A drawn face: body, hair and head, on which `features` puts eyes, brows, nose, mouth and glasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classpulse.simulation import features
from classpulse.simulation.canvas import Array, Canvas, blurred, bump, ellipse
from classpulse.simulation.person import Expression, Identity

#: The box of a face, as detectors draw it: from the hairline to the chin, in face units.
BOX_TOP, CHIN = -1.15, 1.30

# How the head is lit: shares of ambient and direct light and gloss, and the light's direction (x, y, out).
_AMBIENT, _DIRECT, _GLOSS = 0.45, 0.65, 0.10
_LIGHT = (-0.25, -0.45, 0.8)


@dataclass(frozen=True)
class Pose:
    """How the head is held: `yaw` (to the image's right) and `pitch` (downwards) in -1..1, `blink` in 0..1."""

    yaw: float = 0.0
    pitch: float = 0.0
    blink: float = 0.0


#: x1, y1, x2, y2
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Sprite:
    """A face ready to be put into a picture."""

    image: Array
    """(h, w, 3) float32 RGB in 0..255, not multiplied by `alpha`."""
    alpha: Array
    """(h, w) float32 in 0..1."""
    box: Box
    """The face's true box in face units; the sprite shows LEFT..RIGHT and TOP..BOTTOM of `canvas`."""


def draw_face(
    identity: Identity, expression: Expression, scale: float, pose: Pose = Pose(), *, texture: int = 7
) -> Sprite:
    """Draw one person from the waist up.

    `scale` is the length of a face unit in px; a face is CHIN - BOX_TOP = 2.45 units high. `texture` seeds the
    grain of skin, hair and shirt.
    """
    canvas = Canvas(scale, np.random.default_rng(identity.seed + texture))
    strands = canvas.noise(0.02, 0.15)
    shine = bump(canvas.x, canvas.y, -0.3 + identity.light, -1.4, 0.5, 0.2)
    hair = identity.hair * (1 + 0.12 * strands[..., None]) + 25 * shine[..., None]

    _draw_hair_behind(canvas, identity, hair)
    _draw_body(canvas, identity)
    _draw_ears(canvas, identity, pose)
    head = _Head(canvas, identity, expression, pose)
    head.draw()
    surface = head.surface()
    features.draw_folds(surface)
    features.draw_nose(surface)
    features.draw_eyes(surface)
    features.draw_brows(surface)
    features.draw_mouth(surface)
    if identity.glasses:
        features.draw_glasses(surface)
    _draw_hair_in_front(canvas, identity, hair, strands)

    box = (-identity.width, BOX_TOP, identity.width, CHIN + expression.jaw_drop)
    return Sprite(np.clip(canvas.image, 0, 255), canvas.alpha, box)


def _draw_hair_behind(canvas: Canvas, identity: Identity, hair: Array) -> None:
    x, y, width = canvas.x, canvas.y, identity.width
    if identity.haircut == "long":
        crown = np.maximum(ellipse(x, y, 0, -0.1, width * 1.28, 1.75), y - 1.7)
        fall = np.maximum(np.abs(x) - width * 1.2, np.abs(y - 0.7) - 0.9)
        canvas.paint(canvas.cover(crown), hair * 0.8)
        canvas.paint(canvas.cover(fall), hair * 0.75)
    if identity.haircut == "bun":
        canvas.paint(canvas.cover(ellipse(x, y, 0.1, -1.75, 0.38, 0.3)), hair * 0.8)


def _draw_body(canvas: Canvas, identity: Identity) -> None:
    x, y = canvas.x, canvas.y
    shoulders = np.maximum(ellipse(x, y, 0, 2.95, 2.3, 1.5), -y)
    cloth = 1 - 0.25 * np.clip(np.abs(x) / 2.2, 0, 1) ** 2 + 0.05 * canvas.noise(0.15, 0.25)
    canvas.paint(canvas.cover(shoulders), identity.shirt * cloth[..., None])
    neck = np.maximum(np.abs(x) - 0.55 - 0.25 * np.clip(y - 1.4, 0, 1) ** 2, np.abs(y - 1.2) - 0.65 + 0.35 * x * x)
    shadow = 0.72 - 0.18 * bump(x, y, 0, 1.25, 0.9, 0.35)
    canvas.paint(canvas.cover(neck), identity.skin * shadow[..., None])


def _draw_ears(canvas: Canvas, identity: Identity, pose: Pose) -> None:
    for side in (-1, 1):
        shift = -0.25 * pose.yaw
        outline = ellipse(canvas.x, canvas.y, side * identity.width + shift, 0.0, 0.17, 0.32)
        canvas.paint(canvas.cover(outline), identity.skin * 0.82)
        canvas.darken(0.35 * bump(canvas.x, canvas.y, side * identity.width * 1.02 + shift, 0.0, 0.07, 0.16))


class _Head:
    """The head as a relief: its outline narrows to the jaw, its heights give the shading."""

    def __init__(self, canvas: Canvas, identity: Identity, expression: Expression, pose: Pose) -> None:
        self.canvas, self.identity, self.expression, self.pose = canvas, identity, expression, pose
        x, y = canvas.x, canvas.y
        self.chin = CHIN + expression.jaw_drop
        height = np.where(y > 0, y / self.chin, y / 1.45)
        half = identity.width * (1 - identity.jaw * np.clip(y / self.chin, 0, 1.2) ** 1.6)
        radius = np.sqrt((x / half) ** 2 + height**2 + 1e-6)
        self.mask = canvas.cover((radius - 1) * 0.95)
        self.dome = np.clip(1 - radius**2, 0, 1)
        # Features follow the turned surface: the nearer to the viewer, the further they move.
        self.u = x - 0.38 * pose.yaw * np.sqrt(self.dome)
        self.v = y - 0.38 * pose.pitch * np.sqrt(self.dome)
        self.mouth_y = expression.mouth_y + identity.mouth_shift + expression.jaw_drop * 0.5
        self.light = self._light()

    def _relief(self) -> Array:
        identity, expression, u, v = self.identity, self.expression, self.u, self.v
        side, tip = np.abs(u), identity.nose_length
        relief = 0.75 * np.sqrt(self.dome + 0.002)
        bridge = np.exp(-((u / 0.12) ** 2)) * np.clip((v + 0.25) / 0.65, 0, 1) * (v < tip - 0.05)
        relief += 0.30 * (
            bump(u, v, 0, tip - 0.06, 0.15, 0.14)
            + 0.55 * bridge
            + 0.35 * bump(side, v, identity.nose_width * 0.72, tip, 0.09, 0.09)
        )
        relief += 0.15 * (
            bump(side, v, 0.38, -0.50, 0.34, 0.13)
            - bump(side, v, identity.eye_x, -0.24, 0.26, 0.17)
            - 0.5 * bump(u, v, 0, -0.28, 0.14, 0.12)
        )
        relief += expression.cheek * 0.55 * bump(side, v, 0.55, 0.22, 0.26, 0.22)
        relief += expression.chin * bump(u, v, 0, self.chin - 0.16, 0.28, 0.16)
        relief += 0.06 * bump(u, v, 0, self.mouth_y, expression.mouth_width, 0.22)
        relief -= 0.04 * bump(u, v, 0, self.mouth_y + 0.25, 0.28, 0.06)
        softness = max(0.03 * self.canvas.scale, 0.6)
        return blurred(relief, softness, softness)

    def _light(self) -> Array:
        """Lambert's law on the relief, in 0..1."""
        down, across = np.gradient(self._relief(), 1 / self.canvas.scale)
        direction = np.add(_LIGHT, (self.identity.light, 0, 0))
        lx, ly, lz = (float(value) for value in direction / np.linalg.norm(direction))
        cosine = (lz - across * lx - down * ly) / np.sqrt(1 + across**2 + down**2)
        light: Array = np.clip(cosine, 0, 1)
        return light

    def draw(self) -> None:
        """Paint the skin."""
        canvas, light = self.canvas, self.light
        shade = _AMBIENT + _DIRECT * light + _GLOSS * light**12
        skin = self.identity.skin * shade[..., None] * np.array([1.02, 1.0, 0.98], np.float32)
        skin += 2.0 * canvas.noise(0.012, 0.012)[..., None]
        skin += 2.5 * canvas.noise(0.12, 0.12)[..., None]
        blush = bump(np.abs(self.u), self.v, 0.55, 0.28, 0.25, 0.2)
        blush += bump(self.u, self.v, 0, self.identity.nose_length, 0.2, 0.15)
        skin += np.array([14, -4, -4], np.float32) * blush[..., None]
        canvas.paint(self.mask, np.clip(skin, 0, 255))

    def surface(self) -> features.Surface:
        """What the features are drawn on."""
        return features.Surface(
            canvas=self.canvas,
            identity=self.identity,
            expression=self.expression,
            yaw=self.pose.yaw,
            blink=self.pose.blink,
            u=self.u,
            v=self.v,
            mask=self.mask,
            light=self.light,
            mouth_y=self.mouth_y,
        )


def _draw_hair_in_front(canvas: Canvas, identity: Identity, hair: Array, strands: Array) -> None:
    x, y, width = canvas.x, canvas.y, identity.width
    cap = np.maximum(
        ellipse(x, y, 0, -0.28, width * identity.volume, 1.32 * (0.5 + 0.5 * identity.volume)), y + 0.1
    )
    line = identity.hairline + 0.55 * np.clip(np.abs(x) / width, 0, 1.2) ** 4 + 0.02 * strands
    if identity.haircut == "fringe":
        line += 0.22
    if identity.haircut != "bun":
        line += 0.10 * np.sin((x - identity.parting) * 3)
    lit = 0.85 + 0.25 * np.clip(-y - 0.8, 0, 1)
    canvas.paint(canvas.cover(np.maximum(cap, y - line), 0.06), hair * lit[..., None])
    if identity.haircut == "long":
        locks = np.maximum(np.abs(np.abs(x) - width * 1.08) - 0.13, np.abs(y - 0.35) - 1.0)
        canvas.paint(canvas.cover(locks, 0.08), hair * 0.85)
