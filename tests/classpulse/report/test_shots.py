"""The line of `show` that lists the shots."""

from __future__ import annotations

import pandas as pd

from classpulse.report.lines import MOST_SHOTS, shots_line


def shots(views: list[int]) -> pd.DataFrame:
    start = [75.0 * i for i in range(len(views))]
    return pd.DataFrame({"shot": range(len(views)), "start": start, "view": views})


def test_a_single_shot_is_not_worth_a_line() -> None:
    assert shots_line(shots([0])) == shots_line(shots([])) == ""


def test_every_shot_with_its_start_and_its_view() -> None:
    assert shots_line(shots([0, 1, 0])) == "Shots: 3, 2 views: 0:00 view 1, 1:15 view 2, 2:30 view 1"
    assert shots_line(shots([0, 0])) == "Shots: 2, 1 view: 0:00 view 1, 1:15 view 1"


def test_of_many_shots_the_first() -> None:
    line = shots_line(shots([0, 1] * MOST_SHOTS))
    assert line.startswith("Shots: 24, 2 views: 0:00 view 1, ")
    assert line.endswith("13:45 view 2, and 12 more")
