"""Shapes, orientations, streams, sizes and fields: how the picture of a recording is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.stream import Disposition

from benchmarks.recipes.making import NTSC_FILM, Encoding, Image, add_stream, frame_of, lesson, write
from benchmarks.recipes.recipe import FRAMES, RATE, SIZE, Recipe, add, scaled
from engine.vision.sources.geometry import upright
from tests.engine.synthetic import turn_tkhd

# -- pixels that are not square


def _patched(path: Path, encoding: Encoding, old: bytes, new: bytes) -> None:
    write(path, encoding)
    path.write_bytes(path.read_bytes().replace(old, new))


def _relabelled(path: Path) -> None:
    """The container knows the shape alone: its pixels are 64:45, those of the codec 1:1."""
    write(path, Encoding(size=(720, 576), pixel=Fraction(2)))
    data = path.read_bytes()
    at = data.index(b"pasp") + 4
    path.write_bytes(data[:at] + bytes((0, 0, 0, 64, 0, 0, 0, 45)) + data[at + 8 :])


PAL = (1024, 576)
add(
    Recipe("setsar.mp4", partial(write, encoding=Encoding(pixel=Fraction(4, 3))), (1197, 506),
           place=scaled((1197, 506)), overlap=0.7, again=0.8),
    *(
        Recipe(name, partial(write, encoding=Encoding(codec, size=(720, 576), pixel=Fraction(64, 45))), PAL,
               place=scaled(PAL))
        for name, codec in (("pal.mp4", "libx264"), ("pal.mkv", "libx264"), ("pal.ts", "libx264"),
                            ("pal_vp9.mp4", "libvpx-vp9"))
    ),
    Recipe("pal_dvd.mpg", partial(write, encoding=Encoding("mpeg2video", size=(720, 576), pixel=Fraction(64, 45))),
           PAL, place=scaled(PAL)),
    Recipe("ntsc_dvd.mpg", partial(write, encoding=Encoding("mpeg2video", size=(720, 480), pixel=Fraction(32, 27))),
           (853, 480), place=scaled((853, 480))),
    Recipe("hdv.m2ts", partial(write, encoding=Encoding(size=(720, 540), pixel=Fraction(4, 3))),
           (960, 540), place=scaled((960, 540))),
    Recipe("tall_pixels.mkv", partial(write, encoding=Encoding(size=(960, 400), pixel=Fraction(3, 4))),
           (960, 533), place=scaled((960, 533))),
    Recipe("codec_alone.mp4", partial(_patched, encoding=Encoding(size=(720, 576), pixel=Fraction(64, 45)),
           old=b"pasp", new=b"free"), PAL, place=scaled(PAL)),
    Recipe("container_alone.mp4", _relabelled, PAL, place=scaled(PAL)),
    Recipe("a_recorder_that_lies.mp4", partial(write, encoding=Encoding(size=(720, 576), pixel=Fraction(1))), PAL,
           settings={"aspect": (16, 9)}, place=scaled(PAL)),
    Recipe("impossible_pixels.mkv", partial(write, encoding=Encoding(pixel=Fraction(20))),
           warnings=("pixel_shape",)),
)  # fmt: skip

# -- which way up

_TKHD = {
    2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1), 5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}  # fmt: skip
#: Each is undone by itself, but for the quarter turns.
_UNDOES = {6: 8, 8: 6}


def _lying(path: Path, number: int) -> None:
    write(path, images=(np.ascontiguousarray(upright(image, _UNDOES.get(number, number))) for image in lesson()))
    turn_tkhd(path, _TKHD[number])


add(*(Recipe(f"orientation_{number}.mp4", partial(_lying, number=number), scores=0.05) for number in _TKHD))

# -- which stream


def _several(
    path: Path,
    streams: Sequence[tuple[Encoding, int]],
    default: int | None = None,
    cover: int | None = None,
) -> None:
    """Streams that show the lesson, each with so many of its frames."""
    with av.open(str(path), "w") as container:
        made: list[Any] = [
            add_stream(container, encoding, encoding.size or SIZE, NTSC_FILM) for encoding, _ in streams
        ]
        for k, stream in enumerate(made):
            if default is not None:
                stream.disposition = Disposition.default if k == default else Disposition(0)
            if k == cover:
                stream.disposition = Disposition.attached_pic
        for k in range(FRAMES):
            for stream, (encoding, frames) in zip(made, streams, strict=True):
                if k < frames:
                    frame = frame_of(lesson()[k], encoding)
                    frame.pts, frame.time_base = k, 1 / NTSC_FILM
                    container.mux(stream.encode(frame))
        for stream in made:
            container.mux(stream.encode(None))


_PREVIEW, _WHOLE = Encoding(size=(160, 90)), Encoding()
_COVER = Encoding("mjpeg", "yuvj420p", size=(1280, 720))
_OTHERS = ("other_streams",)
add(
    Recipe("preview_first.ts", partial(_several, streams=[(_PREVIEW, FRAMES), (_WHOLE, FRAMES)]),
           warnings=_OTHERS, scores=0.05),
    Recipe("default_second.mkv", partial(_several, streams=[(Encoding(size=(1280, 720)), FRAMES), (_WHOLE, FRAMES)],
           default=1), warnings=_OTHERS, scores=0.05),
    Recipe("still_first.mp4", partial(_several, streams=[(_COVER, 1), (_WHOLE, FRAMES)]), warnings=_OTHERS,
           scores=0.05),
    Recipe("still_first.mkv", partial(_several, streams=[(_COVER, 1), (_WHOLE, FRAMES)]), warnings=_OTHERS,
           scores=0.05),
    Recipe("cover_first.mp4", partial(_several, streams=[(_COVER, 1), (_WHOLE, FRAMES)], cover=0), scores=0.05),
    Recipe("asked_for.mkv", partial(_several, streams=[(_WHOLE, FRAMES), (Encoding(size=(1280, 720)), FRAMES)]),
           settings={"stream": 0}, scores=0.05),
    Recipe("not_there.mkv", partial(_several, streams=[(_WHOLE, 10)]), settings={"stream": 3},
           refused="stream 3 is not a readable video stream"),
    Recipe("photo.heic.mp4", partial(_patched, encoding=Encoding(), old=b"ftypisom", new=b"ftypheic"),
           refused="convert the images to JPEG"),
)  # fmt: skip

# -- sizes and shapes that change


def _changing(path: Path, parts: Sequence[Encoding], widths: Sequence[int] | None = None) -> None:
    """The lesson in parts of equal length, each encoded for itself, in one stream.

    Of its width the middle is shown, as many px as `widths` says of each part.
    """
    widths = widths or [SIZE[0]] * len(parts)
    bounds = [FRAMES * k // len(parts) for k in range(len(parts) + 1)]
    with av.open(str(path), "w") as container:
        stream = add_stream(container, parts[0], parts[0].size or SIZE, NTSC_FILM)
        for encoding, begin, end, width in zip(parts, bounds, bounds[1:], widths, strict=False):
            encoder = av.CodecContext.create(encoding.codec, "w")
            assert isinstance(encoder, av.VideoCodecContext)
            encoder.width, encoder.height = encoding.size or SIZE
            encoder.pix_fmt, encoder.time_base = encoding.pix_fmt, 1 / NTSC_FILM
            encoder.options = stream.codec_context.options | {"bf": "0"}
            if encoding.pixel is not None:
                encoder.sample_aspect_ratio = encoding.pixel
            packets = []
            for k in range(begin, end):
                left = (SIZE[0] - width) // 2
                frame = frame_of(np.ascontiguousarray(lesson()[k][:, left : left + width]), encoding)
                frame.pts, frame.time_base = k, 1 / NTSC_FILM
                packets += encoder.encode(frame)
            for packet in [*packets, *encoder.encode(None)]:
                packet.stream, packet.time_base = stream, 1 / NTSC_FILM
                container.mux(packet)


_CHANGES = ("size_changes",)
_UP = [Encoding(size=(450, 254)), Encoding()]
_DOWN = [Encoding(), Encoding(size=(640, 360)), Encoding()]
_WIDER = [Encoding(size=(720, 576), pixel=Fraction(16, 15)), Encoding(size=(720, 576), pixel=Fraction(64, 45))]


add(
    Recipe("grows.ts", partial(_changing, parts=_UP), warnings=_CHANGES, overlap=0.8, again=0.7),
    Recipe("shrinks.ts", partial(_changing, parts=_DOWN), warnings=_CHANGES, again=0.9),
    Recipe("shrinks.mkv", partial(_changing, parts=_DOWN), warnings=_CHANGES, again=0.9),
    Recipe("shrinks.flv", partial(_changing, parts=_DOWN), warnings=_CHANGES, again=0.9),
    Recipe("shrinks.webm", partial(_changing, parts=[Encoding("libvpx", size=e.size) for e in _DOWN]),
           warnings=_CHANGES, again=0.9),
    Recipe("shape_changes.ts", partial(_changing, parts=_WIDER, widths=(674, 898)), PAL, warnings=_CHANGES,
           students=None, place=None),
)  # fmt: skip

# -- two fields a frame


def _woven(top_first: bool, size: tuple[int, int] | None) -> Iterator[Image]:
    """Frames of two pictures each, as an interlaced camera takes them: half as many as the lesson has."""
    for k in range(0, FRAMES - 1, 2):
        first, second = lesson()[k : k + 2]
        if size is not None:
            first, second = (np.asarray(cv2.resize(image, size), np.uint8) for image in (first, second))
        woven = first.copy()
        late = slice(1, None, 2) if top_first else slice(0, None, 2)
        woven[late] = second[late]
        yield woven


def _interlaced(path: Path, encoding: Encoding) -> None:
    images = _woven(bool(encoding.top_first), encoding.size)
    write(path, encoding, images, rate=NTSC_FILM / 2)


_ILDCT = {"flags": "+ildct+ilme"}
for _name, _encoding, _size in (
    ("camcorder.mts", Encoding(options={"x264-params": "tff=1"}, size=PAL, top_first=True), PAL),
    ("camcorder_bottom.mp4", Encoding(options={"x264-params": "bff=1"}, size=PAL, top_first=False), PAL),
    ("interlaced.vob", Encoding("mpeg2video", options=_ILDCT, size=(720, 576), pixel=Fraction(64, 45),
                                top_first=True), PAL),
    ("interlaced.mkv", Encoding("ffv1", size=SIZE, top_first=False), SIZE),
):  # fmt: skip
    add(Recipe(_name, partial(_interlaced, encoding=_encoding), _size, frames=FRAMES // 2, last=136 / RATE,
               place=scaled(_size), overlap=0.85))  # fmt: skip
