"""Frames of a recording: which ones, when, and how they look, whatever the file is like."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import engine.vision.sources.packets
from engine.errors import SourceError, UsageError
from engine.vision.sources.video import Video, fingerprint
from tests.engine.synthetic import Image, number, numbered, turn_tkhd, write_sound, write_video

NTSC = Fraction(1001, 30000)
RATES = (None, 5.0, 29.97)

# name -> how to write it, and whether reading from the middle may start there
KINDS = {
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


def contents(video: Video, *span: float | None) -> list[tuple[int, float, bytes]]:
    return [(frame.pts, frame.time, frame.image.tobytes()) for frame in video.frames(*span)]


def numbers(video: Video, *span: float | None) -> list[int]:
    return [number(frame.image) for frame in video.frames(*span)]


def moving_texture(n: int) -> list[Image]:
    """Pictures that no codec can repeat from memory, so that a wrong reference shows in the pixels."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 12 + n // 4, 3), np.uint8)
    scene = cv2.resize(noise, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(scene[i % 32 : i % 32 + 64, i : i + 96]) for i in range(n)]


# -- which frames


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


def test_a_clock_that_goes_back_drops_frames_and_counts_them(tmp_path: Path) -> None:
    once = write_video(tmp_path / "once.ts", range(50)).read_bytes()
    twice = tmp_path / "twice.ts"
    twice.write_bytes(once + once)
    video = Video(twice)
    assert numbers(video, None) == list(range(50))
    assert video.dropped == 50


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_cannot_be(tmp_path: Path, rate: float) -> None:
    video = Video(write_video(tmp_path / "a.mp4", range(5)))
    with pytest.raises(UsageError, match="sample-rate is"):
        video.frames(rate)


# -- pictures that need not be decoded


@pytest.fixture
def decoded_whole(monkeypatch: pytest.MonkeyPatch):
    """`decoded_whole(video, rate)`: its contents with every picture decoded."""

    def decoded(video: Video, *span: float | None) -> list[tuple[int, float, bytes]]:
        with monkeypatch.context() as patch:
            patch.setattr(engine.vision.sources.packets.SkippablePackets, "skips", lambda *_: False)
            patch.setattr(engine.vision.sources.packets.SkippablePackets, "first_missed", lambda *_: None)
            return contents(video, *span)

    return decoded


@pytest.mark.parametrize("kind", KINDS)
def test_sparing_changes_no_sample(tmp_path: Path, kind: str, decoded_whole) -> None:
    how, _ = KINDS[kind]
    video = Video(write_video(tmp_path / kind, range(150), images=moving_texture(150), time_base=NTSC, **how))
    for rate in (0.5, 5, 11.3, 29.97):
        assert contents(video, rate) == decoded_whole(video, rate)
        assert contents(video, rate, 2.1, 4.2) == decoded_whole(video, rate, 2.1, 4.2)


