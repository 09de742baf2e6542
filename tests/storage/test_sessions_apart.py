"""What is written to one session leaves the others as they are, and a database of this process alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, text

from engine.faces import Faces
from storage.digests import segment_digest
from storage.errors import SessionError
from storage.store import Store, now
from tests.storage.conftest import Write
from tracking.path import COLUMNS, CameraPath

pytestmark = pytest.mark.both_databases

#: For each table the rows of a session, in an order of their own.
OF_SESSION = {
    "sessions": "SELECT * FROM sessions WHERE session_id = {}",
    "classes": "SELECT * FROM classes WHERE session_id = {} ORDER BY number",
    "segments": "SELECT * FROM segments WHERE session_id = {} ORDER BY segment",
    "frames": "SELECT * FROM frames WHERE session_id = {} ORDER BY pts",
    "faces": "SELECT * FROM faces WHERE session_id = {} ORDER BY pts, face",
    "tracks": "SELECT * FROM tracks WHERE session_id = {} ORDER BY track",
    "students": "SELECT * FROM students WHERE session_id = {} ORDER BY student",
    "judgements": "SELECT * FROM judgements WHERE session_id = {} ORDER BY name",
    **{
        table: f"SELECT w.* FROM {table} w JOIN judgements USING (judgement_id) WHERE session_id = {{}} ORDER BY 1"
        for table in ("student_windows", "class_windows", "attention_windows", "class_shares")
    },
}


def rows_of(store: Store, session: int) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a session, by table."""

    def read(connection: Connection, sql: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in connection.execute(text(sql.format(session)))]

    with store.reading() as connection:
        return {table: read(connection, sql) for table, sql in OF_SESSION.items()}


def path_of(store: Store, session: int) -> dict[int, tuple[object, ...]]:
    """The path of the camera at each of the session's frames, by `pts`."""
    sql = f"SELECT pts, {', '.join(COLUMNS)} FROM frames WHERE session_id = {session}"
    with store.reading() as connection:
        return {row[0]: tuple(row)[1:] for row in connection.execute(text(sql))}


@pytest.fixture
def faces(lesson: Store, write: Write) -> Faces:
    """The faces of session 2, detected and not yet tracked, beside session 1, the `lesson`."""
    return write.segment(lesson, write.session(lesson, name="Maths"), 0)


def write_to_2(step: str, store: Store, write: Write, faces: Faces) -> None:
    """One step of session 2, whose `faces` are tracked."""
    if step == "detected":
        store.finish_detection(2, 6.0)
    elif step == "tracked":
        write.following(store, 2, faces)
    elif step == "path":
        store.write_path(2, {"pts": np.unique(faces.pts), **CameraPath.unmoved(2).columns()})
    elif step == "judged":
        write.judgement(store, 2)
    elif step == "gaps":
        store.write_gaps(2, [1, 3])
    elif step == "another segment":
        write.segment(store, 2, 1)
    else:
        store.delete_session(2)


@pytest.mark.parametrize("step", ["detected", "tracked", "path", "judged", "gaps", "another segment", "deleted"])
def test_a_pass_of_one_session_changes_nothing_of_another(
    lesson: Store, write: Write, faces: Faces, step: str
) -> None:
    other, own = rows_of(lesson, 1), rows_of(lesson, 2)
    assert all(other.values())
    write_to_2(step, lesson, write, faces)
    assert rows_of(lesson, 1) == other
    assert rows_of(lesson, 2) != own


def test_a_judgement_made_again_replaces_the_windows_of_that_one_alone(
    lesson: Store, write: Write, faces: Faces
) -> None:
    write.following(lesson, 2, faces)
    write.judgement(lesson, 2, name="sum 5 s")
    write.judgement(lesson, 2)
    other, own = rows_of(lesson, 1), rows_of(lesson, 2)
    write.judgement(lesson, 2, verdict="neutral")
    assert rows_of(lesson, 1) == other
    assert rows_of(lesson, 2)["attention_windows"] == own["attention_windows"]
    for table in ("student_windows", "class_windows"):
        sql = f"SELECT name, verdict FROM {table} JOIN judgements USING (judgement_id) WHERE session_id = 2"
        with lesson.reading() as connection:
            found = sorted(tuple(row) for row in connection.execute(text(sql)))
        assert found == [("sum 5 s", "interested"), ("weighted 10 s", "neutral")]


