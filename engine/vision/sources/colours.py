"""High dynamic range and wide gamut as the colours of an ordinary screen: BT.709, gamma 2.4.

PQ: SMPTE ST 2084, 5. HLG, and how a display of 1000 cd/m2 shows it: ITU-R BT.2100, table 5. White: BT.2408, 2.1.
Whatever is not brighter than 0.75 of white keeps its light; what is brighter is bent under 1.
"""

from __future__ import annotations

from collections.abc import Sequence
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
#: White, cd/m2; and the one of programs that are older than BT.2408, which a file in PQ does not say.
WHITE, OLDER_WHITE = 203.0, 100.0
#: Share of a small picture that may be brighter than its brightest light: reflexes, lamps.
REFLEXES = 0.005
#: A format of RGB with 16 bits. Into the interleaved one, FFmpeg 8.0 converts wrongly.
SIXTEEN_BITS = "gbrp16le"
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


class Exposure(NamedTuple):
    """How bright a recording is, cd/m2."""

    white: float = WHITE
    """Light that is white on an ordinary screen."""
    peak: float = PEAK
    """Light that is only just told from darker one; white, too."""


def exposure_of(frames: Sequence[VideoFrame]) -> Exposure:
    """The exposure of a recording that begins with `frames`.

    In PQ its white is the brightest light that the file states, or else that of these frames, but no more than
    BT.2408's white, and no less than that of older programs.
    """
    frames = [frame for frame in frames if colours_of(frame).transfer == PQ and colours_of(frame).readable]
    if not frames:
        return Exposure()
    stated = _stated(frames[0])
    light = stated or max(_brightest(frame) for frame in frames)
    return Exposure(min(max(light, OLDER_WHITE), WHITE), min(max(stated or PEAK, WHITE), 10_000.0))


def _stated(frame: VideoFrame) -> float:
    """The brightest light that the file states for all of it (MaxCLL), cd/m2; 0 where it states none."""
    side_data: Any = frame.side_data
    data = side_data.get(Type.CONTENT_LIGHT_LEVEL)
    return 0.0 if data is None else float(np.frombuffer(bytes(data)[:4], np.uint32)[0])


def _brightest(frame: VideoFrame) -> float:
    small = frame.to_ndarray(format=SIXTEEN_BITS, width=160, height=90, interpolation="AREA", threads=1)
    return float(np.quantile(_light(PQ)[np.asarray(small, np.uint16).max(axis=2)], 1 - REFLEXES))


def make_neutral(frame: VideoFrame) -> None:
    """Take from a frame what swscale does not know, and would fail at: some releases of it look at all of these."""
    frame.color_trc = frame.color_primaries = UNSPECIFIED
    if frame.colorspace not in _MATRICES:
        frame.colorspace = UNSPECIFIED


def to_screen(values: npt.NDArray[np.uint16], colours: Colours, exposure: Exposure) -> npt.NDArray[np.uint8]:
    """(h, w, 3) RGB of `colours`, 16 bits, as they look on an ordinary screen, 8 bits."""
    light_of = _light(colours.transfer)
    white, peak = exposure if colours.transfer in (PQ, HLG) else (1.0, 1.0)
    highest = peak / white
    values_of = _values(highest)
    matrix = np.array(_TO_709.get(colours.primaries, np.eye(3)), np.float32)
    image = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), BAND):
        light: Any = light_of[values[top : top + BAND]]
        if colours.transfer == HLG:  # a brighter display shows mid-tones brighter, too
            light *= np.maximum(cv2.transform(light, _LUMINANCE), 1e-6)[..., None] ** 0.2 * PEAK
        light = cv2.transform(light, matrix / np.float32(white))
        step = np.sqrt(np.clip(light / highest, 0, 1)) * (STEPS - 1) + 0.5
        image[top : top + BAND] = values_of[step.astype(np.uint16)]
    return image


@cache
def _light(transfer: int) -> Floats:
    """(65536,) light of each value: cd/m2 for PQ, else up to 1; for HLG that of the scene."""
    value = np.linspace(0, 1, 65536)
    if transfer == PQ:
        root = value ** (1 / 78.84375)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return np.asarray(light * 10_000, np.float32)
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