@pytest.mark.parametrize("seed", range(4))
def test_sparing_changes_no_sample_of_variable_footage(tmp_path: Path, seed: int, decoded_whole) -> None:
    chance = random.Random(seed)
    ticks = np.cumsum([chance.choice([1, 17, 40, 400]) for _ in range(200)]).tolist()
    options = {"g": "30", "bf": str(seed), "b-pyramid": chance.choice(["none", "normal"])}
    images = moving_texture(200)
    video = Video(
        write_video(tmp_path / "a.mp4", ticks, images=images, time_base=Fraction(1, 1000), options=options)
    )
    assert contents(video, 5) == decoded_whole(video, 5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_sparing_changes_no_sample_of_damaged_footage(tmp_path: Path, codec: str, seed: int, decoded_whole) -> None:
    chance = random.Random(seed)
    options = {"g": "25", "bf": "3", "sc_threshold": "0"}
    path = write_video(tmp_path / "a.mp4", range(150), images=moving_texture(150), codec=codec, options=options)
    wreck(path, chance.sample(range(1, 150), 12))
    video = Video(path)
    for rate in (5, 2, 11):
        sampled, whole = contents(video, rate), decoded_whole(video, rate)
        assert [pts for pts, *_ in sampled] == [pts for pts, *_ in whole]


def test_half_of_the_pictures_need_not_be_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0
    decode = Video._decode

    def counted(*arguments):
        nonlocal decoded
        for frame in decode(*arguments):
            decoded += 1
            yield frame

    path = write_video(tmp_path / "a.mp4", range(150), options={"bf": "3", "b-adapt": "0"})
    video = Video(path)
    monkeypatch.setattr(Video, "_decode", counted)
    assert numbers(video, 5) == list(range(0, 150, 5))
    assert decoded < 0.65 * 150


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


def test_a_stream_that_changes_its_size_keeps_the_first_ones(tmp_path: Path) -> None:
    small = write_video(tmp_path / "small.ts", range(20)).read_bytes()
    images = [numbered(20 + i, 160, 96) for i in range(20)]
    large = write_video(tmp_path / "large.ts", range(30, 50), images=images).read_bytes()
    both = tmp_path / "both.ts"
    both.write_bytes(small + large)
    frames = list(Video(both).frames(None))
    assert [number(frame.image) for frame in frames] == list(range(40))
    assert {frame.image.shape for frame in frames} == {(48, 80, 3)}


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


# -- damage


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


@pytest.mark.parametrize(
    ("packets", "touched"),  # the frames that hang on these packets, with a keyframe every 25 frames
    [
        ([60], range(50, 75)),
        (range(60, 70), range(50, 75)),
        ([147, 148, 149], range(125, 150)),
        ([50], range(47, 75)),
    ],
)
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_damage_in_the_middle_is_skipped_and_counted(
    tmp_path: Path, codec: str, packets: Sequence[int], touched: range
) -> None:
    path = write_video(
        tmp_path / "a.mp4",
        range(150),
        codec=codec,
        options={"g": "25", "bf": "2", "sc_threshold": "0"},
    )
    wreck(path, packets)
    video = Video(path)
    found = {round(frame.time * 25): number(frame.image) for frame in video.frames(None)}
    assert list(found) == sorted(found)
    assert video.damaged == len(packets)
    assert len(found) <= 150 - video.damaged - video.dropped
    healthy = [i for i in range(150) if i not in touched]
    assert [found[i] for i in healthy] == healthy
    parts = [contents(video, None, k, k + 1) for k in range(6)]
    assert [row for part in parts for row in part] == contents(video, None)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_truncated_file_ends_with_what_decodes(tmp_path: Path, name: str, share: float) -> None:
    faststart = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = write_video(
        tmp_path / name, range(300), images=moving_texture(300), options={"g": "25"}, container_options=faststart
    )
    whole = contents(Video(path), None)
    os.truncate(path, int(path.stat().st_size * share))
    with Video(path) as video:
        left = contents(video, None)
        assert 0.4 * share < len(left) / len(whole) < 1
        # The last pictures may refer to one that was cut off.
        assert left[:-4] == whole[: len(left) - 4]
        assert [row for k in range(0, 12, 3) for row in contents(video, None, k, k + 3)] == left
        assert contents(video, None, 11.9) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.nut"])
def test_garbage_after_the_end(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, range(50))
    with path.open("ab") as file:
        file.write(b"\xff" * 5000)
    video = Video(path)
    assert numbers(video, None) == list(range(50))
    assert video.damaged == (name == "a.nut")  # the others know where they end


def test_pictures_garbled_in_part_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", images=moving_texture(50), options={"g": "25", "sc_threshold": "0"})
    data = bytearray(path.read_bytes())
    for at, size in packets_of(path)[6:25:9]:
        end = at + size
        data[end - size // 3 : end] = np.random.default_rng(at).bytes(size // 3)
    path.write_bytes(data)
    video = Video(path)
    assert 50 - 3 <= len(list(video.frames(None))) == 50 - video.damaged < 50


def test_titles_in_other_encodings_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Physik 8b, Pruefung"
        stream = container.add_stream("mpeg4", rate=25)
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    title = b"Physik 8b, Pruefung"
    path.write_bytes(path.read_bytes().replace(title, "Physik 8b, Pr\u00fcfung ".encode("latin-1")))
    assert len(list(Video(path).frames(None))) == 1


# -- no video at all


def nothing(path: Path) -> None:
    assert not path.exists()


def text(path: Path) -> None:
    path.write_text("This is a note, not a film.\n" * 50)


def cover(path: Path) -> None:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100, layout="mono")
        art = container.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = 64, 64, "yuvj420p"
        art.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(art.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(art.encode(None))
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def headless(path: Path) -> None:
    write_video(path, range(50))
    os.truncate(path, path.stat().st_size // 2)


def undecodable(path: Path) -> None:
    write_video(path, range(50))
    wreck(path, range(50))


def unknown(path: Path) -> None:
    write_video(path, range(5), codec="mjpeg", pix_fmt="yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"QQQQ"))


@pytest.mark.parametrize(
    ("name", "make", "status", "says"),
    [
        ("missing.mp4", nothing, 2, "no such file"),
        ("folder.mp4", Path.mkdir, 2, "not a file"),
        ("empty.mp4", Path.touch, 1, "empty"),
        ("note.mp4", text, 1, "cannot be read as a video"),
        ("note.txt", text, 1, "no video"),
        ("headless.mp4", headless, 1, "cannot be read as a video"),
        ("sound.m4a", write_sound, 1, "no video"),
        ("cover.mp4", cover, 1, "no video"),
        ("unknown.avi", unknown, 1, "unknown video codec; convert the file"),
        ("undecodable.mp4", undecodable, 1, "no frame"),
    ],
)
def test_what_is_no_video_says_so_in_one_line(tmp_path: Path, name: str, make, status: int, says: str) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(SourceError) as caught:
        Video(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert ";" in message  # the remedy
    assert "\n" not in message
    assert caught.value.exit_status == status


@pytest.mark.parametrize("name", ["9:30.mp4", "week %03d.mp4", "Größe #1?.mp4", "-i.mp4", "http:a.mp4"])
def test_odd_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.move(write_video(tmp_path / "a.mp4", range(5)), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(Video(name).frames(None))) == 5


def test_sound_beside_the_picture_does_not_matter(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", range(50), tone=True)
    assert numbers(Video(path), 5) == list(range(0, 50, 5))


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
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

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
def test_when_it_was_recorded_is_what_the_file_says(tmp_path, said, recorded):
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
