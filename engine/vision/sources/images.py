"""Frames of a folder of images, one a file, at the times in their EXIF data or at equal intervals."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self

import cv2
import numpy as np

from engine.errors import SourceError
from engine.settings import Settings
from engine.texts import natural_order
from engine.vision.sources.geometry import SQUARE, UPRIGHT, Form, Image, pixel_for, upright
from engine.vision.sources.headers import Header, is_complete, read_header
from engine.vision.sources.protocol import Frame, SourceWarning, bucket_of, checked_rate

#: Suffixes of image files.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
#: Seconds between images where neither EXIF nor the user gives times.
DEFAULT_INTERVAL = 1.0
#: A microsecond: EXIF's fractions of a second have six digits at most.
TIME_BASE = Fraction(1, 1_000_000)
#: Bytes at the beginning of a file that hold its header, nearly always.
HEADER_BYTES = 2**18


class _Entry(NamedTuple):
    """One image of the folder."""

    path: Path
    orientation: int
    captured: datetime | None
    place: int
    """Position of its name among those of all images, damaged ones included, from 0."""


class ImageFolder:
    """A folder of images as a `FrameSource`: every image is a frame, without those of subfolders.

    With `settings.every`, the images are in the natural order of their names (2 before 10), so many seconds apart.
    Without, each has the time in its EXIF data; where an image has none, or two have the same, the images are in
    the order of their names, one second apart, and `warnings` says so. All are brought upright by their EXIF
    orientation, and must then be of one size.

    Raises SourceError (exit status 2) for a folder without images, and for images of different sizes.
    """

    def __init__(self, path: str | PathLike[str], settings: Settings | None = None) -> None:
        self.path = Path(path)
        self.name = self.path.absolute().name
        self.time_base = TIME_BASE
        self.start_pts = 0
        self.seekable = True
        self.damaged = 0
        self.warnings: list[SourceWarning] = []
        self._aspect = None if settings is None or settings.aspect is None else Fraction(*settings.aspect)
        entries, (self.width, self.height) = self._read_entries()
        self._entries, self._ticks = self._in_time(entries, None if settings is None else settings.every)
        step = self._ticks[-1] - self._ticks[-2] if len(self._ticks) > 1 else round(DEFAULT_INTERVAL / TIME_BASE)
        self.duration: float | None = float((self._ticks[-1] + step) * TIME_BASE)
        first_time = self._entries[0].captured
        self.recorded = (
            first_time.astimezone(UTC) if first_time is not None and first_time.tzinfo is not None else None
        )

    @staticmethod
    def accepts(location: str) -> bool:
        """Whether it is a folder."""
        return Path(location).is_dir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """No file is open between two images."""

    def fingerprint(self) -> str:
        """SHA-256 over the images' names and bytes, in the natural order of their names."""
        sha256 = hashlib.sha256()
        for path in sorted((entry.path for entry in self._entries), key=_by_name):
            with _reading(path), path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            sha256.update(path.name.encode("utf-8", "surrogateescape") + b"\0" + digest)
        return sha256.hexdigest()

    def frames(self, sample_rate: float | None, start: float = 0.0, stop: float | None = None) -> Generator[Frame]:
        """As the protocol says; an image that does not decode is counted in `damaged`, the next one takes its place
        if it is in the same bucket.
        """
        return self._sample(checked_rate(sample_rate), start, stop)

    def _sample(self, rate: Fraction | None, start: float, stop: float | None) -> Generator[Frame]:
        self.damaged = 0
        # The bucket that holds `start` may have begun before it.
        first = 0 if rate is None else bucket_of(Fraction(start), rate)
        last_bucket = -1
        for ticks, entry in zip(self._ticks, self._entries, strict=True):
            exact = ticks * TIME_BASE
            time = float(exact)
            if stop is not None and time >= stop:
                return
            bucket = ticks if rate is None else bucket_of(exact, rate)
            if bucket <= last_bucket or bucket < first or (rate is None and time < start):
                continue
            image = self._image(entry)
            if image is None:
                self.damaged += 1
                continue
            last_bucket = bucket
            if time >= start:
                yield Frame(ticks, time, image)

    def _image(self, entry: _Entry) -> Image | None:
        image = _decoded(entry.path, entry.orientation)
        if image is None:
            return None
        width, height = self._form((image.shape[1], image.shape[0])).shown
        if (width, height) != (self.width, self.height):
            return None
        if image.shape[:2] != (height, width):
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        return image

    def _form(self, size: tuple[int, int], orientation: int = UPRIGHT) -> Form:
        pixel = SQUARE if self._aspect is None else pixel_for(self._aspect, size, orientation)
        return Form(*size, pixel, orientation)

    def _warn(self, code: str, text: str) -> None:
        self.warnings.append(SourceWarning(code, f"{self.path}: {text}"))

    def _read_entries(self) -> tuple[list[_Entry], tuple[int, int]]:
        """The images in the natural order of their names, and their common width and height."""
        with _reading(self.path):
            paths = sorted((path for path in self.path.iterdir() if not path.name.startswith(".")), key=_by_name)
            images = [path for path in paths if path.suffix.lower() in SUFFIXES and path.is_file()]
        entries: list[_Entry] = []
        size, unreadable = (0, 0), []
        for place, path in enumerate(images):
            header = _header(path)
            if header.size is None:
                unreadable.append(path.name)
                continue
            shown = self._form(header.size, header.orientation).shown
            if entries and shown != size:
                raise SourceError(
                    f"{path} is {shown[0]}x{shown[1]} px, but {entries[0].path.name} is {size[0]}x{size[1]}; "
                    "put images of one size into a folder",
                    exit_status=2,
                )
            size = shown
            entries.append(_Entry(path, header.orientation, header.captured, place))
        skipped = len(paths) - len(images)
        if not entries:
            raise SourceError(
                f"{self.path}: the folder contains no images ({_count(skipped + len(unreadable), 'other file')}); "
                f"name a video file, or a folder of {', '.join(SUFFIXES)}",
                exit_status=2,
            )
        if skipped:
            description = _count(skipped, "entry that is not an image", "entries that are not images")
            self._warn("skipped_files", f"skipped {description}")
        if unreadable:
            self._warn(
                "damaged",
                f"skipped {_count(len(unreadable), 'damaged image')}, the first {unreadable[0]}; copy them again",
            )
        return entries, size

    def _in_time(self, entries: list[_Entry], every: float | None) -> tuple[list[_Entry], list[int]]:
        """The entries in order of time, and their ticks, which increase."""
        if every is None:
            times = [entry.captured for entry in entries if entry.captured is not None]
            zoned = {time.tzinfo is not None for time in times}
            if len(times) == len(entries) and len(zoned) == 1:
                if len(set(times)) == len(times):
                    entries = sorted(entries, key=lambda entry: entry.captured or datetime.max)
                    first_time: Any = entries[0].captured
                    return entries, [_microseconds(entry.captured, first_time) for entry in entries]
                reason = "several images have the same EXIF time"
            else:
                reason = f"{_count(len(entries) - len(times), 'image')} of {len(entries)} without EXIF time"
            self._warn(
                "times_assumed",
                f"{reason}; taken in order of name, one every {DEFAULT_INTERVAL:g} s (another interval: --every)",
            )
        # A damaged image leaves a gap: those after it were not captured sooner.
        interval = Fraction(str(DEFAULT_INTERVAL if every is None else every)) / TIME_BASE
        return entries, [round((entry.place - entries[0].place) * interval) for entry in entries]


