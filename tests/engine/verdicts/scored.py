"""Evidence from plain arrays: what the tests of judging give it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import FER, Classes
from engine.verdicts.cues import BehaviouralCues
from engine.verdicts.evidence import Evidence, ScoredFaces


def evidence(
    frame_times: npt.NDArray[np.float64],
    time: npt.NDArray[np.float64],
    student: npt.NDArray[np.int64],
    scores: npt.NDArray[Any],
    *,
    duration: float,
    quality: npt.NDArray[Any] | float = 1.0,
    scorable: npt.NDArray[np.bool_] | bool = True,
    classes: Classes = FER,
    cues: BehaviouralCues | None = None,
    loglik: npt.NDArray[Any] | None = None,
    flaw: npt.NDArray[np.int64] | None = None,
    conditions: npt.NDArray[np.int64] | None = None,
) -> Evidence:
    """Of faces with these columns; a number for `quality` or `scorable` stands for all of them."""
    n = len(time)
    faces = ScoredFaces(
        time=time,
        student=student,
        scores=np.asarray(scores, np.float32).reshape(n, len(classes)),
        quality=np.broadcast_to(np.asarray(quality, np.float32), n),
        scorable=np.broadcast_to(np.asarray(scorable, np.bool_), n),
        classes=classes,
        loglik=loglik,
        flaw=flaw,
        conditions=conditions,
    )
    return Evidence(frame_times, faces, duration, cues)
