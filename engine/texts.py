"""Texts of users: which are stored as names (of students, sessions, rooms, ...), and their natural order."""

from __future__ import annotations

import re
import unicodedata

from engine.errors import UsageError

#: The longest name, characters.
LONGEST = 200
#: What messages call the name that `analyze` gives.
NAME_OF_SESSION = "name of a session"


def normalised(text: str) -> str:
    """The text without blanks around it, its letters composed (NFC): `é` is one text however it was typed."""
    return unicodedata.normalize("NFC", text.strip())


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts numbers in names by their value, case aside: img2.jpg before IMG10.jpg."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)], name


def checked_text(text: str, what: str) -> str:
    """The text as it is stored: normalised; empty for none.

    Raises UsageError, which calls it a `what`, for one with characters that cannot be shown, and one that is too
    long.
    """
    text = normalised(text)
    if not text.isprintable():
        raise UsageError(
            f"invalid {what} {text[:LONGEST]!r}: it has characters that cannot be shown; choose another"
        )
    if len(text) > LONGEST:
        raise UsageError(f"invalid {what} {text[:20]!r}...: it is longer than {LONGEST} characters; shorten it")
    return text


def required_text(text: str, what: str) -> str:
    """The same for a text that cannot be omitted. Raises UsageError for an empty one, too."""
    if not text.strip():
        raise UsageError(f"invalid {what} {text!r}: it is empty; name one")
    return checked_text(text, what)
