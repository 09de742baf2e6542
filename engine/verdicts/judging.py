"""Pass 3: the scored faces of students to a verdict for every student and for the class in every window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.faces import EMOTIONS, NEGATIVE, POSITIVE
from engine.settings import Settings
from engine.verdicts.attention import Attentive, Signals
from engine.verdicts.calibration import mood_shares, rested
from engine.verdicts.uncertainty import CONFIDENCE, margins
from engine.verdicts.windows import Spans, windows_of

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]
Bools = npt.NDArray[np.bool_]


class Votes(NamedTuple):
    """What each of n faces adds to either side; several columns of a side are summed one after the other."""

    positive: Array
    """(n, p)"""
    negative: Array
    """(n, q)"""
    neutral: Array
    """(n,) 0 where a strategy leaves neutral out."""


class Strategy(NamedTuple):
    """A way from scorable faces to a balance and a verdict."""

    votes: Callable[[Array, Array], Votes]
    """Of emotion scores (n, 7) and quality (n,)."""
    proven: bool
    """Whether a verdict has to be proven: neutral where that prevails, insufficient where it may be chance."""


VERDICTS = ("interested", "neutral", "not interested", "insufficient")
_INSUFFICIENT = VERDICTS.index("insufficient")

#: With a balance that may be this far off, neutral is no finding: the interval is half as wide as the scale.
WIDEST = 0.5
#: Spread (variance) of the balance of one imagined student beside those that have a verdict.
_PRIOR = 0.25


def weighted(emotions: Array, quality: Array) -> Votes:
    """Every face counts by its quality, shared out between the moods by the calibration."""
    votes = mood_shares(emotions) * quality[:, None]
    return Votes(votes[:, :1], votes[:, 2:], votes[:, 1])


def plain_sum(emotions: Array, quality: Array) -> Votes:  # noqa: ARG001
    """Every face counts for each emotion as its scores say; neutral is left out."""
    return Votes(emotions[:, _places(POSITIVE)], emotions[:, _places(NEGATIVE)], np.zeros(len(emotions)))


def dominant(emotions: Array, quality: Array) -> Votes:
    """Every face counts once, for its strongest emotion: how long each emotion was on top; neutral is left out."""
    return plain_sum(np.eye(len(EMOTIONS))[emotions.argmax(axis=1)], quality)


def _places(names: tuple[str, ...]) -> list[int]:
    return [EMOTIONS.index(name) for name in names]


STRATEGIES: Mapping[str, Strategy] = {
    "weighted": Strategy(weighted, proven=True),
    "sum": Strategy(plain_sum, proven=False),
    "dominant": Strategy(dominant, proven=False),
}


class _Ballots(NamedTuple):
    """What counts: n rows, the ones of each student in order of time."""

    student: Ints
    """(n,) 0, 1, ..."""
    moment: Ints
    """(n,) the place of its frame among all sampled ones."""
    votes: Votes
    grade: Array
    """(n,) how much a row proves, 0 to 1."""


def judge(
    frame_times: npt.NDArray[np.float64],
    face_time: npt.NDArray[np.float64],
    student: Ints,
    emotions: npt.NDArray[np.floating],
    quality: npt.NDArray[np.floating],
    scorable: npt.NDArray[np.bool_],
    *,
    settings: Settings,
    duration: float,
    signals: Signals | None = None,
    parts: Spans | None = None,
) -> tuple[Columns, Columns]:
    """Judge a session of `duration` seconds: the columns of its student windows and of its class windows.

    `frame_times` (m,) are the times of all sampled frames, ascending, also of those without a face; the other
    arrays have one row a face, in order of time: the time of its frame, its student (-1: none), emotion scores
    (n, 7), quality and whether it is scorable. A face whose emotions are NaN is not scorable. Times in seconds.
    The strategy `attention` asks for the `signals` of the students' faces, and for nothing of their emotions.

    Window k is [k*w, (k+1)*w), the last one ending with the session; with `parts` these are judged instead, and
    window k is the k-th of them. Every student of the session has a row in every window, ordered by window, then
    student; docs/verdicts.md says what each column means.
    """
    spans = windows_of(frame_times, settings.window, duration) if parts is None else parts
    known = student >= 0
    names, index = np.unique(student[known], return_inverse=True)
    windows, students = len(spans), len(names)
    cells = windows * students
    frame_window = spans.of(frame_times)
    frames = np.bincount(frame_window[frame_window >= 0], minlength=windows)
    proven = settings.strategy not in STRATEGIES or STRATEGIES[settings.strategy].proven

    if settings.strategy == "attention":
        if signals is None:
            raise ValueError("the strategy attention judges signals; none were given")
        ballots = _attention(signals)
    else:
        counted = scorable[known] & np.isfinite(emotions[known]).all(axis=1)
        rows = np.flatnonzero(known)[counted]  # one copy of an hour's scores, not one for each mask
        moment = np.searchsorted(frame_times, face_time[rows])
        ballots = _expressions(emotions[rows], quality[rows], index[counted], moment, settings)
    window = frame_window[ballots.moment]
    ballots, window = _within(ballots, window)
    cell = window * students + ballots.student
    # A frame counts once for a student, whatever the number of faces that were taken for the student in it.
    shown = np.zeros(len(frame_times) * students, np.bool_)
    shown[ballots.moment * students + ballots.student] = True
    seen = np.flatnonzero(shown)
    frame_cell = frame_window[seen // max(students, 1)] * students + seen % max(students, 1)
    face_window = spans.of(face_time[known])
    inside = face_window >= 0
    faces = np.bincount(face_window[inside] * students + index[inside], minlength=cells)

    votes = ballots.votes
    positive = _added(votes.positive, cell, cells)
    negative = _added(votes.negative, cell, cells)
    neutral = np.bincount(cell, votes.neutral, cells)
    number = np.bincount(cell, minlength=cells)
    covered = np.bincount(frame_cell, minlength=cells)
    sampled = np.repeat(frames, students)
    coverage = covered / np.maximum(sampled, 1)
    total = positive + negative + neutral
    balance = np.where(number > 0, _ratio(positive - negative, total), np.nan)
    influence = _influence(votes, cell, balance, total, number)
    margin = margins(influence, cell, ballots.student, ballots.grade, cells)
    enough = (number > 0) & (faces > 0) & (number >= settings.min_faces) & (coverage >= settings.min_coverage)
    prevails = neutral > np.maximum(positive, negative)
    verdict = _verdicts(balance, margin, enough, prevails, settings.band, proven)
    # In faces, so that what is left of the scorable ones is neutral; the plain strategies' votes are so already.
    unit = _ratio(number, total) if proven else np.ones(cells)
    positive, negative = positive * unit, negative * unit

    student_windows = {
        "window": np.repeat(np.arange(windows), students),
        "start": np.repeat(spans.start, students),
        "stop": np.repeat(spans.stop, students),
        "student": np.tile(names, windows),
        "verdict": np.array(VERDICTS)[verdict],
        "balance": balance,
        "margin": margin,
        "coverage": coverage,
        "frames": sampled,
        "faces": faces,
        "scorable": number,
        "positive": positive,
        "negative": negative,
    }
    shape = (windows, students)
    class_windows = {
        "window": np.arange(windows),
        "start": spans.start,
        "stop": spans.stop,
        **_class(
            balance.reshape(shape),
            margin.reshape(shape),
            verdict.reshape(shape),
            neutral=_ratio(neutral, total).reshape(shape),
            present=faces.reshape(shape) > 0,
            proven=proven,
            settings=settings,
        ),
        "coverage": coverage.reshape(shape).sum(axis=1) / max(students, 1),
        "faces": faces.reshape(shape).sum(axis=1),
        "scorable": number.reshape(shape).sum(axis=1),
    }
    return student_windows, class_windows


def _expressions(
    emotions: npt.NDArray[np.floating],
    quality: npt.NDArray[np.floating],
    student: Ints,
    moment: Ints,
    settings: Settings,
) -> _Ballots:
    """What the scorable faces say, in order of time."""
    scores, grade = np.asarray(emotions, np.float64), np.asarray(quality, np.float64)
    if settings.baseline and settings.strategy == "weighted":
        scores = rested(scores, student)
    return _Ballots(student, moment, STRATEGIES[settings.strategy].votes(scores, grade), grade)


def _attention(signals: Signals) -> _Ballots:
    """What the frames say that show a student's face, and those in between that do not."""
    frames = Attentive.of(signals)
    votes = Votes(frames.positive[:, None], frames.negative[:, None], frames.neutral)
    return _Ballots(frames.student, frames.moment, votes, frames.grade)


