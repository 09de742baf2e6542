"""High dynamic range and wide gamut as the colours of an ordinary screen: BT.709, gamma 2.4.

PQ: SMPTE ST 2084, 5. HLG, and how a display of 1000 cd/m2 shows it: ITU-R BT.2100, table 5. White: BT.2408, 2.1.
Whatever is not brighter than 0.75 of white keeps its light; what is brighter is bent under 1.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

Floats = npt.NDArray[np.float32]

#: Codes of ITU-T H.273: transfer characteristics, primaries, matrices.
PQ, HLG = 16, 18
UNSPECIFIED = 2
_BT2020, _P3 = 9, (11, 12)
#: Matrices that swscale converts; all others would fail.
_MATRICES = frozenset((0, 1, 2, 4, 5, 6, 7, 9))
#: The brightest light of HLG's display and of PQ's usual masters, cd/m2.
PEAK = 1000.0
#: White, cd/m2. For HLG it is 203. A file in PQ does not say which white it was made with: programs take 203, and
#: others 100. The geometric mean leaves either a factor of 1.4 off, which changes scores by 0.02, not by 0.04.
WHITES = {HLG: 203.0, PQ: 142.5}
#: Share of white from which light is bent.
KNEE = 0.75
GAMMA = 2.4
#: Rows that are converted at once: what they take stays in the processor's caches.
BAND = 64
#: Steps of the table from light to values: of the root of light, since dark values lie closer.
STEPS = 2**14

#: Linear RGB of other primaries in those of BT.709 (from their chromaticities in BT.2020, SMPTE RP 431-2; D65).
_TO_709 = {
    _BT2020: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    **dict.fromkeys(
        _P3, ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274))
    ),
}
#: Luminance of BT.2020's primaries.
_LUMINANCE = np.array(((0.2627, 0.6780, 0.0593),), np.float32)


class Colours(NamedTuple):
    """The colours of a frame, by the codes of H.273."""

    transfer: int
    primaries: int
    matrix: int

    @property
    def ordinary(self) -> bool:
        """Whether the values are those of an ordinary screen, or nothing says what they are."""
        return self.transfer not in (PQ, HLG) and self.primaries not in _TO_709

    @property
    def readable(self) -> bool:
        """Whether the matrix is one that can be undone."""
        return self.matrix in _MATRICES


def colours_of(frame: VideoFrame) -> Colours:
    """What the file says of a frame's colours."""
    return Colours(frame.color_trc, frame.color_primaries, frame.colorspace)


def brightest(frame: VideoFrame) -> float:
    """The brightest light that the file states for all of it, cd/m2; `PEAK` where it states none."""
    side_data: Any = frame.side_data
    data = side_data.get(Type.CONTENT_LIGHT_LEVEL)
    level = float(np.frombuffer(bytes(data)[:4], np.uint32)[0]) if data is not None else 0.0
    return min(max(level, min(WHITES.values())), 10_000.0) if level else PEAK


def make_neutral(frame: VideoFrame) -> None:
    """Take from a frame what swscale does not know, and would fail at: some releases of it look at all of these."""
    frame.color_trc = frame.color_primaries = UNSPECIFIED
    if frame.colorspace not in _MATRICES:
        frame.colorspace = UNSPECIFIED


def to_screen(values: npt.NDArray[np.uint16], colours: Colours, peak: float) -> npt.NDArray[np.uint8]:
    """(h, w, 3) RGB of `colours`, 16 bits, as they look on an ordinary screen, 8 bits.

    `peak` is the brightest light in cd/m2 that is still told from darker one.
    """
    light_of = _light(colours.transfer)
    white = WHITES.get(colours.transfer)
    highest = 1.0 if white is None else max(peak / white, 1.0)
    values_of = _values(highest)
    matrix = np.array(_TO_709.get(colours.primaries, np.eye(3)), np.float32)
    image = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), BAND):
        light: Any = light_of[values[top : top + BAND]]
        if colours.transfer == HLG:  # a brighter display shows mid-tones brighter, too
            light *= np.maximum(cv2.transform(light, _LUMINANCE), 1e-6)[..., None] ** 0.2 * (PEAK / WHITES[HLG])
        light = cv2.transform(light, matrix)
        step = np.sqrt(np.clip(light / highest, 0, 1)) * (STEPS - 1) + 0.5
        image[top : top + BAND] = values_of[step.astype(np.uint16)]
    return image


@cache
def _light(transfer: int) -> Floats:
    """(65536,) light of each value, as a share of white; for HLG that of the scene, up to 1."""
    value = np.linspace(0, 1, 65536)
    if transfer == PQ:
        root = value ** (1 / 78.84375)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return np.asarray(light * 10_000 / WHITES[PQ], np.float32)
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((np.maximum(value, 0.5) - c) / a) + b) / 12)
        return np.asarray(light, np.float32)
    return np.asarray(value**GAMMA, np.float32)


@cache
def _values(highest: float) -> npt.NDArray[np.uint8]:
    """(STEPS,) the value, 0 to 255, of each step of the root of light up to `highest`, a share of white."""
    light = np.linspace(0, 1, STEPS) ** 2 * highest
    if highest > 1:
        # Reinhard's curve with a white point, above the knee alone: its slope there is 1, and `highest` becomes 1.
        over, end = np.maximum(light - KNEE, 0) / (1 - KNEE), (highest - KNEE) / (1 - KNEE)
        light = np.minimum(light, KNEE) + (1 - KNEE) * over * (1 + over / end**2) / (1 + over)
    return np.asarray(np.round(255 * np.clip(light, 0, 1) ** (1 / GAMMA)), np.uint8)
