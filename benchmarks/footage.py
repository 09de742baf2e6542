"""The evaluation footage, and footage of any length made of it."""

from __future__ import annotations

import os
from pathlib import Path

import av

SHARED = Path(os.environ.get("CLASSPULSE_DATA", Path(__file__).parents[2] / "shared"))


def loop(source: Path, target: Path, minutes: float) -> Path:
    """Write the packets of `source` over and over, without decoding, until `target` is `minutes` long."""
    with av.open(str(target), "w") as out:
        written = 0
        stream = None
        while stream is None or float(written * stream.time_base) < 60 * minutes:
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                if stream is None:
                    stream = out.add_stream_from_template(video)
                    stream.time_base = video.time_base
                begin = written
                for packet in container.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts += begin
                    packet.dts += begin
                    written = max(written, packet.pts + (packet.duration or 1))
                    packet.stream = stream
                    out.mux(packet)
    return target
