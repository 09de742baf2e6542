"""The protocol of a session's frame sources, and the frames of a sample rate."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.settings import Settings


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One sampled image of a session."""

    pts: int
    """Media timestamp, in ticks of the source's time base; it names the frame: unique and ascending in the session.

    The source's own, shifted where its clock went back or jumped before, so that it goes on: `warnings` tell where.
    """
    time: float
    """Seconds since the source's first frame."""
    image: npt.NDArray[np.uint8]
    """(height, width, 3) RGB, upright."""


@dataclass(frozen=True, slots=True)
class SourceWarning:
    """What of a source could not be honoured, or may mislead; stored with the session."""

    code: str
    """One word for all warnings of a kind, such as `clock_jump`."""
    text: str
    """One line that names the source, says what it is, and the remedy."""
    time: float | None = None
    """The session time that it is about, s; None: the whole session."""
    file_time: float | None = None
    """What the source's own clock shows at `time`, s, where that clock goes back or jumps."""


class FrameSource(Protocol):
    """Gives the frames of one session: a video file, a folder of images. Any class with these members is a source.

    Another package offers one through an entry point of the group `classpulse.sources`: a name, and the class.
    `engine.vision.sources.open_source` asks every registered class whether it `accepts` a location, other packages'
    first, and calls the first that does. Every process that analyses the session opens the source for itself.

    What cannot be read is an `engine.errors.SourceError`, in one line that names the file and the remedy, with exit
    status 2 where the user named the wrong thing.
    """

    path: Path
    """Where it is; stored with the session, so that reports find it again."""
    name: str
    """The session's name where the user gives none."""
    width: int
    """Of the upright image, px; the same for every frame."""
    height: int
    time_base: Fraction
    """Seconds a tick."""
    start_pts: int
    """Timestamp of the first frame; session time 0."""
    duration: float | None
    """Seconds that the source claims to last; it may end before or after. None where it claims nothing."""
    recorded: datetime | None
    """When the recording began, with a time zone; None where that is unknown."""
    seekable: bool
    """Whether reading from the middle starts near there; if not, a single process analyses the session."""
    damaged: int
    """Packets or images that the last `frames()` left out because they did not decode, or have no place in time."""

    def __init__(self, location: str, settings: Settings) -> None:
        """Open `location`, which `accepts` accepted. Only what changes pass 1's rows may depend on `settings`."""
        ...

    @property
    def warnings(self) -> Sequence[SourceWarning]:
        """What the user should know about the source; known once it is open."""
        ...

    @staticmethod
    def accepts(location: str) -> bool:
        """Whether this class reads `location`, as the user typed it. Quick, and without an exception."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None:
        """Release whatever is held; readers that are still open end."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 of the content, in hexadecimal: sessions of equal fingerprint and settings are the same session.

        Raises SourceError where the content can no longer be read.
        """
        ...

    def frames(self, sample_rate: float | None, start: float = 0.0, stop: float | None = None) -> Generator[Frame]:
        """Frames with start <= time < stop (s), in ascending order of time, without equal times.

        With a `sample_rate`, those that are the first to decode in their bucket floor(time * sample_rate) (see
        `bucket_of`), else all. The sample must not depend on `start` and `stop`: the frames of adjoining spans
        are together those of the whole. What does not decode is left out and counted in `damaged`. Raises
        UsageError for a wrong rate (see `checked_rate`).
        """
        ...


def checked_rate(sample_rate: float | None) -> Fraction | None:
    """`sample_rate` exactly as it is written. Raises UsageError unless it is a positive number or None."""
    if sample_rate is None:
        return None
    if not 0 < sample_rate < math.inf:
        raise UsageError(f"sample-rate is {sample_rate!r}; it must be a number above 0, or every frame (`all`)")
    return Fraction(str(sample_rate))


def bucket_of(time: Fraction, rate: Fraction) -> int:
    """The bucket of a frame at `time` (s): one frame of each is sampled at `rate` (1/s). Exact."""
    return math.floor(time * rate)
