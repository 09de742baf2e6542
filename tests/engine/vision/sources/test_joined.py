"""Several files of one lesson as one source: in order of time, with their gaps, and every frame once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from engine.errors import SourceError
from engine.settings import Settings
from engine.vision.sources.joined import Joined, Piece, place
from engine.vision.sources.protocol import FrameSource, bucket_of
from engine.vision.sources.registry import open_source
from tests.engine.synthetic import number, numbered, write_video

BEGIN = datetime(2026, 9, 14, 8, tzinfo=UTC)


def pieces(*rows: tuple[str, float | None, float]) -> list[Piece]:
    """Names, when each began (s after BEGIN; None: unknown), how long it is (s)."""
    return [
        Piece(name, None if begin is None else BEGIN + timedelta(seconds=begin), Fraction(str(duration)))
        for name, begin, duration in rows
    ]


def placed(*rows: tuple[str, float | None, float]) -> tuple[list[tuple[str, float]], list[str]]:
    order, starts, _, warnings = place(pieces(*rows))
    return (
        [(rows[index][0], float(start)) for index, start in zip(order, starts, strict=True)],
        [warning.text for warning in warnings],
    )


def test_files_are_in_order_of_time_and_adjoin_where_their_times_nearly_do() -> None:
    files, warnings = placed(("c", 601, 300), ("a", 0, 300.4), ("b", 299, 300))
    assert files == [("a", 0), ("b", 300.4), ("c", 600.4)]
    assert warnings == []


def test_what_clocks_and_lengths_differ_by_does_not_add_up() -> None:
    rows = [(f"{k:02}", 300.0 * k, 301.0) for k in range(12)]  # eleven seconds in all
    files, _ = placed(*rows)
    assert [start for _, start in files] == [301.0 * k for k in range(12)]


def test_a_gap_stays_and_is_told() -> None:
    files, warnings = placed(("part1.mp4", 0, 300), ("part3.mp4", 600, 300))
    assert files == [("part1.mp4", 0), ("part3.mp4", 600)]
    assert warnings == [
        "part3.mp4: begins 0:05:00 after part1.mp4 ends; nothing is known of that time, so name the file in "
        "between, if there is one"
    ]
    assert placed(("a", 0, 300), ("b", 302, 300))[0][1] == ("b", 300)  # whole seconds may be off by that
    assert placed(("a", 0, 300), ("b", 303, 300))[0][1] == ("b", 303)


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        (297.0, "b: begins 0:00:03 before a ends, so they are not one lesson's files; analyse them on their own"),
        (22000.0, "b: begins 6:01:40 after a ends, as another lesson does; analyse it on its own"),
    ],
)
def test_files_that_are_not_one_lesson(begin: float, message: str) -> None:
    with pytest.raises(SourceError, match=f"^{message}$") as error:
        placed(("a", 0, 300), ("b", begin, 300))
    assert error.value.exit_status == 2


def test_names_tell_the_time_where_files_do_not_or_all_say_the_same() -> None:
    names = ("cam_20260914_080500.mp4", "cam_20260914_080000.mp4")
    for begin in (None, 0.0):
        files, warnings = placed(*((name, begin, 290) for name in names))
        assert files == [(names[1], 0), (names[0], 300)]
        assert len(warnings) == 1
    # The time at which a file was closed is not when it began; its name knows better.
    files, _ = placed((names[0], 420, 120), (names[1], 300, 300))
    assert files == [(names[1], 0), (names[0], 300)]


def test_without_times_files_follow_one_another_by_name() -> None:
    files, warnings = placed(("part10.mp4", None, 10), ("part2.mp4", None, 20), ("Part1.mp4", 0, 30))
    assert files == [("Part1.mp4", 0), ("part2.mp4", 30), ("part10.mp4", 50)]
    assert warnings == [
        "Part1.mp4 and 2 more: nothing says when each was recorded, so they follow one another in the order of "
        "their names; a file seems to be missing between part2.mp4 and part10.mp4"
    ]
    (warning,) = placed(("GH010042.MP4", None, 10), ("GH020042.MP4", None, 10))[1]
    assert "missing" not in warning


def opened(paths: list[Path], rate: float | None = None, **settings: object) -> FrameSource:
    return open_source(paths[0], Settings(sample_rate=rate, files=tuple(map(str, paths)), **settings))  # type: ignore[arg-type]


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """60 frames at 10 a second in three files, one of another time base, whose pictures say their number."""
    return [
        write_video(tmp_path / name, images=[numbered(20 * k + i) for i in range(20)], time_base=Fraction(1, 10))
        for k, name in enumerate(("part1.mp4", "part2.mkv", "part3.mp4"))
    ]


def shown(
    source: FrameSource, rate: float | None, start: float = 0.0, stop: float | None = None
) -> list[tuple[float, int]]:
    return [(round(frame.time, 6), number(frame.image)) for frame in source.frames(rate, start, stop)]


def test_every_frame_comes_once_at_its_time(parts: list[Path]) -> None:
    with opened(parts[::-1]) as source:
        assert isinstance(source, Joined)
        whole = [(round(i / 10, 6), i) for i in range(60)]
        assert shown(source, None) == whole
        assert source.duration == pytest.approx(6)
        assert (source.start_pts, source.path.name, source.seekable) == (0, "part1.mp4", True)
        frames = list(source.frames(None))
        assert [frame.pts * source.time_base for frame in frames] == [Fraction(i, 10) for i in range(60)]
        for stops in ([0.0, 1.5, 2.0, 3.95, 4.0, 9.0], [0.0, 2.05, 6.0]):
            spans = [shown(source, None, *span) for span in pairwise(stops)]
            assert [row for span in spans for row in span] == whole


@pytest.mark.parametrize("rate", [5.0, 3.0, 0.7])
def test_samples_do_not_depend_on_where_reading_starts(parts: list[Path], rate: float) -> None:
    with opened(parts, rate) as source:
        whole = shown(source, rate)
        ticks = [frame.pts * source.time_base for frame in source.frames(rate)]
        buckets = [bucket_of(time, Fraction(str(rate))) for time in ticks]
        assert buckets == sorted(set(buckets))  # one frame of each interval at most
        assert [picture for _, picture in whole] == sorted(picture for _, picture in whole)
        for cut in (0.5, 2.0, 2.3, 4.1, 5.9):
            assert shown(source, rate, 0, cut) + shown(source, rate, cut) == whole
        assert isinstance(source, Joined)
        for part in source.parts:
            assert (part.start * Fraction(str(rate))).denominator == 1


def test_files_that_do_not_fit_are_one_line(parts: list[Path], tmp_path: Path) -> None:
    large = write_video(tmp_path / "part4.mp4", images=[numbered(1, 160, 96)] * 20)
    with pytest.raises(
        SourceError, match=r"part4\.mp4: 160x96 px, but part1\.mp4 has 80x48; files of one"
    ) as error:
        opened([*parts, large])
    assert error.value.exit_status == 2
    copy = tmp_path / "part5.mp4"
    copy.write_bytes(parts[0].read_bytes())
    with (
        opened([*parts, copy]) as source,
        pytest.raises(SourceError, match=r"part5\.mp4: the same recording as part1"),
    ):
        source.fingerprint()
    with pytest.raises(SourceError, match=r"part9\.mp4: no such file"):
        opened([*parts, tmp_path / "part9.mp4"])


def test_other_numbers_of_frames_are_told(parts: list[Path], tmp_path: Path) -> None:
    slow = write_video(tmp_path / "part4.mp4", images=[numbered(1)] * 20, time_base=Fraction(1, 5))
    with opened([parts[0], slow]) as source:
        assert [warning.code for warning in source.warnings] == ["files_without_times", "different_rates"]
        assert "part1.mp4 10, part4.mp4 5" in source.warnings[1].text


def test_the_fingerprint_is_that_of_bytes_and_places(parts: list[Path]) -> None:
    prints = []
    for chosen in (parts, parts[::-1], parts[:2]):
        with opened(chosen) as source:
            prints.append(source.fingerprint())
    assert prints[0] == prints[1] != prints[2]


def test_what_a_later_file_warns_of_is_at_the_session_s_time(parts: list[Path], tmp_path: Path) -> None:
    jumping = write_video(tmp_path / "part4.mkv", [*range(10), *range(2000, 2010)], time_base=Fraction(1, 10))
    with opened([parts[0], jumping]) as source:
        (jump,) = (warning for warning in source.warnings if warning.code == "clock_jump")
        assert jump.time == 3  # 2 s of the first file, and 1 s of this
        assert jump.text.startswith(f"{jumping}: its clock jumps from 0:00.9 to 3:20, after 0:01 of picture, ")
