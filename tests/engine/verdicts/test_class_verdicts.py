"""The class's verdict against a truth table whose balances and margins are worked out by hand.

Every student has one face in a window of five frames, of a scorer that tells three classes apart: the balance
is the positive score less the negative one. One face has no variance of its own: its margin is what the imagined
face beside it leaves, t(0.95; 1 + 4) * sqrt(0.005) = 2.015048 * 0.0707107 = OWN.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from engine.faces import Class, Classes
from engine.settings import Settings
from engine.verdicts.judging import Columns, judge, verdicts_of
from engine.verdicts.scale import VERDICTS
from engine.verdicts.windows import Windows
from tests.engine.verdicts.scored import evidence

CLASSES = Classes((Class("up", "positive"), Class("flat", "neutral"), Class("down", "negative")))
OWN = 0.1424854
Z = 1.6448536  # of the 90 % interval of a normal distribution

UP, FLAT, DOWN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
PLUS, MINUS, EVEN = (0.75, 0.0, 0.25), (0.25, 0.0, 0.75), (0.5, 0.0, 0.5)  # balances of 0.5, -0.5 and 0


def judged(
    *scores: tuple[float, float, float] | None, unscorable: int = 0, strategy: str = "weighted", band: float = 0.1
) -> tuple[Columns, Columns]:
    """A window of students with these scores (None: away), and of so many more whose faces do not count."""
    faces = [*scores, *[UP] * unscorable]
    rows = [student for student, face in enumerate(faces) if face is not None]
    if None in faces:  # who is away in this window is there in the next one
        rows += [student for student, face in enumerate(faces) if face is None]
    away = len([face for face in faces if face is None])
    given = evidence(
        np.arange(10) / 5,
        np.repeat([0.0, 1.0], [len(rows) - away, away]),
        np.array(rows, np.int64),
        np.array([faces[row] or UP for row in rows]),
        scorable=np.array(rows) < len(scores),
        duration=2.0,
        classes=CLASSES,
    )
    settings = Settings(strategy=strategy, window=1.0, min_faces=1, min_coverage=0.2, band=band)
    students, whole = judge(given, settings)
    return {name: column[: len(faces)] for name, column in students.items()}, whole


def half_width(judged: int, present: int, deviations: float = 0.0) -> float:
    """By hand: each judged student's own margin, and the sampling of the judged among the present ones."""
    own = judged * (OWN / Z) ** 2 / judged**2
    between = (deviations + 0.25) / judged
    return Z * math.sqrt(own + (1 - judged / present) * between / judged)


