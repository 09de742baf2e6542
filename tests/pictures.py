"""Folders of drawn images with EXIF data, written byte by byte, so that a test knows what a reader must find."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Order = Literal["<", ">"]


def exif(
    taken: str | None = None,
    *,
    subsecond: str | None = None,
    offset: str | None = None,
    orientation: int | None = None,
    order: Order = "<",
) -> bytes:
    """The TIFF structure of an EXIF block: IFD 0 with the orientation, then the Exif IFD with the times."""
    details = [
        (tag, text.encode("ascii") + b"\0")
        for tag, text in ((0x9003, taken), (0x9011, offset), (0x9291, subsecond))
        if text is not None
    ]
    main_size = 2 + 12 * (1 + (orientation is not None)) + 4
    begin = 8 + main_size
    entries = [] if orientation is None else [struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)]
    entries.append(struct.pack(order + "HHII", 0x8769, 4, 1, begin))
    main = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    texts_at = begin + 2 + 12 * len(details) + 4
    rows, texts = [], b""
    for tag, text in details:
        inline = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack(order + "I", texts_at + len(texts))
        rows.append(struct.pack(order + "HHI", tag, 2, len(text)) + inline)
        texts += b"" if len(text) <= 4 else text
    sub = struct.pack(order + "H", len(rows)) + b"".join(rows) + bytes(4)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8) + main + sub + texts


def jpeg(image: Image, block: bytes = b"") -> bytes:
    """`image` (h, w, 3) RGB as a JPEG, with an EXIF block after SOI."""
    data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    if not block:
        return data
    body = b"Exif\0\0" + block
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def decoded(data: bytes) -> Image:
    """The image of a file's bytes, (h, w, 3) RGB, turned as its EXIF data say."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.ascontiguousarray(image[..., ::-1], np.uint8)


def grey(value: int, width: int = 64, height: int = 48) -> Image:
    """An image of one grey, which says which one it is."""
    return np.full((height, width, 3), value, np.uint8)


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder
