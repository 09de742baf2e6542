"""Files that people give, as bytes and as text: not larger than such files are, in an encoding that is known."""

from __future__ import annotations

import codecs
from pathlib import Path

from engine.errors import SourceError, UsageError

#: The largest table or file of annotations that is read, bytes: a term of codes has a few megabytes.
MOST_BYTES = 64 * 2**20


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a file.

    Raises SourceError for a file that cannot be read, and UsageError for one that is larger than MOST_BYTES.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; check the path", exit_status=2) from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path}: larger than {MOST_BYTES // 2**20} MB; is this the right file?")
    return data


def decoded(data: bytes) -> str:
    """The text of bytes in UTF-8, or in UTF-16 with a byte order mark. Raises UnicodeDecodeError for others."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if utf16 else "utf-8-sig")
