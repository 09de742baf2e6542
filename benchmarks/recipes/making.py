"""Writes the lesson again in another codec, container, size or shape, with PyAV alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from benchmarks.footage import SHARED

Image = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
LESSON = SHARED / "footage" / "students.mp4"
NTSC_FILM = Fraction(24000, 1001)


@cache
def lesson() -> tuple[npt.NDArray[np.uint8], ...]:
    """The frames of the lesson, (506, 898, 3) RGB."""
    with av.open(str(LESSON)) as container:
        return tuple(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0))


@dataclass(frozen=True)
class Encoding:
    """How a stream is written."""

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    """Stored size, px; by default that of the images."""
    pixel: Fraction | None = None
    """Sample aspect ratio that codec and container state."""
    matrix: str | None = None
    """Of the colours, by a name of av.video.reformatter.Colorspace."""
    full: bool | None = None
    """Whether the whole range of values is used; None: nothing is said, and it is not."""
    tags: dict[str, int] = field(default_factory=dict)
    """What else the codec is told: color_trc, color_primaries."""
    top_first: bool | None = None
    """The order of the fields; None: progressive."""


#: Quality that loses next to nothing, by codec.
_OPTIONS = {
    "libx264": {"crf": "12", "preset": "veryfast"},
    "libx265": {"crf": "12", "preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"crf": "6", "b": "8M", "deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"crf": "12", "b": "0", "deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"crf": "18", "preset": "11"},
}
_MATRICES = {"ITU709": 1, "ITU601": 6, "SMPTE240M": 7, "BT2020": 9}


def write(
    path: Path,
    encoding: Encoding | None = None,
    images: Iterable[Image] | None = None,
    times: Sequence[int] | None = None,
    rate: Fraction = NTSC_FILM,
    container_options: dict[str, str] | None = None,
    before: Callable[[Any], None] | None = None,
) -> None:
    """Write `images`, by default the lesson's, at `times` in units of 1 / `rate`, by default one after the other.

    `before` is called with the container before the stream is added.
    """
    encoding = encoding or Encoding()
    with av.open(str(path), "w", options=container_options or {}) as container:
        if before:
            before(container)
        images = lesson() if images is None else images
        stream: VideoStream | None = None
        for k, image in enumerate(images):
            if stream is None:
                height, width = image.shape[:2]
                stream = add_stream(container, encoding, encoding.size or (width, height), rate)
            frame = frame_of(image, encoding)
            frame.pts, frame.time_base = (times[k] if times else k), 1 / rate
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def add_stream(container: Any, encoding: Encoding, size: tuple[int, int], rate: Fraction) -> VideoStream:
    """A stream of `container` that is written so."""
    options = _OPTIONS.get(encoding.codec, {"b": "20M", "qmin": "1"}) | encoding.options
    stream: VideoStream = container.add_stream(encoding.codec, rate=rate, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = encoding.pix_fmt
    context = stream.codec_context
    context.time_base = 1 / rate
    if encoding.pixel is not None:
        context.sample_aspect_ratio = encoding.pixel
    if encoding.matrix is not None:
        context.colorspace = _MATRICES[encoding.matrix]
    if encoding.full is not None:
        context.color_range = 2 if encoding.full else 1
    for name, value in encoding.tags.items():
        setattr(context, name, value)
    return stream


def frame_of(image: Image, encoding: Encoding) -> VideoFrame:
    """An image as the codec takes it."""
    pix_fmt = "rgb48le" if image.dtype == np.uint16 else "rgb24"
    frame = av.VideoFrame.from_ndarray(image, format=pix_fmt)
    width, height = encoding.size or (frame.width, frame.height)
    frame = frame.reformat(
        width,
        height,
        format=encoding.pix_fmt,
        interpolation="BICUBIC",
        dst_colorspace=encoding.matrix and _MATRICES[encoding.matrix],
        dst_color_range=None if encoding.full is None else (2 if encoding.full else 1),
    )
    return frame if encoding.top_first is None else flagged(frame, encoding.top_first)


def flagged(frame: VideoFrame, top_first: bool) -> VideoFrame:
    """The frame as one of two fields."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or 1 / NTSC_FILM
    )
    field_order = graph.add("setfield", "tff" if top_first else "bff")
    graph.link_nodes(source, field_order, graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()
