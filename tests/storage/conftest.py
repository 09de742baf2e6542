"""Columns as the passes make them, small enough to be compared row by row."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from engine.faces import FER, Faces
from storage.store import Store


def make_faces(pts: list[int], *, seed: int = 0) -> Faces:
    """One face for each of the `pts` (ascending; a frame of two faces is named twice)."""
    rng = np.random.default_rng(seed + sum(pts))
    n = len(pts)
    ticks = np.array(pts, np.int64)
    corner = rng.uniform(0, 600, (n, 2))
    emotions = rng.dirichlet(np.ones(7), n).astype(np.float32)
    emotions[::5] = np.nan
    share = rng.random((4, n), np.float32)
    return Faces(
        pts=ticks,
        face=np.arange(n) - np.searchsorted(ticks, ticks),
        boxes_xyxy=np.hstack([corner, corner + rng.uniform(20, 60, (n, 2))]).astype(np.float32),
        score=share[0],
        landmarks=rng.uniform(0, 600, (n, 5, 2)).astype(np.float32),
        scores=emotions,
        sharpness=share[1],
        yaw=(share[1] * 40 - 20).round(),
        pitch=(share[2] * 40 - 20).round(),
        roll=(share[3] * 40 - 20).round(),
        quality=share[2],
        scorable=share[2] > 0.3,
        appearance=np.where(np.arange(n)[:, None] % 4 == 1, rng.integers(0, 256, (n, 48)), 0).astype(np.uint8),
    )


def write_session(store: Store, **changes: Any) -> int:
    values: dict[str, Any] = {
        "name": "Physics 8b",
        "source": "/lessons/physics.mp4",
        "sha256": "ab" * 32,
        "settings": '{"min_face": 20.0, "window": 10.0}',
        "version": "0.1.0",
        "models": "{}",
        "time_base": Fraction(1, 1000),
        "start_pts": 100,
        "width": 640,
        "height": 480,
        "classes": FER.rows(),
    }
    return store.add_session(**values | changes)


def frames_at(pts: np.ndarray, time: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of frames before which the camera panned, and before the first of which nobody knows."""
    known = np.where(np.arange(len(pts)), 1.0, np.nan)
    return {
        "pts": pts, "time": time, "camera_a": known, "camera_b": 0 * known, "camera_x": 2.5 * known,
        "camera_y": -known,
    }  # fmt: skip


def write_segment(store: Store, session: int, segment: int, faces_a_frame: tuple[int, ...] = (2, 0, 1)) -> Faces:
    """Frames 2 s apart from the segment's begin, with so many faces each."""
    time = segment * 10 + 2.0 * np.arange(len(faces_a_frame))
    pts = (100 + 1000 * time).astype(np.int64)
    faces = make_faces(np.repeat(pts, faces_a_frame).tolist())
    store.write_segment(session, segment, frames_at(pts, time), faces.columns())
    return faces


def write_tracking(store: Store, session: int, faces: Faces) -> None:
    """The first face of every frame is S01's, the second nobody's."""
    one = np.ones(1, np.int64)
    store.write_tracking(
        session,
        pts=faces.pts,
        face=faces.face,
        track=np.where(faces.face == 0, 1, -1),
        track_columns={
            "track": np.array([1, 2]),
            "student": np.array([1, -1]),
            "first": np.array([0.0, 3.0]),
            "last": np.array([14.0, 3.0]),
            "faces": np.array([4, 0]),
            "link_score": np.array([np.nan, 0.25]),
            "static": np.array([False, True]),
            "found": np.array([1, -1]),
            "part_of": np.array([1, 2]),
        },
        student_columns={
            "student": one,
            "label": np.array(["S01"]),
            "person": np.array([-1]),
            "first": np.zeros(1),
            "last": np.full(1, 14.0),
            "tracks": one,
            "faces": 4 * one,
            "scorable": 3 * one,
            "coverage": np.full(1, 0.5),
            "weakest_link": np.full(1, np.nan),
            "static": np.array([False]),
            "x": np.full(1, 320.0),
            "y": np.full(1, 200.0),
            "size": np.full(1, 40.0),
            "spread": np.full(1, 0.25),
            "area": np.array(["front centre"]),
            "role": np.array(["student"]),
        },
    )


def write_judgement(
    store: Store,
    session: int,
    name: str = "weighted 10 s",
    verdict: str = "interested",
    created: str | None = None,
) -> int:
    one, zero, half = np.ones(1, np.int64), np.zeros(1, np.int64), np.full(1, 0.5)
    both = {
        "window": zero,
        "start": np.zeros(1),
        "stop": np.full(1, 10.0),
        "verdict": np.array([verdict]),
        "balance": np.array([1 / 3]),
        "margin": np.array([np.nan]),
        "coverage": half,
        "faces": 4 * one,
        "scorable": 3 * one,
    }
    student = {"student": one, "frames": 3 * one, "positive": 2 * half, "negative": half}
    counts = {"students": one, "interested": one, "neutral": zero, "not_interested": zero, "insufficient": zero}
    attention = {"window": zero, "student": one, "visible": half, "facing": half, "movement": np.full(1, np.nan)}
    return store.write_judgement(
        session,
        name,
        "weighted",
        '{"band": 0.1}',
        both | student,
        both | counts,
        created=created,
        attention_columns=attention,
        share_columns={"window": zero, "student": one, "number": one, "share": half},
    )


class Write:
    """The functions above: `write.segment(store, session, 0)`."""

    session = staticmethod(write_session)
    segment = staticmethod(write_segment)
    following = staticmethod(write_tracking)
    judgement = staticmethod(write_judgement)


@pytest.fixture
def write() -> Write:
    return Write()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "classpulse.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked `both_databases` that use the `target` run twice; `both_databases(False)` takes one out."""
    marker = metafunc.definition.get_closest_marker("both_databases")
    if marker and marker.args != (False,) and "target" in metafunc.fixturenames:
        metafunc.parametrize("target", ["path", "postgres_url"], ids=["sqlite", "postgres"], indirect=True)


@pytest.fixture
def target(request: pytest.FixtureRequest) -> str | Path:
    """An empty database: a file, and for tests marked `both_databases` also a server's."""
    target: str | Path = request.getfixturevalue(getattr(request, "param", "path"))
    return target


@pytest.fixture
def store(target: str | Path) -> Iterator[Store]:
    with Store.open(target) as store:
        yield store


@pytest.fixture
def lesson(store: Store) -> Store:
    """A session of two segments, through all three passes."""
    session = write_session(store)
    faces = Faces.concatenate([write_segment(store, session, segment) for segment in (0, 1)])
    store.finish_detection(session, 16.0)
    write_tracking(store, session, faces)
    write_judgement(store, session)
    return store


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """The rows as they come: SQLite's in order of the key; PostgreSQL's, which have none of their own, sorted."""
    with store.reading() as connection:
        found = [tuple(row) for row in connection.execute(text(sql))]
        if connection.dialect.name == "sqlite" or "ORDER BY" in sql:
            return found
    return sorted(found, key=lambda row: [(value is not None, value) for value in row])
