"""Merges and splits over the tracker's output: replayed in order, so that one fewer is an undo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tracking.corrections import Merge, Split, replay, shared_frames

#: Two students in tracks 0 and 1 from 0 to 9 s; after 20 s track 2 is the first one's, too; a face is in no track.
TIME = np.array([0, 0, 5, 5, 9, 9, 20, 25, 25])
TRACK = np.array([0, 1, 0, 1, 0, 1, 2, 2, -1])
STUDENT = np.array([0, 1, 0])


@pytest.mark.parametrize(
    ("corrections", "student_of_face", "part_of"),
    [
        ([], [0, 1, 0, 1, 0, 1, 0, 0, -1], [0, 1, 2]),
        ([Merge(0, 1)], [0, 0, 0, 0, 0, 0, 0, 0, -1], [0, 1, 2]),
        ([Split(0, 15, 2)], [0, 1, 0, 1, 0, 1, 2, 2, -1], [0, 1, 2]),  # between two tracks: none is cut
        ([Split(0, 5, 2)], [0, 1, 2, 1, 2, 1, 2, 2, -1], [0, 1, 2, 0]),  # within track 0
        ([Split(0, 15, 2), Merge(1, 2)], [0, 1, 0, 1, 0, 1, 1, 1, -1], [0, 1, 2]),
        ([Split(0, 5, 2), Split(2, 9, 3)], [0, 1, 2, 1, 3, 1, 3, 3, -1], [0, 1, 2, 0, 0]),
        ([Split(0, 5, 2), Merge(0, 2)], [0, 1, 0, 1, 0, 1, 0, 0, -1], [0, 1, 2, 0]),
        ([Merge(0, 7), Split(8, 1, 9)], [0, 1, 0, 1, 0, 1, 0, 0, -1], [0, 1, 2]),  # nobody's: nothing happens
    ],
)
def test_merges_and_splits_are_replayed_in_order(
    corrections: list[Merge | Split], student_of_face: list[int], part_of: list[int]
) -> None:
    corrected = replay(TIME, TRACK, STUDENT, corrections)
    assert corrected.student_of_face().tolist() == student_of_face
    assert corrected.part_of.tolist() == part_of


def test_the_arrays_of_the_tracker_are_not_changed() -> None:
    track, student = TRACK.copy(), STUDENT.copy()
    replay(TIME, track, student, [Split(0, 5, 2), Merge(1, 2)])
    assert track.tolist() == TRACK.tolist()
    assert student.tolist() == STUDENT.tolist()


def test_corrections_of_no_faces_give_no_tracks() -> None:
    none = np.empty(0, np.int64)
    corrected = replay(none, none, none, [Merge(0, 1), Split(0, 1.0, 2)])
    assert (len(corrected.track), len(corrected.student)) == (0, 0)


def test_frames_in_which_both_students_have_a_face() -> None:
    student = replay(TIME, TRACK, STUDENT, []).student_of_face()
    assert shared_frames(TIME, student, 0, 1).tolist() == [0, 5, 9]
    assert shared_frames(TIME, student, 0, 7).tolist() == []


numbers = st.integers(0, 3)
corrections = st.lists(
    st.one_of(st.builds(Merge, numbers, numbers), st.builds(Split, numbers, st.floats(5, 25), st.integers(5, 9))),
    min_size=1,
    max_size=6,
)


def test_every_face_keeps_its_track_and_has_one_student_after_any_corrections() -> None:
    cuts, merged = [], []

    @settings(derandomize=True)
    @given(
        st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 2)), min_size=15, max_size=40),
        st.lists(numbers, min_size=3, max_size=6),
        corrections,
    )
    def check(faces: list[tuple[int, int]], student: list[int], corrections: list[Merge | Split]) -> None:
        time, track = np.array(sorted(faces), np.int64).T
        corrected = replay(time, track, student, corrections)
        # Parts of a track are no mix of tracks, faces in no track stay so, and every part has one student.
        np.testing.assert_array_equal(np.append(corrected.part_of, -1)[corrected.track], track)
        assert len(corrected.part_of) == len(corrected.student) >= len(student)
        splits = [correction for correction in corrections if isinstance(correction, Split)]
        known = {*student, *(c.student for c in corrections), *(split.new for split in splits), -1}
        assert set(corrected.student_of_face().tolist()) <= known
        cuts.append(len(corrected.student) > len(student))
        merged.append(any(isinstance(c, Merge) and c.absorbed in student for c in corrections))
        event(f"a split cuts a track: {cuts[-1]}, a merge absorbs a student: {merged[-1]}")

    check()
    assert np.mean(cuts) > 0.15
    assert np.mean(merged) > 0.4
