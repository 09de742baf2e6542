"""The class and its students while a camera is watched: each window judged once, soon after it has ended."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.faces import Faces
from engine.sessions.judgements import evidence_of
from engine.sessions.students import label_of
from engine.settings import Settings
from engine.verdicts.judging import judge as judge_evidence
from engine.verdicts.windows import Windows
from engine.vision.extraction import Segment
from tracking.path import CameraPath, measured_motion
from tracking.static import static_faces

Columns = dict[str, npt.NDArray[Any]]
Students = list[tuple[int, npt.NDArray[np.int64]]]

#: Seconds of the lesson from which windows are judged: what a face shows at rest is learnt from them, and a face
#: that never moves is known by a minute. Older ones are left out, so that no window costs more than another.
REMEMBERED = 300.0
#: So many windows of any length are remembered at least.
REMEMBERED_WINDOWS = 2


@dataclass(frozen=True)
class JudgedWindow:
    """A window of a lesson that goes on. At its end, when all is known, it may be judged otherwise."""

    session_id: int
    name: str
    """Of the session."""
    begun: int
    """When the session began: microseconds since 1970, UTC."""
    of_class: dict[str, Any]
    """The columns of the table `class_windows`."""
    students: list[dict[str, Any]]
    """`label`, `verdict` and `reason` of each who is there; empty where the class alone may be known."""


class _Part(NamedTuple):
    """A segment whose faces have students."""

    stop: float
    frames: Columns
    faces: Faces


class RollingJudge:
    """Judges the segments of a session that are added in order of time, each window in its turn and once.

    `last` is the number of the last window that was judged before. Students are those of `LiveLabels`.
    """

    def __init__(self, settings: Settings, last: int = -1) -> None:
        self._settings = settings
        self._next = last + 1
        self._parts: deque[_Part] = deque()
        self._remembered = max(REMEMBERED, REMEMBERED_WINDOWS * settings.window)

    def add(self, segment: Segment, students: Students, stop: float) -> tuple[Columns, Columns] | None:
        """Columns of the students' and of the class's windows that have ended by `stop`, s, where the segment ends.

        `students` has those of the faces of each frame. None where no window has ended.
        """
        faces = segment.faces
        student = np.concatenate([each for _, each in students]) if students else np.empty(0, np.int64)
        frame = np.searchsorted(segment.frames["pts"], faces.pts)
        faces = faces.having(student=student, time=segment.frames["time"][frame])
        self._parts.append(_Part(stop, segment.frames, faces))
        while stop - self._parts[0].stop >= self._remembered:
            self._parts.popleft()
        length = self._settings.window
        ended = int(np.floor(stop / length + 1e-9))
        # What lies before the first segment that is remembered was never seen by this process.
        first = max(self._next, int(self._parts[0].frames["time"][0] // length))
        if ended <= first:
            return None
        self._next = ended
        edges: npt.NDArray[np.float64] = np.arange(first, ended + 1) * np.float64(length)
        return self._judged(np.arange(first, ended), Windows(edges[:-1], edges[1:]))

    def _judged(self, numbers: npt.NDArray[np.int64], windows: Windows) -> tuple[Columns, Columns]:
        names = ("pts", "time", "faces", "camera_a", "camera_b", "camera_x", "camera_y")
        frames = {name: np.concatenate([part.frames[name] for part in self._parts]) for name in names}
        faces = Faces.concatenate([part.faces for part in self._parts], self._parts[0].faces.classes)
        if not len(faces):
            faces = faces.having(student=np.empty(0, np.int64), time=np.empty(0))
        frame, boxes = np.searchsorted(frames["pts"], faces.pts), faces.exact("boxes_xyxy")
        path = CameraPath.estimate(measured_motion(frames), frame, boxes)
        faces = faces.having(student=_without_pictures(frames["time"], frame, boxes, faces, path))
        evidence = evidence_of(frames, faces, path, float(windows.stop[-1]), self._settings.scorable_size)
        of_students, of_class = judge_evidence(evidence, self._settings, windows)
        for columns in (of_students, of_class):
            columns["window"] = numbers[columns["window"]]
        return of_students, of_class


def _without_pictures(
    times: npt.NDArray[np.float64],
    frame: npt.NDArray[np.int64],
    boxes: npt.NDArray[np.float64],
    faces: Faces,
    path: CameraPath,
) -> npt.NDArray[np.int64]:
    """The student of each face, -1 also for one that has not moved: a poster."""
    known, owner = np.unique(faces.student, return_inverse=True)
    owner = owner - int(len(known) > 0 and known[0] < 0)
    static = static_faces(times, frame, boxes, faces.landmarks, owner, path=path.to_first)
    return np.where(np.append(static, False)[owner], -1, faces.student)


def students_in(columns: Columns, window: int) -> list[dict[str, Any]]:
    """Of the students' windows, those of one: label, verdict and reason of whoever is seen in it."""
    rows = np.flatnonzero((columns["window"] == window) & (columns["faces"] > 0))
    return [
        {
            "label": label_of(int(columns["student"][row])),
            "verdict": str(columns["verdict"][row]),
            "reason": columns["reason"][row],
        }
        for row in rows
    ]
