"""Scores identities against the truth: trackeval's CLEAR, Identity and HOTA, on arrays."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from trackeval.metrics import CLEAR, HOTA, Identity

from tracking.association import iou, match

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
        """Read a MOT challenge file: frame, id, left, top, width, height, ..."""
        table = np.loadtxt(path, delimiter=",", ndmin=2)
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
    data = _sequence(truth, predicted)
    few = data["num_gt_ids"] + data["num_tracker_ids"] <= 3000
    with contextlib.redirect_stdout(io.StringIO()):  # trackeval prints how long it took
        clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
        identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data) if few else _identity(data)
        higher = HOTA().eval_sequence(data) if hota else {}
    names = {"MOTA": "MOTA", "MOTP": "MOTP", "CLR_FP": "FP", "CLR_FN": "FN", "IDSW": "IDSW", "CLR_Re": "recall"}
    result = {short: float(clear[name]) for name, short in names.items()}
    result["IDF1"] = float(identity["IDF1"])
    result |= {name: float(np.mean(higher[name])) for name in ("HOTA", "DetA", "AssA") if hota}
    return result | {"ids": float(data["num_tracker_ids"])}


def perfect(truth: Rows, detections: Rows) -> Rows:
    """`detections` with the identities of the truth: what no tracker over these boxes can beat.

    A box that is no true face gets an identity of its own, -1, -2, ...
    """
    who = -1 - np.arange(len(detections))
    truth_of, boxes_of = _by_frame(truth.frame), _by_frame(detections.frame)
    for frame, rows in boxes_of.items():
        if frame in truth_of:
            overlap = iou(truth.boxes[truth_of[frame]], detections.boxes[rows])
            pairs = match(overlap, 0.5)
            who[rows[pairs.columns]] = truth.who[truth_of[frame][pairs.rows]]
    return Rows(detections.frame, who, detections.boxes)


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


def _by_frame(frame: Ints) -> dict[int, Ints]:
    order = np.argsort(frame, kind="stable")
    frames, starts = np.unique(frame[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(frames) else []
    return dict(zip(frames.tolist(), parts, strict=True))


def _sequence(truth: Rows, predicted: Rows) -> dict[str, Any]:
    """What trackeval's metrics take: identities 0, 1, ... and the similarity of all pairs, frame by frame."""
    truth_names, truth_who = np.unique(truth.who, return_inverse=True)
    predicted_names, predicted_who = np.unique(predicted.who, return_inverse=True)
    truth_of, predicted_of = _by_frame(truth.frame), _by_frame(predicted.frame)
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
