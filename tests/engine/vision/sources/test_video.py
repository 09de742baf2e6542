"""Frames of a recording: which ones, when, and how they look, whatever the file is like."""

from __future__ import annotations

import mmap
import os
import random
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.container import InputContainer

from engine.errors import SourceError, UsageError
from engine.vision.sources import streams, video
from engine.vision.sources.containers import open_recording
from engine.vision.sources.video import Video, fingerprint
from tests.engine.synthetic import number, turn_tkhd, write_video
from tests.engine.vision.sources.clips import (
    KINDS,
    NTSC,
    RATES,
    contents,
    moving_texture,
    numbers,
    wreck,
)

# -- which frames


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("a.mp4", 1),  # its index shows the sizes and the timeline
        ("a.ts", 2),  # without an index every packet is read once, after the first frames
    ],
)
def test_a_file_is_opened_no_more_often_than_it_must(
    tmp_path: Path, name: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def counted(path: Path) -> InputContainer:
        opened.append(path)
        return open_recording(path)

    for module in (streams, video):
        monkeypatch.setattr(module, "open_recording", counted)
    path = write_video(tmp_path / name, range(50))
    with Video(path) as source:
        assert source.duration == pytest.approx(2, abs=0.05)
    assert opened == [path] * times


@pytest.mark.parametrize(
    ("ticks", "rate", "taken"),
    [
        # 25 frames/s (40 ms): every fifth is the first one in its 0.2 s
        (range(0, 800, 40), 5.0, [0, 200, 400, 600]),
        # slower than the rate: all of them
        (range(0, 1000, 250), 5.0, [0, 250, 500, 750]),
        # the rate of the footage itself: all of them, none twice
        (range(0, 400, 40), 25.0, list(range(0, 400, 40))),
        # one in ten seconds
        (range(0, 25000, 1000), 0.1, [0, 10000, 20000]),
        # 3.3 frames/s: buckets begin at 0, 303.03, 606.06, 909.09
        ([0, 303, 304, 606, 607, 909, 910], 3.3, [0, 304, 607, 910]),
        # the 33rd begins at 10 sharp, though the float 3.3 is a little less than 3.3
        ([0, 9900, 10000, 10100], 3.3, [0, 9900, 10000]),
        # variable: a burst, a pause, and a frame just before a border
        ([0, 10, 20, 30, 199, 200, 1999, 2000, 2001], 5.0, [0, 200, 1999, 2000]),
        (range(0, 400, 40), None, list(range(0, 400, 40))),
    ],
)
def test_takes_the_first_frame_of_each_bucket(
    tmp_path: Path, ticks: Sequence[int], rate: float | None, taken: list[int]
) -> None:
    video = Video(write_video(tmp_path / "a.mkv", ticks, time_base=Fraction(1, 1000)))
    assert [frame.pts for frame in video.frames(rate)] == taken
    assert numbers(video, rate) == [list(ticks).index(tick) for tick in taken]


def test_a_bucket_that_straddles_the_start_is_not_taken_twice(tmp_path: Path) -> None:
    # 3 frames/s: the bucket [9.667, 10) holds 9.7 and 9.9, the bucket [10, 10.333) begins with 10.1
    ticks = [0, 97, 99, 101, 102]
    video = Video(write_video(tmp_path / "a.mp4", ticks, time_base=Fraction(1, 10)))
    assert [frame.time for frame in video.frames(3)] == [0, 9.7, 10.1]
    assert [frame.time for frame in video.frames(3, 9.8)] == [10.1]
    assert [frame.time for frame in video.frames(3, 9.7)] == [9.7, 10.1]
    assert [frame.time for frame in video.frames(3, 0, 9.7)] == [0]
    assert [frame.time for frame in video.frames(3, 11)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_spans_together_are_the_whole(tmp_path: Path, kind: str) -> None:
    how, seekable = KINDS[kind]
    video = Video(write_video(tmp_path / kind, range(150), images=moving_texture(150), time_base=NTSC, **how))
    assert video.seekable is seekable
    chance = random.Random(1)
    times = [frame.time for frame in video.frames(None)]
    for rate in RATES:
        whole = contents(video, rate)
        cuts = [0, 1, 2.5, 4, *chance.choices(times, k=4), *(chance.uniform(0, 5) for _ in range(3))]
        cuts.sort()
        parts = [contents(video, rate, *span) for span in zip(cuts, [*cuts[1:], None], strict=True)]
        assert [row for part in parts for row in part] == whole


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_comes_once_at_its_time(tmp_path: Path, kind: str) -> None:
    how, _ = KINDS[kind]
    video = Video(write_video(tmp_path / kind, range(150), time_base=NTSC, **how))
    frames = list(video.frames(None))
    assert [number(frame.image) for frame in frames] == list(range(150))
    assert frames[0].time == 0
    assert frames[0].pts == video.start_pts
    # GIF and Matroska round to 10 and 1 ms
    assert [frame.time for frame in frames] == pytest.approx([float(i * NTSC) for i in range(150)], abs=0.0101)
    assert all(frame.time == float((frame.pts - video.start_pts) * video.time_base) for frame in frames)
    assert (video.dropped, video.damaged) == (0, 0)


def test_reading_from_the_middle_of_variable_footage(tmp_path: Path) -> None:
    chance = random.Random(2)
    ticks = np.cumsum([chance.choice([1, 17, 40, 400]) for _ in range(300)]).tolist()
    path = write_video(tmp_path / "a.mp4", ticks, time_base=Fraction(1, 1000), options={"g": "30", "bf": "3"})
    video = Video(path)
    whole = contents(video, 5)
    for start in (0.5, 7, 10, 20, 30.001):
        assert contents(video, 5, start, start + 4) == [row for row in whole if start <= row[1] < start + 4]


def test_reading_from_the_middle_does_not_decode_what_lies_before(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", range(900), options={"g": "25", "bf": "2"})
    wreck(path, range(100, 500))
    video = Video(path)
    assert numbers(video, None, 30.0) == list(range(750, 900))
    assert video.damaged == 0
    assert len(numbers(video, None)) < 600
    assert video.damaged > 300


def test_a_start_after_the_end_gives_nothing(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.avi", "a.gif"):
        codec, fmt = ("gif", "rgb8") if name == "a.gif" else ("mpeg4", None)
        video = Video(write_video(tmp_path / name, range(30), codec=codec, pix_fmt=fmt))
        assert contents(video, 5, 2000) == []


@pytest.mark.parametrize("name", ["a.ts", "a.mp4", "a.mkv"])
def test_session_time_begins_at_the_first_frame(tmp_path: Path, name: str) -> None:
    video = Video(write_video(tmp_path / name, range(2500, 2700)))
    for start in (0.0, 6.0):
        assert next(video.frames(None, start)).time == start
    assert numbers(video, 5, 6.0) == list(range(150, 200, 5))
    if name != "a.mp4":  # the mp4 muxer writes an edit list that takes the offset out again
        assert video.start_pts * video.time_base >= 100


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_cannot_be(tmp_path: Path, rate: float) -> None:
    video = Video(write_video(tmp_path / "a.mp4", range(5)))
    with pytest.raises(UsageError, match="sample-rate is"):
        video.frames(rate)


# -- how they look


@pytest.mark.parametrize("size", [(80, 48), (81, 47), (1, 1), (2, 7)])
def test_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    images = [np.full((height, width, 3), (200, 100, 50), np.uint8)] * 3
    video = Video(write_video(tmp_path / "a.mkv", images=images, codec="ffv1", pix_fmt="bgr0"))
    frames = list(video.frames(None))
    assert (video.width, video.height) == size
    assert len(frames) == 3
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        np.testing.assert_array_equal(frame.image, images[0])


@pytest.mark.parametrize("size", [(80, 48), (81, 47)])
@pytest.mark.parametrize(
    ("matrix", "turns"),  # quarter turns clockwise
    [((1, 0, 0, 1), 0), ((0, 1, -1, 0), 1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 3)],
)
def test_footage_of_a_turned_phone_is_upright(
    tmp_path: Path, size: tuple[int, int], matrix: tuple[int, int, int, int], turns: int
) -> None:
    width, height = size
    image = np.full((height, width, 3), 40, np.uint8)
    image[: height // 2, : width // 2] = (200, 40, 40)  # red: top left
    image[height // 2 :, : width // 2] = (40, 40, 200)  # blue: bottom left
    path = turn_tkhd(write_video(tmp_path / "a.mp4", images=[image] * 30, options={"g": "10"}), matrix)
    video = Video(path)
    expected = np.rot90(image, -turns)
    for start in (0, 0.8):  # also where reading begins in the middle
        shown = next(video.frames(None, start)).image
        assert (video.height, video.width) == shown.shape[:2] == expected.shape[:2]
        assert np.abs(shown.astype(int) - expected).mean() < 8


def test_colours_are_those_of_opencv(shared: Path) -> None:
    for name in ("students.mp4", "one_person.mp4", "walking_1080p.mp4", "four_seated.gif", "broken_header.avi"):
        path = shared / "footage" / name
        capture = cv2.VideoCapture(str(path))
        with Video(path) as video:
            for frame, _ in zip(video.frames(None), range(3), strict=False):
                theirs = capture.read()[1][..., ::-1].astype(int)
                assert np.abs(frame.image - theirs).mean() < 1, name


# -- real footage


@pytest.mark.parametrize(
    ("name", "size", "frames", "at_five", "duration"),
    [
        ("students.mp4", (898, 506), 139, 29, 5.797),
        ("four_seated.gif", (480, 270), 45, 15, 2.99),
        ("walking_1080p.mp4", (1920, 1080), 105, 21, 4.2),
        ("one_person.mp4", (640, 360), 472, 99, 19.685),
        ("broken_header.avi", (1280, 720), 434, 181, 36.286),  # the header claims 870 frames
    ],
)
def test_footage(
    shared: Path, name: str, size: tuple[int, int], frames: int, at_five: int, duration: float
) -> None:
    with Video(shared / "footage" / name) as video:
        assert (video.width, video.height) == size
        assert video.duration == pytest.approx(duration, abs=0.001)
        times = [frame.time for frame in video.frames(None)]
        assert len(times) == frames
        assert all(a < b for a, b in pairwise(times))
        assert times[-1] < duration
        assert (video.dropped, video.damaged) == (0, 0)
        whole = contents(video, 5)
        assert len(whole) == at_five
        assert contents(video, 5, 0, 2) + contents(video, 5, 2) == whole


# -- what it leaves behind


def open_files(path: Path) -> int:
    links = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return links.count(str(path.resolve()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files through /proc")
def test_the_file_is_let_go(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", range(50))
    with Video(path) as video:
        assert open_files(path) == 0
        first, second = video.frames(None), video.frames(5, 1.0)
        assert number(next(first).image) == 0
        assert number(next(second).image) == 25
        assert number(next(first).image) == 1  # readers do not disturb each other
        assert open_files(path) == 2
        first.close()
        assert open_files(path) == 1
    assert open_files(path) == 0
    assert list(second) == []
    for _ in Video(path).frames(None):
        break
    assert open_files(path) == 0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
def test_memory_stays_flat(tmp_path: Path) -> None:
    images = [np.full((480, 640, 3), i, np.uint8) for i in range(250)]
    video = Video(write_video(tmp_path / "a.mp4", images=images, options={"preset": "ultrafast"}))

    def resident() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE / 2**20

    used = [resident() for _ in video.frames(None)]
    assert used[-1] - used[50] < 20  # MB; the 200 images between them are 184


def test_an_image_outlives_its_reader(tmp_path: Path) -> None:
    video = Video(write_video(tmp_path / "a.mp4", range(30)))
    frames = list(video.frames(None))
    assert [number(frame.image) for frame in frames] == list(range(30))


def test_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert (
        fingerprint(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )  # FIPS 180-4, B.1
    with pytest.raises(SourceError) as caught:
        fingerprint(tmp_path / "b")
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ("2026-03-02T09:15:30.000000Z", "2026-03-02 09:15:30+00:00"),
        ("2026-03-02T09:15:30+02:00", "2026-03-02 07:15:30+00:00"),
        ("1904-01-01T00:00:00.000000Z", "None"),  # no clock was set
        ("last Monday", "None"),
        (None, "None"),
    ],
)
def test_when_it_was_recorded_is_what_the_file_says(tmp_path: Path, said: str | None, recorded: str) -> None:
    source = write_video(tmp_path / "plain.mp4", range(3))
    path = tmp_path / "dated.mkv"
    with av.open(str(source)) as plain, av.open(str(path), "w") as dated:
        if said:
            dated.metadata["creation_time"] = said
        stream = dated.add_stream_from_template(plain.streams.video[0])
        for packet in plain.demux(plain.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                dated.mux(packet)
    with Video(path) as video:
        assert str(video.recorded) == recorded
