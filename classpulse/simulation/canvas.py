"""Canvas: a picture in face units that soft shapes are laid over and soft shadows are multiplied into."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

#: Float32 where it is a picture; what is computed on the way may be wider.
Array = npt.NDArray[np.floating[Any]]
Colour = tuple[float, float, float] | Array

#: What a canvas shows, in face units: 1 is half the width of a face, the origin lies between the eyes and the nose,
#: y is down.
LEFT, RIGHT, TOP, BOTTOM = -2.5, 2.5, -2.0, 2.7


class Canvas:
    """An RGB picture with coverage, drawn by signed distances: negative inside a shape, in face units.

    `image` is (h, w, 3) float32 in 0..255, `alpha` (h, w) float32 in 0..1; `x` and `y` are each pixel's face units.
    """

    def __init__(self, scale: float, rng: np.random.Generator) -> None:
        self.scale = scale
        """Pixels in a face unit."""
        self.rng = rng
        width, height = int((RIGHT - LEFT) * scale), int((BOTTOM - TOP) * scale)
        self.x, self.y = np.meshgrid(
            np.linspace(LEFT, RIGHT, width, dtype=np.float32), np.linspace(TOP, BOTTOM, height, dtype=np.float32)
        )
        self.image = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)

    @property
    def pixel(self) -> float:
        """Width of an edge that looks sharp without stairs, in face units."""
        return 1.3 / self.scale

    def cover(self, distance: Array, softness: float | None = None) -> Array:
        """Coverage in 0..1 of the shape whose signed distance is given; `softness` is the width of its edge."""
        share: Array = np.clip(0.5 - distance / (softness or self.pixel), 0, 1)
        return share

    def paint(self, coverage: Array, colour: Colour) -> None:
        """Lay a colour, one or one a pixel, over what is there."""
        share = coverage[..., None]
        self.image += share * (np.asarray(colour, np.float32) - self.image)
        np.maximum(self.alpha, coverage, out=self.alpha)

    def darken(self, amount: Array, tint: Colour = (1.0, 1.0, 1.0)) -> None:
        """Take away the share `amount` of the light, of each colour in proportion to `tint`."""
        self.image *= 1 - amount[..., None] * np.asarray(tint, np.float32)

    def noise(self, sx: float, sy: float) -> Array:
        """Random texture of unit variance, smooth over (sx, sy) face units."""
        grain = self.rng.normal(0, 1, self.alpha.shape).astype(np.float32)
        return blurred(grain, sx * self.scale, sy * self.scale, unit=True)


def ellipse(x: Array, y: Array, cx: float, cy: float, rx: float, ry: float) -> Array:
    """Signed distance to an ellipse, exact on its outline and near enough beside it."""
    distance: Array = (np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2) - 1) * min(rx, ry)
    return distance


def bump(x: Array, y: Array, cx: float, cy: float, sx: float, sy: float) -> Array:
    """A Gaussian hill of height 1."""
    hill: Array = np.exp(-(((x - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)
    return hill


def band(distance: Array, width: float) -> Array:
    """A soft line of height 1 where `distance` is 0."""
    line: Array = np.exp(-((distance / width) ** 2))
    return line


def blurred(picture: Array, sx: float, sy: float, *, unit: bool = False) -> Array:
    """The picture after a Gaussian blur of (sx, sy) px; with `unit` brought to a standard deviation of 1."""
    smooth = np.asarray(cv2.GaussianBlur(picture, (0, 0), sx, sigmaY=sy), np.float32)
    return smooth / (smooth.std() + np.float32(1e-6)) if unit else smooth
