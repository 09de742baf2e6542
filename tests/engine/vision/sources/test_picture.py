"""How a picture looks, whatever its file says of its shape: upright, with square pixels, of one size."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.settings import Settings
from engine.vision.sources.video import Video
from tests.engine.synthetic import Image, turn_tkhd, write_video
from tests.engine.vision.sources.test_geometry import MATRICES, STORED

RED, GREEN, BLUE, WHITE = (200, 40, 40), (40, 160, 40), (40, 40, 200), (220, 220, 220)


def quarters(width: int, height: int) -> Image:
    """Red, green / blue, white: no two of the eight orientations look the same."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2], image[: height // 2, width // 2 :] = RED, GREEN
    image[height // 2 :, : width // 2], image[height // 2 :, width // 2 :] = BLUE, WHITE
    return image


def corners(image: Image) -> list[tuple[int, int, int]]:
    """The colours in the middle of the four quarters, row by row, rounded to those of `quarters`."""
    height, width = image.shape[:2]
    found = []
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            pixel = image[y, x].astype(int)
            found.append(min((RED, GREEN, BLUE, WHITE), key=lambda colour: int(np.abs(pixel - colour).sum())))
    return found


def first(video: Video) -> Image:
    return next(video.frames(None)).image


# -- pixels that are not square

#: The codec of a file of this name.
CODECS = {
    "a.mp4": "libx264",
    "a.mov": "libx264",
    "a.mkv": "libx264",
    "a.ts": "libx264",
    "a.avi": "mpeg4",
    "a.mpg": "mpeg2video",
    "a.h264": "libx264",
    "vp9.mp4": "libvpx-vp9",  # in the container only
}


@pytest.mark.parametrize("name", CODECS)
def test_pixels_are_square_whatever_carries_their_shape(tmp_path: Path, name: str) -> None:
    pixel = Fraction(16, 15) if name == "a.mpg" else Fraction(64, 45)  # MPEG-2 knows shapes of the whole picture
    shown = (768, 576) if name == "a.mpg" else (1024, 576)
    images = [quarters(720, 576)] * 12
    video = Video(write_video(tmp_path / name, images=images, pixel=pixel, codec=CODECS[name]))
    assert (video.width, video.height) == shown
    for start in (0, 0.3):
        image = next(video.frames(None, start)).image
        assert image.shape == (shown[1], shown[0], 3)
        assert np.abs(image.astype(int) - quarters(*shown)).mean() < 4
    assert video.warnings == []


def test_a_shape_in_the_codec_alone_counts(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", images=[quarters(160, 96)] * 3, pixel=Fraction(4, 3))
    data = path.read_bytes()
    assert data.count(b"pasp") == 1
    path.write_bytes(data.replace(b"pasp", b"free"))
    assert (Video(path).width, Video(path).height) == (213, 96)


def test_a_shape_in_a_matroska_header_counts(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", images=[quarters(160, 96)] * 3, pixel=Fraction(4, 3))
    data = path.read_bytes()
    assert data.count(b"\x54\xb2\x81\x04") == 1  # DisplayUnit: unknown; DisplayWidth: 80 in its place
    path.write_bytes(data.replace(b"\x54\xb2\x81\x04", b"\x54\xb0\x81\x50"))
    assert (Video(path).width, Video(path).height) == (160, 192)


def test_where_container_and_codec_disagree_the_container_is_right(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", images=[quarters(160, 96)] * 3, pixel=Fraction(4, 3))
    data = path.read_bytes()
    at = data.index(b"pasp") + 4
    path.write_bytes(data[:at] + bytes((0, 0, 0, 3, 0, 0, 0, 4)) + data[at + 8 :])
    video = Video(path)
    assert (video.width, video.height) == (160, 128)
    assert [frame.image.shape for frame in video.frames(None)] == [(128, 160, 3)] * 3


def test_the_aspect_that_a_person_states_counts_before_the_files(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", images=[quarters(160, 120)] * 3, pixel=Fraction(1))
    video = Video(path, Settings(aspect=(16, 9)))
    assert first(video).shape == (120, 213, 3)
    turned = Video(turn_tkhd(path, MATRICES[6]), Settings(aspect=(9, 16)))
    assert first(turned).shape == (213, 120, 3)


def test_pixels_that_cannot_be_are_square_and_said(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", images=[quarters(160, 96)] * 3, pixel=Fraction(20))
    video = Video(path)
    assert (video.width, video.height) == (160, 96)
    (warning,) = video.warnings
    assert "its pixels cannot be 20 times as wide as high" in warning.text
    assert "--aspect" in warning.text
    assert Video(path, Settings(aspect=(5, 3))).warnings == []


@pytest.mark.parametrize("name", ["a.ts", "a.h264"])
def test_a_shape_that_changes_mid_file_is_each_frames_own(tmp_path: Path, name: str) -> None:
    """A broadcast that goes from 4:3 to 16:9: the width of a square shows which shape a frame was given."""
    image = np.full((96, 120, 3), 30, np.uint8)
    image[24:72, 40:80] = 220
    parts = [
        write_video(tmp_path / f"{i}{name}", range(25 * i, 25 * i + 20), images=[image] * 20, pixel=pixel,
                    options={"bf": "3", "g": "10"}).read_bytes()
        for i, pixel in enumerate((Fraction(4, 3), Fraction(1)))
    ]  # fmt: skip
    path = tmp_path / name
    path.write_bytes(b"".join(parts))
    video = Video(path)
    assert (video.width, video.height) == (160, 96)
    widths = [int((frame.image[48, :, 0] > 128).sum()) for frame in video.frames(None)]
    assert len(widths) == 40
    assert all(abs(width - 53) <= 1 for width in widths[:20]), widths
    assert all(abs(width - 40) <= 1 for width in widths[20:]), widths


# -- which way up


@pytest.mark.parametrize("number", MATRICES)
@pytest.mark.parametrize("pixel", [Fraction(1), Fraction(3, 2)])
def test_each_matrix_of_a_phone_is_honoured(tmp_path: Path, number: int, pixel: Fraction) -> None:
    """Mirrored and transposed ones as well as turned ones."""
    colours = {"a": RED, "b": GREEN, "e": BLUE, "f": WHITE}
    rows = STORED[number]
    marks = [rows[0][0], rows[0][-1], rows[-1][0], rows[-1][-1]]
    stored = np.empty((48, 80, 3), np.uint8)
    for k, mark in enumerate(marks):
        stored[24 * (k // 2) : 24 * (k // 2) + 24, 40 * (k % 2) : 40 * (k % 2) + 40] = colours[mark]
    path = write_video(tmp_path / "a.mp4", images=[stored] * 30, options={"g": "10"}, pixel=pixel)
    video = Video(turn_tkhd(path, MATRICES[number]))
    width = round(80 * pixel)
    assert (video.width, video.height) == ((width, 48) if number < 5 else (48, width))
    for start in (0, 0.8):
        image = next(video.frames(None, start)).image
        assert image.shape == (video.height, video.width, 3)
        assert corners(image) == [RED, GREEN, BLUE, WHITE]
    assert video.warnings == []


def test_a_matrix_that_is_no_quarter_turn_is_said(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", images=[quarters(80, 48)] * 3)
    data = bytearray(turn_tkhd(path, (1, 0, 0, 1)).read_bytes())
    at = data.index(b"tkhd") + 44
    for k, value in enumerate((56756, 32768, 0, -32768, 56756)):  # 30 degrees
        data[at + 4 * k : at + 4 * k + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    video = Video(path)
    assert corners(first(video)) == [RED, GREEN, BLUE, WHITE]
    (warning,) = video.warnings
    assert "turned by 30\N{DEGREE SIGN} from a quarter turn" in warning.text
