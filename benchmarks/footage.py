"""The evaluation footage, and footage of any length made of it."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

SHARED = Path(os.environ.get("CLASSPULSE_DATA", Path(__file__).parents[2] / "shared"))


def loop(source: Path, target: Path, minutes: float) -> Path:
    """Write the packets of `source` over and over, without decoding, until `target` is `minutes` long."""
    with av.open(str(target), "w") as out:
        written = 0
        tick, stream = Fraction(0), None
        while stream is None or written * tick < 60 * minutes:
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                if stream is None:
                    stream = out.add_stream_from_template(video)
                    stream.time_base = tick = video.time_base or Fraction(1, 1000)
                begin = written
                for packet in container.demux(video):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts += begin
                    packet.dts += begin
                    written = max(written, packet.pts + (packet.duration or 1))
                    packet.stream = stream
                    out.mux(packet)
    return target


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """(h, w, 3) RGB. Ends the program with one line for a file that is not an image."""
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: not an image that can be read")
    return np.ascontiguousarray(image[..., ::-1], np.uint8)
