"""What a file of codes or marks is, by its content: annotations of ELAN, BORIS, Praat or WebVTT, or a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from engine.documents import decoded, read_bytes
from engine.errors import UsageError
from engine.sessions.formats import boris, eaf, textgrid, webvtt
from engine.sessions.formats.tiers import Annotation, FormatError, Tier
from engine.table_files import kind_of
from engine.tables import Row, read_rows
from engine.times import format_time

#: Whose tiers are not a coder's: what `export` wrote.
SYSTEM = "classpulse"
#: What stands before the @ in names of tiers that `export` writes; a coder is called otherwise.
KINDS = ("verdict", "attention")
#: The tiers of a lesson's phases and of shots, which are about nobody.
PHASES, SHOTS = "phases", "shots"
#: How long a code of one moment holds, s, unless the same student's next one comes sooner.
POINT_SECONDS = 5.0


class Recording(NamedTuple):
    """What a file must fit."""

    file_name: str = ""
    begin: float = 0.0
    """Where its own clock begins, s: annotations are on that clock, and a session begins at 0."""


#: Whatever the file is about, by a clock that begins at 0.
ANY_RECORDING = Recording()


def read_annotations(path: str | Path, recording: Recording) -> list[Tier] | None:
    """The tiers of a file of annotations; None for a table. Raises UsageError for a damaged file."""
    data = read_bytes(path)
    if kind_of(data):
        return None
    head = data[:64].lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n").replace(b"\0", b"")
    reader: Callable[[], list[Tier]]
    if head.startswith(b"<"):
        reader = lambda: eaf.read(data)  # noqa: E731 -- an encoding is the XML's own matter
    elif head.startswith(b"WEBVTT"):
        reader = lambda: [Tier(PHASES, tuple(webvtt.read(decoded(data))))]  # noqa: E731
    elif head.startswith((b"File type", b'"ooTextFile')):
        reader = lambda: textgrid.read(_praat(data))  # noqa: E731
    elif head.startswith(b"{"):
        reader = lambda: boris.read(decoded(data), recording.file_name)  # noqa: E731
    else:
        return _boris_table(path, data)
    try:
        return reader()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8; save it in UTF-8") from None
    except FormatError as error:
        raise UsageError(f"{path}: {error}") from error


def _praat(data: bytes) -> str:
    """Praat writes UTF-16, UTF-8, or Latin-1 where that has every character."""
    try:
        return decoded(data)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _boris_table(path: str | Path, data: bytes) -> list[Tier] | None:
    """The events of a table with BORIS's columns; None for every other table."""
    head = data[:4096].replace(b"\0", b"").lower()
    if b"behavior" not in head or b"subject" not in head:
        return None
    rows = read_rows(path, boris.COLUMNS)
    try:
        return boris.read_table([row.values for row in rows])
    except FormatError as error:
        raise UsageError(f"{path}: {error}") from error


def code_rows(path: str | Path, recording: Recording, is_student: Callable[[str], bool]) -> list[Row] | None:
    """The codes of a file of annotations as the rows of a table of codes; None where the file is a table.

    A tier `Ada@S01` has Ada's codes of S01, and so has a tier S01 with Ada as annotator; a tier that names no
    student is a coder's, with texts such as `S01: neutral`. Tiers that `export` wrote are passed over. Raises
    UsageError for a damaged file, and one without a tier of codes.
    """
    tiers = read_annotations(path, recording)
    if tiers is None:
        return None
    rows = [row for tier in tiers for row in _codes(path, tier, recording.begin, is_student)]
    if not rows:
        names = ", ".join(repr(tier.name) for tier in tiers[:8]) or "none"
        raise UsageError(
            f"{path}: no tier of codes; name one CODER@STUDENT, such as Ada@S01; the tiers are {names}"
        )
    return rows


def _codes(path: str | Path, tier: Tier, begin: float, is_student: Callable[[str], bool]) -> Iterator[Row]:
    kind, at, about = tier.name.partition("@")
    if tier.coder == SYSTEM or (at and kind in KINDS) or tier.name in (PHASES, SHOTS):
        return
    student = next((name for name in (tier.student, about, tier.name) if name and is_student(name)), "")
    coder = tier.coder or (kind if kind != student else "")
    by_student: dict[str, list[Annotation]] = {}
    for annotation in tier.annotations:
        who, text = student, annotation.text
        if not student:
            who, colon, text = (part.strip() for part in annotation.text.partition(":"))
            if not colon or not is_student(who):
                continue
        if text.strip():
            by_student.setdefault(who, []).append(annotation._replace(text=text.strip()))
    for who, coded in by_student.items():
        for start, stop, text in _held(coded):
            values = {
                "student": who,
                "start": f"{max(start - begin, 0):.6f}",
                "stop": f"{max(stop - begin, 0):.6f}",
            }
            place = f"{path}, tier {tier.name} at {format_time(start)}"
            yield Row(place, {**values, "code": text, "coder": coder or "coder"})


def _held(annotations: Sequence[Annotation]) -> Iterator[Annotation]:
    """Codes of one moment as intervals, each up to the next at most."""
    ordered = sorted(annotations)
    for annotation, later in pairwise([*ordered, None]):
        if annotation is not None:
            end = min(annotation.start + POINT_SECONDS, later.start if later else float("inf"))
            yield annotation if annotation.stop > annotation.start else annotation._replace(stop=end)


def mark_annotations(path: str | Path, recording: Recording) -> list[Annotation] | None:
    """The phases in a file of annotations, in s of the session; None where the file is a table.

    They are the chapters of WebVTT, a tier `phases`, the only tier there is, or the events without a subject.
    Raises UsageError where none of them is there.
    """
    tiers = read_annotations(path, recording)
    if tiers is None:
        return None
    chosen = [tier for tier in tiers if tier.name == PHASES or tier.name.endswith(f"@{boris.NO_SUBJECT}")]
    chosen = chosen or (tiers if len(tiers) == 1 else [])
    if not chosen:
        names = ", ".join(repr(tier.name) for tier in tiers[:8]) or "none"
        raise UsageError(f"{path}: no tier {PHASES!r}; name the tier of the phases so; the tiers are {names}")
    return [
        Annotation(max(start - recording.begin, 0.0), max(stop - recording.begin, 0.0), text)
        for tier in chosen
        for start, stop, text in tier.annotations
    ]
