"""Short simulated lessons, tracked once for all tests of tracking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from classpulse.simulation.motion_truth import Lesson, lesson
from tracking.identity import Students, faces_of_students, students_of_tracks
from tracking.sort import track
from tracking.tracks import Tracks, tracks_table


@dataclass(frozen=True, eq=False)
class Tracked:
    lesson: Lesson
    track: npt.NDArray[np.int64]
    tracks: Tracks
    students: Students
    student: npt.NDArray[np.int64]
    """(n,) student of each face, -1 for none."""


def track_lesson(drawn: Lesson, keep: npt.NDArray[np.bool_] | slice = slice(None)) -> Tracked:
    faces = drawn.frame[keep], drawn.boxes[keep]
    numbers = track(drawn.times, *faces, drawn.scores[keep], motion=drawn.motion)
    tracks = tracks_table(
        drawn.times,
        *faces,
        numbers,
        drawn.scores[keep],
        motion=drawn.motion,
        descriptors=drawn.descriptors[keep][drawn.described[keep]],
        described=drawn.described[keep],
    )
    students = students_of_tracks(tracks)
    return Tracked(
        drawn, numbers, tracks, students, faces_of_students(drawn.frame[keep], numbers, students.student)
    )


@pytest.fixture(scope="session")
def lesson_of_ten() -> Tracked:
    return track_lesson(lesson(31, students=10, duration=240.0))


@pytest.fixture(scope="session")
def lesson_with_posters() -> Tracked:
    return track_lesson(lesson(32, students=8, duration=150.0, posters=2, events=False))
