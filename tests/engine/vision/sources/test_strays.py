"""One timestamp that is far from its neighbours' is no clock that jumps."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.vision.sources.video import Video
from tests.engine.synthetic import number, write_video

FRAMES = 50


def set_time(path: Path, place: int, ticks: int) -> None:
    """Give the PES packet at `place` of a transport stream another presentation time (ISO/IEC 13818-1, 2.4.3.6)."""
    data, at = bytearray(path.read_bytes()), -1
    for _ in range(place + 1):
        at = data.index(b"\0\0\1\xe0", at + 1)
    top = data[at + 9] & 0xF0
    data[at + 9 : at + 14] = bytes(
        [
            top | (ticks >> 29 & 0xE) | 1,
            ticks >> 22 & 0xFF,
            (ticks >> 14 & 0xFE) | 1,
            ticks >> 7 & 0xFF,
            (ticks << 1 & 0xFE) | 1,
        ]
    )
    path.write_bytes(data)


@pytest.mark.parametrize("hours", [1, 20])
def test_one_stray_timestamp_is_passed_over(tmp_path: Path, hours: int) -> None:
    path = write_video(tmp_path / "a.ts", range(FRAMES), options={"bf": "0"})
    set_time(path, 20, hours * 3600 * 90_000)
    video = Video(path)
    frames = list(video.frames(None))
    assert [number(frame.image) for frame in frames] == list(range(FRAMES))
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(FRAMES)], abs=0.02)
    assert video.warnings == []
    assert video.damaged == 0
    later = [number(frame.image) for frame in video.frames(5, start=1.0)]
    assert later == [number(frame.image) for frame in video.frames(5) if frame.time >= 1.0]


def test_two_in_a_row_are_a_clock_that_jumps(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts", range(FRAMES), options={"bf": "0"})
    for place in (20, 21):
        set_time(path, place, 3600 * 90_000 + 3600 * place)
    assert [warning.code for warning in Video(path).warnings] == ["clock_jump", "clock_back"]