TABLE = {
    # four students of balances 1, 0.5, 0.5, 0: every one is judged, so only their own margins are open
    "all judged": ((UP, PLUS, PLUS, FLAT), 0, "interested", 0.5, OWN / 2, 0.2),
    "all judged, below": ((DOWN, MINUS, MINUS, FLAT), 0, "not interested", -0.5, OWN / 2, 0.2),
    # two of four, a quarter off their mean each: sqrt(OWN²/2 + Z²/2 * (0.125 + 0.25)/2/2) = 0.3701
    "half judged": ((UP, PLUS), 2, "interested", 0.75, half_width(2, 4, 2 * 0.25**2), 0.1),
    # the same margin is too wide for a balance of 0.25
    "half judged, chance perhaps": ((PLUS, EVEN), 2, "insufficient", 0.25, half_width(2, 4, 2 * 0.25**2), 0.1),
    "one student": ((PLUS,), 0, "interested", 0.5, OWN, 0.2),
    # one of five is as many as min_coverage asks for: sqrt(OWN² + Z² * 0.8 * 0.25) = 0.7493
    "one of five": ((UP,), 4, "interested", 1.0, half_width(1, 5), 0.04),
    "one of six": ((UP,), 5, "insufficient", 1.0, half_width(1, 6), 0.2 / 6),
    "all neutral": ((FLAT,) * 4, 0, "neutral", 0.0, OWN / 2, 0.2),
    # one of two: 0.5987 is too wide for neutral, which asks for under 0.5
    "half neutral, half unknown": ((FLAT,), 1, "insufficient", 0.0, half_width(1, 2), 0.1),
    # beyond the band, but neutral has 0.625 of the votes, more than either side
    "neutral prevails": (((0.3125, 0.625, 0.0625),) * 4, 0, "neutral", 0.25, OWN / 2, 0.2),
    "neutral is one side's equal": (((0.5, 0.5, 0.0),) * 4, 0, "interested", 0.5, OWN / 2, 0.2),
    "nobody is judged": ((), 3, "insufficient", math.nan, math.nan, 0.0),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_the_class_verdict_is_that_of_the_truth_table(
    row: tuple[tuple[tuple[float, float, float], ...], int, str, float, float, float],
) -> None:
    scores, unscorable, verdict, balance, margin, coverage = row
    _, whole = judged(*scores, unscorable=unscorable)
    assert whole["verdict"][0] == verdict
    assert whole["balance"][0] == pytest.approx(balance, abs=1e-7, nan_ok=True)
    assert whole["margin"][0] == pytest.approx(margin, abs=1e-6, nan_ok=True)
    assert whole["coverage"][0] == pytest.approx(coverage)
    assert (whole["faces"][0], whole["scorable"][0]) == (len(scores) + unscorable, len(scores))
    assert (whole["students"][0], whole["insufficient"][0]) == (len(scores) + unscorable, unscorable)


def test_the_margins_of_the_table_are_these_numbers() -> None:
    """So that the table does not rest on its own formula."""
    assert half_width(2, 4, 2 * 0.25**2) == pytest.approx(0.3701, abs=5e-5)
    assert half_width(1, 5) == pytest.approx(0.7493, abs=5e-5)
    assert half_width(1, 2) == pytest.approx(0.5987, abs=5e-5)


@pytest.mark.parametrize(("band", "verdict"), [(0.25, "neutral"), (0.2499, "interested")])
@pytest.mark.parametrize("strategy", ["weighted", "sum", "dominant"])
def test_a_class_balance_on_the_band_is_neutral_and_one_beyond_it_is_not(
    strategy: str, band: float, verdict: str
) -> None:
    # 0.25 for every strategy: five in eight are up, three are down
    students, whole = judged(*[UP] * 5, *[DOWN] * 3, strategy=strategy, band=band)
    assert whole["balance"][0] == 0.25
    assert whole["verdict"][0] == verdict
    assert students["verdict"].tolist() == ["interested"] * 5 + ["not interested"] * 3


@pytest.mark.parametrize(("band", "verdict"), [(0.25, "neutral"), (0.2499, "interested")])
def test_a_students_balance_on_the_band_is_neutral_and_one_beyond_it_is_not(band: float, verdict: str) -> None:
    students, _ = judged((0.625, 0.0, 0.375), strategy="sum", band=band)
    assert students["balance"][0] == 0.25
    assert students["verdict"][0] == verdict


@pytest.mark.parametrize(
    ("scores", "verdict"), [((0.3125, 0.625, 0.0625), "neutral"), ((0.5, 0.5, 0.0), "interested")]
)
def test_neutral_prevails_with_a_student_only_where_it_is_more_than_either_side(
    scores: tuple[float, float, float], verdict: str
) -> None:
    students, _ = judged(scores)
    assert students["verdict"].tolist() == [verdict]
    again = verdicts_of(students, Settings(strategy="weighted", min_faces=1, min_coverage=0.2))
    assert [VERDICTS[place] for place in again] == [verdict]


@pytest.mark.parametrize("strategy", ["weighted", "sum", "dominant"])
def test_faces_outside_of_marked_intervals_do_not_count(strategy: str) -> None:
    """Two students in every frame of four seconds, of which nine frames are judged, one of them alone."""
    random = np.random.default_rng(5)
    times = np.repeat(np.arange(20) / 5, 2)
    student, scores, quality = np.tile([0, 1], 20), random.dirichlet(np.ones(3), 40), random.uniform(0.2, 1, 40)
    marked = Windows(np.array([0.4, 1.4, 2.2, 5.0]), np.array([1.2, 1.5, 3.0, 6.0]))

    def rows(faces: npt.NDArray[np.bool_]) -> tuple[Columns, Columns]:
        given = evidence(
            times[::2],
            times[faces],
            student[faces],
            scores[faces],
            quality=quality[faces],
            duration=4.0,
            classes=CLASSES,
        )
        with np.errstate(all="raise"):
            return judge(given, Settings(strategy=strategy, min_faces=1), marked)

    inside = ((times >= 0.4) & (times < 1.2)) | (times == 1.4) | ((times >= 2.2) & (times < 3.0))
    students, whole = rows(np.full(40, True))
    for name in ("frames", "scorable", "faces"):
        assert students[name].tolist() == [4, 4, 1, 1, 4, 4, 0, 0]
    assert students["coverage"].tolist() == [1] * 6 + [0] * 2
    assert np.isfinite(students["balance"]).tolist() == [True] * 6 + [False] * 2
    for found, expected in zip((students, whole), rows(inside), strict=True):
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])


