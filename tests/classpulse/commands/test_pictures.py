"""How the picture of a recording is read, from the command line to the database and the annotated video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.vision.sources.video import Video
from tests.classpulse.commands.conftest import Run
from tests.drawn import rows
from tests.engine.synthetic import turn_tkhd, write_video
from tests.engine.vision.sources.test_streams import LARGE, SMALL, write_streams

QUICK = ("--min-face", "40", "--workers", "1", "-q")


def size(folder: Path, session: int = 0) -> tuple[int, int]:
    row = rows(folder / "classpulse.db")["sessions"][session]
    return row["width"], row["height"]


def test_a_stated_aspect_makes_another_session(run: Run, folder: Path) -> None:
    images = [np.full((96, 128, 3), 90, np.uint8)] * 5
    write_video(folder / "a.mp4", images=images, pixel=Fraction(4, 3))
    assert run("analyze", "a.mp4", *QUICK).status == 0
    assert run("analyze", "a.mp4", "--aspect", "4:3", *QUICK).status == 0
    assert [size(folder, k) for k in (0, 1)] == [(171, 96), (128, 96)]
    assert "is finished" not in run("analyze", "a.mp4", "--aspect", "1.5", *QUICK).out
    assert size(folder, 2) == (144, 96)
    assert "is finished" in run("analyze", "a.mp4", "--aspect", "3:2", *QUICK[:-1]).err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--aspect", "wide"), "'wide' is not width to height of a picture, such as 16:9"),
        (("--aspect", "16:0"), "'16:0' is not width to height of a picture, such as 16:9"),
        (("--aspect", "99:1"), "aspect is (99, 1); it must be width to height of the picture, such as 16:9"),
        (("--stream", "-1"), "stream is -1; it must be the number of a stream, from 0"),
        (("--stream", "7"), "stream 7 is not a readable video stream; use one of 0"),
    ],
)
def test_what_cannot_be_is_wrong_use_in_one_line(
    run: Run, folder: Path, options: tuple[str, str], message: str
) -> None:
    write_video(folder / "a.mp4", range(3))
    result = run("analyze", "a.mp4", *options, *QUICK)
    assert result.status == 2
    assert message in result.complaint()


def test_which_of_several_streams_was_taken_is_kept_with_the_session(run: Run, folder: Path) -> None:
    write_streams(folder / "a.mkv", [SMALL, LARGE])
    result = run("analyze", "a.mkv", *QUICK)
    assert (result.status, size(folder)) == (0, (320, 240))
    (warning,) = rows(folder / "classpulse.db")["warnings"]
    assert warning["code"] == "other_streams"
    assert f"classpulse: {warning['text']}" in result.err.splitlines()
    assert run("analyze", "a.mkv", "--stream", "0", *QUICK).status == 0
    assert size(folder, 1) == (160, 120)
    assert len(rows(folder / "classpulse.db")["warnings"]) == 1


def test_the_annotated_video_is_upright_with_square_pixels(run: Run, folder: Path) -> None:
    """Red to the left, in a file that says: turn it, mirror it, its pixels are wide."""
    stored = np.full((64, 96, 3), 40, np.uint8)
    stored[:32] = (200, 40, 40)
    path = write_video(folder / "a.mp4", images=[stored] * 10, pixel=Fraction(4, 3))
    turn_tkhd(path, (0, 1, 1, 0))  # transposed
    assert run("analyze", "a.mp4", *QUICK).status == 0
    assert run("annotate", "1", "-o", "drawn.mp4").status == 0
    with Video(folder / "drawn.mp4") as video:
        assert (video.width, video.height) == size(folder) == (64, 128)
        image = next(video.frames(None)).image
    assert image[20, :24, 0].mean() > 180
    assert image[20, 40:, 0].mean() < 60
