"""Which faces the second network reads: one a second of every place where a face is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.vision.guided import MATCH_DISTANCE

#: Seconds from one reading of a face to the next.
INTERVAL = 1.0
#: Frames are sampled at times of their own: one this much earlier, s, is in time.
_EARLY = 1e-6


class ReadingSchedule:
    """Tells which faces of each frame are due. One for each segment, so that segments share nothing.

    A face is known again by its place: the centre of its box within MATCH_DISTANCE of its larger side. A face that
    moves on is read once more, which costs time and nothing else.
    """

    def __init__(self) -> None:
        self._time = np.empty(0)
        self._centre = np.empty((0, 2))

    def due(self, time: float, boxes: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """(n,) whether each of the faces with `boxes` (n, 4), px, of the frame at `time`, s, is to be read now."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        recent = self._time > time - INTERVAL + _EARLY
        self._time, self._centre = self._time[recent], self._centre[recent]
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        reach = MATCH_DISTANCE * (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
        distance = np.linalg.norm(centre[:, None] - self._centre, axis=2)
        is_due: npt.NDArray[np.bool_] = (distance > reach[:, None]).all(axis=1)
        self._time = np.append(self._time, np.full(is_due.sum(), time))
        self._centre = np.concatenate([self._centre, centre[is_due]])
        return is_due
