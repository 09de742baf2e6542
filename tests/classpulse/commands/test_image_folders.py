"""A folder of images as a session: analyse, resume, annotate, report; and one line for what is wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from classpulse.simulation.render import Renderer
from engine import Session, analyze
from engine.settings import Settings
from engine.vision.sources.video import Video
from tests.classpulse.commands.conftest import Run
from tests.drawn import LESSON, count, rows
from tests.pictures import exif, grey, jpeg, write_folder

QUICK = ("--min-face", "40", "--workers", "1")


@pytest.fixture(scope="module")
def lesson_files() -> dict[str, bytes]:
    """Twelve frames of the drawn lesson, two seconds apart by their EXIF times; names that sort 1, 10, 11, 2."""
    renderer = Renderer(LESSON)
    return {
        f"{i + 1}.jpg": jpeg(renderer.frame(2 * i).image, exif(f"2026:03:05 09:00:{2 * i:02}", offset="+01:00"))
        for i in range(12)
    }


@pytest.fixture(scope="module")
def photographed(lesson_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The analysed folder; only to be read."""
    folder = write_folder(tmp_path_factory.mktemp("lesson") / "photos", lesson_files)
    settings = Settings(min_face=40, window=6)
    return analyze(folder, folder.parent / "classpulse.db", settings=settings, workers=1)


def test_a_folder_is_a_session_with_a_frame_for_each_image(photographed: Session) -> None:
    info = photographed.info()
    assert (info["name"], info["file_name"], info["duration"]) == ("photos", "photos", 24)
    assert (info["width"], info["height"]) == (LESSON.width, LESSON.height)
    assert info["recorded"] == "2026-03-05T08:00:00Z"
    tables = rows(Path(photographed.database))
    assert [frame["time"] for frame in tables["frames"]] == [2.0 * i for i in range(12)]
    assert [frame["pts"] for frame in tables["frames"]] == [2_000_000 * i for i in range(12)]
    assert {frame["faces"] for frame in tables["frames"]} == {LESSON.students}
    assert len(photographed.students()) == LESSON.students


def test_the_same_folder_is_not_analysed_twice_and_with_another_interval_it_is_another_session(
    run: Run, folder: Path, lesson_files: dict[str, bytes]
) -> None:
    write_folder(folder / "photos", dict(list(lesson_files.items())[:3]))
    assert run("analyze", "photos/", *QUICK, "-q").status == 0
    again = run("analyze", "photos", *QUICK)
    assert "photos is finished: session 1" in again.out + again.err
    assert run("analyze", "photos", "--every", "0.5", *QUICK, "-q").status == 0
    sessions = rows(folder / "classpulse.db")["sessions"]
    assert [session["duration"] for session in sessions] == [6, 1.5]


def test_workers_read_the_folder_with_the_sessions_interval(lesson_files: dict[str, bytes], tmp_path: Path) -> None:
    """Images 30 s apart make a session of several runs, whose workers open the folder for themselves."""
    folder = write_folder(tmp_path / "photos", dict(list(lesson_files.items())[:6]))
    times = []
    for workers in (1, 2):
        settings = Settings(min_face=40, every=30)
        session = analyze(folder, tmp_path / f"{workers}.db", settings=settings, workers=workers)
        frames = rows(Path(session.database))["frames"]
        times.append([(frame["time"], frame["faces"]) for frame in frames])
    assert times[0] == times[1] == [(30.0 * i, 4) for i in range(6)]


def test_annotate_finds_the_folder_again_and_writes_each_image_at_its_time(
    photographed: Session, run: Run, folder: Path
) -> None:
    db = shutil.copy(photographed.database, folder / "classpulse.db")
    result = run("annotate", "photos", "--db", db, "--from", "2", "--to", "8.5")
    assert (result.status, result.err.splitlines()[-1]) == (0, "written: annotated.mp4, 4 frames")
    with Video(folder / "annotated.mp4") as video:
        drawn = list(video.frames(None))
    np.testing.assert_allclose([frame.time for frame in drawn], [0, 2, 4, 6], atol=1e-3)
    with av.open(str(folder / "annotated.mp4")) as container:
        assert len(container.streams.audio) == 0
    plain = Renderer(LESSON).frame(2).image.astype(int)
    changed = (np.abs(drawn[0].image - plain) > 60).any(axis=2).mean()
    assert 0.005 < changed < 0.5  # boxes and labels, over that image and no other


def test_annotate_refuses_a_folder_whose_images_changed(
    photographed: Session, run: Run, folder: Path, lesson_files: dict[str, bytes]
) -> None:
    db = shutil.copy(photographed.database, folder / "classpulse.db")
    write_folder(folder / "moved", lesson_files)
    assert run("annotate", "photos", "--db", db, "--video", "moved", "--to", "1").status == 0
    (folder / "moved/5.jpg").write_bytes(lesson_files["6.jpg"])
    result = run("annotate", "photos", "--db", db, "--video", "moved")
    assert (result.status, result.err.splitlines()[-1]) == (
        1,
        "classpulse: moved: not the recording that was analysed; give its path with --video",
    )


def test_a_report_has_a_coarse_image_of_the_folder_behind_its_seats(
    photographed: Session, run: Run, folder: Path
) -> None:
    db = shutil.copy(photographed.database, folder / "classpulse.db")
    assert run("report", "photos", "--db", db, "--picture").status == 0
    assert '<image href="data:image/png;base64,' in (folder / "report.html").read_text("utf-8")


def test_what_was_skipped_and_which_times_were_taken_is_said(run: Run, folder: Path) -> None:
    write_folder(folder / "photos", {"a.jpg": jpeg(grey(90)), "b.jpg": jpeg(grey(90)), "notes.txt": b"x"})
    result = run("analyze", "photos", "-q", *QUICK)
    assert result.status == 0
    assert result.err.splitlines() == [
        "classpulse: photos: skipped 1 entry that is not an image",
        "classpulse: photos: 2 images of 2 without EXIF time; taken in order of name, one every 1 s "
        "(another interval: --every)",
    ]
    assert count(folder / "classpulse.db", "frames") == 2


def test_an_image_that_does_not_decode_is_said(run: Run, folder: Path) -> None:
    files = {f"{i}.jpg": jpeg(grey(10 * i)) for i in range(3)}
    write_folder(folder / "photos", files | {"1.jpg": files["1.jpg"][:-200]})
    result = run("analyze", "photos", "-q", "--every", "2", *QUICK)
    assert result.status == 0
    assert "1 damaged packets or images of it were skipped" in result.complaint()
    assert [frame["time"] for frame in rows(folder / "classpulse.db")["frames"]] == [0, 4]


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, (), "photos: the folder contains no images (0 other files); name a video file, or a folder of .jpg"),
        ({"a.mp4": b"x"}, (), "photos: the folder contains no images (1 other file); name a video file"),
        ({"a.jpg": jpeg(grey(1)), "b.jpg": jpeg(grey(1, width=32))}, (), "photos/b.jpg is 32x48 px, but a.jpg is"),
        ({"a.jpg": jpeg(grey(1))}, ("--every", "0"), "every is 0.0; it must be 0.001 to 86400 seconds between"),
    ],
    ids=["empty", "no image", "two sizes", "no interval"],
)
def test_a_folder_that_cannot_be_a_session_is_wrong_use_in_one_line(
    run: Run, folder: Path, files: dict[str, bytes], options: tuple[str, ...], message: str
) -> None:
    write_folder(folder / "photos", files)
    result = run("analyze", "photos", *options)
    assert (result.status, result.out) == (2, "")
    assert result.complaint().startswith(message)
    assert not (folder / "classpulse.db").exists()
