"""High dynamic range and wide gamut: the lesson as a camera that knows them would have recorded it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.recipes.making import Encoding, Image, lesson, write
from benchmarks.recipes.recipe import Recipe, add

#: BT.709's linear RGB in BT.2020's primaries (ITU-R BT.2087, 2).
_TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def light(image: Image, gamma: float = 2.4) -> npt.NDArray[np.float64]:
    """Light of an image in BT.2020's primaries, white is 1."""
    linear: npt.NDArray[np.float64] = np.clip((image / 255.0) ** gamma @ _TO_2020.T, 0, 1)
    return linear


def pq(linear: npt.NDArray[np.float64], white: float) -> npt.NDArray[np.float64]:
    """Values of SMPTE ST 2084 for light whose 1 is `white` cd/m2."""
    power = (linear * white / 10_000) ** (2610 / 16384)
    return np.asarray(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def hlg(linear: npt.NDArray[np.float64], white: float) -> npt.NDArray[np.float64]:
    """Values of ITU-R BT.2100's HLG that a display of 1000 cd/m2 shows as this light."""
    shown = linear * white / 1000
    luminance = np.maximum(shown @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
    scene = shown * luminance ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright), np.float64)


def _images(transfer: str, white: float, gamma: float) -> Iterator[npt.NDArray[np.uint16]]:
    for image in lesson():
        linear = light(image, gamma)
        values = {"pq": pq, "hlg": hlg}[transfer](linear, white) if transfer != "sdr" else linear ** (1 / 2.4)
        yield np.round(values * 65535).astype(np.uint16)


def _write(path: Path, encoding: Encoding, transfer: str, white: float = 203.0, gamma: float = 2.4) -> None:
    write(path, encoding, _images(transfer, white, gamma))


_CODES = {"pq": 16, "hlg": 18, "sdr": 14}


def _encoding(transfer: str, codec: str = "libx265", pix_fmt: str = "yuv420p10le") -> Encoding:
    tags = {"color_trc": _CODES[transfer], "color_primaries": 9}
    # What a lesson needs of PQ's values is half of them, so the noise of a codec counts double.
    return Encoding(codec, pix_fmt, options={"crf": "4"}, matrix="BT2020", full=False, tags=tags)


add(
    *(
        Recipe(name, partial(_write, encoding=_encoding(transfer, codec), transfer=transfer), scores=0.05)
        for name, transfer, codec in (
            ("pq.mp4", "pq", "libx265"),
            ("pq.mkv", "pq", "libx265"),
            ("pq_av1.mp4", "pq", "libsvtav1"),
            ("hlg.mov", "hlg", "libx265"),
            ("hlg.ts", "hlg", "libx265"),
            ("bt2020.mkv", "sdr", "libx265"),
        )
    ),
    # Made by a program for which white is 100 cd/m2, as before BT.2408; or with another idea of gamma.
    Recipe("pq_white_100.mp4", partial(_write, encoding=_encoding("pq"), transfer="pq", white=100.0), scores=0.05),
    Recipe("pq_gamma_2_2.mp4", partial(_write, encoding=_encoding("pq"), transfer="pq", gamma=2.2), scores=0.05),
)