def _by_name(path: Path) -> tuple[list[tuple[int, str]], str]:
    return natural_order(path.name)


def read_image(path: Path) -> Image | None:
    """The image (height, width, 3) RGB of a file, upright; None where it is damaged or no image.

    Raises SourceError where it cannot be read.
    """
    return _decoded(path, _header(path).orientation)


def _header(path: Path) -> Header:
    """The header of an image file; its size is None where it does not decode."""
    with _reading(path), path.open("rb") as file:
        data = file.read(HEADER_BYTES)
        header = read_header(data)
        if header.size is not None:
            return header
        header = read_header(data + file.read())
    if header.size is None and (image := _decoded(path, 1)) is not None:
        return Header((image.shape[1], image.shape[0]), header.orientation, header.captured)
    return header


def _decoded(path: Path, orientation: int) -> Image | None:
    """The image (height, width, 3) RGB, upright; None where it is damaged."""
    with _reading(path):
        data = path.read_bytes()
    if not data or not is_complete(data):
        return None
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # more pixels than OpenCV reads
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None:
        return None
    return np.ascontiguousarray(upright(image, orientation), np.uint8)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; check the path and its permissions", exit_status=2) from error


def _microseconds(time: datetime | None, first_time: datetime) -> int:
    return 0 if time is None else (time - first_time) // timedelta(microseconds=1)


def _count(number: int, singular: str, plural: str | None = None) -> str:
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
