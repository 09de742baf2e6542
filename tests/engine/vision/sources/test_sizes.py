"""Recordings whose picture changes its size or shape: one session, every picture whole and in its place."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.vision.sources import sizes
from engine.vision.sources.video import Video
from tests.engine.synthetic import Image, write_video
from tests.engine.vision.sources.clips import contents

Size = tuple[int, int]


def scene(width: int, height: int) -> Image:
    """A bright rectangle that takes the second of four quarters across, and the upper half."""
    image = np.full((height, width, 3), 30, np.uint8)
    image[: height // 2, width // 4 : width // 2] = 220
    return image


def rectangle(image: Image) -> list[int]:
    """left, top, right, bottom of what is bright."""
    bright = image[..., 0] > 120
    columns, rows = np.flatnonzero(bright.any(axis=0)), np.flatnonzero(bright.any(axis=1))
    return [int(edge) for edge in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]


def glued(
    path: Path, parts: Sequence[Size], codec: str = "libx264", pixels: Sequence[Fraction | None] | None = None
) -> Path:
    """Parts of 20 frames of these sizes, one after the other in one stream."""
    written = [
        write_video(
            path.with_name(f"{k}{path.name}"),
            range(25 * k, 25 * k + 20),
            images=[scene(*size)] * 20,
            codec=codec,
            options={"g": "10"},
            pixel=pixels[k] if pixels else None,
        )
        for k, size in enumerate(parts)
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in written))
    return path


def remuxed(path: Path, parts: Sequence[Size], codec: str) -> Path:
    """The same, in a container that is not glued by copying bytes; its header tells of the first size only."""
    with av.open(str(path), "w") as target:
        stream = None
        for k, size in enumerate(parts):
            part = path.with_name(f"{k}.{'webm' if 'vp' in codec else 'ts'}")
            write_video(part, images=[scene(*size)] * 20, codec=codec, options={"g": "10"})
            with av.open(str(part)) as source:
                video = source.streams.video[0]
                stream = stream or target.add_stream_from_template(video)
                begin: int | None = None
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    begin = packet.dts if begin is None else begin
                    shift = round(k / packet.time_base) - begin
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    target.mux(packet)
    return path


def check(video: Video, parts: Sequence[Size], size: Size) -> None:
    assert (video.width, video.height) == size
    frames = list(video.frames(None))
    assert len(frames) == 20 * len(parts)
    for k, (width, height) in enumerate(parts):
        scale = min(size[0] / width, size[1] / height)
        left, top = (size[0] - width * scale) / 2, (size[1] - height * scale) / 2
        expected = [left + width * scale / 4, top, left + width * scale / 2, top + height * scale / 2]
        for frame in frames[20 * k : 20 * k + 20]:
            assert frame.image.shape == (size[1], size[0], 3)
            np.testing.assert_allclose(rectangle(frame.image), expected, atol=2)
    (warning,) = video.warnings
    assert warning.code == "size_changes"
    assert f"every picture is fitted into {size[0]}x{size[1]}" in warning.text
    assert f"({', '.join(f'{w}x{h}' for w, h in dict.fromkeys(parts))} px)" in warning.text


@pytest.mark.parametrize(
    ("parts", "size"),
    [
        ([(160, 96), (320, 192)], (320, 192)),  # a conference gets more bandwidth
        ([(320, 192), (160, 96), (320, 192)], (320, 192)),
        ([(320, 192), (160, 120)], (320, 192)),  # narrower: bars to the left and right
        ([(192, 128), (128, 192)], (192, 192)),  # a phone is turned: all of both stays
    ],
)
def test_every_picture_is_whole_and_in_its_place(tmp_path: Path, parts: list[Size], size: Size) -> None:
    check(Video(glued(tmp_path / "a.ts", parts)), parts, size)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.h264", "libx264"), ("a.ts", "libx265"), ("a.ts", "mpeg4")],
)
def test_whichever_codec_says_so(tmp_path: Path, name: str, codec: str) -> None:
    parts = [(160, 96), (320, 192)]
    check(Video(glued(tmp_path / name, parts, codec)), parts, (320, 192))


def test_a_dvd_that_changes_its_size(tmp_path: Path) -> None:
    """FFmpeg's decoder loses the frame before the change, which it still held back."""
    video = Video(glued(tmp_path / "a.ts", [(160, 96), (320, 192)], "mpeg2video"))
    rectangles = [rectangle(frame.image) for frame in video.frames(None)]
    assert len(rectangles) == 39
    np.testing.assert_allclose(rectangles, np.broadcast_to([80, 0, 160, 96], (39, 4)), atol=2)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mkv", "libx264"),
        ("a.mp4", "libx264"),
        ("a.mkv", "libvpx"),
        ("a.webm", "libvpx-vp9"),
        ("a.flv", "libx264"),
    ],
)
def test_whichever_container_does_not(tmp_path: Path, name: str, codec: str) -> None:
    parts = [(160, 96), (320, 192)]
    check(Video(remuxed(tmp_path / name, parts, codec)), parts, (320, 192))


