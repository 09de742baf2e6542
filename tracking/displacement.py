"""Displacement: how many faces move so far from one sampled frame to the next that no tracker can follow them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracking.association import iou, match
from tracking.camera import MAX_LOG_SIZE_RATIO, centres, sizes, warp_boxes

Floats = npt.NDArray[np.float64]

#: How far a face that overlaps with none of the frame before is looked for, in face sizes.
REACH = 3.0
#: Displacement, in face sizes, from which two equal boxes overlap too little to be associated (IoU 0.3, sideways).
LOST = 0.54
#: Most pairs of frames that are compared, evenly spaced: enough to tell one face in ten.
MOST_PAIRS = 500


@dataclass(frozen=True)
class Displacement:
    """Of the faces that are in two successive frames."""

    overlapping: int
    """Faces that overlap with one of the frame before."""
    displaced: int
    """Faces that do not, with one of the same size not far away that is left over, too."""
    speed: float
    """Of nine in ten of the latter, at most: face sizes a second; 0 without any."""

    @property
    def share(self) -> float:
        """Of the faces, those that are displaced."""
        return self.displaced / max(self.overlapping + self.displaced, 1)

    @property
    def least_rate(self) -> float:
        """Frames a second at which nine in ten of them would overlap."""
        return self.speed / LOST


def measure_displacement(
    times: Floats, frame_of_face: npt.ArrayLike, boxes: npt.ArrayLike, motion: Floats, *, iou_threshold: float = 0.3
) -> Displacement:
    """The displacement of the faces of m frames at `times` (m,), s, without the camera's.

    `boxes` (n, 4) px are those of the frames `frame_of_face` (n,), ascending, without weak detections: a false face
    is displaced by chance. `motion` (m, 2, 3) is as for `tracking.sort.track`; where it is NaN, as at a cut, the
    frame is left out.
    """
    frame, boxes = np.asarray(frame_of_face, np.int64), np.asarray(boxes, np.float64).reshape(-1, 4)
    starts = np.searchsorted(frame, np.arange(len(times) + 1))
    overlapping, speeds = 0, list[float]()
    for i in np.unique(np.linspace(1, len(times) - 1, MOST_PAIRS).round().astype(int)) if len(times) > 1 else ():
        before, now = (boxes[starts[k] : starts[k + 1]] for k in (i - 1, i))
        if not len(before) or not len(now) or not np.isfinite(motion[i]).all():
            continue
        before = warp_boxes(before, motion[i])
        pairs = match(iou(before, now), iou_threshold)
        overlapping += len(pairs.rows)
        before, now = before[pairs.unmatched_rows], now[pairs.unmatched_columns]
        size = np.sqrt(sizes(before)[:, None] * sizes(now)[None, :])
        away = np.linalg.norm(centres(before)[:, None] - centres(now)[None, :], axis=2) / size
        same_size = np.abs(np.log(sizes(before)[:, None] / sizes(now)[None, :])) < MAX_LOG_SIZE_RATIO
        near = match(np.where(same_size & (away < REACH), REACH - away, 0.0), 1e-9)
        speeds += (away[near.rows, near.columns] / (times[i] - times[i - 1])).tolist()
    return Displacement(overlapping, len(speeds), float(np.quantile(speeds, 0.9)) if speeds else 0.0)
