"""What the tests of video files share: kinds of files, footage that shows errors, and damage."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from engine.vision.sources.video import Video
from tests.engine.synthetic import Image, number

NTSC = Fraction(1001, 30000)
RATES = (None, 5.0, 29.97)

# name -> how to write it, and whether reading from the middle may start there
KINDS: dict[str, tuple[dict[str, Any], bool]] = {
    "b_frames.mp4": ({"options": {"g": "24", "bf": "3"}}, True),
    "keyframes_only.mp4": ({"options": {"g": "1"}}, True),
    "open_gop.mp4": ({"options": {"g": "24", "x264-params": "open-gop=1:bframes=3:b-adapt=0"}}, True),
    "open_gop.mkv": ({"options": {"g": "24", "x264-params": "open-gop=1:bframes=3:b-adapt=0"}}, True),
    "intra_refresh.mkv": ({"options": {"g": "24", "x264-params": "intra-refresh=1:bframes=0"}}, True),
    "fragmented.mp4": (
        {"options": {"g": "24"}, "container_options": {"movflags": "frag_keyframe+empty_moov"}},
        True,
    ),
    "no_cues.mkv": ({"options": {"g": "24"}, "container_options": {"live": "1"}}, True),
    "vp9.webm": ({"codec": "libvpx-vp9", "options": {"g": "24", "cpu-used": "8", "deadline": "realtime"}}, True),
    "mpeg4.mp4": ({"codec": "mpeg4", "options": {"g": "24", "bf": "2"}}, True),
    "h264.ts": ({"options": {"g": "24", "bf": "3"}}, False),
    "mpeg2.mpg": ({"codec": "mpeg2video", "options": {"g": "24", "bf": "2"}}, False),
    "h264.avi": ({"options": {"g": "24", "bf": "2"}}, False),
    "mpeg4.avi": ({"codec": "mpeg4", "options": {"g": "24", "bf": "2"}}, False),
    "mjpeg.avi": ({"codec": "mjpeg", "pix_fmt": "yuvj420p"}, False),
    "raw.h264": ({"options": {"g": "24", "bf": "2"}}, False),
    "animated.gif": ({"codec": "gif", "pix_fmt": "rgb8"}, False),
}


def contents(
    video: Video, rate: float | None, start: float = 0, stop: float | None = None
) -> list[tuple[int, float, bytes]]:
    return [(frame.pts, frame.time, frame.image.tobytes()) for frame in video.frames(rate, start, stop)]


def numbers(video: Video, rate: float | None, start: float = 0, stop: float | None = None) -> list[int]:
    return [number(frame.image) for frame in video.frames(rate, start, stop)]


def moving_texture(n: int) -> list[Image]:
    """Pictures that no codec can repeat from memory, so that a wrong reference shows in the pixels."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 12 + n // 4, 3), np.uint8)
    scene = cv2.resize(noise, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(scene[i % 32 : i % 32 + 64, i : i + 96]) for i in range(n)]


def packets_of(path: Path) -> list[tuple[int, int]]:
    """Place and size of each packet, bytes."""
    with av.open(str(path)) as container:
        return [(p.pos, p.size) for p in container.demux(video=0) if p.pos is not None and p.size]


def wreck(path: Path, packets: Sequence[int]) -> None:
    """Fill the packets of these numbers, in the order of the file, with zeros."""
    data = bytearray(path.read_bytes())
    places = packets_of(path)
    for i in packets:
        at, size = places[i]
        data[at : at + size] = bytes(size)
    path.write_bytes(data)
