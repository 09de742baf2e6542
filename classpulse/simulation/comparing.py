"""Agreement between an analysis of a drawn lesson and its ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from classpulse.simulation.truth import Truth, scripted_verdict

#: Two boxes are of the same face from this intersection over union on.
_SAME_FACE = 0.4
#: A scripted verdict is compared where the face is visible in this share of the window.
_VISIBLE = 0.5


@dataclass(frozen=True)
class Comparison:
    """The analysis beside the ground truth."""

    students: int
    """Students of the lesson that are visible at any time."""
    detected: int
    """Students that the analysis gave."""
    matched: int
    """Students of the lesson with a one-to-one match among the students of the analysis."""
    windows: pd.DataFrame
    """A row for each student and window with a scripted verdict and a visible face: student, window, scripted,
    verdict (of the analysis; None for a student without a match), face (height, px)."""

    def agreement(self, face: float = 0.0) -> tuple[int, int]:
        """(right, all) windows of faces that are at least `face` px high."""
        large = self.windows[self.windows["face"] >= face]
        return int((large["scripted"] == large["verdict"]).sum()), len(large)


def compare(truth: Truth, faces: pd.DataFrame, verdicts: pd.DataFrame, window: float) -> Comparison:
    """Compare an analysis with the ground truth.

    `faces` has a row a face with time (s), student (NA: none), x1, y1, x2, y2 (px); `verdicts` a row for each
    student and window of `window` seconds with student, window, verdict.
    """
    pairs = _same_faces(truth, faces)
    shares = pairs.groupby(["student", "true"]).size().reset_index(name="faces").sort_values("faces")
    true_of = shares.drop_duplicates("student", keep="last").set_index("student")["true"]
    alone = ~true_of.duplicated(keep=False)
    scripted = scripted_verdict(truth, window).rename(columns={"verdict": "scripted"})
    compared = scripted[scripted["scripted"].notna() & (scripted["visible"] >= _VISIBLE)]
    judged = verdicts[["student", "window", "verdict"]].assign(student=verdicts["student"].map(true_of[alone]))
    windows = compared.merge(judged.dropna(subset=["student"]), on=["student", "window"], how="left")
    return Comparison(
        students=int(pd.Series(truth.student[truth.visibility >= _VISIBLE]).nunique()),
        detected=int(verdicts["student"].nunique()),
        matched=int(alone.sum()),
        windows=windows[["student", "window", "scripted", "verdict", "face"]],
    )


def _same_faces(truth: Truth, faces: pd.DataFrame) -> pd.DataFrame:
    """Columns student and true: the analysis's and the lesson's student of each pair of boxes of one face."""
    real = pd.DataFrame(truth.columns()).dropna(subset=["x1"])
    real["milliseconds"] = np.round(real["time"] * 1e3).astype(np.int64)
    detected = faces.dropna(subset=["student"])
    detected = detected.assign(milliseconds=np.round(detected["time"] * 1e3).astype(np.int64))
    both = detected.merge(real, on="milliseconds", suffixes=("", "_true"))
    width = np.minimum(both["x2"], both["x2_true"]) - np.maximum(both["x1"], both["x1_true"])
    height = np.minimum(both["y2"], both["y2_true"]) - np.maximum(both["y1"], both["y1_true"])
    intersection = np.maximum(width, 0) * np.maximum(height, 0)
    area = (both["x2"] - both["x1"]) * (both["y2"] - both["y1"])
    area_true = (both["x2_true"] - both["x1_true"]) * (both["y2_true"] - both["y1_true"])
    matching = both[intersection >= _SAME_FACE * (area + area_true - intersection)]
    return pd.DataFrame({"student": matching["student"].astype(np.int64), "true": matching["student_true"]})
