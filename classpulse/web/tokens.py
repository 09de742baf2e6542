"""Whether a token that a person chose could be guessed."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from engine.errors import UsageError

#: A token of fewer characters could be guessed.
SHORTEST = 16
#: The least that its characters must be worth, bits: 16 random hexadecimal digits have about 50 by this count.
LEAST_BITS = 40.0
#: Characters that follow each other on a keyboard.
_ROWS = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm")


def check_token(token: str) -> None:
    """Raise UsageError for a token that could be guessed; the message does not repeat it."""
    if len(token) < SHORTEST:
        raise UsageError(f"the token has {len(token)} characters; it must have {SHORTEST} or more")
    if bits(token) < LEAST_BITS:
        raise UsageError(
            "the token can be guessed (its characters repeat or follow each other); "
            "use, for example, the output of: openssl rand -hex 24"
        )


def bits(token: str) -> float:
    """How much the characters of a token can be worth at most, as if each were drawn by its own frequency.

    Only characters count that do not follow from those before: no repetition of an earlier stretch, no step like
    the last one ("abc", "321", "aaa"), not the next key of a row. A word of a dictionary counts like random
    letters: no estimate knows where a token comes from.
    """
    free = [letter for place, letter in enumerate(token) if not _follows(token.lower(), place)]
    counts = Counter(free)
    return -sum(count * math.log2(count / len(free)) for count in counts.values()) if free else 0.0


def _follows(token: str, place: int) -> bool:
    if place < 2:
        return False
    stretch = token[place - 2 : place + 1]
    steps = [ord(after) - ord(before) for before, after in pairwise(stretch)]
    if steps[0] == steps[1] and abs(steps[0]) <= 1:
        return True
    return stretch in token[:place] or any(stretch in row or stretch in row[::-1] for row in _ROWS)
