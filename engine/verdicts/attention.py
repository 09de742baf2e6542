"""Signals beside emotion: whether a student's face can be seen, points the student's usual way, and moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import size_grade
from engine.verdicts.windows import Spans

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Columns = dict[str, npt.NDArray[Any]]

#: A head points away from its usual direction if it is so many times as far off as it is half of the time ...
_SPREAD = 3.0
#: ... but no less than the noise of five landmarks, and no more than what nobody takes for the same way, degrees.
_TURNED = (12.0, 30.0)
#: What a degree of pitch counts beside one of yaw. The mouth tells it, too: a smile looks like a bow of 11 degrees,
#: an open mouth like a look 8 degrees up (medians of FER2013's happy and surprised faces beside its neutral ones).
_PITCH = 0.6
#: The earlier face that a face is compared with lies so many seconds back: nearer ones show the noise of boxes.
_STEP = (0.2, 2.0)
#: A face that moves faster is restless; a faster one than FASTEST is another face. Face sizes a second.
RESTLESS, FASTEST = 1.0, 5.0
#: A student who is seen again within so many seconds was there in between.
GAP = 10.0


@dataclass(frozen=True, eq=False)
class Heads:
    """Where the heads of n faces are and point."""

    x: Array
    """(n,) middle of the face, as if the camera had not moved."""
    y: Array
    size: Array
    """(n,) square root of the box's area, in the same unit as x and y."""
    stretch: Ints
    """(n,) faces with the same number can be compared: how the camera moved between them is known."""
    yaw: Array
    """(n,) degrees."""
    pitch: Array
    grade: Array
    """(n,) what its size says of how sure the pose is, 0 to 1."""

    @classmethod
    def of(cls, boxes: Array, yaw: Array, pitch: Array, frame: Ints, motion: Array) -> Heads:
        """Of faces with these boxes (n, 4), px, in the frames `frame` (n,), between which the camera moved.

        `motion` (m, 4) has the columns camera_a, _b, _x and _y of all m frames (see the table `frames`), NaN where
        unknown.
        """
        # As complex numbers, such a motion is z -> turn * z + shift; a chain of them is found by two running sums.
        unknown: Bools = ~np.all(np.isfinite(motion), axis=1)
        a, b, x, y = np.where(unknown[:, None], [1.0, 0.0, 0.0, 0.0], motion).T
        turned = np.cumprod(a + 1j * b)
        shifted = np.cumsum((x + 1j * y) / turned)
        middle = (boxes[:, 0] + boxes[:, 2] + 1j * (boxes[:, 1] + boxes[:, 3])) / 2
        still = middle / turned[frame] - shifted[frame]
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        return cls(
            x=still.real,
            y=still.imag,
            size=np.sqrt(width * height) / np.abs(turned[frame]),
            stretch=np.cumsum(unknown, dtype=np.int64)[frame],
            yaw=yaw,
            pitch=pitch,
            grade=size_grade(np.minimum(width, height)).astype(np.float64),
        )


@dataclass(frozen=True, eq=False)
class Signals:
    """What n faces of students show, one face a student and frame, in order of (student, time)."""

    student: Ints
    """(n,) 0, 1, ..."""
    moment: Ints
    """(n,) the place of its frame among all sampled ones."""
    time: Array
    """(n,) s."""
    facing: Array
    """(n,) 1 or 0: whether the head points the student's usual way; NaN for a face too small to tell."""
    movement: Array
    """(n,) face sizes a second, at most FASTEST; NaN where there is nothing to compare it with."""
    grade: Array

    @classmethod
    def of(cls, heads: Heads, student: Ints, time: Array, frame_times: Array, smallest: float) -> Signals:
        """Of faces of students (n,), 0, 1, ..., in order of time (n,), s.

        `frame_times` (m,) are those of all sampled frames. Where a head's grade is under that of a face of
        `smallest` px, nobody can tell where it points.
        """
        moment = np.searchsorted(frame_times, time)
        order = np.argsort(student, kind="stable")
        twice = (np.diff(student[order]) == 0) & (np.diff(moment[order]) == 0)
        order = order[np.append(True, ~twice)[: len(order)]]
        student, moment, time = student[order], moment[order], time[order]
        large = heads.grade[order] >= size_grade(np.array([smallest]))[0]
        facing = np.full(len(order), np.nan)
        facing[large] = _facing(heads.yaw[order][large], heads.pitch[order][large], student[large])
        return cls(student, moment, time, facing, _movement(heads, order, student, time), heads.grade[order])

    def windows(self, spans: Spans, frame_times: Array, students: int) -> Columns:
        """`visible`, `facing` and `movement`, each (len(spans) * students,): by stretch, then student.

        visible is the share of the sampled frames that show the face, facing that of these (large enough) in which
        the head points the usual way, movement the mean; NaN where there is nothing to tell it from.
        """
        cells = len(spans) * students
        span = spans.of(self.time)
        cell = np.where(span >= 0, span * students + self.student, cells)
        frame_span = spans.of(frame_times)
        frames = np.bincount(frame_span[frame_span >= 0], minlength=len(spans))

        def mean(values: Array) -> Array:
            known = np.isfinite(values)
            number = np.bincount(cell[known], minlength=cells + 1)[:cells]
            total = np.bincount(cell[known], values[known], cells + 1)[:cells]
            return np.where(number > 0, total / np.maximum(number, 1), np.nan)

        seen = np.bincount(cell, minlength=cells + 1)[:cells]
        visible = seen / np.maximum(np.repeat(frames, students), 1)
        return {"visible": visible, "facing": mean(self.facing), "movement": mean(self.movement)}


