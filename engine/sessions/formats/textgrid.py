"""Praat's TextGrid files, long and short, read and written (Praat's manual, "TextGrid file formats")."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from engine.sessions.formats.tiers import Annotation, FormatError, Tier

#: Free-standing strings, flags and numbers are all that counts; names such as `xmin =` and `intervals [1]:` do not.
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]++|"")*+)"|(?P<flag><\w+>)|(?<!\S)(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)|![^\n]*'
)


def read(text: str) -> list[Tier]:
    """The tiers of a file; a point is an annotation of one moment. Raises FormatError for what is no TextGrid."""
    tokens = _tokens(text)
    if _text(tokens, "the file type") != "ooTextFile" or _text(tokens, "the class") != "TextGrid":
        raise FormatError("a text file of Praat, but not a TextGrid; save it as TextGrid text file")
    _number(tokens, "the begin"), _number(tokens, "the end")
    if next(tokens, None) != ("flag", "<exists>"):
        return []
    tiers = []
    for place in range(int(_number(tokens, "the number of tiers"))):
        where = f"tier {place + 1}"
        kind, name = _text(tokens, where), _text(tokens, where)
        if kind not in ("IntervalTier", "TextTier"):
            raise FormatError(f"{where} is a {kind[:40]!r}; there are IntervalTier and TextTier")
        _number(tokens, where), _number(tokens, where)
        annotations = []
        for _ in range(int(_number(tokens, where))):
            start = _number(tokens, where)
            stop = _number(tokens, where) if kind == "IntervalTier" else start
            annotations.append(Annotation(start, stop, _text(tokens, where)))
        tiers.append(Tier(name, tuple(annotation for annotation in annotations if annotation.text.strip())))
    return tiers


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "text":
            yield "text", match["text"].replace('""', '"')
        elif match.lastgroup:
            yield match.lastgroup, match[0]


def _text(tokens: Iterator[tuple[str, str]], where: str) -> str:
    kind, value = next(tokens, ("", ""))
    if kind != "text":
        raise FormatError(f"{where}: expected a text in quotes; the file is damaged or cut off")
    return value


def _number(tokens: Iterator[tuple[str, str]], where: str) -> float:
    kind, value = next(tokens, ("", ""))
    number = float(value) if kind == "number" else math.inf
    if not math.isfinite(number):
        raise FormatError(f"{where}: expected a number; the file is damaged or cut off")
    return number


def write(tiers: Sequence[Tier], duration: float) -> str:
    """A long TextGrid of tiers whose annotations lie apart; gaps are intervals without a text, as Praat needs."""
    end = max([duration, *(annotation.stop for tier in tiers for annotation in tier.annotations)])
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_decimal(end)}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, tier in enumerate(tiers, 1):
        intervals = list(_filled(tier.annotations, end))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(tier.name)}"]
        lines += ["        xmin = 0", f"        xmax = {_decimal(end)}"]
        lines += [f"        intervals: size = {len(intervals)}"]
        for place, (start, stop, text) in enumerate(intervals, 1):
            lines += [f"        intervals [{place}]:", f"            xmin = {_decimal(start)}"]
            lines += [f"            xmax = {_decimal(stop)}", f"            text = {_quoted(text)}"]
    return "\n".join(lines) + "\n"


def _filled(annotations: Sequence[Annotation], end: float) -> Iterator[Annotation]:
    at = 0.0
    for annotation in annotations:
        if annotation.start > at:
            yield Annotation(at, annotation.start, "")
        yield annotation
        at = annotation.stop
    if at < end:
        yield Annotation(at, end, "")


def _decimal(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
