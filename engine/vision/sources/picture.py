"""How a decoded frame becomes an upright image with square pixels, of the one size that a session has."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from engine.vision.sources.geometry import (
    SQUARE,
    UPRIGHT,
    Form,
    Image,
    is_plausible,
    orientation_of,
    pixel_for,
    swaps_axes,
    upright,
)


def form_of(frame: VideoFrame, pixel: Fraction | None, aspect: Fraction | None = None) -> Form:
    """How `frame` is stored, where its file says that a pixel is `pixel` times as wide as high (None: nothing).

    `aspect` is width by height of the whole upright picture, where that is known better than the file knows it.
    """
    orientation, _ = orientation_in(frame)
    if aspect is not None:
        pixel = pixel_for(aspect, (frame.width, frame.height), orientation)
    elif pixel is None or not is_plausible(pixel):
        pixel = SQUARE
    return Form(frame.width, frame.height, pixel, orientation)


def orientation_in(frame: VideoFrame) -> tuple[int, float]:
    """EXIF's number for the display matrix of `frame`, and the degrees that it cannot express; (1, 0) without."""
    side_data: Any = frame.side_data
    data = side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return UPRIGHT, 0.0
    return orientation_of(np.frombuffer(bytes(data), np.int32).tolist())


def image_of(frame: VideoFrame, form: Form, size: tuple[int, int]) -> Image:
    """The image (height, width, 3) RGB of `frame`: upright, and of `size` (width, height).

    A picture of another shape is scaled until it fits, and centred between black bars.
    """
    width, height = form.shown
    if (width, height) != size:
        scale = min(Fraction(size[0], width), Fraction(size[1], height))
        width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    stored = (height, width) if swaps_axes(form.orientation) else (width, height)
    resized = stored != (frame.width, frame.height)
    image = frame.to_ndarray(
        format="rgb24",
        width=stored[0],
        height=stored[1],
        interpolation="BICUBIC" if resized else None,
        threads=1,
    )
    shown = upright(np.asarray(image, np.uint8), form.orientation)
    if (width, height) == size:
        return np.ascontiguousarray(shown)
    whole = np.zeros((size[1], size[0], 3), np.uint8)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    whole[top : top + height, left : left + width] = shown
    return whole


class PixelShapes:
    """Tells frames whose pixels have another shape than the first one's, where the codec's headers change it.

    The decoder has read such a header when it still gives out frames from before it, since it puts them in order:
    the new shape begins with the next keyframe. It is left in a frame's `opaque`, which is for such use.
    """

    def __init__(self, first: Fraction | None) -> None:
        self._first = self._now = self._next = first
        self._since: int | None = None

    def mark(self, frames: list[VideoFrame], pixel: Fraction | None, pts: int | None) -> None:
        """Mark the `frames` that came with a packet of time `pts`, after which the decoder said `pixel`."""
        if pixel != self._next:
            self._next, self._since = pixel, pts
        for frame in frames:
            if self._now != self._next and frame.key_frame:
                early = self._since is not None and frame.pts is not None and frame.pts < self._since
                self._now = self._now if early else self._next
            if self._now != self._first:
                frame.opaque = self._now or SQUARE


def own_pixel(frame: VideoFrame) -> Fraction | None:
    """The shape of its pixels that a frame is marked with; None where they are those of the first frame."""
    pixel: Any = frame.opaque
    return pixel if isinstance(pixel, Fraction) else None
