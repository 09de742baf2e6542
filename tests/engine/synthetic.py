"""Tiny videos whose pictures say their own number, so that a test can tell which frame it got."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
BITS = 10


def numbered(number: int, width: int = 80, height: int = 48) -> Image:
    """A picture of BITS bars, white for a 1, the least significant bit leftmost."""
    bits = (number >> (np.arange(width) * BITS // width)) & 1
    row = np.where(bits == 1, 235, 20).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (height, width, 3)).copy()


def number(image: Image) -> int:
    """What `numbered` wrote, read back from a decoded picture of the same aspect."""
    bars = [bar[:, 1:-1].mean() > 128 for bar in np.array_split(image[..., 0], BITS, axis=1)]
    return sum(1 << i for i, bar in enumerate(bars) if bar)


def write_video(
    path: Path,
    ticks: Sequence[int] | None = None,
    *,
    images: Sequence[Image] | None = None,
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    pix_fmt: str | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    tone: bool = False,
    pixel: Fraction | None = None,
) -> Path:
    """Write frame i with `images[i]`, or with its number, at `ticks[i]` of `time_base`; `tone` adds sound.

    `pixel` is the sample aspect ratio that codec and container state.
    """
    if ticks is None:
        ticks = range(len(images or ()))
    if images is None:
        images = [numbered(i) for i in range(len(ticks))]
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=Fraction(1) / time_base, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = pix_fmt or ("yuv420p" if width % 2 == height % 2 == 0 else "yuv444p")
        stream.codec_context.time_base = time_base
        if pixel is not None:
            stream.codec_context.sample_aspect_ratio = pixel
        stream.codec_context.thread_count = 1  # the same bytes on every machine
        sound = container.add_stream("aac", rate=44100, layout="mono") if tone else None
        for tick, image in zip(ticks, images, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(_silence(sound))
    return path


def write_sound(path: Path) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        container.mux(_silence(container.add_stream("aac", rate=44100, layout="mono")))
    return path


def _silence(stream: av.AudioStream) -> list[av.Packet[av.AudioStream]]:
    packets: list[av.Packet[av.AudioStream]] = []
    for i in range(20):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, i * 1024
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def turn_tkhd(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write (a, b, c, d) into the display matrix of an mp4's only track (ISO/IEC 14496-12, 8.3.2 and 6.2.2).

    A point (x, y) of the picture is shown at (a x + c y, b x + d y), y downwards: (0, 1, -1, 0) is a quarter turn
    clockwise.
    """
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4  # then version 0: 4 + 5 * 4 + 8 + 8 bytes before the matrix
    a, b, c, d = (value * 65536 for value in matrix)
    values = (a, b, 0, c, d, 0, 0, 0, 0x40000000)
    data[at + 40 : at + 76] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(data)
    return path


def copied(path: Path, source: Path, offsets: Sequence[float]) -> Path:
    """The packets of `source` once for each offset (s), by which their times are later."""
    with av.open(str(path), "w") as target:
        stream = None
        for offset in offsets:
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                stream = stream or target.add_stream_from_template(video)
                for packet in container.demux(video):
                    if packet.size and packet.pts is not None and packet.time_base is not None:
                        later = round(offset / packet.time_base)
                        packet.pts, packet.dts = packet.pts + later, (packet.dts or 0) + later
                        packet.stream = stream
                        target.mux(packet)
    return path
