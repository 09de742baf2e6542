"""Rows of a session as the records that every pass, the report and the page read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import FER, UNPACK, Classes, Faces, database_columns
from storage import queries
from storage.store import Store
from tracking.path import CameraPath, measured_motion


def read_classes(store: Store, session_id: int) -> Classes:
    """What the faces of a session were scored for."""
    rows = queries.classes(store, session_id)
    return Classes.of(rows["name"], rows["polarity"]) if len(rows) else FER


def read_faces(store: Store, session_id: int, names: Sequence[str]) -> Faces:
    """The faces of a session, in order of (pts, face), with the arrays of `Faces` that are `names`, and pts."""
    classes = read_classes(store, session_id)
    return Faces.from_columns(_columns(store, session_id, names, classes), classes)


def read_faces_and_descriptors(
    store: Store, session_id: int, names: Sequence[str]
) -> tuple[Faces, npt.NDArray[np.object_]]:
    """The same, and beside them the descriptors of appearance, (n,) byte strings or None.

    Most faces have none: as rows of zeros they would take most of the memory.
    """
    classes = read_classes(store, session_id)
    columns = _columns(store, session_id, (*names, "appearance"), classes)
    blobs = columns.pop("appearance")
    return Faces.from_columns(columns, classes), blobs


def _columns(store: Store, session_id: int, names: Sequence[str], classes: Classes) -> dict[str, npt.NDArray[Any]]:
    columns = database_columns(dict.fromkeys(("pts", *names)), classes)
    unpack = {"landmarks": UNPACK["landmarks"]} if "landmarks" in columns else {}
    return queries.face_columns(store, session_id, columns, unpack)


def read_path(
    store: Store, session_id: int, frames: Mapping[str, npt.NDArray[Any]], faces: Faces | None = None
) -> CameraPath:
    """The path of the camera through the frames whose columns are `frames`, as tracking stored it.

    A session that is not tracked yet, or was by an older version, has none: it is estimated then, from `faces` with
    their boxes, every one of the session, which are read where they are not given.
    """
    if stored := CameraPath.from_columns(frames):
        return stored
    if faces is None:
        faces = read_faces(store, session_id, ("boxes_xyxy",))
    frame = np.searchsorted(frames["pts"], faces.pts)
    return CameraPath.estimate(measured_motion(frames), frame, faces.exact("boxes_xyxy"))
