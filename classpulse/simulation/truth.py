"""What is true in a drawn lesson: every student of every frame, and the verdicts that the script asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from classpulse.simulation.lesson import VERDICT_OF
from engine.faces import EDGES


@dataclass(frozen=True, eq=False)
class Truth:
    """One row for each student of each frame, in order of (time, student); every array has n rows."""

    time: npt.NDArray[np.float64]
    """(n,) seconds."""
    student: npt.NDArray[np.int64]
    """(n,) 0, 1, ..."""
    boxes: npt.NDArray[np.float32]
    """(n, 4) x1, y1, x2, y2 in px, hidden or not; NaN while the student is out of the room."""
    mood: npt.NDArray[np.str_]
    """(n,) the scripted one."""
    visibility: npt.NDArray[np.float32]
    """(n,) share of the face's oval that is visible, in [0, 1]."""
    looking_down: npt.NDArray[np.bool_]
    """(n,)"""

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The rows as columns time, student, x1, y1, x2, y2, mood, visibility, looking_down."""
        return {
            "time": self.time,
            "student": self.student,
            **{name: self.boxes[:, i] for i, name in enumerate(EDGES)},
            "mood": self.mood,
            "visibility": self.visibility,
            "looking_down": self.looking_down,
        }

    def write_csv(self, path: str | Path) -> None:
        """Write the columns; boxes to 0.01 px, empty while the student is out."""
        table = pd.DataFrame(self.columns()).round({"time": 6, "visibility": 3})
        table[list(EDGES)] = table[list(EDGES)].astype(np.float64).round(2)
        table["looking_down"] = table["looking_down"].astype(np.int64)
        table.to_csv(path, index=False)

    @classmethod
    def read_csv(cls, path: str | Path) -> Truth:
        """Read what `write_csv` wrote."""
        table = pd.read_csv(path)
        return cls(
            time=table["time"].to_numpy(np.float64),
            student=table["student"].to_numpy(np.int64),
            boxes=table[list(EDGES)].to_numpy(np.float32),
            mood=table["mood"].to_numpy(np.str_),
            visibility=table["visibility"].to_numpy(np.float32),
            looking_down=table["looking_down"].to_numpy(np.bool_),
        )


def scripted_verdict(truth: Truth, window: float) -> pd.DataFrame:
    """The verdict that the script asks for, for each student and window [k * window, (k + 1) * window).

    Columns: student, window (k), verdict (interested, neutral, not interested; None where the mood changes within
    the window), visible (share of the window's frames in which half of the face is visible and it looks up) and
    face (median height of the face, px; NaN where it is never there). A window that the lesson does not fill is
    there too, judged by its frames.
    """
    table = pd.DataFrame(
        {
            "student": truth.student,
            # A frame on the boundary begins the next window, whatever the rounding error of its time.
            "window": np.floor(truth.time / window + 1e-9).astype(np.int64),
            "verdict": pd.Series(truth.mood).map(VERDICT_OF),
            "visible": (truth.visibility >= 0.5) & ~truth.looking_down,
            "face": truth.boxes[:, 3] - truth.boxes[:, 1],
        }
    )
    groups = table.groupby(["student", "window"])
    result = groups.agg(
        verdict=("verdict", "first"),
        verdicts=("verdict", "nunique"),
        visible=("visible", "mean"),
        face=("face", "median"),
    ).reset_index()
    mixed = result.pop("verdicts") > 1
    result["verdict"] = result["verdict"].astype(object).where(~mixed, None)
    return result
