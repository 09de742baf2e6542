"""Identities against the truth, plain SORT beside ours in the same run: one table."""

from __future__ import annotations

import numpy as np

from benchmarks.evaluation import Rows
from tracking.kalman import SORT_NOISE
from tracking.sort import Tracker


def sort_as_published(frames: range, detections: Rows, *, min_hits: int = 3, max_age: int = 1) -> Rows:
    """What SORT's own program reports: its filter's boxes, only after `min_hits` frames in a row with a face.

    The unit of time is the frame. `max_age` is SORT's, the frames that a track may miss and live on.
    """
    tracker = Tracker(max_age=max_age + 1, noise=SORT_NOISE, birth_score=0, recover=False)
    rows = []
    for count, frame in enumerate(frames, start=1):
        tracker.update(frame, detections.boxes[detections.frame == frame])
        rows += [
            (frame, track.number, *track.box)
            for track in tracker.tracks
            if track.last_time == frame and (track.streak >= min_hits or count <= min_hits)
        ]
    table = np.array(rows).reshape(-1, 6)
    return Rows(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])
