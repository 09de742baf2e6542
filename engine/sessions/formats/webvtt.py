"""WebVTT (W3C): cues that a player shows, chapters and captions, read and written."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from engine.sessions.formats.tiers import Annotation, FormatError

#: What separates the times of a cue, and so must not stand in its text.
_ARROW = "-->"
_TIMES = re.compile(rf"\s*([\d:.]+)\s*{_ARROW}\s*([\d:.]+)")
_TIME = re.compile(r"(?:(\d{2,6}):)?([0-5]\d):([0-5]\d)\.(\d{3})")
_TAG = re.compile(r"<[^>]*>")


def read(text: str) -> list[Annotation]:
    """The cues of a file, without their markup. Raises FormatError for times that are none."""
    cues = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        place = next((place for place, line in enumerate(lines[:2]) if _ARROW in line), None)
        if place is None:
            continue  # the head, a note, a style
        times = _TIMES.match(lines[place])
        if times is None:
            raise FormatError(f"a cue without times: {lines[place][:60]!r}")
        said = " ".join(html.unescape(_TAG.sub("", " ".join(lines[place + 1 :]))).split())
        cues.append(Annotation(_seconds(times[1]), _seconds(times[2]), said))
    return cues


def _seconds(text: str) -> float:
    match = _TIME.fullmatch(text)
    if match is None:
        raise FormatError(f"{text[:20]!r} is not a time of WebVTT, such as 01:02:03.000")
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in match.groups())
    return (hours * 3_600_000 + minutes * 60_000 + seconds * 1000 + milliseconds) / 1000


def lines(cues: Iterable[Annotation]) -> Iterator[str]:
    """The parts of a WebVTT file."""
    yield "WEBVTT\n"
    for cue in cues:
        yield f"\n{_time(cue.start)} {_ARROW} {_time(cue.stop)}\n{_escaped(cue.text)}\n"


def _time(seconds: float) -> str:
    milliseconds = max(round(seconds * 1000), 0)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escaped(text: str) -> str:
    """One line, without what WebVTT reads as markup."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
