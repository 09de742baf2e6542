"""Which links are uncertain, and how much of a class rests on them."""

from __future__ import annotations

import pandas as pd
import pytest

from classpulse.report.lines import doubt_line, most_doubtful
from engine.sessions.students import share_in_doubt, uncertain_links

#: Track, student (None: nobody), first face (s), number of faces, and how certain the link to the student is.
Row = tuple[int, int | None, float, int, float | None]
SURE, UNSURE = 0.99, 0.7


def tracks_of(*rows: Row) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["track", "student", "first", "faces", "link_score"])
    return table.assign(last=table["first"] + 1, student=table["student"].astype("Int64"))


def class_of(*roles: str) -> pd.DataFrame:
    labels = [f"S{number + 1:02d}" for number in range(len(roles))]
    return pd.DataFrame({"student": range(len(roles)), "label": labels, "role": roles})


def test_the_first_track_of_a_student_and_those_of_nobody_are_no_links() -> None:
    tracks = tracks_of(
        (0, 0, 0.0, 50, UNSURE), (1, None, 1.0, 50, UNSURE), (2, 0, 2.0, 50, UNSURE), (3, 0, 3.0, 9, None)
    )
    assert uncertain_links(tracks)["track"].tolist() == [2]


def test_links_come_in_order_of_the_faces_that_are_wrong_if_they_are() -> None:
    tracks = tracks_of(
        (0, 0, 0.0, 100, None),
        (1, 0, 5.0, 20, UNSURE),
        (2, 1, 0.0, 10, None),
        (3, 1, 6.0, 900, UNSURE),  # if it is somebody else, ten faces are wrong
        (4, 2, 0.0, 300, None),
        (5, 2, 7.0, 200, UNSURE),
        (6, 2, 8.0, 250, SURE),
    )
    links = uncertain_links(tracks)
    assert links["track"].tolist() == [5, 1, 3]
    assert links["at_stake"].tolist() == [200, 20, 10]


def test_of_a_student_the_largest_part_that_certain_links_hold_together_is_the_student() -> None:
    tracks = tracks_of(
        (0, 0, 0.0, 60, None),
        (1, 0, 1.0, 20, SURE),
        (2, 0, 2.0, 20, UNSURE),
        (3, 1, 0.0, 10, None),
        (4, 1, 1.0, 90, UNSURE),
    )
    assert share_in_doubt(tracks, class_of("student", "student")) == pytest.approx((20 + 10) / 200)


def test_several_uncertain_links_of_a_student_are_each_somebody_else() -> None:
    tracks = tracks_of((0, 0, 0.0, 40, None), (1, 0, 1.0, 30, UNSURE), (2, 0, 2.0, 30, UNSURE))
    assert share_in_doubt(tracks, class_of("student")) == pytest.approx(0.6)


def test_only_students_count_and_without_any_nothing_is_in_doubt() -> None:
    tracks = tracks_of((0, 0, 0.0, 50, None), (1, 0, 1.0, 50, UNSURE), (2, 1, 0.0, 100, None))
    assert share_in_doubt(tracks, class_of("student", "student")) == pytest.approx(0.25)
    assert share_in_doubt(tracks, class_of("teacher", "student")) == 0
    assert share_in_doubt(tracks[:0], class_of()) == 0


def test_a_tenth_of_the_class_in_doubt_is_no_warning_and_more_is_one_that_says_whose_and_when() -> None:
    students = class_of("student", "student", "picture")
    tenth = tracks_of((0, 0, 0.0, 90, None), (1, 0, 70.0, 10, UNSURE), (2, 2, 0.0, 1, None), (3, 2, 1.0, 9, UNSURE))
    assert doubt_line(4, tenth, students) == ""
    more = tracks_of((0, 0, 0.0, 89, None), (1, 0, 70.0, 11, UNSURE), (2, 2, 0.0, 1, None), (3, 2, 1.0, 9, UNSURE))
    assert doubt_line(4, more, students) == (
        "11% of the class's time rests on uncertain re-identification; most of it: S01 from 1:10. See who it is "
        "then; if it is somebody else: classpulse split 4 S01 --at 1:10"
    )


def test_three_students_are_named_each_by_the_link_with_most_at_stake() -> None:
    rows: list[Row] = []
    for student, at_stake in enumerate((10, 40, 20, 30)):
        rows += [(10 * student, student, 0.0, 100, None), (10 * student + 1, student, 60.0, at_stake, UNSURE)]
    rows.append((12, 1, 90.0, 5, UNSURE))
    doubtful = most_doubtful(tracks_of(*rows), class_of(*["student"] * 4))
    assert [(each["label"], each["first"]) for each in doubtful] == [("S02", 60.0), ("S04", 60.0), ("S03", 60.0)]
