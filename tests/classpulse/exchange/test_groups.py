"""Small counts in exports about groups cannot be read, nor reckoned from what is left."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from classpulse.exchange.groups import suppressed
from engine.verdicts.scale import COUNTS


def rows(*counts: tuple[int, int, int, int]) -> pd.DataFrame:
    table = pd.DataFrame(counts, columns=list(COUNTS))
    return table.assign(students=table.sum(axis=1), balance=0.25, verdict="neutral", reason=None, faces=40)


def shown(table: pd.DataFrame) -> list[list[int | None]]:
    return [[None if value is pd.NA else value for value in row] for row in table[list(COUNTS)].to_numpy()]


def test_a_small_count_goes_with_another_one_since_the_sum_would_tell_it() -> None:
    found = suppressed(rows((9, 2, 7, 5), (9, 0, 7, 5), (9, 0, 0, 2), (2, 1, 9, 9)), 5)
    assert shown(found) == [[9, None, 7, None], [9, 0, 7, 5], [None, 0, 0, None], [None, None, 9, 9]]
    assert found["balance"].tolist() == [0.25] * 4


def test_fewer_students_with_a_verdict_than_a_group_are_insufficient() -> None:
    found = suppressed(rows((2, 1, 1, 9), (2, 2, 1, 9)), 5)
    assert found["verdict"].tolist() == ["insufficient", "neutral"]
    assert found["balance"].isna().tolist() == [True, False]
    assert found["reason"].tolist() == ["too_few_students", None]
    assert shown(found)[0] == [None] * 4


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=6), st.integers(2, 9))
def test_what_is_hidden_has_more_than_one_possible_value(
    counts: list[tuple[int, int, int, int]], least: int
) -> None:
    for before, after in zip(counts, shown(suppressed(rows(*counts), least)), strict=True):
        hidden = [place for place, value in enumerate(after) if value is None]
        assert all(not 0 < value < least for value in after if value is not None)
        assert all(value == before[place] for place, value in enumerate(after) if value is not None)
        assert len(hidden) != 1


def test_few_faces_in_a_frame_are_hidden_and_none_are_not() -> None:
    found = suppressed(pd.DataFrame({"time": [0.0, 0.5, 1.0], "faces": [0, 4, 5]}), 5)
    assert found["faces"].isna().tolist() == [False, True, False]
