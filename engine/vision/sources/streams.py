"""Which of a file's video streams is the recording."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from engine.errors import SourceError
from engine.vision.sources.containers import open_recording, packets_of
from engine.vision.sources.protocol import SourceWarning

#: Pictures that belong to a recording, but are not it: a cover, thumbnails along the time line.
_NOT_FOOTAGE = Disposition.attached_pic | Disposition.timed_thumbnails
#: Packets, of all streams together, after which a stream with one or none is a still image.
PROBE_PACKETS = 200
#: Brands of ISO media files that hold still images (ISO/IEC 23008-12, 10).
_STILL_BRANDS = ("heic", "heix", "heim", "heis", "mif1", "mif2")


def choose_stream(
    container: InputContainer, path: Path, wanted: int | None = None
) -> tuple[int, list[SourceWarning]]:
    """Index of the video stream that is the recording, and a warning where there was a choice.

    That is stream `wanted` of the file; without it, of those that are no cover and can be decoded, one that moves
    before a still image, then one that the file marks as the default, then the largest, then the first. Of the
    open `container` no packet is read.

    Raises SourceError where there is none (exit status 1), and where `wanted` is not one (exit status 2).
    """
    brand = container.metadata.get("major_brand", "")
    if brand in _STILL_BRANDS:
        raise SourceError(
            f"{path}: an HEIF still image, which cannot be read; convert the images to JPEG, and name their folder",
            exit_status=2,
        )
    # The text of a note.txt is a video stream, too.
    streams = [] if container.format.name == "tty" else list(container.streams.video)
    if wanted is not None:
        return _wanted(streams, path, wanted).index, []
    footage = [stream for stream in streams if not stream.disposition & _NOT_FOOTAGE]
    if not footage:
        raise SourceError(f"{path}: contains no video stream; choose a video file")
    readable = [stream for stream in footage if stream.codec_context is not None]
    if not readable:
        raise SourceError(f"{path}: unknown video codec; convert the file to mp4")
    moving = _moving(path, readable) if len(readable) > 1 else readable
    chosen = max(moving, key=_rank)
    others = [stream for stream in footage if stream is not chosen]
    if not others:
        return chosen.index, []
    listed = ", ".join(f"{stream.index} ({_described(stream)})" for stream in others)
    text = f"stream {chosen.index} ({_described(chosen)}) is analysed; also there: {listed} (another one: --stream)"
    return chosen.index, [SourceWarning("other_streams", f"{path}: {text}")]


def _moving(path: Path, streams: list[VideoStream]) -> list[VideoStream]:
    """Those that are no still image; all of them where nothing moves. Reads the beginning of the file."""
    packets = dict.fromkeys((stream.index for stream in streams), 0)
    try:
        with open_recording(path) as container:
            same = [stream for stream in container.streams.video if stream.index in packets]
            for packet in islice(packets_of(container, *same), PROBE_PACKETS):
                packets[packet.stream.index] += packet.size > 0
    except FFmpegError:  # damaged; what was read before counts
        pass
    moving = [
        stream
        for stream in streams
        if packets[stream.index] > 1 and not stream.disposition & Disposition.still_image
    ]
    return moving or streams


def _rank(stream: VideoStream) -> tuple[bool, int, int]:
    default = bool(stream.disposition & Disposition.default)
    return default, stream.width * stream.height, -stream.index


def _described(stream: VideoStream) -> str:
    if stream.codec_context is None:
        return "unknown codec"
    return f"{stream.codec_context.name}, {stream.width}x{stream.height}"


def _wanted(streams: list[VideoStream], path: Path, wanted: int) -> VideoStream:
    found = {stream.index: stream for stream in streams if stream.codec_context is not None}
    if wanted not in found:
        which = f"use one of {', '.join(map(str, found))}" if found else "it contains none"
        raise SourceError(f"{path}: stream {wanted} is not a readable video stream; {which}", exit_status=2)
    return found[wanted]
