"""Which stream of a file is the recording."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from engine.errors import SourceError
from engine.settings import Settings
from engine.vision.sources.video import Video


def write_streams(
    path: Path,
    streams: list[tuple[int, int, int, str]],
    default: int | None = None,
    cover: int | None = None,
) -> Path:
    """Streams (width, height, frames, codec), each of one grey: 40, 80, 120, ..."""
    if (default, cover) != (None, None) and int(av.__version__.split(".")[0]) < 18:
        pytest.skip("PyAV writes dispositions from release 18 on")
    with av.open(str(path), "w") as container:
        made = []
        for width, height, _, codec in streams:
            stream = container.add_stream(codec, rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            made.append(stream)
        for k, stream in enumerate(made):
            if default is not None:
                stream.disposition = Disposition.default if k == default else Disposition(0)
            if k == cover:
                stream.disposition = Disposition.attached_pic
        for k, (stream, (width, height, frames, _)) in enumerate(zip(made, streams, strict=True)):
            image = np.full((height, width, 3), 40 * (k + 1), np.uint8)
            for i in range(frames):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def chosen(video: Video) -> int:
    """The place of the stream that was read, by its grey."""
    return round(float(next(video.frames(None)).image.mean()) / 40) - 1


SMALL, LARGE = (160, 120, 10, "mpeg4"), (320, 240, 10, "mpeg4")


@pytest.mark.parametrize(
    ("name", "streams", "default", "cover", "expected"),
    [
        ("largest.ts", [(160, 120, 10, "libx264"), (320, 240, 10, "libx264")], None, None, 1),
        ("largest.mkv", [SMALL, LARGE], None, None, 1),
        ("default.mkv", [LARGE, SMALL], 1, None, 1),
        ("first_of_equals.mkv", [SMALL, SMALL], None, None, 0),
        ("still.mkv", [(640, 480, 1, "mjpeg"), SMALL], None, None, 1),
        ("still.mp4", [(640, 480, 1, "mjpeg"), SMALL], 0, None, 1),
        ("cover.mp4", [(640, 480, 1, "mjpeg"), SMALL], None, 0, 1),
    ],
)
def test_the_recording_is_the_default_stream_else_the_largest(
    tmp_path: Path,
    name: str,
    streams: list[tuple[int, int, int, str]],
    default: int | None,
    cover: int | None,
    expected: int,
) -> None:
    video = Video(write_streams(tmp_path / name, streams, default, cover))
    assert chosen(video) == expected
    assert (video.width, video.height) == streams[expected][:2]
    if cover is None:
        (warning,) = video.warnings
        other = streams[1 - expected]
        assert f"stream {expected} (" in warning.text
        assert f"also there: {1 - expected} (" in warning.text
        assert f"{other[0]}x{other[1]}" in warning.text
        assert "--stream" in warning.text
    else:
        assert video.warnings == []


@pytest.mark.parametrize("stream", [0, 1])
def test_a_person_may_choose_another_stream(tmp_path: Path, stream: int) -> None:
    path = write_streams(tmp_path / "a.mkv", [SMALL, LARGE])
    video = Video(path, Settings(stream=stream))
    assert chosen(video) == stream
    assert chosen(video) == stream  # every time that it is opened
    assert video.warnings == []


def test_a_stream_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    path = write_streams(tmp_path / "a.mkv", [SMALL, LARGE])
    with pytest.raises(SourceError, match=r"a\.mkv: stream 2 is not a readable video stream; use one of 0, 1") as e:
        Video(path, Settings(stream=2))
    assert e.value.exit_status == 2


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_a_still_image_of_a_phone_is_refused_with_the_remedy(tmp_path: Path, brand: bytes) -> None:
    path = write_streams(tmp_path / "a.mp4", [SMALL])
    data = path.read_bytes()
    path.write_bytes(data[:8] + brand + data[12:])
    with pytest.raises(SourceError, match="convert the images to JPEG, and name their folder") as e:
        Video(path)
    assert e.value.exit_status == 2
