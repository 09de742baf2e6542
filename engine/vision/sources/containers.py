"""How a file of video or sound is opened with any release of PyAV that the bounds allow."""

from __future__ import annotations

from os import PathLike
from typing import Any

import av
from av.container import InputContainer

#: Options of PyAV before release 19, which dropped the argument: invalid UTF-8 must not end an analysis.
#: From 19 on it keeps such bytes as surrogates by itself.
TOLERANT: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}


def open_recording(path: str | PathLike[str]) -> InputContainer:
    """`path` opened for reading, whatever its metadata are encoded in. Raises av.error.FFmpegError."""
    # The prefix keeps "9:30.mp4" from being read as the address of a protocol named 9.
    opened: InputContainer = av.open(f"file:{path}", **TOLERANT)
    return opened
