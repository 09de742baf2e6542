"""Judgements of one session side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine import Session
from engine.errors import UsageError
from engine.sessions.session import find
from engine.verdicts.comparing import CLASS, Judged, Verdicts, compare
from engine.verdicts.scale import SIGNS

PLACES = "".join(SIGNS.values())


def judged(window: float, duration: float, whole: str, **students: str) -> Judged:
    """A judgement with a sign for each window of the class, and of each student."""

    def rows(**signs: str) -> Verdicts:
        places = np.concatenate([np.arange(len(each)) for each in signs.values()] or [np.empty(0, np.int64)])
        return Verdicts(
            label=np.repeat(np.array(list(signs), np.str_), [len(each) for each in signs.values()]),
            window=places,
            start=places * window,
            stop=np.minimum((places + 1) * window, duration),
            verdict=np.array([PLACES.index(sign) for sign in "".join(signs.values())], np.int64),
        )

    return Judged(window, rows(**students), rows(**{CLASS: whole}))


def test_equal_windows() -> None:
    one = judged(10, 40, "++o-", S01="++o-", S02="+-.o")
    other = judged(10, 40, "++oo", S01="++oo", S02="--+o")
    found = compare({"a": one, "b": other})
    assert [list(row.values()) for row in found.verdicts] == [
        ["a", "S01", 4, 2, 1, 1, 0], ["a", "S02", 4, 1, 1, 1, 1], ["a", "class", 4, 2, 1, 1, 0],
        ["b", "S01", 4, 2, 2, 0, 0], ["b", "S02", 4, 1, 1, 2, 0], ["b", "class", 4, 2, 2, 0, 0],
    ]  # fmt: skip
    students, whole = found.agreement
    assert (students["windows"], students["agreement"], students["judged"]) == (8, 5 / 8, 7)
    # Cohen by hand: 5 of 7 the same; by chance (3*2 + 2*3 + 2*2)/49
    assert students["kappa"] == pytest.approx((5 / 7 - 16 / 49) / (1 - 16 / 49))
    assert (whole["of"], whole["agreement"]) == ("class", 0.75)
    assert [(row["start"], row["differ"], row["opposite"], row["students"]) for row in found.differing] == [
        (0, 1, 1, "S02"), (20, 1, 0, "S02"), (30, 1, 0, "S01"),
    ]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_windows_of_different_length_are_compared_at_the_shorter(turned: bool) -> None:
    short = judged(4, 15, "+++-", S01="+o--")
    long = judged(10, 15, "+-", S01="+-")
    both = {"short": short, "long": long}
    found = compare(dict(reversed(both.items())) if turned else both)
    students = found.agreement[0]
    # The one from 8 to 12 s begins the second long one.
    assert (students["windows"], students["agreement"]) == (4, 0.75)
    (row,) = found.differing
    names = ("short", "long") if not turned else ("long", "short")
    assert row == dict(zip(("judgement_a", "judgement_b"), names, strict=True)) | {
        "start": 4, "stop": 8, "differ": 1, "opposite": 0, "students": "S01",
    }  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_windows_that_only_one_judgement_has_are_left_out_of_the_agreement(turned: bool) -> None:
    one, other = judged(10, 40, "++o-", S01="++o-"), judged(10, 20, "++", S01="+o", S02="--")
    students, whole = compare({"a": other, "b": one} if turned else {"a": one, "b": other}).agreement
    assert (students["windows"], students["agreement"], whole["windows"], whole["agreement"]) == (2, 0.5, 2, 1)


def test_those_of_a_session(analysed: Session, tmp_path: Path) -> None:
    session = find(1, Path(shutil.copy(analysed.database, tmp_path / "classpulse.db")))
    alone = session.compare()
    assert alone.verdicts["judgement"].unique().tolist() == ["weighted, 5 s"]
    assert (len(alone.agreement), len(alone.differing)) == (0, 0)
    session.judge("again").judge("wide", window=10.0)
    found = session.compare()
    shares = found.agreement.set_index(["judgement_a", "judgement_b", "of"])["agreement"]
    assert shares["weighted, 5 s", "again", "students"] == 1
    assert shares["again", "wide", "students"] > 0.8  # moods change every 10 s
    assert set(found.verdicts["judgement"]) == {"weighted, 5 s", "again", "wide"}
    assert session.compare("wide", "again").agreement["judgement_a"].tolist() == ["wide"] * 2
    with pytest.raises(UsageError, match="session 1 has no judgement 'mine'"):
        session.compare("mine")


def test_a_class_without_rows_of_students_is_compared_alone() -> None:
    alone = judged(5, 20, "+o-.")
    found = compare({"a": alone, "b": alone})
    assert [row["student"] for row in found.verdicts] == ["class"] * 2
    assert [row["windows"] for row in found.agreement] == [0, 4]
    assert found.differing == []