def _facing(yaw: Array, pitch: Array, student: Ints) -> Array:
    """Whether a head points its student's usual way: near the medians of yaw and pitch, by what is near for it."""
    across, along = yaw - _median(yaw, student)[student], pitch - _median(pitch, student)[student]
    off = np.hypot(across, _PITCH * along)
    limit = np.clip(_SPREAD * _median(off, student), *_TURNED)
    near: Array = (off <= limit[student]).astype(np.float64)
    return near


def _median(degrees: Array, student: Ints) -> Array:
    """(students,) median of each student's angles, to a degree: counted, which takes a tenth of sorting them."""
    students = int(student.max(initial=-1)) + 1
    whole = np.clip(np.rint(degrees), -180, 360).astype(np.int64) + 180
    counts = np.bincount(student * 541 + whole, minlength=students * 541).reshape(students, 541)
    upto = counts.cumsum(axis=1)
    median: Array = (upto * 2 >= upto[:, -1:]).argmax(axis=1) - 180.0
    return median


def _movement(heads: Heads, order: Ints, student: Ints, time: Array) -> Array:
    """How fast each face moves since the student's face of at least _STEP before."""
    if not len(order):
        return np.empty(0)
    nearest, farthest = _STEP
    moment = time + student * (time.max() + 2 * farthest)  # students one after the other on one axis
    # Times are kept to a millionth of a second.
    before = np.maximum(np.searchsorted(moment, moment - nearest + 2e-6, side="right") - 1, 0)
    gone = moment - moment[before]
    stretch = heads.stretch[order]
    known = (gone > nearest - 3e-6) & (gone <= farthest) & (stretch == stretch[before])
    x, y, size = heads.x[order], heads.y[order], heads.size[order]
    speed = np.hypot(x - x[before], y - y[before]) / np.maximum(size, 1e-9) / np.where(known, gone, 1)
    return np.where(known, np.minimum(speed, FASTEST), np.nan)


@dataclass(frozen=True, eq=False)
class Attentive:
    """The sampled frames that count for the strategy `attention`: n rows, in order of (student, time)."""

    student: Ints
    moment: Ints
    positive: Array
    """(n,) 1 where the face can be seen, points the usual way and keeps still."""
    negative: Array
    """(n,) 1 where it points elsewhere; where it cannot be seen, how often the student's can."""
    neutral: Array
    """(n,) 1 where it points the usual way and is restless."""
    grade: Array

    @classmethod
    def of(cls, signals: Signals) -> Attentive:
        """The frames with a face that is large enough, and those without one for at most GAP seconds."""
        student, moment, time = signals.student, signals.moment, signals.time
        same = np.append(student[1:] == student[:-1], False)[: len(student)]
        step = np.append(np.diff(moment), 1)[: len(student)]
        there = same & (np.append(np.diff(time), 0)[: len(student)] <= GAP)
        rows = np.where(there, step, 1)
        face = np.repeat(np.arange(len(student)), rows)
        since = np.arange(len(face)) - np.repeat(np.cumsum(rows) - rows, rows)
        seen = since == 0
        whose = student[face]
        students = int(student.max(initial=-1)) + 1
        usual = np.bincount(student, minlength=students) / np.maximum(np.bincount(whose, minlength=students), 1)
        grade = np.bincount(student, signals.grade, students) / np.maximum(
            np.bincount(student, minlength=students), 1
        )
        facing, restless = signals.facing[face] == 1, signals.movement[face] > RESTLESS
        counts = ~seen | np.isfinite(signals.facing[face])
        result = cls(
            student=whose,
            moment=moment[face] + since,
            positive=(seen & facing & ~restless).astype(np.float64),
            negative=np.where(seen, ~facing, usual[whose]),
            neutral=(seen & facing & restless).astype(np.float64),
            grade=np.where(seen, signals.grade[face], grade[whose]),
        )
        return cls(**{name: column[counts] for name, column in vars(result).items()})
