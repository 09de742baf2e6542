"""A lesson in several files is one session: the same rows however it is analysed, and every reader knows it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from classpulse.exchange.export import export
from classpulse.exchange.people import People
from classpulse.exchange.webvtt import export as export_captions
from classpulse.report import lines, page
from classpulse.report.clip import annotate
from engine import Session, analyze
from engine.errors import SourceError, UsageError
from engine.sessions.analysis import Progress
from engine.vision.sources.video import Video
from storage import queries
from storage.store import Store
from tests.drawn import SETTINGS, rows
from tests.engine.synthetic import write_video

#: Names of the files, the first and the last frame (of 64, two a second) of the drawn lesson in each.
FILES = {
    "cam_20260914_080000.mp4": (0, 24),
    "cam_20260914_080012.mp4": (24, 44),
    "cam_20260914_080122.mp4": (44, 64),  # 60 s after the one before ends
}


@pytest.fixture(scope="module")
def parts(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("parts")
    with Video(recording) as video:
        images = [frame.image for frame in video.frames(None)]
        base = video.time_base
        step = round(0.5 / base)
    return [
        write_video(
            folder / name, [step * i for i in range(stop - start)], images=images[start:stop], time_base=base
        )
        for name, (start, stop) in FILES.items()
    ]


@pytest.fixture(scope="module")
def joined(parts: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Session:
    db = tmp_path_factory.mktemp("joined") / "classpulse.db"
    return analyze(parts[::-1], db, name="Monday", settings=SETTINGS, executor="in-process")


def test_it_is_one_session_in_order_of_time(joined: Session, parts: list[Path]) -> None:
    row = joined.info()
    assert (row["name"], row["file_name"], row["state"]) == ("Monday", parts[0].name, "done")
    assert row["duration"] == pytest.approx(92, abs=1)
    sources = joined.sources()
    assert sources["file_name"].tolist() == list(FILES)
    assert sources["start"].tolist() == [0, 12, 82]
    assert sources["stop"].tolist() == pytest.approx([12, 22, 92], abs=0.5)
    assert sources["path"].tolist() == [str(path) for path in parts]
    assert sources["recorded"].str[-9:].tolist() == [f"{time}Z" for time in ("08:00:00", "08:00:12", "08:01:22")]
    assert str(parts[0].parent) not in row["settings"]
    times = joined.frames()["time"].to_numpy()
    assert times.tolist() == pytest.approx([*range(22), *range(82, 92)])
    (warning,) = joined.warnings
    assert warning.startswith("cam_20260914_080122.mp4: begins 0:01:00 after cam_20260914_080012.mp4 ends; nothing")


def test_students_carry_over_across_files_and_gaps(joined: Session) -> None:
    students = joined.students()
    assert students["label"].tolist() == ["S01", "S02", "S03", "S04"]
    assert (students["first"] < 3).all()
    assert (students["last"] > 88).all()
    windows = joined.verdicts().set_index("start")["frames"]
    assert windows[30].eq(0).all()  # nothing of the gap is judged
    assert windows[85].eq(5).all()


def test_rows_are_the_same_for_two_workers_and_after_an_interruption(
    joined: Session, parts: list[Path], tmp_path: Path
) -> None:
    expected = rows(joined.database)
    analyze(parts, tmp_path / "two.db", name="Monday", settings=SETTINGS, workers=2, executor="processes")
    assert rows(tmp_path / "two.db") == expected

    def interrupt(progress: Progress) -> None:
        if progress.frames == 15:  # in the second file
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(
            parts,
            tmp_path / "cut.db",
            name="Monday",
            settings=SETTINGS,
            executor="in-process",
            on_progress=interrupt,
        )
    with Store.open(tmp_path / "cut.db") as store:
        assert store.committed_segments(1) == {0}
    session = analyze(parts[1:] + parts[:1], tmp_path / "cut.db", settings=SETTINGS)
    assert rows(tmp_path / "cut.db") == expected
    assert analyze(parts, session.database, settings=SETTINGS).was_done


def test_every_reader_knows_all_files(joined: Session, parts: list[Path], tmp_path: Path) -> None:
    assert lines.sources_line(joined.sources()).startswith(
        "Files: 3: cam_20260914_080000.mp4 0:00–0:11, cam_20260914_080012.mp4 0:12–0:21, "
    )
    html = page.render(joined)
    assert "One lesson in 3 files" in html
    assert "1:22" in html
    with Store.open(joined.database, must_exist=True, read_only=True) as store:
        assert set(queries.recordings(joined.database)) == set(parts)
        counts = export(store, 1, tmp_path / "csv", "csv", people=People(joined), version="")
    assert counts["sources"] == 3
    assert str(parts[0].parent) not in "".join(file.read_text("utf-8") for file in (tmp_path / "csv").iterdir())
    captions = export_captions(joined, tmp_path / "vtt", people=People(joined))
    assert captions["class"] > 0
    assert "00:01:25.000 --> 00:01:30.000" in (tmp_path / "vtt" / "S01.vtt").read_text("utf-8")
    with pytest.raises(UsageError):  # a recording is never written over
        annotate(joined, parts[1])


def test_it_is_annotated_as_one_video(joined: Session, parts: list[Path], tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(parts[0].parent, moved)
    assert annotate(joined, tmp_path / "annotated.mp4", video=moved) == 64
    with av.open(str(tmp_path / "annotated.mp4")) as clip:
        stream = clip.streams.video[0]
        times = [
            float(frame.pts * (frame.time_base or 1)) for frame in clip.decode(stream) if frame.pts is not None
        ]
    assert np.diff(times).max() == pytest.approx(60.5, abs=0.1)
    assert times[-1] == pytest.approx(91.5, abs=0.1)
    (moved / parts[1].name).unlink()
    with pytest.raises(SourceError, match=rf"{parts[1].name}: the recording no longer exists; give its path"):
        annotate(joined, tmp_path / "annotated.mp4", video=moved)


def test_files_that_cannot_be_one_lesson_leave_nothing(parts: list[Path], tmp_path: Path) -> None:
    db = tmp_path / "classpulse.db"
    with pytest.raises(UsageError, match="is named twice; name each file of the lesson once"):
        analyze([parts[0], parts[1], parts[0]], db, settings=SETTINGS)
    late = Path(shutil.copy(parts[1], tmp_path / "cam_20260914_080022.mp4"))
    with pytest.raises(SourceError, match=f"{late.name}: the same recording as {parts[1].name}"):
        analyze([parts[0], parts[1], late], db, settings=SETTINGS)
    with pytest.raises(UsageError, match="no recording is named"):
        analyze([], db, settings=SETTINGS)
    if db.exists():
        with closing(sqlite3.connect(db)) as connection:
            assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
