"""Online student labels during analysis; once assigned, a label is never changed."""

from __future__ import annotations

import numpy as np

from engine.sessions.students import label_of
from engine.settings import TRACKED_BY, Settings
from engine.vision.appearance import describe
from engine.vision.detection import Detections
from engine.vision.sources.protocol import Frame
from tracking.live import LiveStudents


class LiveLabels:
    """Labels the faces of each frame, in order of time.

    At the end of a session more is known, and the labels of its students may differ from these.
    """

    def __init__(self, settings: Settings) -> None:
        how = {name: getattr(settings, name) for name in TRACKED_BY if name != "min_hits"}
        self._students = LiveStudents(min_hits=settings.min_hits, **how)
        self._second = -1

    def __call__(self, frame: Frame, detections: Detections) -> list[str]:
        """The label of each of the n detections, S01 and so on, empty while it is unknown."""
        new_second, self._second = int(frame.time) != self._second, int(frame.time)
        descriptors = describe(frame.image, detections.boxes) if new_second else None
        students = self._students.update(frame.time, detections.boxes, detections.scores, None, descriptors)
        return ["" if student < 0 else label_of(int(student)) for student in np.asarray(students)]