def test_students_who_are_away_are_neither_present_nor_judged() -> None:
    students, whole = judged(UP, PLUS, None, None)
    assert students["verdict"].tolist() == ["interested"] * 2 + ["insufficient"] * 2
    # Of the present ones all are judged, so nothing but their own margins is open.
    assert whole["margin"][0] == pytest.approx(half_width(2, 2), abs=1e-6)
    assert (whole["verdict"][0], whole["balance"][0]) == ("interested", 0.75)
    assert whole["coverage"][0] == pytest.approx(0.2)  # of the two in view
    assert (whole["students"][0], whole["insufficient"][0]) == (4, 2)


def test_a_window_in_which_nobody_is_seen_has_no_verdict_and_no_numbers() -> None:
    _, whole = judged(UP, PLUS)
    assert whole["verdict"][1] == "insufficient"
    assert np.isnan([whole["balance"][1], whole["margin"][1]]).all()
    assert [whole[name][1] for name in ("coverage", "faces", "scorable")] == [0, 0, 0]


def test_a_student_of_a_doubtful_balance_widens_the_class_margin_by_a_share_of_the_students() -> None:
    """Faces of quality 0.5 prove half as much: n_eff 0.5, t(0.95; 4.5) = 2.0656, times sqrt(0.005) / 0.5."""
    given = evidence(
        np.arange(5) / 5, np.zeros(2), np.arange(2), np.array([UP, UP]), quality=0.5, duration=1.0, classes=CLASSES
    )
    students, whole = judge(given, Settings(window=1.0, min_faces=1))
    assert students["margin"] == pytest.approx([0.2921] * 2, abs=5e-5)
    assert whole["margin"][0] == pytest.approx(students["margin"][0] / math.sqrt(2))


def test_the_class_margin_of_a_window_is_of_the_balances_in_it() -> None:
    """Two judged students and one who cannot be, first of two minds and then of one."""
    given = evidence(
        np.arange(10) / 5,
        np.repeat([0.0, 1.0], 3),
        np.tile(np.arange(3), 2),
        np.array([UP, PLUS, UP, PLUS, PLUS, UP]),
        scorable=np.tile([True, True, False], 2),
        duration=2.0,
        classes=CLASSES,
    )
    _, whole = judge(given, Settings(window=1.0, min_faces=1))
    expected = [half_width(2, 3, 2 * 0.25**2), half_width(2, 3)]
    assert whole["margin"].tolist() == pytest.approx(expected, abs=1e-6)


def test_no_class_margin_is_wider_than_the_scale() -> None:
    """Of a face that proves nothing the margin is 2; another student, unjudged, does not make it more."""
    given = evidence(
        np.arange(5) / 5,
        np.zeros(2),
        np.arange(2),
        np.array([UP, UP]),
        quality=0.0,
        scorable=np.array([True, False]),
        duration=1.0,
        classes=CLASSES,
    )
    students, whole = judge(given, Settings(strategy="sum", window=1.0, min_faces=1))
    assert (students["margin"][0], whole["margin"][0]) == (2, 2)
