"""What a recipe is: a recording that is made, and what must be found in it; a module of recipes adds its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]

#: The lesson that all recipes are made from: width and height, frames, frames per second, students.
SIZE, FRAMES, RATE, STUDENTS = (898, 506), 139, 24000 / 1001, 7


@dataclass(frozen=True)
class Recipe:
    """A recording, and what must be found in it."""

    name: str
    """Of the file; its suffix is that of the container."""
    make: Callable[[Path], None]
    """Writes the file."""
    size: tuple[int, int] = SIZE
    """Width and height of the session, px."""
    frames: int = FRAMES
    """Frames that decode."""
    last: float = (FRAMES - 1) / RATE
    """Time of the last one, s."""
    students: int | None = STUDENTS
    """None where cuts leave open how many are found."""
    warnings: tuple[str, ...] = ()
    """Codes of the session's warnings."""
    refused: str | None = None
    """Part of the error, where nothing may be analysed; then nothing else counts."""
    settings: dict[str, Any] = field(default_factory=dict)
    place: Callable[[Boxes], Boxes] | None = lambda boxes: boxes
    """Where boxes (n, 4) of the lesson lie in this recording; None where they are not compared."""
    index: Callable[[float], int] = lambda time: round(time * RATE)
    """Which frame of the lesson is shown at a time, s."""
    scores: float | None = None
    """Largest mean absolute difference of class scores from those of the lesson; None: they are not compared."""
    overlap: float = 0.9
    """Smallest median IoU of its faces with those of the lesson."""
    again: float = 0.95
    """Smallest share of the lesson's faces that are found again."""


RECIPES: dict[str, Recipe] = {}


def add(*recipes: Recipe) -> None:
    """Take recipes into the table. Raises ValueError for a name that is taken."""
    for recipe in recipes:
        if recipe.name in RECIPES:
            raise ValueError(f"two recipes named {recipe.name}")
        RECIPES[recipe.name] = recipe


def scaled(size: tuple[int, int]) -> Callable[[Boxes], Boxes]:
    """Boxes of the lesson in a picture that is stretched to `size`."""
    factors = np.array([size[0] / SIZE[0], size[1] / SIZE[1]] * 2)
    return lambda boxes: boxes * factors


def fitted(size: tuple[int, int], shape: tuple[int, int] = SIZE) -> Callable[[Boxes], Boxes]:
    """Boxes of the lesson, shown in pictures of `shape`, which are fitted into `size` and centred."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    shift = np.array([(size[0] - shape[0] * scale) / 2, (size[1] - shape[1] * scale) / 2] * 2)
    return lambda boxes: scaled(shape)(boxes) * scale + shift
