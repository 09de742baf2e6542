"""Draws boxes, labels, verdicts and the class onto a session's frames, from stored rows only."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from classpulse.report.excluded import coarsen, excluded_places
from classpulse.report.figures import student_counts
from classpulse.report.palette import rgb
from classpulse.report.places import Camera, hidden, shown
from classpulse.report.queries import Recorded
from engine.sessions.judgements import scale_of_session
from engine.sessions.records import read_faces, read_path
from engine.sessions.students import are_students
from engine.times import format_clock
from engine.verdicts.scale import BALANCE, Scale
from storage import queries
from storage.errors import QueryError
from storage.store import Store

Image = npt.NDArray[np.uint8]
Blur = Literal["all", "excluded"]


class Annotator:
    """Draws a session's rows onto its frames, in place."""

    def __init__(self, session: Recorded, judgement: str | None = None, blur: Blur = "excluded") -> None:
        with Store.open(session.database, must_exist=True, read_only=True) as store:
            session_id = session.session_id
            self.row = store.session(session_id)
            faces = read_faces(store, session_id, ("boxes_xyxy", "time", "track", "student"))
            frames = queries.frame_columns(store, session_id)
            camera = Camera(frames["time"], read_path(store, session_id, frames, faces))
            self._blurred = [excluded_places(store, session_id, camera)]
            students = queries.students(store, session_id)
            judged, strategy = _judgement(queries.judgements(store, session_id), session_id, judgement)
            windows = queries.class_windows(store, judged) if judged else pd.DataFrame()
            verdicts = queries.student_windows(store, judged) if judged else pd.DataFrame()
            self._scale = scale_of_session(store, session_id, strategy) if judged else BALANCE
        self._shown = shown(faces, camera.step, float(frames["time"].max(initial=-np.inf)))
        if blur == "all":
            self._blurred.append(hidden(faces, camera))
        self._height = int(self.row["height"])
        names = students["name"].fillna("").to_numpy(object)
        self._labels = dict(zip(students["student"], (students["label"] + " " + names).str.strip(), strict=True))
        others = students[~are_students(students)]
        self._roles = dict(zip(others["student"], others["role"], strict=True))
        self._windows = windows.to_dict("records")
        self._counts = student_counts(windows, verdicts, self._scale).fillna(0).astype(int) if judged else windows
        self._starts = np.array([window["start"] for window in self._windows])
        self._verdicts: dict[tuple[int, int], str] = {}
        if len(verdicts):
            keys = zip(verdicts["window"], verdicts["student"], strict=True)
            self._verdicts = dict(zip(keys, verdicts["verdict"], strict=True))

    def draw(self, image: Image, time: float) -> None:
        """Blur, then draw onto `image` (h, w, 3) uint8 RGB, the frame at `time` s."""
        for places in self._blurred:
            coarsen(image, places.at(time)[0])
        window = self._window(time)
        boxes, students = self._shown.at(time)
        for box, student in zip(boxes, students.tolist(), strict=True):
            if student in self._labels:
                verdict = self._verdicts.get((window["window"] if window else -1, student), "insufficient")
                sign = self._roles.get(student, self._scale.signs[verdict])
                draw_face(image, box, f"{self._labels[student]} {sign}", rgb(self._scale)[verdict])
        if window:
            self._gauge(image, window, time)

    def _window(self, time: float) -> dict[Any, Any] | None:
        place = int(np.searchsorted(self._starts, time, "right")) - 1
        inside = place >= 0 and time < self._windows[place]["stop"]
        return {**self._windows[place], "counts": tuple(self._counts.iloc[place])} if inside else None

    def _gauge(self, image: Image, window: dict[Any, Any], time: float) -> None:
        panel = _panel(self._scale, window["counts"], window["verdict"], format_clock(time), self._height)
        paste(image, panel, self._height // 40, image.shape[0] - panel.shape[0] - self._height // 40)


def draw_face(image: Image, box: npt.NDArray[Any], label: str, colour: tuple[int, int, int]) -> None:
    """A box (x1, y1, x2, y2), and the label on top of it."""
    x1, y1, x2, y2 = (round(edge) for edge in box.tolist())
    height = image.shape[0]
    thickness = max(1, height // 360)
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, thickness)
    if label:
        tag = _tag(label, colour, max(11, height // 54))
        paste(image, tag, x1 - thickness // 2, y1 - tag.shape[0] - thickness)


def paste(image: Image, patch: Image, x: int, y: int) -> None:
    """Lay a patch onto the image, moved inside where it would hang over the edge."""
    height, width = min(patch.shape[0], image.shape[0]), min(patch.shape[1], image.shape[1])
    x, y = min(max(x, 0), image.shape[1] - width), min(max(y, 0), image.shape[0] - height)
    image[y : y + height, x : x + width] = patch[:height, :width]


@cache
def _font() -> Any:
    return cv2.FontFace("sans")


@cache
def _tag(text: str, colour: tuple[int, int, int], size: int) -> Image:
    """Dark text on the colour."""
    left, _, width, _ = cv2.getTextSize((4096, 4096), text, (0, 0), _font(), size, 500)
    pad = size // 4
    patch = np.full((size + 2 * pad, width + left + 2 * pad, 3), colour, np.uint8)
    cv2.putText(patch, text, (pad, pad + round(0.85 * size)), (20, 22, 25), _font(), size, 500)
    return patch


@cache
def _panel(scale: Scale, counts: tuple[int, ...], verdict: str, clock: str, height: int) -> Image:
    """The class in one bar: how many students have which verdict, and the time."""
    size = max(11, height // 45)
    width, pad = 14 * size, size // 2
    panel = np.full((3 * size + 2 * pad, width + 2 * pad, 3), 24, np.uint8)
    cv2.putText(panel, f"{clock}  class: {verdict}", (pad, pad + size), (235, 235, 235), _font(), size, 400)
    left, total = 0.0, max(sum(counts), 1)
    for (name, colour), count in zip(rgb(scale).items(), counts, strict=True):
        right = left + width * count / total
        top = 2 * pad + size
        panel[top:-pad, pad + round(left) : pad + round(right)] = colour
        if count and right - left > 1.5 * size:
            cv2.putText(
                panel,
                f"{scale.signs[name]}{count}",
                (pad + round(left) + size // 4, top + round(1.15 * size)),
                (20, 22, 25),
                _font(),
                round(0.8 * size),
                500,
            )
        left = right
    return panel


def _judgement(judgements: pd.DataFrame, session: int, name: str | None) -> tuple[int | None, str]:
    """Its number, and its strategy."""
    if name is not None:
        judgements = judgements[judgements["name"] == name]
        if judgements.empty:
            raise QueryError(f"session {session} has no judgement {name!r}; see `classpulse show {session}`")
    if judgements.empty:
        return None, ""
    return int(judgements["judgement_id"].iloc[-1]), str(judgements["strategy"].iloc[-1])
