"""A whole session through the three passes, and again: resumed, repeated, judged anew."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classpulse.simulation.render import Renderer
from classpulse.simulation.truth import Truth, scripted_verdict
from engine import Session, Settings, analyze, find
from engine.sessions.analysis import Progress
from tests.drawn import FRAMES, LESSON, SEGMENTS, SETTINGS, count, rows
from tests.engine.synthetic import write_video

#: Fast, for tests of what is done and not of what is seen: the lesson's faces are smaller.
BLIND = dataclasses.replace(SETTINGS, sample_rate=0.5, min_face=150)


class Stop(Exception):  # noqa: N818
    """Raised in the middle of an analysis."""


def stop_at(segment: int) -> Callable[[Progress], None]:
    """Stop when the first frame of that segment is seen; what came before it is committed."""

    def tell(seen: Progress) -> None:
        if seen.stage == "detect" and seen.frames and seen.time >= 10 * segment:
            raise Stop

    return tell


def stop_before(stage: str) -> Callable[[Progress], None]:
    def tell(seen: Progress) -> None:
        if seen.stage == stage:
            raise Stop

    return tell


def stages(told: Iterable[Progress]) -> set[str]:
    return {seen.stage for seen in told}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "classpulse.db"


@pytest.fixture
def copied(analysed: Session, db: Path) -> Path:
    """The finished analysis, to be written to."""
    shutil.copy(analysed.database, db)
    return db


def test_what_is_found_in_the_lesson(analysed: Session) -> None:
    assert list(analysed.students()["label"]) == ["S01", "S02", "S03", "S04"]
    assert set(analysed.frames()["segment"]) == set(range(SEGMENTS))
    assert len(analysed.frames()) == FRAMES
    assert analysed.frames()["faces"].sum() == len(analysed.faces())
    assert analysed.info()["state"] == "done"
    assert analysed.info()["duration"] == pytest.approx(LESSON.duration, abs=0.5)
    assert not analysed.was_done


def test_verdicts_are_those_of_the_script(drawn: tuple[Path, Truth], analysed: Session) -> None:
    _, truth = drawn
    first = analysed.faces().groupby("student")["x1"].median()
    by_seat = first.sort_values().index  # the lesson's students are numbered from the left
    found = analysed.verdicts().pivot(index="student", columns="window", values="verdict").loc[by_seat]
    script = scripted_verdict(truth, SETTINGS.window).pivot(index="student", columns="window", values="verdict")
    whole = slice(0, 6)  # the seventh window is too short for a verdict
    right = found.to_numpy()[:, whole] == script.to_numpy()[:, whole]
    assert right.sum() >= 22, f"{right.sum()} of {right.size}"


def test_session_is_described(analysed: Session, recording: Path) -> None:
    info = analysed.info()
    assert Settings.from_json(info["settings"]) == SETTINGS
    assert (info["name"], info["file_name"], info["source"]) == ("lesson.mp4", "lesson.mp4", str(recording))
    assert (info["width"], info["height"]) == (640, 360)
    assert len(info["sha256"]) == 64
    for network in ("pnet", "rnet", "onet", "fer"):
        assert network in info["models"]


def test_progress_never_goes_back(recording: Path, db: Path) -> None:
    told: list[Progress] = []
    analyze(recording, db, settings=BLIND, on_progress=told.append)
    assert list(dict.fromkeys(seen.stage for seen in told)) == ["detect", "track", "judge"]
    times, frames = [seen.time for seen in told], [seen.frames for seen in told]
    assert times == sorted(times)
    assert frames == sorted(frames)
    assert frames[:2] == [0, 1]
    assert frames[-1] == count(db, "frames")
    assert told[0].duration == pytest.approx(32)


# -- interrupted and resumed


@pytest.mark.parametrize("segment", range(SEGMENTS))
def test_resumed_after_a_segment(analysed: Session, recording: Path, db: Path, segment: int) -> None:
    with pytest.raises(Stop):
        analyze(recording, db, settings=SETTINGS, on_progress=stop_at(segment))
    assert count(db, "segments") == segment
    told: list[Progress] = []
    session = analyze(recording, db, settings=SETTINGS, on_progress=told.append)
    assert (told[0].time, told[0].resumed) == (10 * segment, 10 * segment)
    assert told[-1].frames == FRAMES - len(analysed.frames().query("segment < @segment"))
    assert session.session_id == 1
    assert not session.was_done
    assert rows(db) == rows(analysed.database)


def test_resumed_again_and_again(analysed: Session, recording: Path, db: Path) -> None:
    for segment in (1, 2, 2, 3):
        with pytest.raises(Stop):
            analyze(recording, db, settings=SETTINGS, on_progress=stop_at(segment))
    for stage in ("track", "judge"):
        with pytest.raises(Stop):
            analyze(recording, db, settings=SETTINGS, on_progress=stop_before(stage))
    analyze(recording, db, settings=SETTINGS)
    assert rows(db) == rows(analysed.database)


def test_students_are_followed_at_less_than_a_frame_a_second(recording: Path, db: Path) -> None:
    """Longer between two frames than a track outlives its last face."""
    session = analyze(recording, db, settings=dataclasses.replace(SETTINGS, sample_rate=0.8, max_age=1.0))
    assert list(session.students()["label"]) == ["S01", "S02", "S03", "S04"]


def test_what_another_version_began_is_begun_anew(recording: Path, db: Path) -> None:
    """Half of a session is never seen by one version, and half by another."""
    with pytest.raises(Stop):
        analyze(recording, db, settings=SETTINGS, on_progress=stop_at(1))
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE sessions SET version = '0.0.1'")
    assert analyze(recording, db, settings=SETTINGS).session_id == 2
    assert find(1, db).info()["state"] == "detecting"


def test_a_renamed_copy_resumes(analysed: Session, recording: Path, db: Path, tmp_path: Path) -> None:
    """A recording is known by its bytes."""
    with pytest.raises(Stop):
        analyze(recording, db, settings=SETTINGS, on_progress=stop_at(2))
    copy = shutil.copy(recording, tmp_path / "copy.mp4")
    assert analyze(copy, db, settings=SETTINGS).session_id == 1
    assert rows(db) == rows(analysed.database)


# -- the same recording twice


def test_done_is_done(recording: Path, copied: Path) -> None:
    before = rows(copied)
    told: list[Progress] = []
    session = analyze(recording, copied, settings=SETTINGS, on_progress=told.append)
    assert session.was_done
    assert told == []
    assert rows(copied) == before


def test_done_before_there_was_a_setting_is_done(analysed: Session, recording: Path, tmp_path: Path) -> None:
    db = tmp_path / "copy.db"
    shutil.copy(analysed.database, db)
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE sessions SET settings = json_remove(settings, '$.scan', '$.exclude')")
    assert analyze(recording, db, settings=SETTINGS).was_done


def test_again_adds_a_session(recording: Path, db: Path) -> None:
    analyze(recording, db, settings=BLIND)
    session = analyze(recording, db, settings=BLIND, again=True)
    assert (session.session_id, session.was_done) == (2, False)
    frames = find(1, db).frames()
    assert frames.equals(session.frames())


def test_again_resumes_what_it_began(recording: Path, db: Path) -> None:
    analyze(recording, db, settings=BLIND)
    with pytest.raises(Stop):
        analyze(recording, db, settings=BLIND, again=True, on_progress=stop_at(2))
    assert analyze(recording, db, settings=BLIND, again=True).session_id == 2
    assert list(find(2, db).frames()["time"]) == list(find(1, db).frames()["time"])
    assert count(db, "sessions") == 2


@pytest.mark.parametrize("change", [{"sample_rate": 1.0}, {"thresholds": (0.7, 0.7, 0.8)}, {"scorable_size": 30.0}])
def test_seen_with_other_settings_is_another_session(recording: Path, db: Path, change: dict[str, Any]) -> None:
    analyze(recording, db, settings=BLIND)
    assert analyze(recording, db, settings=dataclasses.replace(BLIND, **change)).session_id == 2
    assert analyze(recording, db, settings=BLIND).was_done


def test_followed_with_other_settings_is_the_same_session(recording: Path, copied: Path) -> None:
    before = rows(copied)
    told: list[Progress] = []
    # A track is born in the first frame, so nobody's faces become fewer.
    settings = dataclasses.replace(SETTINGS, min_hits=1)
    session = analyze(recording, copied, settings=settings, on_progress=told.append)
    assert (session.session_id, session.was_done, stages(told)) == (1, False, {"track", "judge"})
    after = rows(copied)
    assert [row | {"track": None} for row in after["faces"]] == [row | {"track": None} for row in before["faces"]]
    assert len(after["judgements"]) == 1
    analyze(recording, copied, settings=SETTINGS)
    again = rows(copied)
    for table in ("faces", "tracks", "students", "student_windows", "class_windows"):
        assert [row | {"judgement_id": 0} for row in again[table]] == [
            row | {"judgement_id": 0} for row in before[table]
        ]


def test_judged_with_other_settings_is_a_second_judgement(recording: Path, copied: Path) -> None:
    told: list[Progress] = []
    settings = dataclasses.replace(SETTINGS, window=8)
    session = analyze(recording, copied, settings=settings, on_progress=told.append)
    assert (session.session_id, session.was_done, stages(told)) == (1, False, {"judge"})
    assert list(session.judgements()["name"]) == ["weighted, 5 s", "weighted, 8 s"]
    assert len(session.class_verdicts()) == 4
    assert len(session.class_verdicts("weighted, 5 s")) == 7


# -- unusual recordings


def test_a_room_in_which_nobody_sits(db: Path, tmp_path: Path) -> None:
    empty = np.full((180, 320, 3), (96, 104, 110), np.uint8)
    empty[110:] = (120, 90, 60)
    path = write_video(tmp_path / "empty.mp4", (0, 1, 2, 3), images=[empty] * 4, time_base=Fraction(3))
    session = analyze(path, db, settings=SETTINGS)
    assert session.info()["state"] == "done"
    assert [len(table) for table in (session.frames(), session.faces(), session.students())] == [4, 0, 0]
    assert session.verdicts().empty
    assert set(session.class_verdicts()["verdict"]) == {"insufficient"}
    assert session.class_verdicts()["coverage"].eq(0).all()
    assert list(session.class_verdicts()["stop"]) == [5, 10, 12]
    assert analyze(path, db, settings=SETTINGS).was_done


def write_faces(path: Path, ticks: tuple[int, ...], time_base: Fraction = Fraction(1)) -> Path:
    """A still picture of the lesson's students at so many ticks."""
    return write_video(path, ticks, images=[Renderer(LESSON).frame(0).image] * len(ticks), time_base=time_base)


