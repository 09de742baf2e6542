"""The strategy `attention`: verdicts by head orientation and motion alone, without emotion scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.settings import Settings
from engine.verdicts.cues import RESTLESS, BehaviouralCues
from engine.verdicts.evidence import Array, Evidence, EvidenceTerms, Ints, Observations

#: A student who is detected again within so many seconds was present in between.
GAP = 10.0


@dataclass(frozen=True, eq=False)
class OnTaskFrames:
    """The sampled frames that count: n rows, in order of (student, time)."""

    student: Ints
    frame_index: Ints
    positive: Array
    """(n,) 1 where the face is visible, points the usual way and keeps still."""
    negative: Array
    """(n,) 1 where it points elsewhere; where it is not visible, the share of frames in which the student's is."""
    neutral: Array
    """(n,) 1 where it points the usual way and is restless."""
    weight: Array

    @classmethod
    def of(cls, cues: BehaviouralCues) -> OnTaskFrames:
        """The frames with a face that is large enough, and those without one for at most GAP seconds."""
        student, frame_index, time = cues.student, cues.frame_index, cues.time
        same = np.append(student[1:] == student[:-1], False)[: len(student)]
        step = np.append(np.diff(frame_index), 1)[: len(student)]
        present = same & (np.append(np.diff(time), 0)[: len(student)] <= GAP)
        rows = np.where(present, step, 1)
        face = np.repeat(np.arange(len(student)), rows)
        since = np.arange(len(face)) - np.repeat(np.cumsum(rows) - rows, rows)
        visible = since == 0
        owner = student[face]
        students = int(student.max(initial=-1)) + 1
        usual = np.bincount(student, minlength=students) / np.maximum(np.bincount(owner, minlength=students), 1)
        weight = np.bincount(student, cues.weight, students) / np.maximum(
            np.bincount(student, minlength=students), 1
        )
        facing, restless = cues.facing[face] == 1, cues.movement[face] > RESTLESS
        counts = ~visible | np.isfinite(cues.facing[face])
        result = cls(
            student=owner,
            frame_index=frame_index[face] + since,
            positive=(visible & facing & ~restless).astype(np.float64),
            negative=np.where(visible, ~facing, usual[owner]),
            neutral=(visible & facing & restless).astype(np.float64),
            weight=np.where(visible, cues.weight[face], weight[owner]),
        )
        return cls(**{name: column[counts] for name, column in vars(result).items()})


class Attention:
    """Judges by head orientation and motion, without scores: a row for each sampled frame that counts.

    For places where inferring emotions is unlawful; docs/verdicts.md has the table of what a frame counts for.
    """

    proven = True
    reads: Literal["scores", "cues"] = "cues"

    def observe(self, evidence: Evidence, settings: Settings) -> Observations:  # noqa: ARG002
        """The frames that show a student's face, and those in between that do not. ValueError without any cues."""
        if evidence.cues is None:
            raise ValueError("this strategy judges behavioural cues; the evidence has none")
        frames = OnTaskFrames.of(evidence.cues)
        terms = EvidenceTerms(frames.positive[:, None], frames.negative[:, None], frames.neutral)
        return Observations(frames.student, frames.frame_index, terms, frames.weight)


ATTENTION = Attention()
