"""The colours of verdicts for terminals, videos and pages; report.css holds the values, which are read from it."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from classpulse.report.figures import FIRST_KIND, INSUFFICIENT
from engine.verdicts.scale import BALANCE, CLASS_VERDICTS, VERDICTS, Scale

#: The class of a verdict's box in a page; report.css gives it its colour.
BOXES = dict(zip(CLASS_VERDICTS, ("plus3", "plus0", "minus3", "hatched", "divided"), strict=True))
#: Names of the 16 colours of terminals.
TERMINAL = dict(zip(CLASS_VERDICTS, ("green", "blue", "red", "bright_black", "yellow"), strict=True))
#: The variables of report.css with the colours drawn onto videos.
#: Colours that report.css has for classes without polarity.
KINDS = 12
#: The same of classes without polarity, in their order, over and over.
_KINDS = ("green", "blue", "magenta", "cyan", "red", "bright_green", "bright_blue", "bright_magenta", "bright_cyan")
_DRAWN = dict(zip(VERDICTS, ("--plus2", "--zero", "--minus2", "--hatch"), strict=True))


def boxes(scale: Scale = BALANCE) -> dict[str, str]:
    """The class of the box of every verdict of the class."""
    if scale.polar:
        return BOXES
    kinds = {kind: level_class(FIRST_KIND + place) for place, kind in enumerate(scale.kinds)}
    return kinds | {verdict: BOXES[verdict] for verdict in CLASS_VERDICTS[len(VERDICTS) - 1 :]}


def terminal(scale: Scale = BALANCE) -> dict[str, str]:
    """The colour in a terminal of every verdict of the class."""
    if scale.polar:
        return TERMINAL
    kinds = {kind: _KINDS[place % len(_KINDS)] for place, kind in enumerate(scale.kinds)}
    return kinds | {verdict: TERMINAL[verdict] for verdict in CLASS_VERDICTS[len(VERDICTS) - 1 :]}


def css_name(verdict: str) -> str:
    """The class of a line of this verdict; report.css gives it its colour."""
    return f"of-{verdict.replace(' ', '-')}"


def level_class(level: int) -> str:
    """The class of a cell of a heat map; report.css gives it its colour. Levels are those of `figures.levels`."""
    if level == INSUFFICIENT:
        return BOXES[VERDICTS[-1]]
    if level >= FIRST_KIND:
        return f"kind{level - FIRST_KIND + 1}"
    return f"{'minus' if level < 0 else 'plus'}{abs(level)}"


@cache
def rgb(scale: Scale = BALANCE) -> dict[str, tuple[int, int, int]]:
    """Red, green and blue (0 to 255) of every verdict, as drawn onto videos: the colours of the light page."""
    css = (resources.files("classpulse.report") / "static" / "report.css").read_text("utf-8")
    light = dict(re.findall(r"(--\w+): #([0-9a-f]{6})", css.split("@media", 1)[0]))
    if not scale.polar:
        named = {kind: f"--kind{place % KINDS + 1}" for place, kind in enumerate(scale.kinds)}
        return {name: _channels(light[colour]) for name, colour in (*named.items(), (VERDICTS[-1], "--hatch"))}
    return {verdict: _channels(light[name]) for verdict, name in _DRAWN.items()}


def _channels(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue
