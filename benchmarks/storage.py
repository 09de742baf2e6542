"""`make bench-storage`: how fast faces go into the database and come out, and what one weighs.

A lesson of 50 minutes with 30 students at 5 frames/s: 450,000 faces in segments of 10 s, each a transaction that is
on the disk when it returns. Rates are per second of CPU time of this one process; SQLAlchemy's own insert of a dict
a row stands beside ours, over the same rows in the same run; so does a PostgreSQL server, where CLASSPULSE_POSTGRES
is the URL of an empty database on one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from engine.faces import FER, Faces, score_columns
from storage import queries
from storage.columns import Columns, sql_values
from storage.schema import faces as faces_table
from storage.store import Store

STUDENTS, FRAMES_A_SEGMENT, SEGMENTS = 30, 50, 300
FOR_FOLLOW = ("pts", "face", "time", "x1", "y1", "x2", "y2", "score")
FOR_JUDGE = (
    "pts",
    "time",
    "student",
    "x1",
    "y1",
    "x2",
    "y2",
    "yaw",
    "pitch",
    *score_columns(FER),
    "quality",
    "scorable",
)


def segment_of(number: int) -> tuple[dict[str, np.ndarray], Faces]:
    """A segment's frames and faces: random, so that no column packs better than real ones do."""
    rng = np.random.default_rng(number)
    pts = (number * FRAMES_A_SEGMENT + np.arange(FRAMES_A_SEGMENT)) * 18_000
    n = len(pts) * STUDENTS
    corner = rng.uniform(0, 1800, (n, 2))
    share = rng.random((7, n), np.float32)
    camera = {f"camera_{name}": rng.normal(size=len(pts)) for name in "xy"}
    camera |= {"camera_a": 1 + rng.normal(0, 1e-4, len(pts)), "camera_b": rng.normal(0, 1e-4, len(pts))}
    return {"pts": pts, "time": pts / 90_000, **camera}, Faces(
        pts=pts.repeat(STUDENTS),
        face=np.tile(np.arange(STUDENTS), len(pts)),
        boxes_xyxy=np.hstack([corner, corner + rng.uniform(20, 90, (n, 2))]).astype(np.float32),
        score=share[0],
        landmarks=rng.uniform(0, 1800, (n, 5, 2)).astype(np.float32),
        scores=rng.dirichlet(np.full(7, 0.4), n).astype(np.float32),
        sharpness=share[1],
        yaw=share[2] * 80 - 40,
        pitch=share[3] * 80 - 40,
        roll=share[4] * 40 - 20,
        quality=share[5],
        scorable=share[6] > 0.3,
        appearance=np.where(  # a face a second
            np.arange(n)[:, None] % (5 * STUDENTS) < STUDENTS, rng.integers(0, 256, (n, 48), np.uint8), np.uint8(0)
        ),
    )


class Clock:
    """CPU and wall seconds that were spent inside `running`."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what happens inside."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall


def begin(store: Store) -> int:
    return store.add_session(
        name="lesson",
        source="lesson.mp4",
        sha256="",
        settings="{}",
        version="",
        models="{}",
        time_base=Fraction(1, 90_000),
        start_pts=0,
        width=1920,
        height=1080,
    )


def write_as_dicts(store: Store, session: int, segment: int, frames: dict[str, np.ndarray], faces: Faces) -> None:
    """What SQLAlchemy's documentation suggests for many rows."""
    none = {name: column[:0] for name, column in faces.columns().items()}
    store.write_segment(session, segment, frames, none)
    values = {name: sql_values(faces_table.c[name], column) for name, column in faces.columns().items()}
    with store.writing() as connection:
        rows = zip(*values.values(), strict=True)
        connection.execute(
            insert(faces_table), [dict(zip(values, row, strict=True), session_id=session) for row in rows]
        )


def write_tracks(store: Store, session: int, faces: Columns | None = None) -> None:
    """A student for each place among a frame's faces, as if nobody had ever been missed."""
    faces = faces or queries.face_columns(store, session, ("pts", "face"))
    students = np.arange(STUDENTS)
    lines = {"first": students * 0.0, "last": students * 0.0, "faces": students}
    labels = np.array([f"S{number:02}" for number in students])
    student = {"student": students, "label": labels, "person": students - students - 1, "tracks": students}
    student |= {"scorable": students, "static": students > STUDENTS}
    student |= {"role": np.full(STUDENTS, "student", object)}
    student |= dict.fromkeys(("coverage", "weakest_link", "x", "y", "size", "spread"), students * 0.5)
    track = {"track": students, "student": students, "link_score": students * 0.5, "static": students > STUDENTS}
    track |= {"found": students, "part_of": students}
    store.write_tracking(
        session,
        pts=faces["pts"],
        face=faces["face"],
        track=faces["face"],
        track_columns=lines | track,
        student_columns=lines | student,
    )


def report(what: str, count: int, clock: Clock) -> None:
    print(f"{what:<46}{count / clock.cpu:>14,.0f}{clock.cpu:>9.2f}{clock.wall:>9.2f}")


def insert_on_server(url: str, segments: int) -> None:
    """The same rows by COPY into a PostgreSQL database; the CPU time of the server itself is not counted."""
    clock = Clock()
    with Store.open(url) as store:
        session = begin(store)
        for number in range(segments):
            frames, faces = segment_of(number)
            with clock.running():
                store.write_segment(session, number, frames, faces.columns())
        store.delete_session(session)
    report("insert: Store.write_segment, PostgreSQL", segments * FRAMES_A_SEGMENT * STUDENTS, clock)


def main(segments: int = SEGMENTS) -> None:
    count = segments * FRAMES_A_SEGMENT * STUDENTS
    print(f"{f'{count:,} faces':<46}{'faces/CPU s':>14}{'CPU s':>9}{'wall s':>9}")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Clock(), Clock()
        with Store.open(Path(folder) / "ours.db") as store, Store.open(Path(folder) / "theirs.db") as peer:
            session, as_dicts = begin(store), begin(peer)
            few = max(segments // 5, 1)
            for number in range(segments):
                frames, faces = segment_of(number)
                with ours.running():
                    store.write_segment(session, number, frames, faces.columns())
                if number < few:
                    with theirs.running():
                        write_as_dicts(peer, as_dicts, number, frames, faces)
            report("insert: Store.write_segment", count, ours)
            report("insert: SQLAlchemy, a dict a row", few * FRAMES_A_SEGMENT * STUDENTS, theirs)
            if url := os.environ.get("CLASSPULSE_POSTGRES"):
                insert_on_server(url, few)

            clock = Clock()
            with clock.running():
                queries.face_columns(store, session, FOR_FOLLOW)
            report("read the columns that Track needs", count, clock)

            clock = Clock()
            places = queries.face_columns(store, session, ("pts", "face"))
            with clock.running():
                write_tracks(store, session, places)
            report("write tracks and students", count, clock)

            readers: dict[str, Callable[[], object]] = {
                "read the columns that Judge needs": lambda: queries.face_columns(store, session, FOR_JUDGE),
                "read all as a DataFrame": lambda: queries.faces(store, session),
            }
            for what, read in readers.items():
                clock = Clock()
                with clock.running():
                    read()
                report(what, count, clock)
        print(f"bytes a face, everything counted: {(Path(folder) / 'ours.db').stat().st_size / count:.0f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