def _within(ballots: _Ballots, window: Ints) -> tuple[_Ballots, Ints]:
    """Those that lie in any window, and their windows."""
    if (window >= 0).all():
        return ballots, window
    inside = window >= 0
    votes = Votes(*(column[inside] for column in ballots.votes))
    kept = _Ballots(ballots.student[inside], ballots.moment[inside], votes, ballots.grade[inside])
    return kept, window[inside]


def _added(votes: Array, cell: Ints, cells: int) -> Array:
    """Each column is summed on its own, in order of time: bit for bit what a loop over the faces gives."""
    total: Array = np.bincount(cell, votes[:, 0], cells).astype(np.float64)
    for column in votes.T[1:]:
        total = total + np.bincount(cell, column, cells)
    return total


def _ratio(part: npt.NDArray[Any], total: npt.NDArray[Any]) -> Array:
    """0 where the total is 0."""
    return np.where(total > 0, part / np.where(total > 0, total, 1), 0.0)


def _influence(votes: Votes, cell: Ints, balance: Array, total: Array, number: Ints) -> Array:
    """What each face would move its cell's balance by if it were alone; see `margins`."""
    positive, negative = votes.positive.sum(axis=1), votes.negative.sum(axis=1)
    residual = positive - negative - balance[cell] * (positive + negative + votes.neutral)
    mean = _ratio(total, number)[cell]
    return _ratio(residual, mean)


