"""Bad input: one line that names it and the remedy, the right exit status, and nothing lost."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import classpulse.report.terminal  # noqa: F401
import engine.sessions.analysis
import engine.sessions.session  # loaded, as is the next, before a test gives up the right to read it
from classpulse.simulation.render import Renderer
from engine import Session
from storage.store import Store
from tests.classpulse.commands.conftest import Run, finish, start
from tests.drawn import LESSON, OPTIONS, SEGMENTS, count, rows
from tests.engine.synthetic import write_sound, write_video
from tests.storage.processes import ordinary_user

Make = Callable[[Path, Path], object]

assert engine.sessions.analysis


def pixel(path: Path, recording: Path) -> None:
    write_video(path, images=[np.full((1, 1, 3), 128, np.uint8)] * 10)


def truncated(path: Path, recording: Path) -> None:
    """Half of an mp4 whose index stands at its end."""
    whole = recording.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def scrambled(path: Path, recording: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(100_000))


@pytest.mark.parametrize(
    ("name", "make", "status", "message"),
    [
        ("none.mp4", lambda *_: None, 2, "no such file; check the path"),
        (
            "folder",
            lambda path, _: path.mkdir(),
            2,
            "the folder contains no images (0 other files); name a video file",
        ),
        ("notes.mp4", lambda path, _: path.write_text("Dear diary,\n" * 99), 1, "cannot be read as a video ("),
        (
            "http://host/a.mp4",
            lambda *_: None,
            2,
            "an address, and only files are read; save the recording as a file",
        ),
        (
            "rtsp://host:554/1",
            lambda *_: None,
            2,
            "an address, and only files are read; save the recording as a file",
        ),
        ("file:///a/b.mp4", lambda *_: None, 2, "an address, and only files are read; give its path, /a/b.mp4"),
        ("empty.mp4", lambda path, _: path.touch(), 1, "the file is empty; copy the recording again"),
        ("half.mp4", truncated, 1, "cannot be read as a video ("),
        ("noise.mp4", scrambled, 1, "cannot be read as a video ("),
        ("sound.m4a", lambda path, _: write_sound(path), 1, "contains no video stream; choose a video file"),
    ],
)
def test_recording_that_cannot_be_read(
    run: Run, recording: Path, folder: Path, name: str, make: Make, status: int, message: str
) -> None:
    make(folder / name, recording)
    result = run("analyze", name)
    assert (result.status, result.out) == (status, "")
    assert result.complaint().replace(":///", "://").startswith(f"{name.replace(':///', '://')}: {message}")
    assert not (folder / "classpulse.db").exists()


def test_recording_that_breaks_off(run: Run, folder: Path) -> None:
    """A Matroska file needs no index: what is there is analysed, and the rest is not made up."""
    images = [Renderer(LESSON).frame(0).image] * 24
    whole = write_video(folder / "whole.mkv", range(24), images=images, time_base=Fraction(1), options={"g": "1"})
    (folder / "half.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert run("analyze", "half.mkv", *OPTIONS, "-q").status == 0
    assert 8 < count(folder / "classpulse.db", "frames") < 16


def test_one_pixel(run: Run, folder: Path) -> None:
    pixel(folder / "pixel.mp4", folder)
    result = run("analyze", "pixel.mp4")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Session 1: pixel.mp4  0:00 long, 0 faces of 0 students")


def test_one_of_several_is_bad(run: Run, recording: Path, folder: Path) -> None:
    """An overnight run does the others."""
    bad = folder / "bad.mp4"
    bad.write_text("Dear diary")
    good = Path(shutil.copy(recording, folder / "good.mp4"))
    with good.open("ab") as file:
        file.write(bytes(8))  # another recording
    result = run("analyze", recording, bad, good, "none.mp4", "--min-face", 150, "-q")
    assert result.status == 2
    first, second = result.err.splitlines()
    assert first.startswith(f"classpulse: {bad}: cannot be read as a video")
    assert second == "classpulse: none.mp4: no such file; check the path"
    assert [(row["file_name"], row["state"]) for row in rows(folder / "classpulse.db")["sessions"]] == [
        ("lesson.mp4", "done"),
        ("good.mp4", "done"),
    ]
    assert run("analyze", bad, recording, "--min-face", 150, "-q").status == 1


# -- wrong use


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyze"], "Missing argument 'VIDEO...'; see `classpulse analyze --help`"),
        (["analyse", "x.mp4"], "No such command 'analyse'"),
        (["show", "1", "--colour"], "No such option: --colour"),
        (
            ["analyze", "x.mp4", "--sample-rate", "fast"],
            "'fast' is not a number of frames per second",
        ),
        (
            ["analyze", "x.mp4", "--sample-rate", "0"],
            "sample-rate is 0.0; it must be a number of frames",
        ),
        (["analyze", "x.mp4", "--sample-rate", "nan"], "sample-rate is nan; it must be"),
        (["analyze", "x.mp4", "--thresholds", "0.6,0.7"], "'0.6,0.7' is not three numbers separated by commas"),
        (["analyze", "x.mp4", "--thresholds", "0.6,0.7,2"], "it must be three numbers between 0 and 1"),
        (["analyze", "x.mp4", "--window", "0"], "window is 0.0; it must be 0.1 s to a day"),
        (
            ["analyze", "x.mp4", "--strategy", "guess"],
            "unknown strategy 'guess'; available: weighted, sum, dominant, attention, temporal (see",
        ),
        (["analyze", "x.mp4", "--min-faces", "few"], "Invalid value for '--min-faces'"),
        (["analyze", "x.mp4", "--name", ""], "invalid name of a session '': it is empty; name one"),
        (["analyze", "x.mp4", "y.mp4", "--name", " "], "invalid name of a session ' ': it is empty; name one"),
        (
            ["analyze", "x.mp4", "--name", "a\tb"],
            "invalid name of a session 'a\\tb': it has characters that cannot",
        ),
        (["judge", "1", "--name", ""], "invalid name of a judgement '': it is empty; name one"),
        (["validate", "1", "codes.csv", "--fit", " "], "invalid profile name ' ': it is empty; name one"),
        (["show", "7"], "no session '7'; the latest are 1 (lesson.mp4)"),
        (["show", "1", "--student", "S99"], "no student 'S99' in this session; there are S01, S02, S03, S04"),
        (["show", "1", "--judgement", "strict"], "session 1 has no judgement 'strict'"),
        (["judge", "1", "--band", "2"], "band is 2.0; it must be 0 or more, under 1"),
        (["judge", "Chemistry"], "no session 'Chemistry'"),
        (["show", "1", "--db", "mysql://host/school"], "not a database of ours; write school.db"),
    ],
)
def test_wrong_use(run: Run, db: Path, arguments: list[str], message: str) -> None:
    before = rows(db)
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert message in result.complaint()
    assert rows(db) == before


@pytest.mark.parametrize("command", [["sessions"], ["show", "1"], ["judge", "1"], ["query", "SELECT 1"]])
def test_a_database_is_not_made_by_asking(run: Run, folder: Path, command: list[str]) -> None:
    result = run(*command)
    assert (result.status, result.out) == (2, "")
    assert result.complaint() == "classpulse.db: there is no such database; analyse a recording first"
    assert list(folder.iterdir()) == []


def test_debug_shows_where_an_error_came_from(run: Run, folder: Path) -> None:
    for arguments in (["--debug", "analyze", "none.mp4"], ["analyze", "none.mp4", "--debug"]):
        result = run(*arguments)
        assert result.status == 2
        assert "Traceback" in result.err
        assert "engine/vision/sources/video.py" in result.err
        assert result.err.splitlines()[-1] == "classpulse: none.mp4: no such file; check the path"
    assert "Traceback" not in run("analyze", "none.mp4").err


# -- databases


def other_version(path: Path) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (other_version, "has schema version 99, expected"),
        (lambda path: path.write_text("Dear diary,\n" * 99), "not an SQLite database, and left as it is"),
        (Path.mkdir, "it is a folder; name a file"),
    ],
)
@pytest.mark.parametrize("command", [["analyze"], ["sessions"], ["query", "SELECT 1"]])
def test_database_that_cannot_be_used(
    run: Run, recording: Path, folder: Path, make: Callable[[Path], object], message: str, command: list[str]
) -> None:
    path = folder / "classpulse.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    result = run(*command, *([recording] if command == ["analyze"] else []))
    assert (result.status, result.out) == (2 if path.is_dir() else 1, "")
    assert result.complaint().startswith(f"classpulse.db: {message}")
    assert before == (path.read_bytes() if path.is_file() else None)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may use: pytest's own are for one alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)
        Path(name).chmod(0o777)


def test_recording_that_may_not_be_read(run: Run, recording: Path, public: Path) -> None:
    video = Path(shutil.copy(recording, public / "secret.mp4"))
    video.chmod(0)
    with ordinary_user():
        result = run("analyze", video, "--db", public / "classpulse.db")
    assert result.status in (1, 2)
    assert result.complaint().startswith(f"{video}: ")
    assert "ermission" in result.complaint()


@pytest.mark.parametrize(("mode", "message"), [(0o000, "Permission denied"), (0o444, "it is read-only; make it")])
def test_database_that_may_not_be_written(
    run: Run, recording: Path, analysed: Session, public: Path, mode: int, message: str
) -> None:
    path = Path(shutil.copy(analysed.database, public / "classpulse.db"))
    video = Path(shutil.copy(recording, public / "lesson.mp4"))
    video.chmod(0o444)
    path.chmod(mode)
    with ordinary_user():
        result = run("analyze", video, "--db", path)
        shown = run("show", 1, "--db", path)
    assert (result.status, result.out) == (1, "")
    assert result.complaint().startswith(f"{path}: {message}")
    assert shown.status == (1 if mode == 0 else 0)  # reading needs no right to write


# -- a disk that is full


def test_full_disk(recording: Path, analysed: Session, folder: Path) -> None:
    """No file may grow beyond a limit that the database's log reaches; with more room the same command goes on."""
    if sys.platform == "win32":
        pytest.skip("this system does not limit files")
    import resource

    db = folder / "classpulse.db"
    Store.open(db).close()

    def limit() -> None:
        size = db.stat().st_size // 2  # the log of a whole analysis takes nearly as much as an empty database
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    result = finish(start("analyze", recording, *OPTIONS, "--db", db, preexec_fn=limit))
    assert (result.status, result.out) == (1, "")
    assert str(db) in result.complaint()
    assert "the disk" in result.complaint()
    committed = count(db, "segments")
    assert committed < SEGMENTS
    kept = rows(db)
    assert finish(start("analyze", recording, *OPTIONS, "--db", db, "-q")).status == 0
    whole = rows(db)
    assert whole == rows(analysed.database)
    assert whole["segments"][:committed] == kept["segments"]


def test_footage_that_breaks_off(run: Run, shared: Path, folder: Path) -> None:
    """What decodes is analysed, and one line says what does not."""
    cut = folder / "cut.mp4"
    cut.write_bytes((shared / "footage" / "students.mp4").read_bytes()[:200_000])
    result = run("analyze", cut, "--sample-rate", 2)
    assert result.status == 0
    assert "it breaks off after " in result.complaint()
    assert "of 5.8 s" in result.complaint()
    assert result.out.startswith("Session 1: cut.mp4")
    stored = run("query", "SELECT code, text FROM warnings", "--format", "csv").out
    assert "breaks_off" in stored or "damaged" in stored
    assert "it breaks off after " in stored


def test_a_name_that_is_not_taken(run: Run, recording: Path, db: Path) -> None:
    result = run("analyze", recording, *OPTIONS, "--name", "Physics", "-q")
    assert (result.status, result.err) == (0, "classpulse: session 1 keeps the name it has, 'lesson.mp4'\n")
