"""Identity corrections after tracking: merges and splits of students, replayed over the tracker's output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Merge:
    """`absorbed` is the same person as `student`, and keeps no track."""

    student: int
    absorbed: int


@dataclass(frozen=True)
class Split:
    """From `time` (s) on, the faces of `student` are those of another person, `new`."""

    student: int
    time: float
    new: int


@dataclass(frozen=True, eq=False)
class Corrected:
    """n faces in t tracks: the tracker's under their own numbers, then the parts that splits cut off."""

    track: Indices
    """(n,) track of each face, -1 for none."""
    student: Indices
    """(t,) student of each track, -1 for none."""
    part_of: Indices
    """(t,) the tracker's track that each is a part of; for a track that was not cut, itself."""

    def student_of_face(self) -> Indices:
        """(n,) student of each face, -1 for none."""
        return np.append(self.student, -1)[self.track]

    def apply(self, correction: Merge | Split, face_time: npt.ArrayLike) -> Corrected:
        """The tracks after one more correction; `face_time` is (n,) seconds. An unknown student changes nothing."""
        if isinstance(correction, Merge):
            merged = np.where(self.student == correction.absorbed, correction.student, self.student)
            return Corrected(self.track, merged, self.part_of)
        later = (self.student_of_face() == correction.student) & (np.asarray(face_time) >= correction.time)
        tracks = np.arange(len(self.student))
        faces, faces_later = (
            np.bincount(track, minlength=len(tracks)) for track in (self._tracked(), self.track[later])
        )
        student = np.where(faces_later > 0, correction.new, self.student)
        cut = tracks[(faces_later > 0) & (faces_later < faces)]
        student[cut] = correction.student
        renumbered = np.append(tracks, -1)
        renumbered[cut] = len(tracks) + np.arange(len(cut))
        return Corrected(
            np.where(later, renumbered[self.track], self.track),
            np.append(student, np.full(len(cut), correction.new)),
            np.append(self.part_of, self.part_of[cut]),
        )

    def _tracked(self) -> Indices:
        """Tracks of the faces that have one."""
        return self.track[self.track >= 0]


def replay(
    face_time: npt.ArrayLike, track: npt.ArrayLike, student: npt.ArrayLike, corrections: Iterable[Merge | Split]
) -> Corrected:
    """Apply `corrections`, in order, to the tracker's output, which is not changed.

    `face_time` (n,) is seconds, `track` (n,) the track of each face, -1 for none, `student` (t,) of each track.
    """
    students = np.asarray(student, np.int64)
    corrected = Corrected(np.asarray(track, np.int64), students, np.arange(len(students)))
    for correction in corrections:
        corrected = corrected.apply(correction, face_time)
    return corrected


def shared_frames(
    frame_of_face: npt.ArrayLike, student_of_face: npt.ArrayLike, student_a: int, student_b: int
) -> Indices:
    """(k,) the frames, ascending, in which both students have a face, so that they are two persons."""
    frame, student = np.asarray(frame_of_face, np.int64), np.asarray(student_of_face, np.int64)
    shared: Indices = np.intersect1d(frame[student == student_a], frame[student == student_b])
    return shared
