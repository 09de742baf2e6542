"""Rows of a session as the records that every pass, the report and the page read, and where its recording is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arrays import unpack_appearance
from engine.faces import FER, UNPACK, Classes, Faces, database_columns
from engine.settings import Settings
from storage import queries
from storage.paths import path_of
from storage.store import Store
from storage.warnings import read_warnings
from tracking.path import CameraPath, measured_motion
from tracking.shots import Shots, find_shots, unit_layouts
from tracking.views import Views, find_views

#: Codes of the warnings that the recording's clock jumped, or that a file of the lesson is missing: before and
#: after, it is not the same moment.
JUMPS = ("clock_back", "clock_jump", "gap_between_files")


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


def read_views(
    store: Store, session_id: int, frames: Mapping[str, npt.NDArray[Any]], faces: Faces | None = None
) -> tuple[Shots, Views]:
    """The shots through the frames whose columns are `frames`, and their views and camera's path, as stored.

    A session that is not tracked yet has no views and no path: they are estimated then, from `faces` with their
    boxes, every one of the session, which are read where they are not given.
    """
    session = store.session(session_id)
    units = unit_layouts(unpack_appearance(queries.frame_layouts(store, session_id)).view(np.int8))
    motion = measured_motion(frames)
    shots = find_shots(
        frames["time"],
        frames["unexplained"],
        motion,
        units,
        frames["faces"],
        size=(session["width"], session["height"]),
        jumps=[
            warning.time
            for warning in read_warnings(store, session_id)
            if warning.code in JUMPS and warning.time is not None
        ],
    )
    if stored := CameraPath.from_columns(frames):
        rows = queries.shots(store, session_id)
        if rows.empty:  # tracked by an older version
            return Shots.one(len(stored)), Views(np.zeros(1, np.int64), stored)
        start = np.searchsorted(frames["time"], rows["start"].to_numpy() - 1e-6)
        return replace(shots, start=start), Views(rows["view"].to_numpy(np.int64), stored)
    if faces is None:
        faces = read_faces(store, session_id, ("boxes_xyxy",))
    frame, boxes = np.searchsorted(frames["pts"], faces.pts), faces.exact("boxes_xyxy")
    path = CameraPath.estimate(motion, frame, boxes, starts=shots.start)
    return shots, find_views(frames["time"], shots, units, path, frame, boxes)


def read_path(
    store: Store, session_id: int, frames: Mapping[str, npt.NDArray[Any]], faces: Faces | None = None
) -> CameraPath:
    """The path of the camera alone, as `read_views` reads or estimates it."""
    return CameraPath.from_columns(frames) or read_views(store, session_id, frames, faces)[1].path


def located(store: Store, session_id: int, moved: Path | None = None) -> tuple[list[Path], Settings]:
    """The files of a session's recording, and the settings that open them with `open_source`.

    `moved` is where the recording is now, if not where it was analysed; of several files, the folder with them.
    """
    row = store.session(session_id)
    settings = Settings.from_json(row["settings"])
    rows = queries.sources(store, session_id)
    if rows.empty:
        return [moved or path_of(row["source"])], settings
    paths = [path_of(path) for path in rows["path"]]
    if moved is not None:
        folder = moved if moved.is_dir() else moved.parent
        paths = [folder / path.name for path in paths]
    return paths, replace(settings, files=tuple(map(str, paths)))
