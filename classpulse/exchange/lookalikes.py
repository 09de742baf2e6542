"""A session's faces in the columns of fer, Py-Feat and OpenFace, so that scripts for their files go on working."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from classpulse.exchange.people import People
from classpulse.report import rows
from engine.errors import UsageError
from engine.faces import EMOTIONS
from engine.outputs import output_folder
from engine.sessions.session import Session

#: Py-Feat's words for the same seven classes.
FEAT_EMOTIONS = dict(
    zip(EMOTIONS, ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"), strict=True)
)


def export(session: Session, folder: Path, tool: str, people: People, *, raw: bool = False) -> dict[str, int]:
    """Write the file of `tool` (fer, pyfeat or openface) into the `folder`, and frames.csv with the frames' times.

    Only faces of somebody are in it. Returns the rows of each file. Raises UsageError for a session that was not
    scored for fer's seven classes, and if the folder exists and is not empty.
    """
    name, table_of = TOOLS[tool]
    faces = session.faces()
    faces = faces[faces["label"].notna()]
    if tool != "openface" and (not set(EMOTIONS) <= set(faces) or faces[list(EMOTIONS)].isna().all(axis=None)):
        raise UsageError(f"session {session.session_id} has no scores of {', '.join(EMOTIONS)}, which {tool} needs")
    frames = session.frames()[["pts", "time"]].sort_values("pts", ignore_index=True)
    frames.insert(0, "frame", np.arange(len(frames)))
    number = frames.set_index("pts")["frame"]
    faces = faces.assign(
        frame=number.loc[faces["pts"]].to_numpy(), identity=[people.number(x) for x in faces["label"]]
    )
    faces = faces.assign(label=[people.called(label) for label in faces["label"]])
    table = table_of(faces.sort_values(["frame", "identity"], kind="stable"))
    with output_folder(folder) as partial:
        rows.write(table, "csv", partial / name, raw=raw)
        rows.write(frames, "csv", partial / "frames.csv", raw=raw)
    return {name: len(table), "frames.csv": len(frames)}


def fer_row(boxes: list[list[int]], scores: list[dict[str, float]], numbers: list[int]) -> dict[str, object]:
    """A row as fer's `Video` writes it: box0, angry0, ..., box1, ... of the faces with these numbers."""
    row: dict[str, object] = {}
    for number, box, of_face in zip(numbers, boxes, scores, strict=True):
        row[f"box{number}"] = box
        row |= {f"{name}{number}": score for name, score in of_face.items()}
    return row


def fer_columns(columns: list[str]) -> list[str]:
    """In fer's order: by name, then by the face's number."""
    return sorted(
        columns, key=lambda name: (name.rstrip("0123456789"), int(name[len(name.rstrip("0123456789")) :]))
    )


def _fer(faces: pd.DataFrame) -> pd.DataFrame:
    """A row for each frame with a face; each student has a number of its own in every frame."""
    table = pd.DataFrame(list(_fer_rows(faces)))
    return table[fer_columns(list(table.columns))]


def _fer_rows(faces: pd.DataFrame) -> Iterator[dict[str, object]]:
    for _, of_frame in faces.groupby("frame", sort=True):
        corners = of_frame[["x1", "y1", "x2", "y2"]].to_numpy(np.float64).astype(np.int64)
        boxes = [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in corners.tolist()]
        yield fer_row(boxes, of_frame[list(EMOTIONS)].round(4).to_dict("records"), of_frame["identity"].tolist())  # type: ignore[arg-type]


def _pyfeat(faces: pd.DataFrame) -> pd.DataFrame:
    """The columns of a Fex that are measured here: no landmarks of its kind, and no action units."""
    seconds = faces["time"].astype(int)
    return pd.DataFrame(
        {
            "frame": faces["frame"],
            "approx_time": [f"{second // 60:02}:{second % 60:02}" for second in seconds],
            "FaceRectX": faces["x1"],
            "FaceRectY": faces["y1"],
            "FaceRectWidth": faces["x2"] - faces["x1"],
            "FaceRectHeight": faces["y2"] - faces["y1"],
            "FaceScore": faces["score"],
            "Pitch": faces["pitch"],
            "Roll": faces["roll"],
            "Yaw": faces["yaw"],
            **{FEAT_EMOTIONS[name]: faces[name] for name in EMOTIONS},
            "Identity": faces["label"],
        }
    )


def _openface(faces: pd.DataFrame) -> pd.DataFrame:
    """The columns of FeatureExtraction that are measured here; angles in radians, as there."""
    return pd.DataFrame(
        {
            "frame": faces["frame"] + 1,
            "face_id": faces["identity"],
            "timestamp": faces["time"],
            "confidence": faces["score"],
            "success": faces["scorable"].astype(int),
            "pose_Rx": np.radians(faces["pitch"]),
            "pose_Ry": np.radians(faces["yaw"]),
            "pose_Rz": np.radians(faces["roll"]),
        }
    )


class _Tool(NamedTuple):
    file: str
    table: Callable[[pd.DataFrame], pd.DataFrame]


TOOLS = {
    "fer": _Tool("data.csv", _fer),
    "pyfeat": _Tool("fex.csv", _pyfeat),
    "openface": _Tool("openface.csv", _openface),
}
