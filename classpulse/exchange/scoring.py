"""Identities against the truth: trackeval's CLEAR, Identity and HOTA, on arrays."""

from __future__ import annotations

import configparser
import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment

from classpulse.exchange.boxes import boxes
from classpulse.exchange.people import People
from engine.errors import UsageError
from engine.extras import required
from engine.sessions.session import Session
from tracking.association import iou

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """n boxes with identities: `frame` (n,) int64, `who` (n,) int64, `boxes` (n, 4) as (x1, y1, x2, y2)."""

    frame: Ints
    who: Ints
    boxes: Floats

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, keep: npt.NDArray[Any]) -> Rows:
        return Rows(self.frame[keep], self.who[keep], self.boxes[keep])

    @classmethod
    def read(cls, path: Any) -> Rows:
        """Read a MOT challenge file: frame, id, left, top, width, height, ... Raises UsageError for any other."""
        try:
            table = np.loadtxt(path, delimiter=",", ndmin=2)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: not a file of MOTChallenge ({error})") from error
        if table.shape[1] < 6 or not np.isfinite(table[:, :6]).all():
            raise UsageError(
                f"{path}: not a file of MOTChallenge; a row is frame, id, left, top, width, height, ..."
            )
        corner = table[:, 2:4]
        return cls(
            table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), np.hstack([corner, corner + table[:, 4:6]])
        )


def score(truth: Rows, predicted: Rows, *, hota: bool = True) -> dict[str, float]:
    """MOTA, MOTP, FP, FN, IDSW, IDF1, HOTA ... of `predicted` against `truth`; a match is an IoU of 0.5 or more.

    HOTA is the mean over its thresholds. Ratios are in [0, 1]; `ids` counts the predicted identities.
    Identity's matrices grow with the square of the identities: with more than 3000, IDF1 is worked out from what
    can match alone.
    """
    metrics = required("trackeval.metrics", "evaluate", "comparing with a ground truth")
    data = _sequence(truth, predicted)
    few = data["num_gt_ids"] + data["num_tracker_ids"] <= 3000
    with contextlib.redirect_stdout(io.StringIO()):  # trackeval prints how long it took
        clear = metrics.CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
        identity = metrics.Identity({"PRINT_CONFIG": False}).eval_sequence(data) if few else _identity(data)
        higher = metrics.HOTA().eval_sequence(data) if hota else {}
    names = {"MOTA": "MOTA", "MOTP": "MOTP", "CLR_FP": "FP", "CLR_FN": "FN", "IDSW": "IDSW", "CLR_Re": "recall"}
    result = {short: float(clear[name]) for name, short in names.items()}
    result["IDF1"] = float(identity["IDF1"])
    result |= {name: float(np.mean(higher[name])) for name in ("HOTA", "DetA", "AssA") if hota}
    return result | {"ids": float(data["num_tracker_ids"])}


def _identity(data: dict[str, Any]) -> dict[str, float]:
    """IDF1 as trackeval's Identity has it: twice the boxes that the best one-to-one naming matches, over all."""
    matches = np.zeros((data["num_gt_ids"], data["num_tracker_ids"]))
    for truth, predicted, overlap in zip(
        data["gt_ids"], data["tracker_ids"], data["similarity_scores"], strict=True
    ):
        i, j = np.nonzero(overlap >= 0.5)
        matches[truth[i], predicted[j]] += 1
    rows, columns = linear_sum_assignment(matches, maximize=True)
    return {"IDF1": 2 * matches[rows, columns].sum() / max(data["num_gt_dets"] + data["num_tracker_dets"], 1)}


def by_frame(frame: Ints) -> dict[int, Ints]:
    """The rows of each frame."""
    order = np.argsort(frame, kind="stable")
    frames, starts = np.unique(frame[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(frames) else []
    return dict(zip(frames.tolist(), parts, strict=True))


def _sequence(truth: Rows, predicted: Rows) -> dict[str, Any]:
    """What trackeval's metrics take: identities 0, 1, ... and the similarity of all pairs, frame by frame."""
    truth_names, truth_who = np.unique(truth.who, return_inverse=True)
    predicted_names, predicted_who = np.unique(predicted.who, return_inverse=True)
    truth_of, predicted_of = by_frame(truth.frame), by_frame(predicted.frame)
    none = np.empty(0, np.int64)
    data: dict[str, Any] = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for frame in sorted(truth_of.keys() | predicted_of.keys()):
        t, p = truth_of.get(frame, none), predicted_of.get(frame, none)
        data["gt_ids"].append(truth_who[t])
        data["tracker_ids"].append(predicted_who[p])
        data["similarity_scores"].append(iou(truth.boxes[t], predicted.boxes[p]))
    return data | {
        "num_timesteps": len(data["gt_ids"]),
        "num_gt_ids": len(truth_names),
        "num_tracker_ids": len(predicted_names),
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(predicted),
    }


def truth_of(path: Path, rate: float | None) -> tuple[Rows, float | None]:
    """The ground truth without rows that are not to be considered (conf 0), and its frames a second.

    Without a `rate` it is the frameRate of a seqinfo.ini beside it or above it, and None where there is none.
    Raises UsageError for a file that is not of MOTChallenge.
    """
    rows = Rows.read(path)
    table = np.loadtxt(path, delimiter=",", ndmin=2)
    if table.shape[1] > 6:
        rows = rows[table[:, 6] != 0]
    for folder in (path.parent, path.parent.parent):
        if rate is None and (folder / "seqinfo.ini").exists():
            sequence = configparser.ConfigParser()
            sequence.read(folder / "seqinfo.ini", "utf-8")
            rate = sequence.getfloat("Sequence", "frameRate", fallback=None)
    return rows, rate


def evaluate(session: Session, path: Path, rate: float | None = None) -> pd.DataFrame:
    """MOTA, IDF1, HOTA and what is behind them, a row for each figure, of a session's faces with a student.

    `rate` says how many frames of the ground truth are a second; its frame 1 is at 0 s. Only frames are compared
    that the session sampled. Without a rate, frame 1, 2, ... are the sampled ones, as `export` numbers them. Raises
    UsageError for a ground truth without any of them, and MissingLibraryError without trackeval.
    """
    truth, rate = truth_of(path, rate)
    frames, faces = boxes(session, People(session))
    numbers = frames["frame"].to_numpy()
    if rate is not None:
        numbers = 1 + np.rint(frames["time"].to_numpy() * rate).astype(np.int64)
    corner = faces[["x", "y"]].to_numpy(np.float64)
    predicted = Rows(
        numbers[faces["frame"].to_numpy() - 1],
        faces["identity"].to_numpy(np.int64),
        np.hstack([corner, corner + faces[["width", "height"]].to_numpy()]),
    )
    # The truth may begin later or end sooner than the recording.
    first, last = (truth.frame.min(), truth.frame.max()) if len(truth) else (1, 0)
    truth = truth[np.isin(truth.frame, numbers)]
    predicted = predicted[(predicted.frame >= first) & (predicted.frame <= last)]
    if not len(truth):
        raise UsageError(f"{path}: none of its frames was sampled; give their number a second with --rate")
    figures = score(truth, predicted)
    compared = int(((numbers >= first) & (numbers <= last)).sum())
    counts = {"frames": compared, "true identities": len(np.unique(truth.who)), "true boxes": len(truth)}
    order = ("MOTA", "IDF1", "HOTA", "DetA", "AssA", "recall", "MOTP", "IDSW", "FP", "FN", "ids")
    rows = {name: figures[name] for name in order} | counts
    return pd.DataFrame({"figure": list(rows), "value": np.array(list(rows.values()), np.float64)})
