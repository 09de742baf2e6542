"""What a person puts right after the tracker: students merged and split, replayed over what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Merge:
    """`other` is `student`, and gone."""

    student: int
    other: int


@dataclass(frozen=True)
class Split:
    """From `time` on (s), who was taken for `student` is somebody `new`."""

    student: int
    time: float
    new: int


@dataclass(frozen=True, eq=False)
class Corrected:
    """n faces in t tracks: those that were found under their numbers, then the parts that splits cut off."""

    track: Indices
    """(n,) track of each face, -1 for none."""
    student: Indices
    """(t,) student of each track, -1 for none."""
    part_of: Indices
    """(t,) the track that each was a part of when it was found: most often itself."""

    def student_of_face(self) -> Indices:
        """(n,) -1 for none."""
        return np.append(self.student, -1)[self.track]

    def apply(self, correction: Merge | Split, face_time: npt.ArrayLike) -> Corrected:
        """The tracks after one correction more; `face_time` is (n,) seconds. What it does not find, it leaves."""
        if isinstance(correction, Merge):
            merged = np.where(self.student == correction.other, correction.student, self.student)
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
        return self.track[self.track >= 0]


def replay(
    face_time: npt.ArrayLike, track: npt.ArrayLike, student: npt.ArrayLike, corrections: Iterable[Merge | Split]
) -> Corrected:
    """Make `corrections`, in order, on what was found: n faces of `track` (n,), -1 for none, of `student` (t,)."""
    found = np.asarray(student, np.int64)
    corrected = Corrected(np.asarray(track, np.int64), found, np.arange(len(found)))
    for correction in corrections:
        corrected = corrected.apply(correction, face_time)
    return corrected


def shared_frames(frame_of_face: npt.ArrayLike, student_of_face: npt.ArrayLike, one: int, other: int) -> Indices:
    """The frames (k,), ascending, in which both students have a face: they are not one person."""
    frame, student = np.asarray(frame_of_face, np.int64), np.asarray(student_of_face, np.int64)
    shared: Indices = np.intersect1d(frame[student == one], frame[student == other])
    return shared
