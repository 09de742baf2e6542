"""Behavioural cues beside emotion: whether a student's face is visible, its usual orientation, and its motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import size_grade
from engine.verdicts.windows import Windows

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Columns = dict[str, npt.NDArray[Any]]

#: A head points away from its usual direction if it is so many times as far off as it is half of the time ...
_OFF_AXIS_FACTOR = 3.0
#: ... but no less than the noise of five landmarks, and no more than what clearly is another direction, degrees.
_TURNED_DEGREES = (12.0, 30.0)
#: Shorter side of a face, px, from which its landmarks tell where the head points. A tenth of faces 8 to 12 px high
#: (6 to 9 px wide) has a yaw that is 12 to 13 degrees off or more, which would be a turn; of faces of 12 to 16 px a
#: tenth is 8 to 9 degrees off, hardly more than of larger ones (benchmarks/pose.py).
ORIENTED = 10.0
#: Weight of a degree of pitch beside one of yaw. The mouth shifts it, too: a smile looks like a bow of 11 degrees,
#: an open mouth like a look 8 degrees up (medians of FER2013's happy and surprised faces beside its neutral ones).
_PITCH = 0.6
#: The earlier face that a face is compared with lies so many seconds back: nearer ones show the noise of boxes.
_STEP_SECONDS = (0.2, 2.0)
#: A face that moves faster is restless; a faster one than FASTEST is another face. Face sizes a second.
RESTLESS, FASTEST = 1.0, 5.0


@dataclass(frozen=True, eq=False)
class HeadPoses:
    """Position and orientation of the heads of n faces."""

    x: Array
    """(n,) middle of the face, as if the camera had not moved."""
    y: Array
    size: Array
    """(n,) square root of the box's area, in the same unit as x and y."""
    section: Ints
    """(n,) faces with the same number can be compared: how the camera moved between them was measured."""
    yaw: Array
    """(n,) degrees."""
    pitch: Array
    weight: Array
    """(n,) confidence of the pose by the face's size, 0 to 1."""

    @classmethod
    def of(
        cls, boxes: Array, yaw: Array, pitch: Array, frame: Ints, *, to_first: Array, section: Ints
    ) -> HeadPoses:
        """Of faces with these boxes (n, 4), px, in the frames `frame` (n,) of the m sampled ones.

        `to_first` (m, 2, 3) maps a frame's pixels to those of the first one, without the camera's motion:
        similarities ((a, -b, x), (b, a, y)). Between frames of different `section` (m,) its motion was not
        measured, and no head motion is computed.
        """
        # As complex numbers, such an affine is z -> turn * z + shift.
        turn = (to_first[:, 0, 0] + 1j * to_first[:, 1, 0])[frame]
        shift = (to_first[:, 0, 2] + 1j * to_first[:, 1, 2])[frame]
        centre = (boxes[:, 0] + boxes[:, 2] + 1j * (boxes[:, 1] + boxes[:, 3])) / 2
        in_first = turn * centre + shift
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        return cls(
            x=in_first.real,
            y=in_first.imag,
            size=np.sqrt(width * height) * np.abs(turn),
            section=section[frame],
            yaw=yaw,
            pitch=pitch,
            weight=size_grade(np.minimum(width, height)).astype(np.float64),
        )


