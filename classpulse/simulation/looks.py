"""Appearance of simulated students: clothes and hair are drawn as pictures, and described as real ones are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.vision.appearance import LENGTH, PATCH, histograms

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Image = npt.NDArray[np.uint8]

Clothes = Literal["own", "twins", "uniform"]

#: Pixels of a face's height in the pictures of people, and how far those reach from the middle of the face, in face
#: heights: left, top, right, bottom.
_SCALE = 20
_BODY, _HEAD = (-1.6, 0.3, 1.6, 3.5), (-1.0, -1.4, 1.0, 0.6)
#: The same of the patches that are described (see `engine.vision.appearance`), for boxes of the shape of a face.
_TORSO_PATCH, _HAIR_PATCH = (-0.74, 0.8, 0.74, 1.8), (-0.41, -0.8, 0.41, -0.42)
_GAMMA = 2.2
#: Patches that are drawn at a time, to save memory.
_CHUNK = 4096
#: Least share of a patch that lies in the image, and is described.
_LEAST_INSIDE = 1 / 3


@dataclass(frozen=True, eq=False)
class Wardrobe:
    """Pictures of k people and the place behind each: `body` (k, h, w, 3) and `head` (k, h, w, 3), RGB."""

    body: Image
    head: Image

    @classmethod
    def draw(cls, random: np.random.Generator, people: int, clothes: Clothes = "own") -> Wardrobe:
        """Of `people`: each in clothes of their own, two and two in the same ones (and alike), or all in a uniform.

        Hair and what is behind them are everybody's own, but for twins.
        """
        uniform = random.uniform(30, 200, (2, 3)), int(random.integers(0, 4))
        body: list[Image] = []
        head: list[Image] = []
        for number in range(people):
            seed = int(random.integers(2**31))
            if clothes == "twins" and number % 2:
                body.append(body[-1])
                head.append(head[-1])
                continue
            own = np.random.default_rng(seed)
            worn = uniform if clothes == "uniform" else (own.uniform(20, 230, (2, 3)), int(own.integers(0, 4)))
            skin = np.array([224.0, 178.0, 148.0]) * own.uniform(0.45, 1.0)
            wall = np.array([176.0, 170.0, 160.0]) * own.uniform(0.5, 1.2) + own.normal(0, 12, 3)
            body.append(_draw_body(own, *worn, skin, wall))
            head.append(_draw_head(own, skin, wall))
        return cls(np.array(body, np.uint8), np.array(head, np.uint8))


@dataclass(frozen=True, eq=False)
class Seen:
    """n faces that are described: who each is, how the person sits, and in which light."""

    who: Ints
    """(n,) a row of the wardrobe."""
    boxes: Floats
    """(n, 4) px."""
    lean: Floats
    """(n, 2) how far the head is from where it is when its owner sits upright, face heights, right and down."""
    hand: Ints
    """(n,) 1 or -1 where an arm is up at the right or left of the face, else 0."""
    light: Floats
    """(n, 3) factor on red, green and blue, as light adds up; 1 is the light in which people were drawn."""
    size: tuple[int, int]
    """Of the image, px: patches beyond it are cut off."""
    noise: float = 3.0
    """Standard deviation of the sensor's noise, in levels of 255."""
    blocks: float = 0.0
    """How much of the detail of 4 x 4 px compression takes away, 0 to 1."""


def describe_drawn(random: np.random.Generator, wardrobe: Wardrobe, seen: Seen) -> Image:
    """(n, LENGTH) uint8 as `engine.vision.appearance.describe` has them, of pictures that are drawn for it."""
    described = np.zeros((len(seen.who), LENGTH), np.uint8)
    half = LENGTH // 2
    for start in range(0, len(seen.who), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(seen.who)))
        still = np.zeros((len(rows), 2))
        for part, (pictures, reach, patch, lean) in enumerate(
            (
                (wardrobe.body, _BODY, _TORSO_PATCH, seen.lean[rows]),
                # Hair goes with the head; one that is bowed shows more of it.
                (wardrobe.head, _HEAD, _HAIR_PATCH, still - np.maximum(seen.lean[rows], 0) * [0.0, 0.4]),
            )
        ):
            patches, present = _patches(random, pictures, reach, patch, lean, seen, rows)
            if part == 0:
                _raise_arm(patches, seen.hand[rows])
            shown = _lit(random, patches, seen.light[rows], seen.noise, seen.blocks)
            described[rows[present], part * half : (part + 1) * half] = histograms(shown[present])
    return described


