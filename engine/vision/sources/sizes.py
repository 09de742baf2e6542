"""Which sizes a recording has, without decoding it: of every new header of the codec, one keyframe is decoded.

Where headers stand: ITU-T H.264 and H.265, 7.3.1.2 and annex B, ISO/IEC 14496-15, 5.2.3; ISO/IEC 13818-2, 6.2.2.1;
ISO/IEC 14496-2, 6.2.3; RFC 6386, 9.1; the VP9 bitstream specification, 6.2; the AV1 bitstream specification, 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.vision.sources.headers import read_header

if TYPE_CHECKING:
    from av.index import IndexEntry

#: Bytes at the beginning of a keyframe that hold its headers.
HEAD = 4096


class Sizes:
    """Finds a frame of each kind of header of `stream`, among its packets from the first one on.

    A codec that can change the size of its picture elsewhere than in a keyframe's header is not found out.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._stream = stream
        self._header_of = _HEADERS.get(stream.codec_context.name)
        self._known: set[tuple[bytes, bool]] = set()

    def frames_of(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """The frame in a keyframe's packet whose header is new; nothing else, nor where it does not decode."""
        if self._header_of is None or not packet.is_keyframe:
            return []
        header = self._header_of(bytes(memoryview(packet)[:HEAD])), packet.has_sidedata("new_extradata")
        if not header[0] or header in self._known:
            return []
        self._known.add(header)
        return _decoded(self._stream, packet)


def may_change(stream: VideoStream, index: Iterable[IndexEntry] | None, path: Path) -> bool:
    """Whether keyframes of `stream` may have several headers; not where its `index` of all packets shows that."""
    header_of = _HEADERS.get(stream.codec_context.name)
    if header_of is None or index is None:
        return header_of is not None
    headers = set()
    with path.open("rb") as file:
        for entry in index:
            if entry.is_keyframe:
                file.seek(entry.pos)
                headers.add(header_of(file.read(min(entry.size, HEAD))))
    return len(headers) > 1


def _decoded(stream: VideoStream, packet: Packet[VideoStream]) -> list[VideoFrame]:
    """The keyframe in `packet`; nothing where it is damaged."""
    context = stream.codec_context
    frames = []
    try:
        frames += context.decode(packet)
        frames += context.decode(None)
    except (FFmpegError, EOFError):  # damaged, or given out already
        pass
    context.flush_buffers()
    return [frame for frame in frames if not frame.is_corrupt]


# -- the bytes of a keyframe's beginning that say its size, and are the same where it is; empty without


def _units(data: bytes) -> Iterator[bytes]:
    """The beginnings of the NAL units of an H.264 or H.265 keyframe, with start codes or lengths before them."""
    if data[:3] == b"\0\0\1" or data[:4] == b"\0\0\0\1":
        yield from data.split(b"\0\0\1")[1:]
        return
    at = 0
    while at + 4 < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def _h264(data: bytes) -> bytes:
    return b"".join(unit.rstrip(b"\0") for unit in _units(data) if unit and unit[0] & 31 == 7)


def _h265(data: bytes) -> bytes:
    return b"".join(unit.rstrip(b"\0") for unit in _units(data) if unit and unit[0] >> 1 & 63 == 33)


def _mpeg2(data: bytes) -> bytes:
    at = data.find(b"\0\0\1\xb3")
    return data[at + 4 : at + 8] if at >= 0 else b""


def _mpeg4(data: bytes) -> bytes:
    for unit in data.split(b"\0\0\1")[1:]:
        if unit and 0x20 <= unit[0] <= 0x2F:
            return unit
    return b""


def _vp8(data: bytes) -> bytes:
    return data[3:10]


def _vp9(data: bytes) -> bytes:
    if len(data) < 9 or data[0] >> 4 & 3:  # another profile than 0 has the size some bits later
        return data[:9]
    return data[:8] + bytes((data[8] & 0xF0,))


def _av1(data: bytes) -> bytes:
    at, found = 0, b""
    while at < len(data):
        kind, extended, sized = data[at] >> 3 & 15, data[at] >> 2 & 1, data[at] >> 1 & 1
        at += 1 + extended
        length = 0
        for k in range(8 if sized else 0):
            if at >= len(data):
                return found
            byte = data[at]
            length |= (byte & 127) << 7 * k
            at += 1
            if not byte & 128:
                break
        end = at + length if sized else len(data)
        if kind == 1:
            found += data[at:end]
        at = end
    return found


def _jpeg(data: bytes) -> bytes:
    size = read_header(data).size
    return b"" if size is None else bytes(str(size), "ascii")


_HEADERS: dict[str, Callable[[bytes], bytes]] = {
    "h264": _h264,
    "hevc": _h265,
    "mpeg1video": _mpeg2,
    "mpeg2video": _mpeg2,
    "mpeg4": _mpeg4,
    "vp8": _vp8,
    "libvpx": _vp8,
    "vp9": _vp9,
    "libvpx-vp9": _vp9,
    "av1": _av1,
    "libdav1d": _av1,
    "mjpeg": _jpeg,
}
