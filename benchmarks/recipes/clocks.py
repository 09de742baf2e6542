"""Clocks that begin late, go back or jump, and ends: when the pictures of a recording are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.recipes.making import LESSON
from benchmarks.recipes.recipe import FRAMES, RATE, Recipe, add

HOUR = 3600
LAST = (FRAMES - 1) / RATE


def copy(path: Path, offsets: Sequence[float] = (0,), sound: float = 0, held: float = 0) -> None:
    """The lesson's packets once for each offset, s later, with so many seconds of `sound`.

    The last picture is `held` for so long, s.
    """
    with av.open(str(path), "w") as target:
        stream: Any = None
        tone: Any = None
        for offset in offsets:
            with av.open(str(LESSON)) as lesson:
                video = lesson.streams.video[0]
                if stream is None:
                    stream = target.add_stream_from_template(video)
                    tone = target.add_stream("aac", rate=16000, layout="mono") if sound else None
                packets = [packet for packet in lesson.demux(video) if packet.dts is not None]
                time_base = video.time_base or Fraction(1)
                for packet in packets:
                    packet.pts = (packet.pts or 0) + round(offset / time_base)
                    packet.dts = (packet.dts or 0) + round(offset / time_base)
                    packet.stream = stream
                if held:
                    packets[-1].duration = round(held / time_base)
                target.mux(packets)
        for second in range(round(sound)):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
            samples.sample_rate, samples.pts, samples.time_base = 16000, second * 16000, Fraction(1, 16000)
            target.mux(tone.encode(samples))
        if tone:
            target.mux(tone.encode(None))


def glue(path: Path, begins: Sequence[float]) -> None:
    """Copies of the lesson whose clocks begin at `begins` s, joined as `cat` joins files."""
    parts = []
    for k, begin in enumerate(begins):
        part = path.with_stem(f"part{k}")
        copy(part, [begin])
        parts.append(part.read_bytes())
        part.unlink()
    path.write_bytes(b"".join(parts))


def edited(path: Path, seconds: float) -> None:
    """An mp4 whose edit list shows the first `seconds` alone (ISO/IEC 14496-12, 8.6.6)."""
    copy(path)
    data = bytearray(path.read_bytes())
    scale = data.index(b"mvhd") + 4 + 12
    duration = round(seconds * int.from_bytes(data[scale : scale + 4], "big"))
    at = data.index(b"elst") + 4 + 8  # version 0: the duration of the first entry
    data[at : at + 4] = duration.to_bytes(4, "big")
    path.write_bytes(data)


def repeated(times: int, gap: float = 0) -> dict[str, Any]:
    """What must be found where the lesson is shown so many times, `gap` s apart."""
    period = FRAMES / RATE + gap
    return {
        "frames": times * FRAMES,
        "last": (times - 1) * period + LAST,
        "index": lambda time: round(time % period * RATE) % FRAMES,
    }


BACK, JUMP = ("clock_back",), ("clock_jump",)
add(
    Recipe("start10.mkv", partial(copy, offsets=[10])),
    Recipe("start10.mp4", partial(copy, offsets=[10])),
    Recipe("start_hour.ts", partial(copy, offsets=[HOUR])),
    Recipe("start_hour.mkv", partial(copy, offsets=[HOUR])),
    Recipe("start10h.ts", partial(copy, offsets=[10 * HOUR])),
    # -- goes back
    Recipe("restarted.ts", partial(glue, begins=[10 * HOUR, 0]), warnings=BACK, **repeated(2)),
    Recipe("glued.ts", partial(glue, begins=[0, 0]), warnings=BACK, **repeated(2)),
    Recipe("glued.mkv", partial(glue, begins=[0, 0]), warnings=BACK, **repeated(2)),
    Recipe("glued_thrice.ts", partial(glue, begins=[10, 5, 0]), warnings=BACK * 2, **repeated(3)),
    Recipe("glued_thrice.mkv", partial(glue, begins=[0, 0, 0]), warnings=(*BACK, "unread"), **repeated(2)),
    # -- jumps
    Recipe("jump10h.ts", partial(glue, begins=[0, 10 * HOUR]), warnings=JUMP, **repeated(2)),
    Recipe("jump10h.mkv", partial(copy, offsets=[0, 10 * HOUR]), warnings=JUMP, **repeated(2)),
    Recipe("jump10h.mp4", partial(copy, offsets=[0, 10 * HOUR]), warnings=JUMP, **repeated(2)),
    Recipe("jump100h.mkv", partial(copy, offsets=[0, 100 * HOUR]), warnings=JUMP, **repeated(2)),
    Recipe("pause.mp4", partial(copy, offsets=[0, FRAMES / RATE + 30]), **repeated(2, gap=30)),
    Recipe("pause_left_out.mp4", partial(copy, offsets=[0, FRAMES / RATE + 30]), warnings=JUMP,
           settings={"max_gap": 20.0}, **repeated(2)),
    Recipe("gap_kept.mkv", partial(copy, offsets=[0, FRAMES / RATE + 600]), settings={"max_gap": None},
           **repeated(2, gap=600)),
    # -- ends
    Recipe("longer_sound.mp4", partial(copy, sound=30)),
    Recipe("longer_sound.mkv", partial(copy, sound=30)),
    Recipe("longer_sound.ts", partial(copy, sound=30)),
    Recipe("shorter_sound.mkv", partial(copy, sound=3)),
    Recipe("held.mp4", partial(copy, held=20)),
    Recipe("held.mkv", partial(copy, held=20)),
    Recipe("edited_end.mp4", partial(edited, seconds=4.0), frames=96, last=95 / RATE),
)  # fmt: skip
