"""The colours of verdicts for terminals, videos and pages; report.css holds the values, which are read from it."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from classpulse.report.figures import INSUFFICIENT
from engine.verdicts.scale import CLASS_VERDICTS, VERDICTS

#: The class of a verdict's box in a page; report.css gives it its colour.
BOXES = dict(zip(CLASS_VERDICTS, ("plus3", "plus0", "minus3", "hatched", "divided"), strict=True))
#: Names of the 16 colours of terminals.
TERMINAL = dict(zip(CLASS_VERDICTS, ("green", "blue", "red", "bright_black", "yellow"), strict=True))
#: The variables of report.css with the colours drawn onto videos.
_DRAWN = dict(zip(VERDICTS, ("--plus2", "--zero", "--minus2", "--hatch"), strict=True))


def level_class(level: int) -> str:
    """The class of a cell of a heat map; report.css gives it its colour. Levels are those of `figures.levels`."""
    if level == INSUFFICIENT:
        return BOXES[VERDICTS[-1]]
    return f"{'minus' if level < 0 else 'plus'}{abs(level)}"


@cache
def rgb() -> dict[str, tuple[int, int, int]]:
    """Red, green and blue (0 to 255) of every verdict, as drawn onto videos: the colours of the light page."""
    css = (resources.files("classpulse.report") / "static" / "report.css").read_text("utf-8")
    light = dict(re.findall(r"(--\w+): #([0-9a-f]{6})", css.split("@media", 1)[0]))
    return {verdict: _channels(light[name]) for verdict, name in _DRAWN.items()}


def _channels(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue
