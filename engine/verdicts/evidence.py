"""What judging is given and what a strategy makes of it: records of columns, NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from engine.faces import Classes
from engine.verdicts.cues import BehaviouralCues
from engine.verdicts.mixture import Shares
from engine.verdicts.windows import Windows, windows_of

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class ScoredFaces:
    """n faces of a session, in order of time."""

    time: Array
    """(n,) of each face's frame, s."""
    student: Ints
    """(n,) any number from 0; -1 for an unassigned face and for a static one."""
    scores: npt.NDArray[np.floating]
    """(n, k) of the `classes`; NaN where no network scored the face."""
    quality: npt.NDArray[np.floating]
    """(n,) 0 to 1."""
    scorable: Bools
    """(n,)"""
    classes: Classes
    loglik: Array | None = None
    """(n, 3) logarithms of how likely such a face is if positive, neutral, negative; NaN where unknown."""
    flaw: Ints | None = None
    """(n,) a `Flaw` each; None where it is not known."""
    conditions: Ints | None = None
    """(n,) a `Condition` each, -1 where it was not measured; None where no face has one."""


@dataclass(frozen=True, eq=False)
class ScorableFaces:
    """The n faces whose scores count, in order of time: what most strategies read."""

    student: Ints
    """(n,) 0, 1, ..."""
    frame_index: Ints
    """(n,) the place of its frame among all sampled ones."""
    scores: Array
    """(n, k), finite."""
    weight: Array
    """(n,) how much a face proves, 0 to 1: its quality."""
    classes: Classes
    loglik: Array | None
    """(n, 3) as in `ScoredFaces`; None where no face has any."""


class EvidenceTerms(NamedTuple):
    """What each of n rows adds to either side of a balance; several columns of a side are summed in their order."""

    positive: Array
    """(n, p) 0 or more."""
    negative: Array
    """(n, q)"""
    neutral: Array
    """(n,) 0 where a strategy leaves neutral out."""


class MoodsOverTime(Protocol):
    """The moods of students at every time, estimated from all rows together."""

    def shares_of(self, windows: Windows, band: float) -> Shares:
        """Of (windows x students) groups, by window."""
        ...


class Observations(NamedTuple):
    """What counts: n rows, those of one student in order of time. A row is a face, or a sampled frame."""

    student: Ints
    """(n,) 0, 1, ...: the place in `Evidence.students`."""
    frame_index: Ints
    """(n,) the place of its frame among all sampled ones."""
    terms: EvidenceTerms
    weight: Array
    """(n,) how much a row proves, 0 to 1."""
    loglik: Array | None = None
    """(n, 3) how likely a row is if its mood is positive, neutral, negative: logarithms, up to a number of each.
    Windows are then judged as mixtures of moods (`engine.verdicts.mixture`), and the terms are not used."""
    moods: MoodsOverTime | None = None
    """What the rows tell of the moods between them: windows are then judged by these."""
    shares: Array | None = None
    """(n, k) what a row adds to each of the session's classes, 0 or more: required where they have no polarity."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What judging needs of a session: read once, it can be judged in many ways."""

    frame_times: Array
    """(m,) of all sampled frames, ascending, also of those without a face; s."""
    faces: ScoredFaces
    duration: float
    """s."""
    cues: BehaviouralCues | None = None
    """Of the students' faces, for strategies that read them."""

    @cached_property
    def students(self) -> Ints:
        """(s,) the students, ascending."""
        return self._students[0]

    @property
    def assigned(self) -> Bools:
        """(n,) which faces have a student."""
        return self.faces.student >= 0

    @property
    def student(self) -> Ints:
        """The place in `students` of each face that has one: (`assigned`.sum(),)."""
        return self._students[1]

    @cached_property
    def _students(self) -> tuple[Ints, Ints]:
        names, place = np.unique(self.faces.student[self.assigned], return_inverse=True)
        return names, place

    def scorable_faces(self) -> ScorableFaces:
        """The students' faces whose scores count. One without scores (NaN) is not scorable."""
        faces, assigned = self.faces, self.assigned
        counted = faces.scorable[assigned] & np.isfinite(faces.scores[assigned]).all(axis=1)
        rows = np.flatnonzero(assigned)[counted]  # one copy of an hour's scores, not one for each mask
        loglik = None if faces.loglik is None else np.asarray(faces.loglik[rows], np.float64)
        known = loglik is not None and bool(np.isfinite(loglik).any())
        return ScorableFaces(
            student=self.student[counted],
            frame_index=np.searchsorted(self.frame_times, faces.time[rows]),
            scores=np.asarray(faces.scores[rows], np.float64),
            weight=np.asarray(faces.quality[rows], np.float64),
            classes=faces.classes,
            loglik=loglik if known else None,
        )

    def windows(self, length: float) -> Windows:
        """The session's windows of this length, s."""
        return windows_of(self.frame_times, length, self.duration)

    def cue_windows(self, windows: Windows) -> Columns:
        """The behavioural cues of every student in every window, whatever the session is judged by.

        A row for each window and student, by window: `window`, `student`, and those of `BehaviouralCues.windows`.
        Raises ValueError where there are no cues.
        """
        if self.cues is None:
            raise ValueError("the evidence has no behavioural cues")
        students = len(self.students)
        return {
            "window": np.repeat(np.arange(len(windows)), students),
            "student": np.tile(self.students, len(windows)),
            **self.cues.windows(windows, self.frame_times, students),
        }
