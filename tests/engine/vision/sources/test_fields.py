"""Interlaced footage: the picture at the time of a frame's first field, without combs, from wherever it is read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.filter import Graph

from engine.vision.sources import fields
from engine.vision.sources.video import Video
from tests.engine.synthetic import Image
from tests.engine.vision.sources.clips import contents, moving_texture

STEP = 8


def bar(field: int, width: int, height: int) -> Image:
    """A bright bar that has moved on by STEP px with every field."""
    image = np.full((height, width, 3), 30, np.uint8)
    left = 20 + STEP * field % (width - 80)
    image[:, left : left + 40] = 220
    return image


def woven(first: Image, second: Image, top_first: bool) -> Image:
    first = first.copy()
    late = slice(1, None, 2) if top_first else slice(0, None, 2)
    first[late] = second[late]
    return first


def write_fields(
    path: Path,
    orders: Sequence[bool | None],
    codec: str = "libx264",
    size: tuple[int, int] = (320, 192),
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    pictures: Sequence[Image] | None = None,
) -> Path:
    """Frame k has its top field first (True), its bottom field first (False), or is progressive (None).

    It shows `pictures` 2k and 2k + 1, or a moving bar.
    """
    if pictures is None:
        pictures = [bar(k, *size) for k in range(2 * len(orders))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "12", "b": "8M"} | (options or {}))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        for k, order in enumerate(orders):
            first, second = pictures[2 * k : 2 * k + 2]
            image = first if order is None else woven(first, second, order)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(_flagged(frame, order)))
        container.mux(stream.encode(None))
    return path


def _flagged(frame: av.VideoFrame, order: bool | None) -> av.VideoFrame:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25)
    )
    field = graph.add("setfield", {True: "tff", False: "bff", None: "prog"}[order])
    graph.link_nodes(source, field, graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def edges(image: Image) -> list[int]:
    """Where the bar begins, in every row."""
    return [int(np.flatnonzero(row > 125)[0]) for row in image[..., 0]]


INTERLACED = {"flags": "+ildct+ilme"}
KINDS: dict[str, dict[str, Any]] = {
    "camcorder.mts": {"options": {"x264-params": "tff=1:bframes=0"}, "top": (True,)},
    "bottom.mp4": {"options": {"x264-params": "bff=1"}, "top": (False,)},
    "dvd.mpg": {"codec": "mpeg2video", "options": INTERLACED},
    "dvd.vob": {"codec": "mpeg2video", "options": INTERLACED},
    "broadcast.ts": {"codec": "mpeg2video", "options": INTERLACED},
    "divx.avi": {"codec": "mpeg4", "options": INTERLACED},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "options": {"flags": "+ildct"}},
    "lossless.mkv": {"codec": "ffv1"},
    "dv.avi": {"codec": "dvvideo", "size": (720, 576), "top": (False,)},
}


@pytest.mark.parametrize("name", KINDS)
def test_each_frame_shows_the_time_of_its_first_field(tmp_path: Path, name: str) -> None:
    how = dict(KINDS[name])
    tops = how.pop("top", (True, False))
    for top_first in tops:
        video = Video(write_fields(tmp_path / name, [top_first] * 30, **how))
        frames = list(video.frames(None))
        assert len(frames) == 30
        width = frames[0].image.shape[1] if name != "dv.avi" else 720
        scale = video.width / width
        for k, frame in enumerate(frames):
            left = (20 + STEP * 2 * k % (width - 80)) * scale
            assert max(abs(edge - left) for edge in edges(frame.image)) <= 2, (k, top_first)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mts"])
@pytest.mark.parametrize("rate", [None, 5.0])
def test_spans_together_are_the_whole(tmp_path: Path, name: str, rate: float | None) -> None:
    pictures = moving_texture(160)
    options = {"x264-params": "tff=1:bframes=2"}
    video = Video(write_fields(tmp_path / name, [True] * 80, size=(96, 64), options=options, pictures=pictures))
    whole = contents(video, rate)
    chance = random.Random(3)
    cuts = sorted(
        [*(k / 25 for k in range(0, 80, 4)), *(chance.uniform(0, 3.2) for _ in range(4))]
    )  # also at keyframes
    parts = [contents(video, rate, *span) for span in zip(cuts, [*cuts[1:], None], strict=True)]
    assert [row for part in parts for row in part] == whole


@pytest.mark.parametrize("rate", [None, 5.0])
def test_progressive_frames_among_others_stay_as_they_are(
    tmp_path: Path, rate: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interlaced ones begin late: they are seen as such all the same, and the others pass no filter."""
    orders = [None] * 40 + [False] * 20 + [None] * 20
    path = write_fields(tmp_path / "a.mkv", orders, codec="ffv1")
    filtered: list[int] = []
    whole = fields.deinterlaced

    def noted(of: fields.Neighbours) -> av.VideoFrame:
        filtered.append(of.ticks)
        return whole(of)

    monkeypatch.setattr("engine.vision.sources.picture.deinterlaced", noted)
    frames = list(Video(path).frames(rate))
    assert [round(25 * frame.time) for frame in frames] == list(range(0, 80, 1 if rate is None else 5))
    for frame in frames:
        number = round(25 * frame.time)
        assert set(edges(frame.image)) == {20 + STEP * 2 * number % 240}
    assert [round(tick / 40) for tick in filtered] == list(range(40, 60, 1 if rate is None else 5))


def test_what_stands_still_keeps_its_lines(tmp_path: Path) -> None:
    """A static pattern of single lines, which half the lines alone could not show."""
    path = tmp_path / "a.mkv"
    image = np.full((96, 160, 3), 30, np.uint8)
    image[::2] = 220
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv444p"
        for k in range(5):
            stored = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv444p")
            stored.pts, stored.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(_flagged(stored, True)))
        container.mux(stream.encode(None))
    for frame in list(Video(path).frames(None))[1:-1]:
        assert frame.image[20:76:2].mean() > 210
        assert frame.image[21:76:2].mean() < 40
