"""Timed texts in tiers: what every format of annotation software holds."""

from __future__ import annotations

from typing import NamedTuple

from engine.errors import UsageError


class Annotation(NamedTuple):
    """A text from `start` to `stop`, s of the recording's own clock; one moment where they are equal."""

    start: float
    stop: float
    text: str


class Tier(NamedTuple):
    """Annotations of one kind or of one person, in order of time."""

    name: str
    annotations: tuple[Annotation, ...]
    student: str = ""
    """Whom they are about, where the file says so apart from the name."""
    coder: str = ""
    """Who made them, likewise."""


class FormatError(UsageError):
    """A file that is not what it says it is; the text lacks the file's name, which the caller puts in front."""