@dataclass(frozen=True, eq=False)
class BehaviouralCues:
    """The cues of n faces of students, one face a student and frame, in order of (student, time)."""

    student: Ints
    """(n,) 0, 1, ..."""
    frame_index: Ints
    """(n,) the place of its frame among all sampled ones."""
    time: Array
    """(n,) s."""
    facing: Array
    """(n,) 1 or 0: whether the head points the student's usual way; NaN for a face that is too small."""
    movement: Array
    """(n,) face sizes a second, at most FASTEST; NaN where there is nothing to compare it with."""
    weight: Array

    @classmethod
    def of(
        cls, poses: HeadPoses, student: Ints, time: Array, frame_times: Array, smallest: float
    ) -> BehaviouralCues:
        """Of faces of students (n,), 0, 1, ..., in order of time (n,), s.

        `frame_times` (m,) are those of all sampled frames. Where a head's weight is under that of a face of
        `smallest` px, its orientation is unknown.
        """
        frame_index = np.searchsorted(frame_times, time)
        order = np.argsort(student, kind="stable")
        twice = (np.diff(student[order]) == 0) & (np.diff(frame_index[order]) == 0)
        order = order[np.append(True, ~twice)[: len(order)]]
        student, frame_index, time = student[order], frame_index[order], time[order]
        large = poses.weight[order] >= size_grade(np.array([smallest]))[0]
        facing = np.full(len(order), np.nan)
        facing[large] = _facing(poses.yaw[order][large], poses.pitch[order][large], student[large])
        return cls(student, frame_index, time, facing, _movement(poses, order, student, time), poses.weight[order])

    def oriented(self, windows: Windows, students: int) -> Ints:
        """(len(windows) * students,) faces of which it is known where the head points: by window, then student."""
        window = windows.of(self.time)
        known = (window >= 0) & np.isfinite(self.facing)
        return np.bincount((window * students + self.student)[known], minlength=len(windows) * students)

    def windows(self, windows: Windows, frame_times: Array, students: int) -> Columns:
        """`visible`, `facing` and `movement`, each (len(windows) * students,): by window, then student.

        visible is the share of the sampled frames that show the face, facing that of these (large enough) in which
        the head points the usual way, movement the mean; NaN without a measurement.
        """
        groups = len(windows) * students
        window = windows.of(self.time)
        group = np.where(window >= 0, window * students + self.student, groups)
        frame_window = windows.of(frame_times)
        frames = np.bincount(frame_window[frame_window >= 0], minlength=len(windows))

        def mean(values: Array) -> Array:
            defined = np.isfinite(values)
            number = np.bincount(group[defined], minlength=groups + 1)[:groups]
            total = np.bincount(group[defined], values[defined], groups + 1)[:groups]
            return np.where(number > 0, total / np.maximum(number, 1), np.nan)

        detected = np.bincount(group, minlength=groups + 1)[:groups]
        visible = detected / np.maximum(np.repeat(frames, students), 1)
        return {"visible": visible, "facing": mean(self.facing), "movement": mean(self.movement)}


def _facing(yaw: Array, pitch: Array, student: Ints) -> Array:
    """Whether a head points its student's usual way: near the medians of yaw and pitch, by what is near for it."""
    across, along = yaw - _median(yaw, student)[student], pitch - _median(pitch, student)[student]
    off = np.hypot(across, _PITCH * along)
    limit = np.clip(_OFF_AXIS_FACTOR * _median(off, student), *_TURNED_DEGREES)
    near: Array = (off <= limit[student]).astype(np.float64)
    return near


def _median(degrees: Array, student: Ints) -> Array:
    """(students,) median of each student's angles, to a degree: counted, which takes a tenth of sorting them."""
    students = int(student.max(initial=-1)) + 1
    rounded = np.clip(np.rint(degrees), -180, 360).astype(np.int64) + 180
    counts = np.bincount(student * 541 + rounded, minlength=students * 541).reshape(students, 541)
    upto = counts.cumsum(axis=1)
    median: Array = (upto * 2 >= upto[:, -1:]).argmax(axis=1) - 180.0
    return median


def _movement(poses: HeadPoses, order: Ints, student: Ints, time: Array) -> Array:
    """How fast each face moves since the student's face of at least _STEP_SECONDS before."""
    if not len(order):
        return np.empty(0)
    nearest, farthest = _STEP_SECONDS
    axis = time + student * (time.max() + 2 * farthest)  # students one after the other on one axis
    # Times are kept to a millionth of a second.
    before = np.maximum(np.searchsorted(axis, axis - nearest + 2e-6, side="right") - 1, 0)
    elapsed = axis - axis[before]
    section = poses.section[order]
    comparable = (elapsed > nearest - 3e-6) & (elapsed <= farthest) & (section == section[before])
    x, y, size = poses.x[order], poses.y[order], poses.size[order]
    speed = np.hypot(x - x[before], y - y[before]) / np.maximum(size, 1e-9) / np.where(comparable, elapsed, 1)
    return np.where(comparable, np.minimum(speed, FASTEST), np.nan)
