"""Judgements of one session side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.errors import UsageError
from engine.sessions.session import Session, find
from engine.verdicts.comparing import Judged, compare

SIGNS = {"+": "interested", "o": "neutral", "-": "not interested", ".": "insufficient"}


def judged(window: float, duration: float, whole: str, **students: str) -> Judged:
    """A judgement with a sign for each window of the class, and of each student."""

    def rows(signs: str) -> pd.DataFrame:
        start = np.arange(len(signs)) * window
        return pd.DataFrame(
            {
                "window": np.arange(len(signs)),
                "start": start,
                "stop": np.minimum(start + window, duration),
                "verdict": [SIGNS[sign] for sign in signs],
            }
        )

    each = [rows(signs).assign(label=label) for label, signs in students.items()]
    return Judged(window, pd.concat(each, ignore_index=True), rows(whole))


def test_equal_windows():
    one = judged(10, 40, "++o-", S01="++o-", S02="+-.o")
    other = judged(10, 40, "++oo", S01="++oo", S02="--+o")
    found = compare({"a": one, "b": other})
    assert found.verdicts.to_numpy().tolist() == [
        ["a", "S01", 4, 2, 1, 1, 0], ["a", "S02", 4, 1, 1, 1, 1], ["a", "class", 4, 2, 1, 1, 0],
        ["b", "S01", 4, 2, 2, 0, 0], ["b", "S02", 4, 1, 1, 2, 0], ["b", "class", 4, 2, 2, 0, 0],
    ]  # fmt: skip
    students, whole = found.agreement.to_dict("records")
    assert (students["windows"], students["same"], students["judged"]) == (8, 5 / 8, 7)
    # Cohen by hand: 5 of 7 the same; by chance (3*2 + 2*3 + 2*2)/49
    assert students["kappa"] == pytest.approx((5 / 7 - 16 / 49) / (1 - 16 / 49))
    assert (whole["of"], whole["same"]) == ("class", 0.75)
    assert found.differing[["start", "differ", "opposite", "who"]].to_numpy().tolist() == [
        [0, 1, 1, "S02"], [20, 1, 0, "S02"], [30, 1, 0, "S01"],
    ]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_windows_of_different_length_are_compared_at_the_shorter(turned):
    short = judged(4, 15, "+++-", S01="+o--")
    long = judged(10, 15, "+-", S01="+-")
    both = {"short": short, "long": long}
    found = compare(dict(reversed(both.items())) if turned else both)
    students = found.agreement.iloc[0]
    assert students[["windows", "same"]].tolist() == [4, 0.75]  # the one from 8 to 12 begins the second long one
    assert found.differing[["start", "stop", "differ", "opposite"]].to_numpy().tolist() == [[4, 8, 1, 0]]


def test_those_of_a_session(analysed, tmp_path):
    session = find(1, Path(shutil.copy(analysed.database, tmp_path / "classpulse.db")))
    alone = session.compare()
    assert alone.verdicts["judgement"].unique().tolist() == ["weighted, 5 s"]
    assert (len(alone.agreement), len(alone.differing)) == (0, 0)
    session.judge("again").judge("wide", window=10.0)
    found = session.compare()
    same = found.agreement.set_index(["one", "other", "of"])["same"]
    assert same["weighted, 5 s", "again", "students"] == 1
    assert same["again", "wide", "students"] > 0.8  # moods change every 10 s
    assert set(found.verdicts["judgement"]) == {"weighted, 5 s", "again", "wide"}
    assert session.compare("wide", "again").agreement["one"].tolist() == ["wide"] * 2
    with pytest.raises(UsageError, match="session 1 has no judgement 'mine'"):
        session.compare("mine")


def test_a_class_alone(analysed):
    whole = Session(analysed.database, 1).class_verdicts()
    none = analysed.verdicts().iloc[:0]
    found = compare({"a": Judged(5.0, none, whole), "b": Judged(5.0, none, whole)})
    assert found.verdicts["student"].tolist() == ["class"] * 2
    assert found.agreement["windows"].tolist() == [0, len(whole)]
    assert found.differing.empty
