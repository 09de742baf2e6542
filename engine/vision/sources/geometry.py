"""How pictures are stored, and shown: the shape of their pixels, and the eight ways in which they lie.

Orientations have EXIF's numbers (CIPA DC-008, 4.6.4, tag 0x0112); video has a matrix (ISO/IEC 14496-12, 6.2.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

UPRIGHT = 1
#: How EXIF's orientations 2 to 8 are brought upright.
_BROUGHT_UPRIGHT: dict[int, Callable[[Image], Image]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: image.swapaxes(0, 1)[:, ::-1],
    7: lambda image: image.swapaxes(0, 1)[::-1, ::-1],
    8: lambda image: image.swapaxes(0, 1)[::-1],
}
SQUARE = Fraction(1)
#: The widest pixel that any format has is 2.91 times as wide as high (352x576 shown at 16:9); a file that claims
#: more than this, or less than its inverse, is wrong.
WIDEST_PIXEL = Fraction(4)
#: A matrix that is further from one of the eight, degrees, cannot be honoured.
MAX_TILT = 1.0


class Form(NamedTuple):
    """How a frame is stored."""

    width: int
    """As stored, px."""
    height: int
    pixel: Fraction = SQUARE
    """Width of a stored pixel as a share of its height."""
    orientation: int = UPRIGHT
    """EXIF's number."""

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height of the upright picture in square pixels.

        Stored pixels that are too wide become more columns, and those that are too narrow more rows: no stored row
        or column is lost.
        """
        width, height = self.stretched
        return (height, width) if swaps_axes(self.orientation) else (width, height)

    @property
    def stretched(self) -> tuple[int, int]:
        """The same before it is brought upright."""
        if self.pixel >= 1:
            return max(round(self.width * self.pixel), 1), self.height
        return self.width, max(round(self.height / self.pixel), 1)


def is_plausible(pixel: Fraction) -> bool:
    """Whether there are pixels of this shape."""
    return 1 / WIDEST_PIXEL <= pixel <= WIDEST_PIXEL


def pixel_for(aspect: Fraction, stored: tuple[int, int], orientation: int = UPRIGHT) -> Fraction:
    """Width by height of a pixel of a picture `stored` as (w, h) and, upright, `aspect` times as wide as high."""
    width, height = stored
    return (1 / aspect if swaps_axes(orientation) else aspect) * height / width


def upright(image: Image, orientation: int) -> Image:
    """A view of `image` (h, w, ...) that shows it upright; `orientation` is EXIF's number, 1 to 8."""
    return image if orientation == UPRIGHT else _BROUGHT_UPRIGHT[orientation](image)


def swaps_axes(orientation: int) -> bool:
    """Whether a picture of this orientation is stored on its side."""
    return orientation >= 5


def orientation_of(matrix: Sequence[int]) -> tuple[int, float]:
    """EXIF's number for a display matrix (9 numbers, row by row), and by how many degrees the matrix differs.

    A stored point (x, y), y downwards, is shown at (a x + c y, b x + d y); the matrix is a, b, u, c, d, v, ...
    """
    a, b, _, c, d = matrix[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        number = {(1, 1): 1, (-1, 1): 2, (-1, -1): 3, (1, -1): 4}[_sign(a), _sign(d)]
        tilt = max(math.atan2(abs(b), abs(a)), math.atan2(abs(c), abs(d)))
    else:
        number = {(1, 1): 5, (1, -1): 6, (-1, -1): 7, (-1, 1): 8}[_sign(b), _sign(c)]
        tilt = max(math.atan2(abs(a), abs(b)), math.atan2(abs(d), abs(c)))
    return number, math.degrees(tilt)


def _sign(value: int) -> int:
    return -1 if value < 0 else 1