@pytest.mark.parametrize("segment", [1, 3])
def test_a_gap_longer_than_a_segment(db: Path, tmp_path: Path, segment: int) -> None:
    path = write_faces(tmp_path / "gap.mp4", (0, 1, 2, 33, 34, 35))
    whole = analyze(path, tmp_path / "whole.db", settings=SETTINGS)
    assert [row["frames"] for row in rows(tmp_path / "whole.db")["segments"]] == [3, 0, 0, 3]
    assert list(whole.class_verdicts()["verdict"][1:6]) == ["insufficient"] * 5
    with pytest.raises(Stop):
        analyze(path, db, settings=SETTINGS, on_progress=stop_at(segment))
    analyze(path, db, settings=SETTINGS)
    assert rows(db) == rows(tmp_path / "whole.db")


def test_one_frame(db: Path, tmp_path: Path) -> None:
    path = write_faces(tmp_path / "still.mp4", (0,))
    session = analyze(path, db, settings=SETTINGS)
    assert (session.info()["state"], len(session.frames()), len(session.faces())) == ("done", 1, 4)
    assert set(session.class_verdicts()["verdict"]) <= {"insufficient"}
    assert analyze(path, db, settings=SETTINGS).was_done


def test_a_frame_on_the_border_of_segments_is_seen_once(db: Path, tmp_path: Path) -> None:
    path = write_faces(tmp_path / "border.mp4", (0, 10, 20))
    session = analyze(path, db, settings=SETTINGS)
    assert session.frames()["segment"].tolist() == [0, 1, 2]


def test_several_recordings_in_one_database(db: Path, tmp_path: Path) -> None:
    """Sessions share numbers of frames, faces, tracks and students, and never each other's rows."""
    for name, ticks in (("a", (0, 1, 2, 3)), ("b", (0, 1, 2, 3, 4, 5))):
        analyze(write_faces(tmp_path / f"{name}.mp4", ticks), db, settings=SETTINGS, name=f"Class {name}")
    assert [len(find(name, db).faces()) for name in ("Class a", "b.mp4")] == [16, 24]
