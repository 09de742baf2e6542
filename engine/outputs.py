"""How an output file is written: beside its place, then renamed, private, never over a database or a recording."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import OutputError, UsageError

#: How the name of a file ends while it is being written.
PARTIAL = ".partial"
#: Signatures of files that are never overwritten, (offset, bytes): databases of SQLite, and containers of video.
_PROTECTED = {
    "a database": (
        (0, b"SQLite format 3\0"),
        (0, b"\x37\x7f\x06\x82"),  # its log, https://sqlite.org/fileformat.html#wal_file_format
        (0, b"\x37\x7f\x06\x83"),
        (0, b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"),  # its rollback journal
    ),
    "a video": (
        *((4, box) for box in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),  # MP4, MOV
        (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
        (8, b"AVI "),
        (0, b"OggS"),
        (0, b"FLV\x01"),
        (0, b"\x00\x00\x01\xba"),  # MPEG program stream
        (0, b"\x00\x00\x01\xb3"),  # MPEG video
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # Windows Media
    ),
}
#: Bytes of a packet of an MPEG transport stream, and where in it 0x47 stands: broadcast; discs and camcorders.
_PACKETS = ((188, 0), (192, 4))
#: How the names of the files end that SQLite keeps beside a database.
_BESIDE = ("-wal", "-shm", "-journal")
#: What the system says where a disk or a quota is full.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def protected_content(path: Path) -> str | None:
    """`a database` or `a video` if the file at `path` begins like one; None for any other content."""
    with path.open("rb") as file:
        head = file.read(1024)
    for kind, signatures in _PROTECTED.items():
        if any(head[offset:].startswith(signature) for offset, signature in signatures):
            return kind
    transport = any(head[sync::length][:3] == b"GGG" for length, sync in _PACKETS)
    return "a video" if transport else None


@contextmanager
def output_file(
    path: Path,
    *,
    recordings: Callable[[], Iterable[Path]] = tuple,
    replaces: Callable[[Path], bool] | None = None,
    refusal: str = "choose another output file",
) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` where the block ends without an error.

    It lies beside `path`, so that renaming it is one step: a reader of `path` finds the old file or the complete
    new one. Only its owner can read it; in place of an earlier file it takes over that file's permissions.

    Any earlier file is replaced, but for databases and videos; with `replaces`, only those for which it is true.
    Never replaced is one of the `recordings` (only asked for where `path` is there), nor a file in such a folder.
    Raises UsageError, which names `path` and ends with `refusal`, for a file that must stay, and for a folder that
    does not exist; OutputError, where it cannot be written or the disk is full. A device, such as /dev/stdout, is
    written to directly.
    """
    if path.is_symlink():
        path = path.resolve()
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    _check(path, recordings, replaces, refusal)
    with _explained(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=PARTIAL, dir=path.parent)
        os.close(descriptor)
        partial = Path(name)
        try:
            yield partial
            _sync(partial)  # a crash after the renaming must not leave an empty file
            if path.exists():
                _check(path, recordings, replaces, refusal)  # it may have been written meanwhile
                shutil.copymode(path, partial)
            partial.replace(path)
            _sync(path.parent)
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
    with _explained(path):
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", suffix=PARTIAL, dir=path.parent))
        try:
            yield partial
            for file in (*partial.rglob("*"), partial):
                _sync(file)
            partial.rename(path)  # also in the place of an empty one
            _sync(path.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def _check(
    path: Path,
    recordings: Callable[[], Iterable[Path]],
    replaces: Callable[[Path], bool] | None,
    refusal: str,
) -> None:
    if path.is_dir():
        raise UsageError(f"{path}: it is a folder; choose a file as output")
    _check_parent(path)
    for end in _BESIDE:
        database = path.with_name(path.name.removesuffix(end))
        if path.name.endswith(end) and database.is_file() and protected_content(database) == "a database":
            raise UsageError(f"{path}: it belongs to the database {database.name}; {refusal}")
    if not path.exists():
        return
    if any(_is_part(path, recording) for recording in recordings()):
        raise UsageError(f"{path}: a session was made of it, and a recording is never overwritten; {refusal}")
    if replaces is None:
        if kind := protected_content(path):
            raise UsageError(f"{path}: it is {kind}, which is never overwritten; {refusal}")
    elif not replaces(path):
        raise UsageError(f"{path}: it exists already; {refusal}")


def _is_part(path: Path, recording: Path) -> bool:
    """Whether `path` is the recording, under whatever name, or lies in a folder of images that is one."""
    with suppress(OSError):  # it is gone
        return recording.samefile(path) or (recording.is_dir() and recording.samefile(path.parent))
    return False


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; create it, or choose another output")


def _sync(path: Path) -> None:
    """Have the disk hold a file, or the entries of a folder, where the system can do that."""
    if path.is_dir():
        with suppress(OSError):
            _flush(path, os.O_RDONLY)
    else:
        _flush(path, os.O_RDWR)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What the system says about the file beside `path`, as an OutputError that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OutputError(f"{path}: the disk is full, and nothing was written; free some space") from error
        if str(error.filename or "").endswith(PARTIAL):
            raise OutputError(
                f"{path}: {error.strerror}; check the permissions of its folder, or choose another output"
            ) from error
        raise