def _draw_body(random: np.random.Generator, colours: Floats, pattern: int, skin: Floats, wall: Floats) -> Image:
    """A torso of two `colours` (2, 3) in one of four patterns, with neck, neighbours, the wall and a desk."""
    x, y = _grid(_BODY)
    picture = np.broadcast_to(wall, (*x.shape, 3)).copy()
    for side in (-1, 1):
        picture[(side * x > 1.15) & (y > 0.7)] = random.uniform(20, 230, 3)
    body = (np.abs(x) < 0.45 + 0.5 * np.clip((y - 0.5) / 0.3, 0, 1)) & (y > 0.5)
    stripes = [
        np.zeros_like(x),
        np.sin(2 * np.pi * y / random.uniform(0.15, 0.5)),
        np.where(np.hypot(x, y - 1.3) < random.uniform(0.2, 0.4), 1.0, -1.0),
        np.where(np.abs(x) < random.uniform(0.1, 0.3), 1.0, -1.0),
    ][pattern]
    picture[body] = colours[0]
    picture[body & (stripes > 0)] = colours[1]
    picture *= (1 - 0.2 * np.clip(np.abs(x) / 0.9, 0, 1) * body)[..., None]
    picture[(np.abs(x) < 0.22) & (y < random.uniform(0.65, 0.9))] = skin
    picture[y > random.uniform(1.6, 2.6)] = np.array([170.0, 130.0, 90.0]) * random.uniform(0.7, 1.2)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _draw_head(random: np.random.Generator, skin: Floats, wall: Floats) -> Image:
    """Hair around a face, before whatever is behind the student."""
    x, y = _grid(_HEAD)
    hair = np.array([[28, 24, 22], [60, 42, 30], [120, 88, 50], [175, 140, 90], [110, 48, 28]], np.float64)
    picture = np.broadcast_to(wall, (*x.shape, 3)).copy()
    picture[y > random.uniform(-1.2, 0.2)] = random.uniform(20, 230, 3)
    width, height = random.uniform(0.45, 0.6), random.uniform(0.62, 0.8)
    picture[np.hypot(x / width, (y + 0.02) / height) < 1] = hair[random.integers(len(hair))] * random.uniform(
        0.8, 1.2
    )
    face = (np.abs(x) < 0.38) & (y > random.uniform(-0.55, -0.35)) & (y < 0.45)
    picture[face] = skin
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _grid(reach: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
    left, top, right, bottom = reach
    x = left + (np.arange(round((right - left) * _SCALE)) + 0.5) / _SCALE
    y = top + (np.arange(round((bottom - top) * _SCALE)) + 0.5) / _SCALE
    across, down = np.meshgrid(x, y)
    return across, down


def _patches(
    random: np.random.Generator,
    pictures: Image,
    reach: tuple[float, float, float, float],
    patch: tuple[float, float, float, float],
    lean: Floats,
    seen: Seen,
    rows: Ints,
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(r, PATCH, PATCH, 3) the part of `pictures` that a patch shows, cut off at the image; (r,) whether enough."""
    boxes = seen.boxes[rows]
    centre, height = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 3] - boxes[:, 1]
    edges = []
    for axis in (0, 1):
        first = np.maximum(patch[axis], -centre[:, axis] / height)
        last = np.minimum(patch[axis + 2], (seen.size[axis] - centre[:, axis]) / height)
        edges.append((first, np.maximum(last, first + 1e-3)))
    share = np.prod([last - first for first, last in edges], axis=0)
    share /= (patch[2] - patch[0]) * (patch[3] - patch[1])
    cells = (np.arange(PATCH) + 0.5) / PATCH
    jitter = random.normal(0, 0.02, (len(rows), 2))
    index = []
    for axis, (first, last) in enumerate(edges):
        at = first[:, None] + (last - first)[:, None] * cells + (lean + jitter)[:, axis, None]
        index.append(np.clip(((at - reach[axis]) * _SCALE).astype(np.int64), 0, pictures.shape[2 - axis] - 1))
    drawn = pictures[seen.who[rows][:, None, None], index[1][:, :, None], index[0][:, None, :]]
    return drawn.astype(np.float64), share >= _LEAST_INSIDE


def _raise_arm(patches: Floats, hand: Ints) -> None:
    """An arm, as dark as the sleeve's shadow, over a third of the torso where `hand` (r,) is not 0."""
    third = PATCH // 3
    for side, columns in ((1, slice(PATCH - third, PATCH)), (-1, slice(0, third))):
        rows = hand == side
        patches[rows, :, columns] = 0.5 * patches[rows].mean(axis=(1, 2))[:, None, None] + [50.0, 35.0, 30.0]


def _lit(random: np.random.Generator, patches: Floats, light: Floats, noise: float, blocks: float) -> Image:
    """What a camera makes of `patches` in `light` (r, 3), which adds up before the picture's gamma."""
    shown = 255 * np.clip((patches / 255) ** _GAMMA * light[:, None, None], 0, 1) ** (1 / _GAMMA)
    if blocks:
        cell = PATCH // 4
        coarse = shown.reshape(len(shown), 4, cell, 4, cell, 3).mean(axis=(2, 4), keepdims=True)
        shown += blocks * (np.broadcast_to(coarse, (len(shown), 4, cell, 4, cell, 3)).reshape(shown.shape) - shown)
    return np.asarray(np.clip(np.rint(shown + random.normal(0, noise, shown.shape)), 0, 255), np.uint8)
