"""Shots of a session from stored rows: where tracks end, which view returns, and who is in it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.faces import Faces
from engine.sessions.records import read_path
from engine.sessions.session import Session
from engine.sessions.tracking import track_session
from engine.settings import Settings
from storage import queries
from storage.store import Store
from storage.warnings import StoredWarning, write_warnings

Floats = npt.NDArray[np.float64]

RATE = 5
#: Scenes with seven people each, and what the camera shows beside them.
SEATS = {
    name: np.random.default_rng(seed).permutation(
        [(x, y) for x in (80.0, 200.0, 320.0, 440.0, 560.0) for y in (100.0, 220.0, 300.0)]
    )[:7]
    for seed, name in enumerate("AB")
}
#: The same seats in both: strangers sit exactly where others sat.
SEATS["C"] = SEATS["A"]
LAYOUTS = {name: np.random.default_rng(10 + i).normal(0, 30, 72).astype(np.int8) for i, name in enumerate("ABC")}
CLOTHES = {name: np.random.default_rng(20 + i).integers(20, 60, (7, 48)) for i, name in enumerate("ABC")}


def write(path: Path, scenes: str, jumps: tuple[float, ...] = ()) -> Session:
    """A session of 8 s of each of `scenes`, hard cut; the clock goes back at `jumps`."""
    shown = "".join(scene * 8 * RATE for scene in scenes)
    times = np.arange(len(shown)) / RATE
    random = np.random.default_rng(5)
    boxes = np.concatenate([SEATS[scene] for scene in shown])
    boxes = np.hstack([boxes - 20, boxes + 20]) + random.normal(0, 0.5, (len(boxes), 4))
    appearance = np.concatenate([CLOTHES[scene] for scene in shown]) + random.integers(-2, 3, (len(boxes), 48))
    frame = np.repeat(np.arange(len(shown)), 7)
    appearance[frame % RATE != 0] = 0
    cut = np.array([i > 0 and shown[i] != shown[i - 1] for i in range(len(shown))])
    known = np.where(cut | (np.arange(len(shown)) == 0), np.nan, 1.0)
    layouts = np.empty(len(shown), np.object_)
    layouts[:] = [LAYOUTS[scene].tobytes() for scene in shown]
    ones = np.ones(len(boxes), np.float32)
    faces = Faces(
        pts=frame,
        face=np.tile(np.arange(7), len(shown)),
        boxes_xyxy=boxes.astype(np.float32),
        score=ones,
        landmarks=np.repeat(boxes[:, None, :2], 5, axis=1).astype(np.float32),
        scores=random.dirichlet(np.ones(7), len(boxes)).astype(np.float32),
        sharpness=ones,
        yaw=0 * ones,
        pitch=0 * ones,
        roll=0 * ones,
        quality=ones,
        scorable=ones.astype(np.bool_),
        appearance=appearance.astype(np.uint8),
    ).columns()
    frames = {
        "pts": np.arange(len(shown)),
        "time": times,
        "camera_a": known,
        **{f"camera_{name}": 0 * known for name in "bxy"},
        "unexplained": np.where(cut, 0.95, 0.1),
        "layout": layouts,
    }
    with Store.open(path) as store:
        number = store.add_session(
            name=scenes, source=f"{scenes}.mp4", sha256="", settings=Settings().to_json(), version="", models="{}",
            time_base=Fraction(1, RATE), start_pts=0, width=640, height=360,
        )  # fmt: skip
        for segment in range(int(times[-1] // 10) + 1):
            here, of_faces = times // 10 == segment, times[frame] // 10 == segment
            store.write_segment(
                number,
                segment,
                {name: column[here] for name, column in frames.items()},
                {name: column[of_faces] for name, column in faces.items()},
            )
        store.finish_detection(number, len(shown) / RATE)
        write_warnings(store, number, [StoredWarning("clock_back", "the clock goes back", time) for time in jumps])
        track_session(store, number, Settings())
    return Session(path, number)


def seats_of(session: Session) -> list[tuple[float, float]]:
    """The spans of all students' faces, s."""
    students = session.students()
    return list(zip(students["first"], students["last"], strict=True))


def test_two_scenes_of_seven_are_fourteen(tmp_path: Path) -> None:
    session = write(tmp_path / "db", "AB")
    assert session.shots().to_dict("list") == {
        "shot": [0, 1], "start": [0.0, 8.0], "stop": [8.0, 16.0], "view": [0, 1]
    }  # fmt: skip
    assert seats_of(session) == [(0.0, 7.8)] * 7 + [(8.0, 15.8)] * 7


def test_strangers_on_the_same_seats_are_not_merged(tmp_path: Path) -> None:
    session = write(tmp_path / "db", "AC")
    assert seats_of(session) == [(0.0, 7.8)] * 7 + [(8.0, 15.8)] * 7


def test_a_view_that_returns_gives_its_students_back(tmp_path: Path) -> None:
    session = write(tmp_path / "db", "ACA")
    assert session.shots()["view"].tolist() == [0, 1, 0]
    assert seats_of(session) == [(0.0, 23.8)] * 7 + [(8.0, 15.8)] * 7
    faces = session.faces()
    students = [set(faces["label"][faces["time"] // 8 == shot]) for shot in range(3)]
    assert students[0] == students[2]
    assert not students[0] & students[1]
    assert session.frames()["path_section"].tolist() == [0] * 40 + [1] * 40 + [2] * 40


def test_a_clock_that_jumps_ends_tracks_and_no_shot(tmp_path: Path) -> None:
    session = write(tmp_path / "db", "A", jumps=(4.0,))
    assert len(session.shots()) == 1
    with Store.open(tmp_path / "db") as store:
        tracks = queries.tracks(store, 1)
    assert tracks["first"].tolist() == [0.0] * 7 + [4.0] * 7
    assert seats_of(session) == [(0.0, 7.8)] * 7


def test_shots_and_path_are_read_back_as_they_were_stored(tmp_path: Path) -> None:
    """Also after faces were deleted, and when the session is tracked again."""
    session = write(tmp_path / "db", "ABA")
    before = session.faces(), session.shots(), session.students()
    with Store.open(tmp_path / "db") as store:
        path = read_path(store, 1, queries.frame_columns(store, 1))
        assert path.section.tolist() == [0] * 40 + [1] * 40 + [2] * 40
        track_session(store, 1, Settings())
    for table, again in zip(before, (session.faces(), session.shots(), session.students()), strict=True):
        assert table.equals(again)


def test_a_session_of_an_older_version_is_one_shot(tmp_path: Path) -> None:
    """Nothing is known of its layouts: it is tracked as it was."""
    write(tmp_path / "db", "AC")
    with Store.open(tmp_path / "db") as store:
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE frames SET layout = NULL, unexplained = NULL, path_a = NULL")
            connection.exec_driver_sql("DELETE FROM shots")
        track_session(store, 1, Settings())
        assert queries.shots(store, 1)["view"].tolist() == [0]
        assert np.isfinite(queries.frame_columns(store, 1)["path_a"]).all()


@pytest.mark.parametrize("scenes", ["ABAB", "ABCABC"])
def test_views_that_return_again_and_again(tmp_path: Path, scenes: str) -> None:
    session = write(tmp_path / "db", scenes)
    assert session.shots()["view"].tolist() == [sorted(set(scenes)).index(scene) for scene in scenes]
    assert len(session.students()) == 7 * len(set(scenes))
