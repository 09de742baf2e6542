"""Every command that writes a file: what it must not replace, and what a full disk leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.store import Store
from tests.classpulse.commands.conftest import Run
from tests.storage.conftest import write_session

#: Every command with an output file, as it is given one.
WRITERS = {
    "query": ("query", "SELECT * FROM sessions", "-f", "csv", "-o"),
    "parquet": ("query", "SELECT 1 AS one", "-f", "parquet", "-o"),
    "compare": ("compare", 1, "-o"),
    "report": ("report", 1, "-o"),
    "annotate": ("annotate", 1, "-o"),
    "names": ("names", "--export"),
}


@pytest.fixture
def photos(db: Path) -> Path:
    """An image in a folder that a session was made of."""
    folder = db.with_name("photos")
    folder.mkdir()
    (folder / "1.png").write_bytes(b"an image")
    with Store.open(db) as store:
        write_session(store, source=folder.absolute())
    return folder / "1.png"


def open_database(db: Path) -> Path:
    """The page's queue of jobs, which is a database like another."""
    return Path(shutil.copy(db, db.with_name("classpulse.jobs.db")))


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("kind", ["database", "log", "index", "jobs", "recording", "image", "folder"])
def test_what_is_never_replaced(run: Run, db: Path, photos: Path, recording: Path, command: str, kind: str) -> None:
    """Also where the name of the output is one that the command would write to."""
    stays = {
        "database": db,
        "log": db.with_name("classpulse.db-wal"),
        "index": db.with_name("classpulse.db-shm"),
        "jobs": open_database(db),
        "recording": recording,
        "image": photos,
        "folder": db.parent,
    }[kind]
    before = stays.read_bytes() if stays.is_file() else None
    result = run(*WRITERS[command], stays)
    assert (result.status, result.out) == (2, "")
    assert result.complaint().startswith(f"{stays}: ")
    assert before == (stays.read_bytes() if stays.is_file() else None)
    assert not stays.with_suffix(".html").exists()


@pytest.mark.parametrize("name", ["x.db", "x.pdf", "x.txt"])
def test_a_report_is_never_written_under_another_name(run: Run, db: Path, name: str) -> None:
    result = run("report", 1, "-o", name)
    assert (result.status, result.complaint()) == (
        2,
        f"{name}: a report is an .html file; change the end of its name",
    )
    assert [path.name for path in db.parent.iterdir()] == [db.name]


@pytest.mark.parametrize(("given", "written"), [("x", "x.html"), ("x.htm", "x.htm"), ("x.HTML", "x.HTML")])
def test_a_report_ends_in_html(run: Run, db: Path, given: str, written: str) -> None:
    assert run("report", 1, "-o", given).err == f"written: {written}\n"
    assert Path(written).exists()


@pytest.mark.parametrize("command", [name for name in WRITERS if name != "names"])
def test_a_full_disk_leaves_nothing_half(run: Run, db: Path, small_disk: Path, command: str) -> None:
    arguments = [*WRITERS[command], small_disk / ("x.html" if command == "report" else "x.mp4")]
    (small_disk / "ballast").write_bytes(bytes((1 << 20) - 4096))
    query = ["query", "SELECT hex(randomblob(9000)) AS noise", *arguments[2:]]
    result = run(*(query if arguments[0] == "query" else arguments))
    if command == "compare":  # it fits
        assert result.status == 0
        return
    assert result.status == 1
    assert result.complaint().startswith(f"{arguments[-1]}: the disk is full, and nothing was written")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_demo_does_not_draw_over_a_recording(run: Run, folder: Path) -> None:
    """Nor does it leave half a lesson."""
    lesson = folder / "demo" / "lesson.mp4"
    lesson.parent.mkdir()
    lesson.write_bytes(b"mine")
    result = run("demo")
    assert result.status == 2
    assert result.complaint() == (
        "demo/lesson.mp4: it exists already; `demo` did not draw it, so choose another folder"
    )
    assert [path.name for path in lesson.parent.iterdir()] == ["lesson.mp4"]
    assert lesson.read_bytes() == b"mine"


def test_a_demo_on_a_full_disk_leaves_nothing_half(run: Run, small_disk: Path) -> None:
    result = run("demo", small_disk / "demo")
    assert result.status == 1
    assert result.complaint().startswith(f"{small_disk / 'demo' / 'lesson.mp4'}: the disk is full, and nothing was")
    assert list((small_disk / "demo").iterdir()) == []
