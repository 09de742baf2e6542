"""Standard output and error: an encoding that lacks a character, a closed reader or a full disk ends no work."""

from __future__ import annotations

import codecs
import io
import os
import sys
from pathlib import Path
from typing import Any, TextIO

_ERRORS = "classpulse"
#: What stands for the signs of our own tables where the encoding has them not.
_PLAIN = {"–": "-", "−": "-", "±": "+/-", "…": "...", "×": "x"}


class _Output(io.FileIO):
    """A descriptor of which only the first failure is raised, or none; what cannot be written is dropped."""

    def __init__(self, descriptor: int, *, raises: bool) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.raises = raises
        self.failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write, or drop after a failure; returns the number of bytes."""
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as error:
                self.failure = error
                if self.raises:
                    raise
        return len(memoryview(data).cast("B"))


class Streams:
    """The standard streams of a run, from `prepare` to `finish`, unless a test has put others in their place."""

    def __init__(self) -> None:
        self._output: _Output | None = None
        self._replaced = 0

    def prepare(self) -> None:
        """Have every character printed or replaced, and no failure of standard error ever raised.

        A descriptor that the caller closed is /dev/null: the next file to be opened would take its number.
        """
        for descriptor in range(3):
            try:
                os.fstat(descriptor)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # it takes the lowest number, this one
        nothing = Path(os.devnull)
        sys.stdin = sys.stdin or nothing.open(encoding="utf-8")
        output = sys.stdout or nothing.open("w", encoding="utf-8")
        errors = sys.stderr or nothing.open("w", encoding="utf-8")
        codecs.register_error(_ERRORS, self._replace)
        if _is_own(output, sys.__stdout__):
            self._output = _Output(output.fileno(), raises=True)
            output = _text(self._output, output)
        if _is_own(errors, sys.__stderr__):
            errors = _text(_Output(errors.fileno(), raises=False), errors)
        sys.stdout, sys.stderr = output, errors
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=_ERRORS)

    def outlive_output(self) -> None:
        """From now on the work goes on where standard output fails; `finish` says so at the end."""
        if self._output:
            self._output.raises = False

    def finish(self) -> OSError | None:
        """Write what is buffered; returns the first failure of standard output, after which all was dropped."""
        try:
            sys.stdout.flush()
        except OSError as error:
            return error
        if self._replaced:
            print(
                f"classpulse: {self._replaced} characters that {sys.stdout.encoding}, the encoding of the output, "
                "lacks were replaced by ?; set PYTHONUTF8=1 to get them",
                file=sys.stderr,
            )
        return self._output.failure if self._output else None

    def _replace(self, error: UnicodeError) -> tuple[str, int]:
        """Bytes of a file's name with escapes, signs of our own in ASCII, and ? for any other character."""
        from storage.paths import escaped

        assert isinstance(error, UnicodeEncodeError)
        character = error.object[error.start]
        text = _PLAIN.get(character) or escaped(character)
        if not text.isascii():
            self._replaced += 1
            text = "?"
        return text, error.start + 1


#: Those of this process.
STREAMS = Streams()


def _is_own(stream: TextIO, original: object) -> bool:
    """Whether the process was started with the stream, and it is not a terminal."""
    return stream is original and not stream.isatty()


def _text(output: _Output, like: TextIO) -> TextIO:
    """A text stream over the descriptor, buffered and encoded as `like` is."""
    # What Python writes through to the descriptor would be in our buffer until the end.
    lines = any(getattr(like, how, False) for how in ("line_buffering", "write_through"))
    return io.TextIOWrapper(io.BufferedWriter(output), encoding=like.encoding, line_buffering=lines)
