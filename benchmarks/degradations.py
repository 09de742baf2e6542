"""What a camera does to a face: degradations of 48 px faces, drawn at random, for fits and for benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Face = npt.NDArray[np.uint8]
#: Grey levels as any numbers.
Levels = npt.NDArray[Any]
Random = np.random.Generator
_SIDE = 48


def _dark(face: Levels, random: Random) -> Levels:
    return np.round(face * random.uniform(0.1, 0.6)) + random.normal(0, 1.5, face.shape)


def _bright(face: Levels, random: Random) -> Levels:
    brighter: Levels = face * random.uniform(1.3, 2.4)
    return brighter


def _contrast(face: Levels, random: Random) -> Levels:
    flat: Levels = 128 + (face - face.mean()) * random.uniform(0.15, 0.6)
    return flat


def _noise(face: Levels, random: Random) -> Levels:
    return face + random.normal(0, random.uniform(4, 32), face.shape)


def _jpeg(face: Levels, random: Random) -> Levels:
    return jpeg(face, int(random.integers(6, 60)))


def _blur(face: Levels, random: Random) -> Levels:
    return cv2.GaussianBlur(face, (0, 0), random.uniform(0.6, 2.6))


def _motion(face: Levels, random: Random) -> Levels:
    length = int(random.integers(3, 11))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    return cv2.filter2D(face, -1, kernel)


def _small(face: Levels, random: Random) -> Levels:
    return shrunk(face, int(random.integers(14, 40)))


def _rotated(face: Levels, random: Random) -> Levels:
    return rotated(face, random.uniform(-35, 35))


def _covered(face: Levels, random: Random) -> Levels:
    face, grey = face.copy(), int(random.integers(40, 200))
    match int(random.integers(4)):
        case 0:  # a mask
            cv2.rectangle(face, (8, 28), (40, 47), grey, -1)
        case 1:  # a hand
            centre = (24 + int(random.integers(-4, 5)), 38)
            cv2.ellipse(face, centre, (10, 7), int(random.integers(90)), 0, 360, grey, -1)
        case 2:  # dark glasses
            cv2.rectangle(face, (6, 14), (42, 22), 20, -1)
        case _:  # another head
            cv2.rectangle(face, (0, 0), (int(random.integers(8, 26)), 47), grey, -1)
    return face


def _gamma(face: Levels, random: Random) -> Levels:
    return 255 * (face / 255) ** random.uniform(1.6, 3)


def _shot_noise(face: Levels, random: Random) -> Levels:
    photons: Levels = random.poisson(face * random.uniform(0.05, 0.3))
    return photons * (100 / max(float(photons.mean()), 1e-3))


def _side_light(face: Levels, random: Random) -> Levels:
    ramp = np.linspace(random.uniform(0.05, 0.4), 1.2, _SIDE)
    return face * (ramp if random.random() < 0.5 else ramp[::-1])


def _paper_mask(face: Levels, random: Random) -> Levels:
    face = face.copy()
    outline = np.array([(9, 27), (24, 24), (39, 27), (36, 44), (24, 47), (12, 44)])
    cv2.fillPoly(face, [outline], int(random.integers(150, 240)))
    return face


def _sunglasses(face: Levels, random: Random) -> Levels:
    face, down = face.copy(), int(random.integers(-1, 2))
    for x in (16, 32):
        cv2.ellipse(face, (x, 19 + down), (7, 5), 0, 0, 360, 15, -1)
    cv2.line(face, (16, 18 + down), (32, 18 + down), 15, 2)
    return face


def _small_jpeg(face: Levels, random: Random) -> Levels:
    side = int(random.integers(18, 34))
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return enlarged(jpeg(small, int(random.integers(15, 50))))


def _dark_noise(face: Levels, random: Random) -> Levels:
    return face * random.uniform(0.15, 0.4) + random.normal(0, random.uniform(2, 7), face.shape)


def _defocus(face: Levels, random: Random) -> Levels:
    size = 2 * int(random.integers(1, 4)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.float32)
    return cv2.filter2D(face, -1, disc / disc.sum())


def _haze(face: Levels, random: Random) -> Levels:
    return face * random.uniform(0.2, 0.5) + random.uniform(90, 150)


#: Those that engine/vision/models/fusion.onnx is fitted under.
FITTED: dict[str, Callable[[Levels, Random], Levels]] = {
    "clean": lambda face, _: face,
    "dark": _dark,
    "bright": _bright,
    "contrast": _contrast,
    "noise": _noise,
    "jpeg": _jpeg,
    "blur": _blur,
    "motion": _motion,
    "small": _small,
    "rotated": _rotated,
    "covered": _covered,
    "dark noise": _dark_noise,
    "small jpeg": _small_jpeg,
    "sunglasses": _sunglasses,
    "paper mask": _paper_mask,
}
#: Others, which nothing was fitted under.
UNFITTED: dict[str, Callable[[Levels, Random], Levels]] = {
    "gamma": _gamma,
    "shot noise": _shot_noise,
    "side light": _side_light,
    "defocus": _defocus,
    "haze": _haze,
}


def degrade(face: Face, kind: str, random: Random) -> Face:
    """A face (48, 48) degraded by one of FITTED or UNFITTED, its strength drawn by `random`."""
    of = FITTED.get(kind) or UNFITTED[kind]
    degraded: Face = np.clip(of(face.astype(np.float32), random), 0, 255).astype(np.uint8)
    return degraded


def jpeg(face: Levels, quality: int) -> Levels:
    """Compressed as JPEG of this quality, 0 to 100."""
    data = cv2.imencode(".jpg", np.clip(face, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32)


def shrunk(face: Levels, side: int) -> Levels:
    """As a face of `side` px shows when it is enlarged again."""
    return enlarged(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA))


def enlarged(face: Levels) -> Levels:
    """To 48 px."""
    return np.asarray(cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


def rotated(face: Levels, degrees: float) -> Levels:
    """Turned in the picture, edges repeated."""
    turn = cv2.getRotationMatrix2D((_SIDE / 2, _SIDE / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(face, turn, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE), np.float32)
