"""The header of an image file, read without decoding: size, orientation and time of capture.

JPEG: ITU-T T.81, B.2; PNG: W3C PNG 3rd edition, 11.2; WebP: RFC 9649; EXIF: CIPA DC-008 (EXIF 2.32), 4.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

ByteOrder = Literal["little", "big"]

#: Tags of EXIF: IFD 0, then the Exif IFD to which it points.
_ORIENTATION, _EXIF_IFD = 0x0112, 0x8769
_CAPTURED, _OFFSET, _SUBSECOND = 0x9003, 0x9011, 0x9291
#: Bytes of one value of each type of EXIF that is read here: BYTE, ASCII, SHORT, LONG.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4}


@dataclass(frozen=True)
class Header:
    """The header of an image file."""

    size: tuple[int, int] | None
    """Width and height as stored, px; None if only decoding gives them."""
    orientation: int = 1
    """1 to 8 as EXIF numbers them; 1 is upright."""
    captured: datetime | None = None
    """DateTimeOriginal with its fraction of a second; with a time zone where EXIF has one."""


def read_header(data: bytes) -> Header:
    """The header of an image file from `data`, all of it or enough of its beginning. Never raises: damaged
    fields count as absent.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        size = struct.unpack(">II", data[16:24]) if len(data) >= 24 else None
        return _with_exif(size, next((body for kind, body in _png_chunks(data) if kind == b"eXIf"), b""))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _with_exif(None, next((body for kind, body in _riff_chunks(data) if kind == b"EXIF"), b""))
    return _with_exif(None, data if data[:4] in (b"II*\0", b"MM\0*") else b"")


def is_complete(data: bytes) -> bool:
    """Whether a JPEG or PNG has its end marker: decoders write complaints to standard error where it is missing."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    return not data.startswith(b"\x89PNG") or b"IEND" in data


def _jpeg(data: bytes) -> Header:
    size, exif, at = None, b"", 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == 0xE1 and body.startswith(b"Exif\0\0") and not exif:
            exif = body[6:]
        # SOF0 to SOF15, without DHT, JPG and DAC, which lie among them.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(body) >= 5:
            height, width = struct.unpack(">HH", body[1:5])
            size = width, height
        if marker == 0xDA or length < 2:
            break
        at += 2 + length
    return _with_exif(size, exif)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        yield data[at : at + 4], body.removeprefix(b"Exif\0\0")
        at += 8 + length + length % 2


def _with_exif(size: tuple[int, int] | None, exif: bytes) -> Header:
    order: ByteOrder = "little" if exif[:2] == b"II" else "big"
    main = _directory(exif, int.from_bytes(exif[4:8], order), order)
    orientation = main.get(_ORIENTATION, 1)
    pointer = main.get(_EXIF_IFD)
    details = _directory(exif, pointer, order) if isinstance(pointer, int) else {}
    return Header(
        size,
        orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        _time(details.get(_CAPTURED), details.get(_SUBSECOND), details.get(_OFFSET)),
    )


def _directory(exif: bytes, at: int, order: ByteOrder) -> dict[int, int | str]:
    """The tags of one IFD: whole numbers (the first of several) and text."""
    tags: dict[int, int | str] = {}
    count = int.from_bytes(exif[at : at + 2], order)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind = (int.from_bytes(exif[entry + i : entry + i + 2], order) for i in (0, 2))
        length = int.from_bytes(exif[entry + 4 : entry + 8], order) * _SIZES.get(kind, 0)
        if not length:
            continue
        # Up to four bytes stand in the entry itself.
        begin = entry + 8 if length <= 4 else int.from_bytes(exif[entry + 8 : entry + 12], order)
        value = exif[begin : begin + length]
        if kind == 2:
            tags[tag] = value.split(b"\0")[0].decode("ascii", "replace").strip()
        else:
            tags[tag] = int.from_bytes(value[: _SIZES[kind]], order)
    return tags


def _time(original: object, subsecond: object, offset: object) -> datetime | None:
    try:
        time = datetime.strptime(str(original), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    digits = str(subsecond)
    if digits.isascii() and digits.isdigit():
        time += timedelta(microseconds=int(digits[:6].ljust(6, "0")))
    try:
        return time.replace(tzinfo=datetime.strptime(str(offset), "%z").tzinfo)
    except ValueError:
        return time