def test_tracking_again_deletes_the_judgements_of_its_session_alone(
    lesson: Store, write: Write, faces: Faces
) -> None:
    write.following(lesson, 2, faces)
    write.judgement(lesson, 2)
    other = rows_of(lesson, 1)
    write.following(lesson, 2, faces)
    assert rows_of(lesson, 1) == other
    assert rows_of(lesson, 2)["judgements"] == []
    assert (lesson.session(1)["state"], lesson.session(2)["state"]) == ("done", "detected")


def test_gaps_are_segments_without_a_frame(lesson: Store, write: Write, faces: Faces) -> None:
    lesson.write_gaps(2, [1, 3])
    lesson.write_gaps(2, [])
    with lesson.reading() as connection:
        sql = "SELECT segment, frames, faces, committed, digest FROM segments WHERE session_id = 2 ORDER BY segment"
        found = [tuple(row) for row in connection.execute(text(sql))]
    assert [row[:3] for row in found] == [(0, 3, 3), (1, 0, 0), (3, 0, 0)]
    assert all(found[0][3] <= row[3] <= now() for row in found)
    nothing = {"pts": np.empty(0, np.int64)}
    assert [row[4] for row in found[1:]] == [segment_digest(nothing, nothing)] * 2
    assert lesson.committed_segments(2) == {0, 1, 3}


def test_classes_are_numbered_from_1_in_the_order_of_the_scores(store: Store, write: Write) -> None:
    write.session(store, classes=[("smiling", "positive"), ("calm", "neutral")])
    write.session(store, classes=())
    assert rows_of(store, 1)["classes"] == [(1, 1, "smiling", "positive"), (1, 2, "calm", "neutral")]
    assert rows_of(store, 2)["classes"] == []


def test_the_path_of_the_camera_is_stored_at_the_frames_that_are_named(
    lesson: Store, write: Write, faces: Faces
) -> None:
    path = {name: np.array([1.5 + i, 2.5 + i]) for i, name in enumerate(COLUMNS[:4])}
    pts = np.array([4100, 100])
    lesson.write_path(2, {"pts": pts, **path, COLUMNS[4]: np.array([1, 0])})
    stored = {100: (2.5, 3.5, 4.5, 5.5, 0), 2100: (None,) * 5, 4100: (1.5, 2.5, 3.5, 4.5, 1)}
    assert path_of(lesson, 2) == stored
    assert set(path_of(lesson, 1).values()) == {(None,) * 5}


def test_tracking_stores_the_path_that_it_is_given(lesson: Store, write: Write, faces: Faces) -> None:
    with lesson.writing():
        write.following(lesson, 2, faces)
        before = rows_of(lesson, 2)
    lesson.write_tracking(
        2,
        pts=faces.pts,
        face=faces.face,
        track=np.full(len(faces.pts), -1),
        track_columns={"track": np.empty(0, np.int64)},
        student_columns={"student": np.empty(0, np.int64)},
        path_columns={"pts": np.array([100]), **CameraPath.unmoved(1).columns()},
    )
    after = rows_of(lesson, 2)
    assert (len(before["tracks"]), after["tracks"], after["students"]) == (2, [], [])
    assert path_of(lesson, 2) == {100: (1.0, 0.0, 0.0, 0.0, 0), 2100: (None,) * 5, 4100: (None,) * 5}


@pytest.mark.both_databases(False)
def test_a_store_knows_the_argument_that_opens_it_again_and_names_it(tmp_path: Path, write: Write) -> None:
    with Store.open(tmp_path / "school.db") as store:
        session = write.session(store)
        with Store.open(store.path, must_exist=True) as again:
            assert again.session(session)["name"] == "Physics 8b"
        assert Path(store.path).name == "school.db"
        with pytest.raises(SessionError, match=r"school\.db: no session 'Maths'"):
            store.find_session("Maths")


def test_segments_of_other_faces_have_other_digests(lesson: Store, write: Write, faces: Faces) -> None:
    write.segment(lesson, 2, 1)
    with lesson.reading() as connection:
        digests = list(connection.scalars(text("SELECT digest FROM segments")))
    assert None not in digests
    assert (len(digests), len(set(digests))) == (4, 2)  # both sessions have the same two


@pytest.mark.both_databases(False)
def test_a_database_in_memory_leaves_no_file_and_ends_with_its_store(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.in_memory() as store, Store.in_memory() as another:
        session = write.session(store)
        write.following(store, session, write.segment(store, session, 0))
        assert store.session(session)["state"] == "detected"
        with pytest.raises(SessionError, match="there is no session 1"):
            another.session(1)
    assert not list(tmp_path.iterdir())


@pytest.mark.both_databases(False)
def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert len(now()) == len("2026-03-02T08:00:00.123Z")
    assert now()[19] == "."
    assert now().endswith("Z")
