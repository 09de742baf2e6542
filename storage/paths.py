"""Names of files as text: what is not UTF-8 in them is stored and shown with escapes, and found again."""

from __future__ import annotations

import re
from pathlib import Path

#: Python's stand-ins for bytes of a name that are not UTF-8 (https://peps.python.org/pep-0383/), and for halves of
#: characters in names on Windows. No database takes either.
_STAND_IN = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\x([89a-f][0-9a-f])|\\u(d[89a-f][0-9a-f]{2})")
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF


def escaped(text: str) -> str:
    r"""The text with `\xe9` in place of a byte that is not UTF-8; any other text as it is."""
    return _STAND_IN.sub(lambda match: escape(match[0]), text)


def escape(stand_in: str) -> str:
    r"""`\xe9` for the stand-in of the byte 0xe9, `\ud83d` for any other half of a character."""
    code = ord(stand_in)
    return rf"\x{code - 0xDC00:02x}" if _FIRST_BYTE <= code <= _LAST_BYTE else rf"\u{code:04x}"


def path_of(stored: str) -> Path:
    """The path that was stored as `escaped`; where a file really has the escapes in its name, that one."""
    path = Path(stored)
    return path if path.exists() else Path(_ESCAPE.sub(_stand_in, stored))


def _stand_in(match: re.Match[str]) -> str:
    byte, code = match.groups()
    return chr(int(byte, 16) + 0xDC00) if byte else chr(int(code, 16))
