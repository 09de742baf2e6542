"""How an output file is written: beside its place, then renamed, private, never over a database or a video."""

from __future__ import annotations

import errno
import sqlite3
import stat
from pathlib import Path

import pytest

from engine.errors import OutputError, UsageError
from engine.outputs import PARTIAL, output_file, output_folder


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _write(path: Path, text: str, error: BaseException) -> None:
    with output_file(path) as partial:
        partial.write_text(text)
        raise error


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with output_file(path) as partial:
        partial.write_text("new")
        assert partial.parent == tmp_path
        assert partial.name.endswith(PARTIAL)
        assert not path.exists()
    assert path.read_text() == "new"
    assert _left(tmp_path) == ["rows.csv"]


def test_an_error_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        _write(path, "half", KeyboardInterrupt())
    assert path.read_text() == "old"
    assert _left(tmp_path) == ["rows.csv"]


def test_a_new_file_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    with output_file(tmp_path / "rows.csv") as partial:
        partial.write_text("new")
    assert stat.S_IMODE((tmp_path / "rows.csv").stat().st_mode) == 0o600


def test_a_replaced_file_keeps_the_permissions_that_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    path.chmod(0o644)
    with output_file(path) as partial:
        partial.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("a video", b"\0\0\0\x20ftypisom" + bytes(500)),
        ("a video", b"\x1a\x45\xdf\xa3" + bytes(500)),
        ("a video", b"RIFF\0\0\0\0AVI LIST"),
        ("a video", (b"\x47" + bytes(187)) * 4),
        ("a video", (bytes(4) + b"\x47" + bytes(187)) * 4),
        ("a video", b"\0\0\0\x08wide\0\0\0\0mdat"),
        ("a video", b"FLV\x01\x05"),
        ("a video", b"\0\0\1\xb3\x16"),
        ("a database", b"SQLite format 3\0" + bytes(84)),
        ("a database", b"\x37\x7f\x06\x82\x00\x2d\xe2\x18"),
        ("a database", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"),
    ],
    ids=["mp4", "matroska", "avi", "ts", "m2ts", "mov", "flv", "mpeg", "sqlite", "its log", "its journal"],
)
def test_databases_and_videos_are_never_overwritten_whatever_their_name(
    tmp_path: Path, what: str, content: bytes
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with (
        pytest.raises(UsageError, match=rf"rows\.csv: it is {what}, which is never overwritten"),
        output_file(path),
    ):
        pytest.fail("it was opened")
    assert path.read_bytes() == content
    assert _left(tmp_path) == ["rows.csv"]


def test_a_real_database_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "classpulse.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(UsageError, match="a database"), output_file(path):
        pytest.fail("it was opened")


@pytest.mark.parametrize("content", [b"", b"G" * 188, b"RIFF\0\0\0\0WAVEfmt ", b"SQLite format 4\0"])
def test_other_files_are_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with output_file(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


def test_only_files_that_may_be_replaced_are(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("mine")
    with (
        pytest.raises(UsageError, match="it exists already; it is not a report"),
        output_file(path, replaces=lambda path: path.read_text() == "ours", refusal="it is not a report"),
    ):
        pytest.fail("it was opened")
    path.write_text("ours")
    with output_file(path, replaces=lambda path: path.read_text() == "ours") as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


def test_a_database_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"

    def write() -> None:
        with output_file(path) as partial:
            partial.write_text("new")
            path.write_bytes(b"SQLite format 3\0")

    with pytest.raises(UsageError, match="a database"):
        write()
    assert path.read_bytes() == b"SQLite format 3\0"
    assert _left(tmp_path) == ["rows.csv"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    with output_file(tmp_path / "link.csv") as partial:
        partial.write_text("new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_device_is_written_to_as_it_is() -> None:
    with output_file(Path("/dev/null")) as partial:
        assert partial == Path("/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal"])
def test_what_belongs_to_a_database_stays_free(tmp_path: Path, end: str) -> None:
    database = tmp_path / "classpulse.db"
    database.write_bytes(b"SQLite format 3\0")
    for path in (tmp_path / f"classpulse.db{end}", tmp_path / f"notes{end}"):
        if path.name.startswith("notes"):
            with output_file(path) as partial:
                partial.write_text("new")
            continue
        with pytest.raises(UsageError, match=rf"{end}: it belongs to the database classpulse\.db; choose another"):
            _write(path, "new", AssertionError())
    assert _left(tmp_path) == ["classpulse.db", f"notes{end}"]


def test_recordings_are_never_replaced(tmp_path: Path) -> None:
    """Under whatever name, whatever they begin with, and whatever else may be replaced."""
    raw, folder, other = tmp_path / "raw.h264", tmp_path / "photos", tmp_path / "other.csv"
    folder.mkdir()
    for path in (raw, folder / "1.png", other):
        path.write_text("picture")
    (tmp_path / "link").symlink_to(raw)
    (tmp_path / "same").hardlink_to(raw)
    for path in (raw, tmp_path / "link", tmp_path / "same", folder / "1.png"):
        with (
            pytest.raises(
                UsageError, match="a session was made of it, and a recording is never overwritten; choose"
            ),
            output_file(path, recordings=lambda: [tmp_path / "gone.mp4", raw, folder], replaces=lambda _: True),
        ):
            pytest.fail("it was opened")
        assert path.read_text() == "picture"
    with output_file(other, recordings=lambda: [raw, folder]) as partial:
        partial.write_text("new")
    with output_file(tmp_path / "new.csv", recordings=lambda: pytest.fail("asked for nothing")):
        pass
    assert other.read_text() == "new"


def test_a_full_disk_leaves_the_earlier_file(small_disk: Path) -> None:
    path = small_disk / "rows.csv"
    path.write_text("old")
    with pytest.raises(OutputError, match=r"rows\.csv: the disk is full, and nothing was written; free some space"):
        _fill(path)
    assert path.read_text() == "old"
    with (
        pytest.raises(OutputError, match=r"session-1: the disk is full, and nothing was written"),
        output_folder(small_disk / "session-1") as partial,
    ):
        (partial / "faces.csv").write_bytes(bytes(1 << 22))
    assert _left(small_disk) == ["rows.csv"]


def _fill(path: Path) -> None:
    with output_file(path) as partial:
        partial.write_bytes(bytes(1 << 22))


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", f"{options['dir']}/.rows.csv.x{PARTIAL}")

    monkeypatch.setattr("engine.outputs.tempfile.mkstemp", refuse)
    with (
        pytest.raises(OutputError, match=r"/rows\.csv: Permission denied; check the permissions of its folder, or"),
        output_file(tmp_path / "rows.csv"),
    ):
        pytest.fail("it was opened")


def test_folders_are_no_files_and_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is a folder; choose a file"), output_file(tmp_path):
        pytest.fail("it was opened")
    with (
        pytest.raises(UsageError, match=r"there is no folder .*nowhere; create it"),
        output_file(tmp_path / "nowhere" / "rows.csv"),
    ):
        pytest.fail("it was opened")


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "session-1"
    with output_folder(folder) as partial:
        (partial / "faces.csv").write_text("rows")
        assert not folder.exists()
    assert _left(folder) == ["faces.csv"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(UsageError, match="it exists already; remove it"), output_folder(folder):
        pytest.fail("it was opened")


def test_an_error_leaves_no_folder(tmp_path: Path) -> None:
    def write() -> None:
        with output_folder(tmp_path / "session-1") as partial:
            (partial / "faces.csv").write_text("rows")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write()
    assert _left(tmp_path) == []
