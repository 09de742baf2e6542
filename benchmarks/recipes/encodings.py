"""Honest re-encodings of the lesson: codecs, containers, pixel formats, ranges, matrices, depths, frame rates."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path

from benchmarks.recipes.making import NTSC_FILM, Encoding, lesson, write
from benchmarks.recipes.recipe import FRAMES, RATE, Recipe, add

#: Codecs in containers.
_CODECS = {
    "h264.mp4": Encoding(),
    "h264.mov": Encoding(),
    "h264.mkv": Encoding(),
    "h264.ts": Encoding(),
    "h264.m2ts": Encoding(),
    "h264.flv": Encoding(),
    "h264.avi": Encoding(options={"bf": "0"}),
    "h264_b_frames.avi": Encoding(options={"bf": "2"}),
    "h264_b_frames.mp4": Encoding(options={"bf": "6", "g": "60"}),
    "h264_open_gop.ts": Encoding(options={"bf": "3", "g": "24", "x264-params": "open-gop=1"}),
    "h264_intra_refresh.mkv": Encoding(options={"x264-params": "intra-refresh=1:bframes=0", "g": "24"}),
    "raw.h264": Encoding(options={"bf": "0"}),
    "hevc.mp4": Encoding("libx265"),
    "hevc.mkv": Encoding("libx265"),
    "hevc.ts": Encoding("libx265"),
    "raw.hevc": Encoding("libx265", options={"bf": "0"}),
    "vp8.webm": Encoding("libvpx"),
    "vp9.webm": Encoding("libvpx-vp9"),
    "vp9.mp4": Encoding("libvpx-vp9"),
    "av1.mp4": Encoding("libsvtav1"),
    "av1.mkv": Encoding("libsvtav1"),
    "mpeg1.mpg": Encoding("mpeg1video"),
    "mpeg2.mpg": Encoding("mpeg2video"),
    "mpeg2.ts": Encoding("mpeg2video"),
    "mpeg4.avi": Encoding("mpeg4", options={"bf": "0"}),
    "mpeg4.mp4": Encoding("mpeg4", options={"bf": "2"}),
    "mjpeg.avi": Encoding("mjpeg", "yuvj420p"),
    "mjpeg.mov": Encoding("mjpeg", "yuvj422p"),
    "wmv2.wmv": Encoding("wmv2"),
    "flv1.flv": Encoding("flv"),
    "prores.mov": Encoding("prores_ks", "yuv422p10le"),
    "prores_alpha.mov": Encoding("prores_ks", "yuva444p10le", options={"profile": "4444"}),
    "dnxhr.mov": Encoding("dnxhd", "yuv422p", options={"profile": "dnxhr_hq"}),
    "ffv1.mkv": Encoding("ffv1"),
    "ffv1_rgb.mkv": Encoding("ffv1", "bgr0"),
    "huffyuv.avi": Encoding("huffyuv", "yuv422p"),
    "utvideo.avi": Encoding("utvideo", "gbrp"),
    "png_alpha.mov": Encoding("png", "rgba"),
    "raw.avi": Encoding("rawvideo", "yuv420p"),
    "uncompressed.mov": Encoding("v210", "yuv422p10le"),
}

#: Pixel formats, ranges and matrices, all said in the stream.
_COLOURS = {
    "422.mp4": Encoding(pix_fmt="yuv422p"),
    "444.mp4": Encoding(pix_fmt="yuv444p"),
    "10_bit.mkv": Encoding("libx265", "yuv420p10le"),
    "12_bit.mkv": Encoding("libx265", "yuv420p12le"),
    "10_bit_av1.mp4": Encoding("libsvtav1", "yuv420p10le"),
    "16_bit_rgb.mkv": Encoding("ffv1", "gbrp16le"),
    "full_range.mp4": Encoding(full=True),
    "limited_range.mp4": Encoding(full=False),
    "bt709.mp4": Encoding(matrix="ITU709", full=False),
    "bt709_full.mp4": Encoding(matrix="ITU709", full=True),
    "bt601.mp4": Encoding(matrix="ITU601", full=False),
    "smpte240m.mp4": Encoding(matrix="SMPTE240M", full=False),
}

for _name, _encoding in (_CODECS | _COLOURS).items():
    add(Recipe(_name, partial(write, encoding=_encoding), scores=0.05))

add(
    # The detector has learnt from pictures in colour, and is less sure of the smallest faces without.
    *(
        Recipe(name, partial(write, encoding=Encoding("ffv1", pix_fmt)), students=6, scores=0.05, again=0.85)
        for name, pix_fmt in (("grey.mkv", "gray"), ("grey_10_bit.mkv", "gray10le"))
    ),
    Recipe(
        "fragmented.mp4",
        partial(write, container_options={"movflags": "frag_keyframe+empty_moov"}),
        scores=0.05,
    ),
    Recipe("no_index.mkv", partial(write, container_options={"live": "1"}), scores=0.05),
)


def _every(path: Path, step: int) -> None:
    write(path, images=lesson()[::step], rate=NTSC_FILM / step)


def _doubled(path: Path) -> None:
    write(path, images=(image for image in lesson() for _ in range(2)), rate=2 * NTSC_FILM)


def _variable(path: Path) -> None:
    """Of every ten frames some are left out, as phones and screen recorders do."""
    kept = [k for k in range(FRAMES) if k % 10 not in (3, 4, 8) or k == FRAMES - 1]
    write(path, images=(lesson()[k] for k in kept), times=kept)


def _late(path: Path) -> None:
    """The stream begins after an hour."""
    write(path, times=[k + 86314 for k in range(FRAMES)])


add(
    Recipe("12_frames.mp4", partial(_every, step=2), frames=70, scores=0.05),
    Recipe("8_frames.mkv", partial(_every, step=3), frames=47, scores=0.05),
    Recipe("48_frames.mp4", _doubled, frames=278, last=277 / RATE / 2, scores=0.05,
           index=lambda time: int(time * RATE + 0.01)),
    Recipe("variable.mp4", _variable, frames=98, scores=0.05),
    Recipe("variable.mkv", _variable, frames=98, scores=0.05),
    Recipe("late.ts", _late, scores=0.05),
    Recipe("late.mkv", _late, scores=0.05),
    Recipe("exact_25.mp4", partial(write, rate=Fraction(25)), last=138 / 25, scores=0.05,
           index=lambda time: round(time * 25)),
)  # fmt: skip
