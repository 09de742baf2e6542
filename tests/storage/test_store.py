"""Rows as they are written, whole tables compared."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from engine.faces import Faces
from storage import queries
from storage.corrections import add_correction
from storage.errors import DatabaseError, StorageError
from storage.schema import metadata
from storage.store import Store
from tests.storage.conftest import Write, rows

pytestmark = pytest.mark.both_databases


NO_PATH = (None,) * 8  # until the session is tracked; nothing known of what is unexplained, layout, blockiness


def counts(store: Store) -> dict[str, int]:
    return {table.name: rows(store, f"SELECT count(*) FROM {table.name}")[0][0] for table in metadata.sorted_tables}


def test_session_keeps_what_it_was_made_with(store: Store, write: Write) -> None:
    session = write.session(store, recorded="2026-03-02T08:00:00Z")
    row = store.session(session)
    assert row.pop("created").endswith("Z")
    assert row == {
        "session_id": 1,
        "name": "Physics 8b",
        "source": "/lessons/physics.mp4",
        "file_name": "physics.mp4",
        "sha256": "ab" * 32,
        "recorded": "2026-03-02T08:00:00Z",
        "settings": '{"min_face": 20.0, "window": 10.0}',
        "version": "0.1.0",
        "models": "{}",
        "time_base": "1/1000",
        "start_pts": 100,
        "width": 640,
        "height": 480,
        "duration": None,
        "state": "detecting",
        "finished": None,
    }


def test_segment_writes_every_frame_and_every_face(store: Store, write: Write) -> None:
    session = write.session(store)
    write.segment(store, session, 0)
    write.segment(store, session, 1)
    assert rows(store, "SELECT session_id, segment, frames, faces FROM segments") == [(1, 0, 3, 3), (1, 1, 3, 3)]
    assert rows(store, "SELECT * FROM frames") == [
        (1, 100, 0, 0.0, 2, None, None, None, None, *NO_PATH),
        (1, 2100, 0, 2.0, 0, 1.0, 0.0, 2.5, -1.0, *NO_PATH),
        (1, 4100, 0, 4.0, 1, 1.0, 0.0, 2.5, -1.0, *NO_PATH),
        (1, 10100, 1, 10.0, 2, None, None, None, None, *NO_PATH),
        (1, 12100, 1, 12.0, 0, 1.0, 0.0, 2.5, -1.0, *NO_PATH),
        (1, 14100, 1, 14.0, 1, 1.0, 0.0, 2.5, -1.0, *NO_PATH),
    ]
    assert rows(store, "SELECT pts, face FROM faces") == [
        (100, 0), (100, 1), (4100, 0), (10100, 0), (10100, 1), (14100, 0)
    ]  # fmt: skip
    assert store.committed_segments(session) == {0, 1}


def test_faces_come_back_as_they_went_in_but_for_rounding(store: Store, write: Write) -> None:
    session = write.session(store)
    faces = write.segment(store, session, 0, (5, 2))
    names = list(faces.columns())
    again = Faces.from_columns(queries.face_columns(store, session, names))
    np.testing.assert_array_equal(again.landmarks, faces.landmarks)
    for name in ("pts", "face", "yaw", "pitch", "roll", "scorable", "appearance"):
        np.testing.assert_array_equal(getattr(again, name), getattr(faces, name))
    np.testing.assert_allclose(again.boxes_xyxy, faces.boxes_xyxy, atol=0.0051)
    for name in ("score", "scores", "sharpness", "quality"):
        np.testing.assert_allclose(getattr(again, name), getattr(faces, name), atol=0.000051)
    assert np.isnan(again.scores).all(axis=1).tolist() == [True, False, False, False, False, True, False]


def test_numbers_read_as_a_person_would_write_them(store: Store, write: Write) -> None:
    session = write.session(store)
    faces = write.segment(store, session, 0, (1,))
    columns = faces.columns() | {
        "x1": np.array([12.345678], np.float32),
        "score": np.array([0.1], np.float32),
        "yaw": np.array([-0.2], np.float32),
        "score_1": np.array([np.nan], np.float32),
        "score_4": np.array([0.98766], np.float32),
        "scorable": np.array([True]),
    }
    pts = np.array([10100])
    store.write_segment(session, 1, {"pts": pts, "time": np.array([10.0])}, columns | {"pts": pts})
    sql = "SELECT x1, score, yaw, score_1, score_4, scorable, track, length(landmarks) FROM faces ORDER BY pts"
    assert rows(store, sql)[1] == (12.35, 0.1, 0.0, None, 0.9877, 1, None, 40)


def test_order_of_segments_does_not_matter(tmp_path: Path, write: Write) -> None:
    dumps = []
    for order in ((0, 1, 2), (2, 0, 1)):
        with Store.open(tmp_path / f"{order[0]}.db") as store:
            session = write.session(store)
            for segment in order:
                write.segment(store, session, segment)
            dumps.append([rows(store, f"SELECT * FROM {table}") for table in ("frames", "faces")])
    assert dumps[0] == dumps[1]


def test_segment_is_written_once(store: Store, write: Write) -> None:
    session = write.session(store)
    write.segment(store, session, 0)
    told = r": segment 0 of session 1 is there already; is another process analysing the same recording\?$"
    with pytest.raises(StorageError, match=told):
        write.segment(store, session, 0)
    assert counts(store)["frames"] == 3


def test_segment_without_frames_or_faces(store: Store, write: Write) -> None:
    session = write.session(store)
    write.segment(store, session, 0, ())
    write.segment(store, session, 1, (0, 0))
    assert rows(store, "SELECT segment, frames, faces FROM segments") == [(0, 0, 0), (1, 2, 0)]
    assert store.committed_segments(session) == {0, 1}


def test_face_needs_its_frame_and_a_segment_its_session(store: Store, write: Write) -> None:
    session = write.session(store)
    faces = write.segment(store, session, 0)
    with pytest.raises(ValueError, match="segment 1 has faces in frames that it does not have"):
        store.write_segment(session, 1, {"pts": np.array([5]), "time": np.array([10.0])}, faces.columns())
    with pytest.raises(DatabaseError, match=r"(?i)foreign key constraint"):
        write.segment(store, session + 1, 0)
    assert store.committed_segments(session) == {0}
    assert counts(store)["segments"] == 1


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("faces", "UPDATE faces SET pts = 7 WHERE pts = 100"),
        ("frames", "UPDATE frames SET segment = 9"),
        ("tracks", "UPDATE tracks SET student = 5"),
        ("student_windows", "UPDATE student_windows SET judgement_id = 9"),
        ("student_windows", "UPDATE student_windows SET verdict = NULL"),
        ("sessions", "UPDATE sessions SET state = 'lost'"),
        ("faces", "UPDATE faces SET score = NULL"),
    ],
)
def test_database_refuses_rows_that_do_not_fit(lesson: Store, table: str, change: str) -> None:
    before = rows(lesson, f"SELECT * FROM {table}")
    with pytest.raises(DatabaseError, match="constraint"), lesson.writing() as connection:
        connection.execute(text(change))
    assert rows(lesson, f"SELECT * FROM {table}") == before


def test_following_and_judging(lesson: Store) -> None:
    assert rows(lesson, "SELECT pts, face, track FROM faces") == [
        (100, 0, 1), (100, 1, None), (4100, 0, 1), (10100, 0, 1), (10100, 1, None), (14100, 0, 1)
    ]  # fmt: skip
    assert rows(lesson, "SELECT * FROM tracks") == [
        (1, 1, 1, 0.0, 14.0, 4, None, 0, 1, 1), (1, 2, None, 3.0, 3.0, 0, 0.25, 1, None, 2)
    ]  # fmt: skip
    assert rows(lesson, "SELECT * FROM students") == [
        (1, 1, "S01", None, 0.0, 14.0, 1, 4, 3, 0.5, None, 0, 320.0, 200.0, 40.0, 0.25, "front centre", "student")
    ]
    assert rows(lesson, "SELECT judgement_id, session_id, name, strategy, settings FROM judgements") == [
        (1, 1, "weighted 10 s", "weighted", '{"band": 0.1}')
    ]
    assert rows(lesson, "SELECT * FROM student_windows") == [
        (1, 1, 0, 0.0, 10.0, "interested", 0.3333, None, 0.5, 3, 4, 3, 1.0, 0.5, *[None] * 5)
    ]
    assert rows(lesson, "SELECT * FROM class_windows") == [
        (1, 0, 0.0, 10.0, "interested", 0.3333, None, 0.5, 1, 1, 0, 0, 0, 4, 3, *[None] * 7)
    ]
    session = lesson.session(1)
    assert (session["state"], session["duration"]) == ("done", 16.0)
    assert session["finished"] >= session["created"]


def test_following_again_replaces_and_takes_the_judgements_along(lesson: Store, write: Write) -> None:
    faces = Faces.from_columns(queries.face_columns(lesson, 1, list(Faces.empty().columns())))
    write.following(lesson, 1, faces)
    assert counts(lesson) == {
        "sessions": 1, "classes": 7, "segments": 2, "frames": 6, "faces": 6, "tracks": 2, "students": 1,
        "judgements": 0, "student_windows": 0, "class_windows": 0, "corrections": 0, "seats": 0,
            "shots": 0, "sources": 0, "connections": 0, "warnings": 0, "attention_windows": 0,
        "class_shares": 0,
        "phases": 0, "student_phases": 0, "class_phases": 0,
        "people": 0, "excluded": 0, "profiles": 0, "rules": 0, "audit": 0, "claims": 0,
        "fingerprints": 0,
    }  # fmt: skip
    assert lesson.session(1)["state"] == "detected"
    assert lesson.session(1)["finished"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pts": [100]}, "session 1 has 6 faces; 1 were given"),
        ({"pts": [100, 100, 4100, 10100, 10100, 7]}, "session 1: 6 faces were given, 5 found"),
        ({"track": [1, 2, 3, 1, 2, 1]}, "faces have tracks that are not among the tracks"),
    ],
)
def test_following_must_name_every_face(lesson: Store, change: dict[str, list[int]], message: str) -> None:
    before = rows(lesson, "SELECT * FROM faces")
    pts = np.array(change.get("pts", [100, 100, 4100, 10100, 10100, 14100]))
    known = {"track": [1], "student": [-1], "first": [0.0], "last": [1.0], "faces": [1], "link_score": [1.0]}
    known |= {"static": [False], "found": [-1], "part_of": [1]}
    with pytest.raises(ValueError, match=f"^{message}$"):
        lesson.write_tracking(
            1,
            pts=pts,
            face=np.array([0, 1, 0, 0, 1, 0])[: len(pts)],
            track=np.array(change.get("track", [1] * len(pts))),
            track_columns={name: np.array(values) for name, values in known.items()},
            student_columns={"student": np.empty(0, np.int64)},
        )
    assert rows(lesson, "SELECT * FROM faces") == before
    assert counts(lesson)["judgements"] == 1


def test_session_without_a_face(store: Store, write: Write) -> None:
    session = write.session(store)
    write.segment(store, session, 0, (0, 0))
    write.following(store, session, Faces.empty())
    assert rows(store, "SELECT count(*) FROM faces") == [(0,)]


def test_what_is_written_together_is_kept_or_lost_together(lesson: Store, write: Write) -> None:
    before = counts(lesson)

    def write_and_break() -> None:
        with lesson.writing():
            write.segment(lesson, 1, 2)
            add_correction(lesson, 1, "split", {"student": "S01"})
            assert len(queries.frames(lesson, 1)) == 9  # read inside, they are there
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_break()
    assert counts(lesson) == before
    with lesson.writing():
        write.segment(lesson, 1, 2)
        add_correction(lesson, 1, "split", {"student": "S01"})
        with Store.open(lesson.path, read_only=True) as other:
            assert len(queries.frames(other, 1)) == 6  # and not yet outside
    assert counts(lesson) == before | {"segments": 3, "frames": 9, "faces": 9, "corrections": 1}


def test_replaced_students_leave_judgements_and_other_faces(lesson: Store) -> None:
    before = rows(lesson, "SELECT * FROM student_windows")
    track = {"track": [1, 2, 3], "student": [-1, -1, 4], "first": [0.0] * 3, "last": [1.0] * 3, "faces": [1] * 3}
    track |= {"link_score": [np.nan] * 3, "static": [False] * 3, "found": [1, -1, 1], "part_of": [1, 2, 1]}
    student = {"student": [4], "label": ["S05"], "person": [7], "static": [False], "role": ["student"]}
    numbers = (
        "first",
        "last",
        "tracks",
        "faces",
        "scorable",
        "coverage",
        "weakest_link",
        "x",
        "y",
        "size",
        "spread",
    )
    lesson.replace_students(
        1,
        pts=np.array([14100]),
        face=np.array([0]),
        track=np.array([3]),
        track_columns={name: np.array(values) for name, values in track.items()},
        student_columns={name: np.array(student.get(name, [0])) for name in (*student, *numbers)},
    )
    assert rows(lesson, "SELECT track FROM faces ORDER BY pts, face") == [(1,), (None,), (1,), (1,), (None,), (3,)]
    assert rows(lesson, "SELECT student, label, person FROM students") == [(4, "S05", 7)]
    assert rows(lesson, "SELECT * FROM student_windows") == before
    assert lesson.session(1)["state"] == "done"


def test_judgement_of_the_same_name_is_replaced_and_keeps_its_number(lesson: Store, write: Write) -> None:
    assert write.judgement(lesson, 1, name="sum 5 s") == 2
    assert write.judgement(lesson, 1, verdict="neutral") == 1
    sql = "SELECT judgement_id, judgement, verdict, latest FROM v_class_windows ORDER BY 1"
    assert rows(lesson, sql) == [(1, "weighted 10 s", "neutral", 1), (2, "sum 5 s", "interested", 0)]


def test_the_latest_judgement_is_the_last_one_made_whatever_the_wall_clock_shows(
    lesson: Store, write: Write
) -> None:
    write.judgement(lesson, 1, name="sum 5 s")
    with lesson.writing() as connection:  # the clock is set back from one to the next
        connection.execute(text("UPDATE judgements SET created = '2026-01-0' || (3 - judgement_id)"))
    assert rows(lesson, "SELECT judgement, latest FROM v_judgements ORDER BY sequence") == [
        ("weighted 10 s", False), ("sum 5 s", True)
    ]  # fmt: skip
    assert queries.judgements(lesson, 1)["name"].tolist() == ["weighted 10 s", "sum 5 s"]
    write.judgement(lesson, 1, created="2030-01-01T00:00:00.000Z")  # brought up to date, as after a correction
    assert queries.judgements(lesson, 1)["name"].tolist() == ["weighted 10 s", "sum 5 s"]
    write.judgement(lesson, 1)
    assert queries.judgements(lesson, 1)["name"].tolist() == ["sum 5 s", "weighted 10 s"]
    assert rows(lesson, "SELECT judgement_id, sequence FROM judgements ORDER BY 1") == [(1, 3), (2, 2)]


@pytest.mark.parametrize("name", ["weighted 10 s", "of a correction"])
def test_judgement_keeps_the_time_at_which_it_was_first_made(lesson: Store, write: Write, name: str) -> None:
    """As when a correction makes every judgement again: `latest` must still be the one that the user made last."""
    made = "2026-01-02T03:04:05.678Z"
    write.judgement(lesson, 1, name=name, created=made)
    assert rows(lesson, f"SELECT created FROM judgements WHERE name = '{name}'") == [(made,)]


def test_duration_is_kept_to_the_microsecond(store: Store, write: Write) -> None:
    """As every other time in the database, or the last window's end would differ from the session's."""
    session = write.session(store)
    store.finish_detection(session, 10 / 3)
    assert rows(store, "SELECT duration, state FROM sessions") == [(3.333333, "detected")]


def test_deleted_session_leaves_nothing_and_no_other_gets_its_number(lesson: Store, write: Write) -> None:
    alone = counts(lesson)
    other = write.session(lesson, name="Physics 8c")
    write.following(lesson, other, write.segment(lesson, other, 0))
    write.judgement(lesson, other)
    lesson.delete_session(other)
    assert counts(lesson) == alone
    assert write.session(lesson) == other + 1


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_a_new_database_and_its_log_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path / "school.db"):
        rights = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert rights["school.db"] == 0o600
    assert set(rights.values()) == {0o600}
