"""Rows as the records that the passes, the report and the page read: what is asked for, of any classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.faces import FER, Class, Classes, Faces
from engine.sessions.records import read_classes, read_faces, read_faces_and_descriptors, read_path
from storage import queries
from storage.store import Store
from tests.engine.test_faces import some_faces
from tests.storage.conftest import write_session
from tracking.path import CameraPath

THREE = Classes((Class("up", "positive"), Class("talks", "ignored"), Class("down", "negative")))


def write(store: Store, faces: Faces, classes: Classes) -> int:
    session_id = write_session(store, classes=classes.rows())
    pts = np.unique(faces.pts)
    known = np.where(np.arange(len(pts)) > 0, 1.0, np.nan)
    camera = {"camera_a": known, "camera_b": 0 * known, "camera_x": 10 * known, "camera_y": 0 * known}
    store.write_segment(session_id, 0, {"pts": pts, "time": pts / 1000, **camera}, faces.columns())
    return session_id


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "classpulse.db") as opened:
        yield opened


@pytest.mark.parametrize("classes", [FER, THREE])
def test_faces_are_read_with_the_classes_of_their_session_and_nothing_that_was_not_asked_for(
    store: Store, classes: Classes
) -> None:
    faces = some_faces(6, classes)
    session_id = write(store, faces, classes)
    assert read_classes(store, session_id) == classes
    again = read_faces(store, session_id, ("scores", "boxes_xyxy", "time"))
    assert again.classes == classes
    assert set(again.arrays()) == {"pts", "scores", "boxes_xyxy", "time"}
    np.testing.assert_array_equal(again.exact("scores"), faces.exact("scores"))
    np.testing.assert_array_equal(again.exact("boxes_xyxy"), faces.exact("boxes_xyxy"))
    assert again.time.tolist() == (faces.pts / 1000).tolist()


def test_descriptors_stand_beside_the_faces_none_for_most(store: Store) -> None:
    faces = some_faces(6)
    session_id = write(store, faces, FER)
    read, blobs = read_faces_and_descriptors(store, session_id, ("landmarks", "face"))
    np.testing.assert_array_equal(read.landmarks, faces.landmarks)
    assert [blob and list(blob) for blob in blobs] == [
        list(row) if row.any() else None for row in faces.appearance.tolist() for row in [np.array(row)]
    ]


def test_a_path_is_the_stored_one_and_estimated_only_where_none_is(store: Store) -> None:
    session_id = write(store, some_faces(6), FER)
    frames = queries.frame_columns(store, session_id)
    estimated = read_path(store, session_id, frames)
    assert estimated.to_first[:, 0, 2].tolist() == [0, -10, -20]
    store.write_path(session_id, {"pts": frames["pts"], **CameraPath.unmoved(3).columns()})
    stored = read_path(store, session_id, queries.frame_columns(store, session_id))
    assert stored.to_first[:, 0, 2].tolist() == [0, 0, 0]