@pytest.mark.parametrize("codec", ["mjpeg", "libsvtav1"])
def test_frames_of_other_codecs(tmp_path: Path, codec: str) -> None:
    """Written by two encoders into one stream."""
    path = tmp_path / "a.mkv"
    parts = [(160, 96), (320, 192)]
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = parts[0]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for k, (width, height) in enumerate(parts):
            encoder = av.CodecContext.create(codec, "w")
            assert isinstance(encoder, av.VideoCodecContext)
            encoder.width, encoder.height, encoder.pix_fmt = width, height, stream.pix_fmt
            encoder.time_base = Fraction(1, 25)
            encoder.options = {"g": "10"}
            packets = []
            for i in range(20):
                frame = av.VideoFrame.from_ndarray(scene(width, height), format="rgb24").reformat(
                    format=stream.pix_fmt
                )
                frame.pts, frame.time_base = 20 * k + i, Fraction(1, 25)
                packets += encoder.encode(frame)
            for packet in [*packets, *encoder.encode(None)]:
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                target.mux(packet)
    check(Video(path), parts, (320, 192))


def test_a_shape_alone_that_changes_is_a_change_of_size(tmp_path: Path) -> None:
    path = glued(tmp_path / "a.ts", [(160, 96), (160, 96)], pixels=[Fraction(1), Fraction(3, 2)])
    video = Video(path)
    assert (video.width, video.height) == (240, 96)
    assert [warning.code for warning in video.warnings] == ["size_changes"]
    assert rectangle(next(video.frames(None)).image) == [80, 0, 120, 48]


def test_from_wherever_it_is_read_it_looks_the_same(tmp_path: Path) -> None:
    video = Video(remuxed(tmp_path / "a.mkv", [(160, 96), (320, 192), (160, 120)], "libx264"))
    whole = contents(video, None)
    for start in (0.5, 0.9, 1.0, 1.5, 2.1):
        assert contents(video, None, start) == [row for row in whole if row[1] >= start]


def test_a_size_that_no_header_told_of_is_fitted_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "_HEADERS", {})
    video = Video(glued(tmp_path / "a.ts", [(160, 96), (320, 96)]))
    frames = [frame.image for frame in video.frames(None)]
    assert rectangle(frames[0]) == [40, 0, 80, 48]
    np.testing.assert_allclose(rectangle(frames[-1]), [40, 24, 80, 48], atol=1)


def test_one_size_is_no_change_and_its_packets_are_not_read(
    tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Video, "_read_packets", lambda *_: pytest.fail("reads every packet"))
    assert Video(recording).warnings == []


def test_a_garbled_header_is_no_size(tmp_path: Path) -> None:
    """The second keyframe's sequence header claims 4080 px; its picture does not decode as such."""
    path = write_video(
        tmp_path / "a.ts",
        images=[np.asarray(cv2.resize(scene(80, 48), (80, 48)), np.uint8)] * 40,
        options={"g": "20"},
    )
    data = path.read_bytes()
    headers = [at for at in range(len(data)) if data[at : at + 5] == b"\0\0\0\1\x67"]
    assert len(headers) == 2
    broken = bytearray(data)
    broken[headers[1] + 8 : headers[1] + 12] = bytes(4)
    path.write_bytes(broken)
    video = Video(path)
    assert (video.width, video.height) == (80, 48)
    assert video.warnings == []
