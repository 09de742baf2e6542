"""Online student labels during analysis; once assigned, a label is never changed without the log saying so."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.sessions.students import label_of
from engine.settings import TRACKED_BY, Settings
from engine.vision.appearance import describe
from engine.vision.detection import Detections
from engine.vision.guided import is_cut
from engine.vision.layout import Thumbnail, thumbnail
from engine.vision.sources.protocol import Frame
from storage import queries
from storage.corrections import add_correction
from storage.store import Store
from tracking.live import LiveStudents

#: Share of the faces shown under a label that a student of the end must have to be named for it.
NAMED_SHARE = 0.1


class LiveLabels:
    """Labels the faces of each frame, in order of time.

    At the end of a session more is known, and the labels of its students may differ from these: `log_changes`.
    """

    def __init__(self, settings: Settings) -> None:
        how = {name: getattr(settings, name) for name in TRACKED_BY if name != "min_hits"}
        self._students = LiveStudents(min_hits=settings.min_hits, **how)
        self._second = -1
        self._picture: Thumbnail | None = None
        self._shown: list[tuple[int, npt.NDArray[np.int64]]] = []

    def __call__(self, frame: Frame, detections: Detections) -> list[str]:
        """The label of each of the n detections, S01 and so on, empty while it is unknown."""
        before, self._picture = self._picture, _thumbnail(frame)
        if before is not None and is_cut(before, self._picture):
            self._students.cut()
        new_second, self._second = int(frame.time) != self._second, int(frame.time)
        descriptors = describe(frame.image, detections.boxes) if new_second else None
        students = self._students.update(frame.time, detections.boxes, detections.scores, None, descriptors)
        self._shown.append((frame.pts, students))
        return ["" if student < 0 else label_of(int(student)) for student in students]

    def take(self) -> list[tuple[int, npt.NDArray[np.int64]]]:
        """Timestamp and students, -1 for none, of each frame since the last call; they are not remembered."""
        taken, self._shown = self._shown, []
        return taken

    def shown(self) -> pd.DataFrame:
        """The faces that had a label: `pts` and `face` of each, and the student that it showed, `live`."""
        frames = [
            pd.DataFrame({"pts": pts, "face": np.arange(len(students)), "live": students})
            for pts, students in self._shown
        ]
        faces = pd.concat(frames) if frames else pd.DataFrame({"pts": [], "face": [], "live": []}, dtype=np.int64)
        return faces[faces["live"] >= 0]


def _thumbnail(frame: Frame) -> Thumbnail:
    return thumbnail(np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8))


def log_changes(store: Store, session_id: int, shown: pd.DataFrame) -> dict[str, list[str]]:
    """Log which labels that were `shown` (see `LiveLabels`) are others at the end; returns them, and what they are.

    A label is told with all labels that its faces have now, most of them first; it is not told where that is the
    label itself alone. The log is no correction: it changes nothing, and is not undone.
    """
    columns = queries.face_columns(store, session_id, ("pts", "face", "student"))
    stored = pd.DataFrame({name: columns[name] for name in ("pts", "face", "student")})
    faces = shown.merge(stored[stored["student"] >= 0], on=["pts", "face"])
    changed: dict[str, list[str]] = {}
    for live in sorted(set(faces["live"].tolist())):
        shares = faces["student"][faces["live"] == live].value_counts(normalize=True)
        labels = [label_of(student) for student in shares.index[shares >= NAMED_SHARE].tolist()]
        if labels != [label_of(live)]:
            changed[label_of(live)] = labels
    if changed:
        add_correction(store, session_id, "relabel", {"labels": changed})
    return changed
