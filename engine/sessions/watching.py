"""Who is who while a recording is seen: labels that are given as soon as they can be told, and not taken back."""

from __future__ import annotations

import numpy as np

from engine.sessions.students import label_of
from engine.settings import FOLLOWED_BY, Settings
from engine.vision.appearance import describe
from engine.vision.mtcnn.cascade import Detections
from engine.vision.sources.video import Frame
from tracking.live import LiveStudents


class LiveLabels:
    """Takes the frames in order of time. At the session's end more is known: its students' labels may be others."""

    def __init__(self, settings: Settings) -> None:
        how = {name: getattr(settings, name) for name in FOLLOWED_BY if name != "min_hits"}
        self._students = LiveStudents(min_hits=settings.min_hits, **how)
        self._second = -1

    def __call__(self, frame: Frame, found: Detections) -> list[str]:
        """The label of each face, empty while nobody can tell."""
        new_second, self._second = int(frame.time) != self._second, int(frame.time)
        looks = describe(frame.image, found.boxes) if new_second else None
        students = self._students.update(frame.time, found.boxes, found.scores, None, looks)
        return ["" if student < 0 else label_of(int(student)) for student in np.asarray(students)]
