"""What benchmarks and tests score identities with: the package's own comparison, and what no tracker can beat."""

from __future__ import annotations

import numpy as np

from classpulse.exchange.scoring import Floats, Ints, Rows, by_frame, score
from tracking.association import iou, match

__all__ = ["Floats", "Ints", "Rows", "perfect", "score"]


def perfect(truth: Rows, detections: Rows) -> Rows:
    """`detections` with the identities of the truth: what no tracker over these boxes can beat.

    A box that is no true face gets an identity of its own, -1, -2, ...
    """
    who = -1 - np.arange(len(detections))
    truth_of, boxes_of = by_frame(truth.frame), by_frame(detections.frame)
    for frame, rows in boxes_of.items():
        if frame in truth_of:
            overlap = iou(truth.boxes[truth_of[frame]], detections.boxes[rows])
            pairs = match(overlap, 0.5)
            who[rows[pairs.columns]] = truth.who[truth_of[frame][pairs.rows]]
    return Rows(detections.frame, who, detections.boxes)