def _verdicts(balance: Array, margin: Array, enough: Bools, prevails: Bools, band: float, proven: bool) -> Ints:
    """Places in VERDICTS, by the rules of docs/verdicts.md; `prevails` says where neutral does."""
    neutral = np.abs(balance) <= band
    if proven:
        neutral = neutral | prevails
        enough = enough & (margin < np.where(neutral, WIDEST, np.abs(balance)))
    return np.select([~enough, neutral, balance > 0], [_INSUFFICIENT, 1, 0], 2)


def verdicts_of(columns: Mapping[str, Any], settings: Settings) -> Ints:
    """Places in VERDICTS (n,) of students' windows that were judged with other thresholds, and else the same.

    `columns` are those that `judge` made of them; the thresholds are band, min_faces and min_coverage.
    """
    balance, margin, coverage, number, faces, positive, negative = (
        np.asarray(columns[name])
        for name in ("balance", "margin", "coverage", "scorable", "faces", "positive", "negative")
    )
    proven = settings.strategy not in STRATEGIES or STRATEGIES[settings.strategy].proven
    enough = (number > 0) & (faces > 0) & (number >= settings.min_faces) & (coverage >= settings.min_coverage)
    prevails = number - positive - negative > np.maximum(positive, negative)
    return _verdicts(balance, margin, enough, prevails, settings.band, proven)


def _class(
    balance: Array,
    margin: Array,
    verdict: Ints,
    *,
    neutral: Array,
    present: Bools,
    proven: bool,
    settings: Settings,
) -> Columns:
    """The class's columns of (windows, students) arrays: every student with a verdict weighs the same."""

    from scipy.special import ndtri

    judged = verdict != _INSUFFICIENT
    number = judged.sum(axis=1)
    share = np.maximum(number, 1)
    mean: Array = np.where(judged, balance, 0).sum(axis=1) / share
    # What the judged students' own margins leave open, and what the students that are there but unjudged do.
    z = ndtri((1 + CONFIDENCE) / 2)
    own = np.where(judged, (margin / z) ** 2, 0).sum(axis=1) / share**2
    between = (np.where(judged, (balance - mean[:, None]) ** 2, 0).sum(axis=1) + _PRIOR) / share
    there = np.maximum(present.sum(axis=1), 1)
    unknown = (1 - number / there) * between / share
    half = np.minimum(z * np.sqrt(own + unknown), 2)
    some = number > 0
    enough = some & (number >= settings.min_coverage * there)
    calm = np.where(judged, neutral, 0).sum(axis=1) / share
    # The other two shares follow from neutral's and the balance, their difference.
    prevails = calm > (1 - calm + np.abs(mean)) / 2
    return {
        "verdict": np.array(VERDICTS)[_verdicts(mean, half, enough, prevails, settings.band, proven)],
        "balance": np.where(some, mean, np.nan),
        "margin": np.where(some, half, np.nan),
        "students": np.full(len(balance), balance.shape[1]),
        **{name.replace(" ", "_"): (verdict == place).sum(axis=1) for place, name in enumerate(VERDICTS)},
    }
