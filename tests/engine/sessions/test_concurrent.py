"""A recording that changes while it is analysed, and two that analyse it at once."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import analyze
from engine.errors import SourceError
from engine.sessions.analysis import Progress
from engine.settings import Settings
from engine.vision.sources.registry import open_source
from engine.vision.sources.unchanged import Unchanged
from storage.errors import DatabaseError
from tests.drawn import SETTINGS, count, rows
from tests.engine.synthetic import write_video

#: Fast: what is done counts here, not what is found.
BLIND = dataclasses.replace(SETTINGS, sample_rate=0.5, min_face=150)


@pytest.fixture
def lesson(recording: Path, tmp_path: Path) -> Path:
    """The lesson, old enough for the times of files to tell."""
    path = Path(shutil.copy(recording, tmp_path / "lesson.mp4"))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def at(time: float, act: Callable[[], object]) -> Callable[[Progress], None]:
    """Act once, when that much of the session is seen."""
    done: list[object] = []

    def on_progress(progress: Progress) -> None:
        if progress.stage == "detect" and progress.frames and progress.time >= time and not done:
            done.append(act())

    return on_progress


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(8))


def replace(path: Path) -> None:
    other = path.with_name("other.mp4")
    shutil.copy(path, other)
    grow(other)
    os.utime(other, (1_700_000_000, 1_700_000_000))
    other.replace(path)


def rewrite(path: Path) -> None:
    """As many other bytes in their place, and the time of the file set back."""
    with path.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\0\0\0\0")
    os.utime(path, (1_700_000_000, 1_700_000_000))


CHANGED = (
    r"lesson\.mp4: the recording changed while it was analysed; run the same command again when it is complete"
)


@pytest.mark.parametrize("change", [grow, replace, rewrite])
@pytest.mark.parametrize("aggregate", [False, True])
def test_a_recording_that_changes_is_not_done(
    lesson: Path, change: Callable[[Path], None], aggregate: bool
) -> None:
    """What was committed before stays, and what comes after is of the new recording."""
    db, before = lesson.with_name("a.db"), lesson.read_bytes()
    settings = dataclasses.replace(BLIND, aggregate_only=aggregate)
    with pytest.raises(SourceError, match=CHANGED):
        analyze(lesson, db, settings=settings, workers=1, on_progress=at(15, lambda: change(lesson)))
    if aggregate:
        assert count(db, "sessions") == 0
        return
    assert [row["state"] for row in rows(db)["sessions"]] == ["detecting"]
    assert [row["segment"] for row in rows(db)["segments"]] == [0]
    lesson.write_bytes(before)
    session = analyze(lesson, db, settings=settings)
    assert (session.session_id, session.info()["state"]) == (1, "done")
    assert count(db, "segments") == 4


def test_a_recording_that_goes_is_not_done(lesson: Path) -> None:
    with pytest.raises(SourceError, match=r"lesson\.mp4"):
        analyze(
            lesson, lesson.with_name("a.db"), settings=BLIND, workers=1, on_progress=at(15, lambda: lesson.unlink())
        )
    assert [row["state"] for row in rows(lesson.with_name("a.db"))["sessions"]] == ["detecting"]


@pytest.mark.parametrize("touch", [lambda path: path.touch(), lambda path: path.chmod(0o600)])
def test_the_same_bytes_are_the_same_recording(lesson: Path, touch: Callable[[Path], object]) -> None:
    session = analyze(
        lesson, lesson.with_name("a.db"), settings=BLIND, workers=1, on_progress=at(15, lambda: touch(lesson))
    )
    assert session.info()["state"] == "done"


def test_an_image_that_changes(tmp_path: Path) -> None:
    """Which only the list of the folder does not tell: nothing is kept, since it may be in any segment."""
    folder = tmp_path / "photos"
    folder.mkdir()
    video = write_video(tmp_path / "v.mp4", range(12))
    with open_source(video) as source:
        import cv2

        for number, frame in enumerate(source.frames(None)):
            cv2.imwrite(str(folder / f"{number}.png"), frame.image)

    def copy() -> None:
        shutil.copy(folder / "1.png", folder / "3.png")

    settings = Settings(every=2.0, min_face=40, expression=False)
    with pytest.raises(SourceError, match="photos: the recording changed while it was analysed"):
        analyze(folder, tmp_path / "a.db", settings=settings, on_progress=at(15, copy))
    assert count(tmp_path / "a.db", "sessions") == count(tmp_path / "a.db", "segments") == 0


def test_a_change_within_the_grain_of_the_files_time(lesson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was written a moment ago is read once more at the end, whatever its times say."""
    lesson.touch()
    unchanged = Unchanged(lesson, BLIND)
    with open_source(lesson) as source:
        unchanged.read_fingerprint(source)
    stat = lesson.stat()
    rewrite(lesson)
    monkeypatch.setattr(
        "engine.vision.sources.unchanged._stat",
        lambda _: (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns),
    )
    unchanged.check()
    with pytest.raises(SourceError, match=CHANGED):
        unchanged.check_all()


def test_nothing_is_read_again_where_nothing_changed(lesson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unchanged = Unchanged(lesson, BLIND)
    with open_source(lesson) as source:
        unchanged.read_fingerprint(source)
    monkeypatch.setattr(unchanged, "_compare", lambda: pytest.fail("it was read again"))
    unchanged.check()
    unchanged.check_all()


# -- two at once


def test_the_second_is_told_who_works_on_it(lesson: Path) -> None:
    db = lesson.with_name("a.db")
    refused: list[str] = []

    def second() -> None:
        code = (
            "import sys; from engine import analyze; from tests.engine.sessions.test_concurrent import BLIND\n"
            "try: analyze(sys.argv[1], sys.argv[2], settings=BLIND)\n"
            "except Exception as error: print(error)"
        )
        root = str(Path(__file__).parents[3])
        done = subprocess.run(
            [sys.executable, "-c", code, lesson, db],
            capture_output=True, text=True, check=True, env={"PYTHONPATH": root},
        )  # fmt: skip
        refused.append(done.stdout)

    session = analyze(lesson, db, settings=BLIND, workers=1, on_progress=at(5, second))
    assert session.info()["state"] == "done"
    assert f"lesson.mp4: it is being analysed into {db} by process {os.getpid()}" in refused[0]
    assert count(db, "sessions") == 1


def test_threads_that_begin_at_once_make_one_session(lesson: Path) -> None:
    db = lesson.with_name("a.db")
    results: list[object] = []
    start = threading.Barrier(3)

    def run() -> None:
        start.wait()
        try:
            results.append(analyze(lesson, db, settings=BLIND, workers=1).session_id)
        except DatabaseError as error:
            results.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {result for result in results if isinstance(result, int)} == {1}
    assert all("it is being analysed" in result for result in results if isinstance(result, str))
    assert count(db, "sessions") == 1


def test_other_settings_are_another_session(lesson: Path) -> None:
    db = lesson.with_name("a.db")
    other = dataclasses.replace(BLIND, min_face=200)
    analyze(
        lesson,
        db,
        settings=BLIND,
        workers=1,
        on_progress=at(5, lambda: analyze(lesson, db, settings=other, workers=1)),
    )
    assert [row["state"] for row in rows(db)["sessions"]] == ["done", "done"]


def test_a_database_that_goes_is_said(lesson: Path) -> None:
    db = lesson.with_name("a.db")
    with pytest.raises(DatabaseError, match=r"a\.db: it was deleted or replaced while it was written"):
        analyze(lesson, db, settings=BLIND, workers=1, on_progress=at(15, db.unlink))
    assert not db.exists()
