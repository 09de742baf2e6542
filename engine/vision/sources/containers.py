"""How a file of video or sound is opened with any release of PyAV that the bounds allow."""

from __future__ import annotations

from collections.abc import Iterator
from os import SEEK_END, PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

if TYPE_CHECKING:
    from av.index import IndexEntry

#: Options of PyAV before release 19, which dropped the argument: invalid UTF-8 must not end an analysis.
#: From 19 on it keeps such bytes as surrogates by itself.
TOLERANT: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}

#: Containers with an index of all packets.
INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2",)


def open_recording(path: str | PathLike[str]) -> InputContainer:
    """`path` opened for reading, whatever its metadata are encoded in. Raises av.error.FFmpegError."""
    # The prefix keeps "9:30.mp4" from being read as the address of a protocol named 9.
    opened: InputContainer = av.open(f"file:{path}", **TOLERANT)
    return opened


def packets_of(container: InputContainer, *streams: VideoStream) -> Iterator[Packet[Any]]:
    """The packets of `streams`, without any those of all, from where the container stands to its end.

    Raises av.error.FFmpegError where nothing can be read on.
    """
    while True:
        try:
            yield from container.demux(*streams)
        except IndexError:  # PyAV's, of a packet of a stream that was not there when the file was opened
            continue
        return


def index_of(container: InputContainer, stream: VideoStream) -> list[IndexEntry] | None:
    """The index of a file that was just opened, if it lists every packet of `stream`; no packet is read."""
    if container.format.name not in INDEXED or not 0 < stream.frames == len(stream.index_entries):
        return None
    return list(stream.index_entries)


def is_joined_mp4(path: str | PathLike[str]) -> bool:
    """Whether several mp4 files were joined as bytes: FFmpeg reads the first, or loses frames of the others.

    Each begins with a box `ftyp` at the top level (ISO/IEC 14496-12, 4.2 and 4.3), of which a file has one.
    """
    begins = 0
    with Path(path).open("rb") as file:
        end = file.seek(0, SEEK_END)
        at = 0
        while at + 8 <= end:
            file.seek(at)
            header = file.read(16)
            size, kind = int.from_bytes(header[:4], "big"), header[4:8]
            if size == 1:  # it follows in eight bytes
                size = int.from_bytes(header[8:], "big")
            begins += kind == b"ftyp"
            if size < 8:  # 0: up to the end of the file
                break
            at += size
    return begins > 1
