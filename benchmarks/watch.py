"""`make bench-watch`: how late pictures of a camera are analysed, a drawn lesson at 1080p and 25 pictures a second.

    python -m benchmarks.watch [--minutes 30] [--students 30]

A real RTSP server (see docs/testing.md) plays it in real time; networks, codecs and faces are those of a watch.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from classpulse.simulation.lesson import Lesson
from classpulse.simulation.render import render_lesson
from engine.sessions.live.watching import watch
from engine.vision.sources.protocol import Frame
from tests.engine.vision.cameras.rtsp import RtspServer, why_missing

#: Seconds that are drawn; the camera plays them again and again.
DRAWN = 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--students", type=int, default=30)
    options = parser.parse_args()
    if reason := why_missing():
        print(f"skipped: {reason}")
        return
    with tempfile.TemporaryDirectory() as folder:
        drawn, long = Path(folder) / "drawn.mp4", Path(folder) / "long.mp4"
        lesson = Lesson(students=options.students, width=1920, height=1080, duration=DRAWN)
        render_lesson(lesson, drawn, container_format="mp4")
        repeat(drawn, long, round((options.minutes * 60 + 30) / DRAWN))
        server = RtspServer(long)
        try:
            delays = watched(server.address(), Path(folder) / "a.db", options.minutes * 60)
        finally:
            server.kill()
    show(delays, os.times())


def repeat(source: Path, target: Path, times: int) -> None:
    """Write the video so many times, one after the other, without coding it again."""
    with av.open(str(target), "w") as written:
        stream = None
        for turn in range(times):
            with av.open(str(source)) as read:
                video = read.streams.video[0]
                stream = stream or written.add_stream_from_template(video)
                assert video.time_base is not None
                shift = round(turn * Fraction(DRAWN) / video.time_base)
                for packet in read.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    written.mux(packet)


def watched(address: str, db: Path, seconds: float) -> list[float]:
    """The delay, s, of each picture that was analysed in so many seconds: from when it was taken to its faces."""
    delays: list[float] = []
    begun: list[float] = []

    def note(frame: Frame, *_: object) -> None:
        delays.append(time.time() - frame.pts / 1_000_000)

    def is_over(now: float) -> bool:
        begun[:] = begun or [now]
        return now >= begun[0] + seconds

    watch(address, db, until=is_over, on_labels=note, on_change=print)
    return delays


def show(delays: list[float], used: os.times_result) -> None:
    third = len(delays) // 3
    print(f"{len(delays)} pictures; {used.user + used.system:.0f} s of CPU time with the drawing")
    for name, part in (("all", delays), ("first third", delays[:third]), ("last third", delays[-third:])):
        print(f"{name}: median {np.median(part):.2f} s, 95 % under {np.percentile(part, 95):.2f} s")


if __name__ == "__main__":
    main()
