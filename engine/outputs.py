"""How an output file is written: beside its place, then renamed, private, never over a database or a video."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import UsageError

#: How the name of a file ends while it is being written.
PARTIAL = ".partial"
#: Signatures of files that are never overwritten, (offset, bytes): databases of SQLite, and containers of video.
_PROTECTED = {
    "a database": ((0, b"SQLite format 3\0"),),
    "a video": (
        (4, b"ftyp"),  # MP4, MOV
        (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
        (8, b"AVI "),
        (0, b"OggS"),
        (0, b"\x00\x00\x01\xba"),  # MPEG program stream
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # Windows Media
    ),
}
_PACKET = 188  # bytes of a packet of an MPEG transport stream, each of which begins with 0x47


def protected_content(path: Path) -> str | None:
    """`a database` or `a video` if the file at `path` begins like one; None for any other content."""
    with path.open("rb") as file:
        head = file.read(3 * _PACKET)
    for kind, signatures in _PROTECTED.items():
        if any(head[offset:].startswith(signature) for offset, signature in signatures):
            return kind
    transport = len(head) == 3 * _PACKET and all(head[at] == 0x47 for at in range(0, len(head), _PACKET))
    return "a video" if transport else None


@contextmanager
def output_file(
    path: Path, *, replaces: Callable[[Path], bool] | None = None, refusal: str = "choose another output file"
) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` where the block ends without an error.

    It lies beside `path`, so that renaming it is one step: a reader of `path` finds the old file or the complete
    new one. Only its owner can read it; in place of an earlier file it takes over that file's permissions.

    Any earlier file is replaced, but for databases and videos; with `replaces`, only those for which it is true.
    Raises UsageError, which names `path` and ends with `refusal`, for a file that must stay, and for a folder that
    does not exist. A device, such as /dev/stdout, is written to directly.
    """
    if path.is_symlink():
        path = path.resolve()
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    _check(path, replaces, refusal)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=PARTIAL, dir=path.parent)
    os.close(descriptor)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())  # a crash after the renaming must not leave an empty file
        if path.exists():
            _check(path, replaces, refusal)  # it may have been written meanwhile
            shutil.copymode(path, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """A folder to write to, which is at `path` as a whole where the block ends without an error, or not at all.

    Only its owner can read it. Raises UsageError where `path` is anything but an empty folder, or lies in none.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: it exists already; remove it, or choose another output folder")
    _check_parent(path)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", suffix=PARTIAL, dir=path.parent))
    try:
        yield partial
        partial.rename(path)  # also in the place of an empty one
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _check(path: Path, replaces: Callable[[Path], bool] | None, refusal: str) -> None:
    if path.is_dir():
        raise UsageError(f"{path}: it is a folder; choose a file as output")
    _check_parent(path)
    if not path.exists():
        return
    if replaces is None:
        if kind := protected_content(path):
            raise UsageError(f"{path}: it is {kind}, which is never overwritten; {refusal}")
    elif not replaces(path):
        raise UsageError(f"{path}: it exists already; {refusal}")


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; create it, or choose another output")
