"""How a decoded frame becomes an upright image with square pixels, of the one size that a session has."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.vision.sources.colours import SIXTEEN_BITS, Exposure, colours_of, exposure_of, make_neutral, to_screen
from engine.vision.sources.fields import Neighbours, deinterlaced
from engine.vision.sources.geometry import (
    MAX_TILT,
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
from engine.vision.sources.protocol import SourceWarning

#: Sizes that a warning lists.
SIZES_LISTED = 4


class Picture:
    """The picture of one video stream: what its file says of it, and the one size that all of it is given.

    `aspect` is width by height of the whole upright picture, where that is known better than the file knows it.
    """

    size: tuple[int, int] = (0, 0)
    """Width and height of every image, px."""
    warnings: list[SourceWarning]
    """What the file says of it and that cannot be honoured, or may mislead."""

    def __init__(self, path: Path, aspect: Fraction | None) -> None:
        self._path, self._aspect = path, aspect
        self._pixel: Fraction | None = None
        self._follows_codec = False
        self._sizes: list[tuple[int, int]] = []
        self._exposure = Exposure()
        self.warnings = []

    def begin(self, stream: VideoStream, first: VideoFrame) -> None:
        """Learn what the file says, from the first frame that the decoder of `stream` has given out."""
        stated, coded = stream.sample_aspect_ratio, stream.codec_context.sample_aspect_ratio
        # Where the two differ, the container is right, as it is for every player.
        self._follows_codec = stated in (None, coded)
        self._pixel = coded if self._follows_codec else stated
        colours = colours_of(first)
        if not colours.readable:
            self._warn(
                "colours", f"its colours (matrix {colours.matrix} of H.273) cannot be converted and may be wrong"
            )
        _, tilt = orientation_in(first)
        if tilt > MAX_TILT:
            self._warn(
                "tilted", f"the file wants it turned by {tilt:.0f}\N{DEGREE SIGN} from a quarter turn; not done"
            )
        if self._aspect is None and self._pixel is not None and not is_plausible(self._pixel):
            text = f"its pixels cannot be {float(self._pixel):g} times as wide as high; taken as square"
            self._warn("pixel_shape", f"{text} (if they are not: --aspect)")
        self._sizes = [self._form(first).shown]
        self.size = self._sizes[0]

    def expose(self, frames: Sequence[VideoFrame]) -> None:
        """Learn how bright the recording is, from the frames that it begins with."""
        self._exposure = exposure_of(frames)

    def make_room(self, frame: VideoFrame, stream: VideoStream) -> None:
        """Let a `frame` of another size, which the decoder of `stream` has just given out, fit in, too."""
        pixel = stream.codec_context.sample_aspect_ratio if self._follows_codec else self._pixel
        shown = form_of(frame, pixel, self._aspect).shown
        if shown in self._sizes:
            return
        self._sizes.append(shown)
        width, height = self.size = max(w for w, _ in self._sizes), max(h for _, h in self._sizes)
        listed = ", ".join(f"{w}x{h}" for w, h in self._sizes[:SIZES_LISTED])
        listed += ", ..." if self._sizes[SIZES_LISTED:] else ""
        self.warnings = [warning for warning in self.warnings if warning.code != "size_changes"]
        self._warn("size_changes", f"its size changes ({listed} px); every picture is fitted into {width}x{height}")

    def pixel_shapes(self) -> PixelShapes | None:
        """What marks the frames of one run of the decoder; None where the container knows better."""
        return PixelShapes(self._pixel) if self._follows_codec else None

    def image(self, of: Neighbours) -> Image:
        """The image (height, width, 3) RGB of a frame."""
        form = self._form(of.frame)
        frame = deinterlaced(of) if of.frame.interlaced_frame else of.frame
        return image_of(frame, form, self.size, self._exposure)

    def _form(self, frame: VideoFrame) -> Form:
        own: Any = frame.opaque
        return form_of(frame, own if isinstance(own, Fraction) else self._pixel, self._aspect)

    def _warn(self, code: str, text: str) -> None:
        self.warnings.append(SourceWarning(code, f"{self._path}: {text}"))


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


def image_of(frame: VideoFrame, form: Form, size: tuple[int, int], exposure: Exposure) -> Image:
    """The image (height, width, 3) RGB of `frame`: upright, of `size` (width, height), for an ordinary screen.

    A picture of another shape is scaled until it fits, and centred between black bars.
    """
    width, height = form.shown
    if (width, height) != size:
        scale = min(Fraction(size[0], width), Fraction(size[1], height))
        width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    stored = (height, width) if swaps_axes(form.orientation) else (width, height)
    shown = upright(_values(frame, stored, exposure), form.orientation)
    if (width, height) == size:
        return np.ascontiguousarray(shown)
    whole = np.zeros((size[1], size[0], 3), np.uint8)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    whole[top : top + height, left : left + width] = shown
    return whole


def _values(frame: VideoFrame, size: tuple[int, int], exposure: Exposure) -> Image:
    """The values of `frame` for an ordinary screen, (height, width, 3) RGB, as it lies, of `size`."""
    colours = colours_of(frame)
    make_neutral(frame)
    image = frame.to_ndarray(
        format="rgb24" if colours.ordinary else SIXTEEN_BITS,
        width=size[0],
        height=size[1],
        interpolation=None if size == (frame.width, frame.height) else "BICUBIC",
        threads=1,
    )
    if colours.ordinary:
        return np.asarray(image, np.uint8)
    return to_screen(np.asarray(image, np.uint16), colours, exposure)


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
