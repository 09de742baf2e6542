"""Files whose own clock goes back or jumps: every frame is there, and the session's time goes on."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from engine.errors import SourceError, UsageError
from engine.settings import Settings
from engine.vision.sources.timeline import Discontinuity, Timeline
from engine.vision.sources.video import Video
from tests.engine.synthetic import copied, number, numbered, write_video
from tests.engine.vision.sources.clips import contents, numbers, wreck

FRAMES = 50
B_FRAMES = {"g": "25", "bf": "2", "sc_threshold": "0"}


def part(path: Path, first: int, begin: float, *, codec: str = "libx264", frames: int = FRAMES) -> Path:
    """`frames` pictures with numbers from `first` on, at 25 frames/s from `begin` s on."""
    ticks = range(round(begin * 25), round(begin * 25) + frames)
    images = [numbered(first + i) for i in range(frames)]
    return write_video(path, ticks, images=images, codec=codec, options=B_FRAMES)


def cat(path: Path, *begins: float, codec: str = "libx264", frames: int = FRAMES) -> Path:
    """Recordings that begin at `begins` s of their clocks, glued as `cat` does."""
    parts = [
        part(path.with_stem(f"part{i}"), i * frames, begin, codec=codec, frames=frames)
        for i, begin in enumerate(begins)
    ]
    path.write_bytes(b"".join(each.read_bytes() for each in parts))
    return path


KINDS = [("a.ts", "libx264"), ("a.mkv", "libx264"), ("a.mkv", "mpeg4"), ("a.mpg", "mpeg2video")]


@pytest.mark.parametrize(("name", "codec"), KINDS)
@pytest.mark.parametrize("begins", [(0, 0), (100, 0), (36_000, 0), (10, 9)])
def test_after_a_clock_that_goes_back_time_goes_on_and_nothing_is_dropped(
    tmp_path: Path, name: str, codec: str, begins: tuple[float, ...]
) -> None:
    video = Video(cat(tmp_path / name, *begins, codec=codec))
    frames = list(video.frames(None))
    assert [number(frame.image) for frame in frames] == list(range(FRAMES * len(begins)))
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(len(frames))], abs=0.002)
    assert all(frame.time == float((frame.pts - video.start_pts) * video.time_base) for frame in frames)
    assert (video.dropped, video.damaged, video.seekable) == (0, 0, False)
    assert video.duration == pytest.approx(2 * len(begins), abs=0.003)
    assert [warning.code for warning in video.warnings] == ["clock_back"] * (len(begins) - 1)
    for i, (warning, begin) in enumerate(zip(video.warnings, begins[1:], strict=True), 1):
        assert warning.time == frames[FRAMES * i].time
        # What the file's own clock shows: muxers of MPEG streams begin a little after 0.
        assert warning.file_time == pytest.approx(begin, abs=1.5)


def test_a_clock_that_goes_back_is_said_in_one_line_with_both_times(tmp_path: Path) -> None:
    video = Video(cat(tmp_path / "a.mkv", 36_000, 0))
    (warning,) = video.warnings
    assert warning.text == (
        f"{video.path}: its clock goes back from 10:00:02 to 0:00, after 0:02 of picture; the session's goes on "
        "(for two sessions, cut the file there)"
    )


@pytest.mark.parametrize(("name", "codec"), KINDS)
@pytest.mark.parametrize("jump", [100, 36_000])
def test_a_long_jump_is_left_out_and_said(tmp_path: Path, name: str, codec: str, jump: float) -> None:
    video = Video(cat(tmp_path / name, 0, jump, codec=codec))
    frames = list(video.frames(None))
    assert [number(frame.image) for frame in frames] == list(range(2 * FRAMES))
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(len(frames))], abs=0.002)
    assert video.duration == pytest.approx(4, abs=0.003)
    (warning,) = video.warnings
    assert warning.code == "clock_jump"
    # FFmpeg guesses the last timestamp before it in an MPEG program stream from the first one after.
    assert warning.time == frames[FRAMES - (name == "a.mpg")].time
    assert warning.file_time == pytest.approx(jump, abs=1.5)
    assert "--keep-gaps" in warning.text


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_how_long_a_jump_may_be(tmp_path: Path, name: str) -> None:
    once = part(tmp_path / "once.mp4", 0, 0)
    path = copied(tmp_path / name, once, [0, 52])  # a gap of 50 s
    assert Video(path).duration == pytest.approx(54, abs=0.01)
    assert Video(path).warnings == []
    assert Video(path, Settings(max_gap=51)).duration == pytest.approx(54, abs=0.01)
    short = Video(path, Settings(max_gap=49))
    assert short.duration == pytest.approx(4, abs=0.01)
    assert numbers(short, None) == [*range(FRAMES)] * 2
    assert [warning.code for warning in short.warnings] == ["clock_jump"]
    path = copied(tmp_path / f"long{name}", once, [0, 5000])
    kept = Video(path, Settings(max_gap=None))
    assert kept.duration == pytest.approx(5002, abs=0.01)
    assert kept.warnings == []
    assert next(frame.time for frame in kept.frames(None, 10)) == pytest.approx(5000, abs=0.1)
    assert [len(contents(kept, None, *span)) for span in [(1, 2), (1.9, 10), (4990, 5000.04), (5001, None)]] == [
        25, 2, 1, 25
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_nothing_is_read_of_a_gap_that_is_kept(tmp_path: Path, name: str) -> None:
    path = copied(tmp_path / name, part(tmp_path / "once.mp4", 0, 0), [0, 5000])
    video = Video(path, Settings(max_gap=None))
    path.unlink()
    assert list(video.frames(5, 10, 4990)) == []
    with pytest.raises(SourceError):
        list(video.frames(5, 10, 5010))


@pytest.mark.parametrize("name", ["jump.mp4", "jump.mkv", "back.mkv", "jump.ts", "back.ts"])
def test_spans_together_are_the_whole_across_a_discontinuity(tmp_path: Path, name: str) -> None:
    if name == "jump.mp4":
        path = copied(tmp_path / name, part(tmp_path / "once.mp4", 0, 0), [0, 5000, 9000])
    else:
        begins = (0, 5000, 9000) if name.startswith("jump") else (900, 0, 300)
        path = cat(tmp_path / name, *begins[: 2 if name.endswith("mkv") else 3])
    video = Video(path)
    assert video.seekable == (name in ("jump.mp4", "jump.mkv"))
    for rate in (None, 5.0):
        whole = contents(video, rate)
        assert len(whole) == (10 if rate else FRAMES) * (2 if name.endswith("mkv") else 3)
        cuts = [0, 1.3, 2, 3.5, 4, 5.9]
        spans = [*pairwise(cuts), (cuts[-1], None)]
        parts = [contents(Video(path), rate, start, stop) for start, stop in spans]
        assert [row for each in parts for row in each] == whole
        assert len({pts for pts, _, _ in whole}) == len(whole)


def test_reading_after_a_jump_does_not_decode_what_lies_before(tmp_path: Path) -> None:
    path = copied(tmp_path / "a.mp4", part(tmp_path / "once.mp4", 0, 0, frames=500), [0, 9000])
    whole = Video(path)
    wreck(path, range(30, 500))
    assert len(contents(whole, None, 21)) == 475
    assert whole.damaged == 0


def test_a_part_that_begins_between_keyframes_is_told_by_its_times(tmp_path: Path) -> None:
    once = part(tmp_path / "once.ts", 0, 0)
    cut = tmp_path / "cut.ts"
    with av.open(str(once)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in list(source.demux(video=0))[10:-1]:
            packet.stream = stream
            target.mux(packet)
    both = tmp_path / "both.ts"
    both.write_bytes(once.read_bytes() + cut.read_bytes())
    video = Video(both)
    (warning,) = video.warnings
    assert warning.code == "clock_back"
    assert warning.file_time == pytest.approx(float(video.start_pts * video.time_base) + 10 / 25, abs=0.1)
    assert numbers(video, None) == [*range(FRAMES), *range(25, FRAMES)]


def test_frames_reordered_over_a_pause_are_no_discontinuity(tmp_path: Path) -> None:
    ticks = [*range(0, 1000, 40), *range(31_000, 32_000, 40)]
    path = write_video(tmp_path / "a.mkv", ticks, time_base=Fraction(1, 1000), options=B_FRAMES | {"g": "250"})
    video = Video(path)
    assert [frame.pts for frame in video.frames(None)] == ticks
    assert video.warnings == []


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_jump_between_reordered_frames_is_where_their_times_say(tmp_path: Path, name: str) -> None:
    """The codec writes the first frame after the jump before the last ones before it."""
    ticks = [*range(50), *range(5000, 5050)]
    video = Video(write_video(tmp_path / name, ticks, options=B_FRAMES | {"g": "500"}))
    frames = list(video.frames(None))
    assert [number(frame.image) for frame in frames] == list(range(100))
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(100)], abs=0.002)
    assert [(each.code, each.time, each.file_time) for each in video.warnings] == [("clock_jump", 2, 200)]
    cuts = [0, 1.96, 2.04, 3, 5]
    parts = [contents(video, None, *span) for span in pairwise(cuts)]
    assert [row for part in parts for row in part] == contents(video, None)


@pytest.mark.parametrize("before", [10, 11, 12, 13])
@pytest.mark.parametrize("keep", [False, True])
def test_no_frame_is_lost_where_the_codec_writes_one_alone_among_those_after_the_jump(
    tmp_path: Path, before: int, keep: bool
) -> None:
    ticks = [*range(before), *range(5000, 5010)]
    video = Video(write_video(tmp_path / "a.mkv", ticks), Settings(max_gap=None if keep else 60))
    assert [number(frame.image) for frame in video.frames(None)] == list(range(before + 10))
    assert [each.time for each in video.warnings] == ([] if keep else [before / 25])


@pytest.mark.parametrize("before", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("after", [2, 3, 4])
def test_a_jump_near_both_ends_of_a_recording_of_a_picture_a_second(
    tmp_path: Path, before: int, after: int
) -> None:
    """The codec may write the last frame of all before most of those before the jump."""
    ticks = [*range(before), *range(360_000, 360_000 + after)]
    path = write_video(tmp_path / "a.mkv", ticks, time_base=Fraction(1))
    kept = list(Video(path, Settings(max_gap=None)).frames(None))
    assert [(frame.time, number(frame.image)) for frame in kept] == list(
        zip(ticks, range(before + after), strict=True)
    )
    left_out = Video(path)
    assert [frame.time for frame in left_out.frames(None)] == list(range(before + after))
    assert [(warning.code, warning.time) for warning in left_out.warnings] == [("clock_jump", before)]


def test_footage_with_a_picture_every_few_minutes_has_no_jumps(tmp_path: Path) -> None:
    video = Video(write_video(tmp_path / "a.mp4", range(0, 1000, 100), time_base=Fraction(1)))
    assert [frame.time for frame in video.frames(None)] == list(range(0, 1000, 100))
    assert video.warnings == []


@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_parts_of_a_few_frames_are_told_apart(tmp_path: Path, name: str) -> None:
    video = Video(cat(tmp_path / name, 0, 0, frames=6))
    assert numbers(video, None) == list(range(12))
    assert [warning.code for warning in video.warnings] == ["clock_back"]


def test_what_is_not_read_of_a_file_is_said(tmp_path: Path) -> None:
    path = cat(tmp_path / "a.mkv", 10, 9, 8)
    video = Video(path)
    assert numbers(video, None) == list(range(2 * FRAMES))
    assert [warning.code for warning in video.warnings] == ["clock_back", "unread"]
    assert f"{path}: 34% of the file, at its end, is not read as video" in video.warnings[1].text


@pytest.mark.parametrize("fragmented", [False, True])
def test_mp4_files_that_were_joined_as_bytes_are_not_read_without_a_word(tmp_path: Path, fragmented: bool) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"} if fragmented else {}
    part = write_video(tmp_path / "part.mp4", range(FRAMES), container_options=options)
    joined = tmp_path / "a.mp4"
    joined.write_bytes(part.read_bytes() * 2)
    assert [warning.code for warning in Video(part).warnings] == []
    (*_, warning) = Video(joined).warnings
    assert warning.code == "unread"
    assert warning.text.startswith(f"{joined}: several recordings joined as bytes")


@pytest.mark.parametrize("gap", [0.5, -1.0, 1e9, float("nan")])
def test_a_longest_jump_that_cannot_be(gap: float) -> None:
    with pytest.raises(UsageError, match="max-gap is"):
        Settings(max_gap=gap)


def test_where_the_file_is_in_its_own_time(tmp_path: Path) -> None:
    timeline = Timeline((Discontinuity(1960, 5000, 2000, -3000), Discontinuity(6960, 0, 4000, 4000)))
    assert [timeline.file_pts(pts) for pts in (0, 1999, 2000, 3960, 4000, 4040)] == [0, 1999, 5000, 6960, 0, 40]
    assert [each.goes_back for each in timeline.discontinuities] == [False, True]
    warnings = timeline.warnings(tmp_path / "a.mkv", 0, Fraction(1, 1000))
    assert [(each.code, each.time, each.file_time) for each in warnings] == [
        ("clock_jump", 2, 5),
        ("clock_back", 4, 0),
    ]
