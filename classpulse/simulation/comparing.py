"""How well an analysis of a drawn lesson agrees with what is true in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from classpulse.simulation.truth import Truth, scripted_verdict

#: Two boxes are of the same face from this intersection over union on.
_SAME_FACE = 0.4
#: A scripted verdict is asked for where the face can be seen in this share of the window.
_SEEN = 0.5


@dataclass(frozen=True)
class Comparison:
    """What was found, beside what is true."""

    students: int
    """That are in the lesson, and were ever seen in it."""
    found: int
    """That the analysis found."""
    matched: int
    """Students of the lesson that were found as exactly one student, who is nobody else."""
    windows: pd.DataFrame
    """A row for each student and window with a scripted verdict and a face that can be seen: student, window,
    scripted, verdict (as found; None for a student who was not found), face (height, px)."""

    def agreement(self, face: float = 0.0) -> tuple[int, int]:
        """(right, all) windows of faces that are at least `face` px high."""
        large = self.windows[self.windows["face"] >= face]
        return int((large["scripted"] == large["verdict"]).sum()), len(large)


def compare(truth: Truth, faces: pd.DataFrame, verdicts: pd.DataFrame, window: float) -> Comparison:
    """Hold an analysis against the truth.

    `faces` has a row a face with time (s), student (NA: none), x1, y1, x2, y2 (px); `verdicts` a row for each
    student and window of `window` seconds with student, window, verdict.
    """
    pairs = _same_faces(truth, faces)
    shares = pairs.groupby(["found", "true"]).size().reset_index(name="faces").sort_values("faces")
    true_of = shares.drop_duplicates("found", keep="last").set_index("found")["true"]
    alone = ~true_of.duplicated(keep=False)
    scripted = scripted_verdict(truth, window).rename(columns={"verdict": "scripted"})
    asked = scripted[scripted["scripted"].notna() & (scripted["seen"] >= _SEEN)]
    mine = verdicts[["student", "window", "verdict"]].assign(student=verdicts["student"].map(true_of[alone]))
    windows = asked.merge(mine.dropna(subset=["student"]), on=["student", "window"], how="left")
    return Comparison(
        students=int(pd.Series(truth.student[truth.visibility >= _SEEN]).nunique()),
        found=int(verdicts["student"].nunique()),
        matched=int(alone.sum()),
        windows=windows[["student", "window", "scripted", "verdict", "face"]],
    )


def _same_faces(truth: Truth, faces: pd.DataFrame) -> pd.DataFrame:
    """Columns found and true: the students of each pair of boxes that are the same face."""
    real = pd.DataFrame(truth.columns()).dropna(subset=["x1"])
    real["moment"] = np.round(real["time"] * 1e3).astype(np.int64)
    seen = faces.dropna(subset=["student"])
    seen = seen.assign(moment=np.round(seen["time"] * 1e3).astype(np.int64))
    both = seen.merge(real, on="moment", suffixes=("", "_true"))
    wide = np.minimum(both["x2"], both["x2_true"]) - np.maximum(both["x1"], both["x1_true"])
    high = np.minimum(both["y2"], both["y2_true"]) - np.maximum(both["y1"], both["y1_true"])
    inter = np.maximum(wide, 0) * np.maximum(high, 0)
    area = (both["x2"] - both["x1"]) * (both["y2"] - both["y1"])
    area_true = (both["x2_true"] - both["x1_true"]) * (both["y2_true"] - both["y1_true"])
    same = both[inter >= _SAME_FACE * (area + area_true - inter)]
    return pd.DataFrame({"found": same["student"].astype(np.int64), "true": same["student_true"]})
