"""What the first bytes of an image file say: size, orientation, time; and that no bytes at all make it fail."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vision.sources.headers import Header, is_complete, read_header
from tests.pictures import Order, exif, grey, jpeg

TAKEN = "2026:03:05 09:41:07"


def encoded(suffix: str) -> bytes:
    data: bytes = cv2.imencode(suffix, grey(90, width=37, height=21))[1].tobytes()
    return data


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_jpegs_size_orientation_and_time_are_read_in_both_byte_orders(order: Order) -> None:
    block = exif(TAKEN, subsecond="25", offset="+05:30", orientation=6, order=order)
    header = read_header(jpeg(grey(90, width=37, height=21), block))
    zone = timezone(timedelta(hours=5, minutes=30))
    assert header == Header((37, 21), 6, datetime(2026, 3, 5, 9, 41, 7, 250_000, zone))
    assert header.captured is not None
    assert header.captured.astimezone(UTC).hour == 4


@pytest.mark.parametrize(
    ("subsecond", "microseconds"),
    [("5", 500_000), ("05", 50_000), ("123456", 123_456), ("1234567", 123_456), ("x", 0)],
)
def test_subseconds_are_digits_after_the_point(subsecond: str, microseconds: int) -> None:
    header = read_header(jpeg(grey(1), exif(TAKEN, subsecond=subsecond)))
    assert header.captured == datetime(2026, 3, 5, 9, 41, 7, microseconds)


def test_without_a_time_zone_the_time_has_none() -> None:
    assert read_header(jpeg(grey(1), exif(TAKEN))).captured == datetime(2026, 3, 5, 9, 41, 7)


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2026-03-05", ""])
def test_a_time_that_was_never_set_is_none(taken: str) -> None:
    assert read_header(jpeg(grey(1), exif(taken, orientation=3))) == Header((64, 48), 3, None)


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_an_orientation_that_does_not_exist_is_upright(orientation: int) -> None:
    assert read_header(jpeg(grey(1), exif(orientation=orientation))).orientation == 1


def test_without_exif_there_is_the_size_alone() -> None:
    assert read_header(jpeg(grey(1, width=101, height=7))) == Header((101, 7))
    assert read_header(encoded(".png")) == Header((37, 21))


def test_the_size_of_a_progressive_jpeg_is_read() -> None:
    data = cv2.imencode(".jpg", grey(9, width=37, height=21), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert b"\xff\xc2" in data
    assert read_header(data).size == (37, 21)


def test_exif_of_png_and_webp_and_tiff_is_read() -> None:
    block = exif(TAKEN, orientation=8)
    wanted = (8, datetime(2026, 3, 5, 9, 41, 7))
    png = encoded(".png")
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    header = read_header(png[:33] + chunk + png[33:])
    assert (header.size, header.orientation, header.captured) == ((37, 21), *wanted)
    webp = encoded(".webp")
    chunk = b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
    for data in (webp + chunk, block):
        header = read_header(data)
        assert (header.size, header.orientation, header.captured) == (None, *wanted)


def test_what_was_cut_off_is_not_complete() -> None:
    for data in (jpeg(grey(1), exif(TAKEN)), encoded(".png")):
        assert is_complete(data)
        assert is_complete(data + b"trailing bytes of a camera")
        assert not is_complete(data[:-20])
    assert is_complete(encoded(".bmp")[:-20])  # its decoder is quiet


def test_a_thumbnails_end_is_not_the_images() -> None:
    body = b"Exif\0\0" + exif(TAKEN) + jpeg(grey(1))
    data = jpeg(grey(9))
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    assert is_complete(data)
    assert not is_complete(data[:-20])


@given(st.data())
def test_no_bytes_make_it_fail(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from(
            [jpeg(grey(1), exif(TAKEN, subsecond="5", offset="Z", orientation=6)), encoded(".png"), exif(TAKEN)]
        )
    )
    damaged = bytearray(whole[: data.draw(st.integers(0, min(len(whole), 400)))])
    for _ in range(data.draw(st.integers(0, 8))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    header = read_header(bytes(damaged))
    assert 1 <= header.orientation <= 8
    assert header.size is None or len(header.size) == 2
