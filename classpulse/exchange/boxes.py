"""Faces with their students as boxes: MOTChallenge and COCO-VID."""

from __future__ import annotations

import configparser
import json
from pathlib import Path

import numpy as np
import pandas as pd

from classpulse.exchange.people import People
from classpulse.report import rows
from engine.outputs import output_folder
from engine.sessions.session import Session
from engine.version import __version__


def boxes(session: Session, people: People) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sampled frames (`frame` from 1 on, `pts`, `time`), and the faces of somebody, in order.

    Faces have `frame`, `identity` (from 1 on), `label`, `x`, `y`, `width`, `height` (px) and `score`.
    """
    frames = session.frames()[["pts", "time"]].sort_values("pts", ignore_index=True)
    frames.insert(0, "frame", np.arange(1, len(frames) + 1))
    faces = session.faces()
    faces = faces[faces["label"].notna()]
    found = pd.DataFrame(
        {
            "frame": frames.set_index("pts")["frame"].loc[faces["pts"]].to_numpy(),
            "identity": [people.number(label) + 1 for label in faces["label"]],
            "label": [people.called(label) for label in faces["label"]],
            "x": faces["x1"].to_numpy(),
            "y": faces["y1"].to_numpy(),
            "width": (faces["x2"] - faces["x1"]).to_numpy(),
            "height": (faces["y2"] - faces["y1"]).to_numpy(),
            "score": faces["score"].to_numpy(),
        }
    )
    return frames, found.sort_values(["frame", "identity"], kind="stable", ignore_index=True)


def export(session: Session, folder: Path, file_format: str, people: People) -> dict[str, int]:
    """Write mot or coco into the `folder`; returns the number of boxes, frames and identities.

    Frames are the sampled ones, and frames.csv has the time of each. Raises UsageError if the folder exists and is
    not empty.
    """
    frames, found = boxes(session, people)
    identities = found.drop_duplicates("identity").sort_values("identity")[["identity", "label"]]
    with output_folder(folder) as partial:
        rows.write(frames, "csv", partial / "frames.csv")
        rows.write(identities, "csv", partial / "identities.csv")
        if file_format == "mot":
            _write_mot(session, partial, frames, found)
        else:
            text = json.dumps(coco(session, people, frames, found), indent=1, ensure_ascii=False)
            (partial / "coco.json").write_text(text + "\n", "utf-8")
    return {"boxes": len(found), "frames": len(frames), "identities": len(identities)}


def _write_mot(session: Session, folder: Path, frames: pd.DataFrame, found: pd.DataFrame) -> None:
    """Write tracks.txt as MOTChallenge has results (frame, id, left, top, width, ...), and seqinfo.ini."""
    table = found[["frame", "identity", "x", "y", "width", "height", "score"]].assign(a=-1, b=-1, c=-1)
    table.to_csv(folder / "tracks.txt", header=False, index=False, float_format="%.3f")
    info = session.info()
    sequence = configparser.ConfigParser()
    sequence.optionxform = str  # type: ignore[assignment,method-assign]
    steps = frames["time"].diff().median()
    sequence["Sequence"] = {
        "name": f"session-{session.session_id}",
        "frameRate": f"{1 / steps:.6g}" if steps and steps > 0 else "1",
        "seqLength": str(len(frames)),
        "imWidth": str(info["width"]),
        "imHeight": str(info["height"]),
    }
    with (folder / "seqinfo.ini").open("w", encoding="utf-8") as file:
        sequence.write(file, space_around_delimiters=False)


def coco(session: Session, people: People, frames: pd.DataFrame, found: pd.DataFrame) -> dict[str, object]:
    """COCO with videos and instances, as CocoVID has them; the images that it names are not written."""
    info = session.info()
    video = {"id": 1, "name": people.session, "width": info["width"], "height": info["height"]}
    images = [
        {
            "id": frame,
            "video_id": 1,
            "frame_id": frame - 1,
            "file_name": f"{frame:06d}.jpg",
            "width": info["width"],
            "height": info["height"],
            "time": round(time, 6),
        }
        for frame, time in zip(frames["frame"].tolist(), frames["time"].tolist(), strict=True)
    ]
    annotations = [
        {
            "id": place,
            "image_id": row["frame"],
            "video_id": 1,
            "category_id": 1,
            "instance_id": row["identity"],
            "student": row["label"],
            "bbox": [round(row[name], 3) for name in ("x", "y", "width", "height")],
            "area": round(row["width"] * row["height"], 3),
            "iscrowd": 0,
            "score": round(row["score"], 4),
        }
        for place, row in enumerate(found.to_dict("records"), 1)
    ]
    return {
        "info": {"description": "faces with students", "version": __version__},
        "categories": [{"id": 1, "name": "face"}],
        "videos": [video],
        "images": images,
        "annotations": annotations,
    }
