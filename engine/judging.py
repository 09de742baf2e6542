"""Pass 3: the scored faces of students to a verdict for every student and for the class in every window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from engine.faces import EMOTIONS, NEGATIVE, POSITIVE
from engine.settings import Settings

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]
#: Emotion scores (n, 7) and quality (n,) of scorable faces to their votes (n, 7): what each adds to each emotion.
Strategy = Callable[[Array, Array], Array]

VERDICTS = ("interested", "neutral", "not interested", "insufficient")
_INSUFFICIENT = VERDICTS.index("insufficient")

#: Probability with which `margin` is meant to reach the balance that more faces of the same kind would show.
CONFIDENCE = 0.9
#: Spread (variance) of the one face that is added to all that were seen: a few like faces prove little.
_PRIOR = 0.25
#: Window edges are met within this share of a window, since 3 * 0.1 is not 0.3 in floating point.
_EDGE = 1e-9


def plain_sum(emotions: Array, quality: Array) -> Array:  # noqa: ARG001
    """Every face counts for each emotion as its scores say."""
    return emotions


def dominant(emotions: Array, quality: Array) -> Array:  # noqa: ARG001
    """Every face counts once, for its strongest emotion: how long each emotion was on top."""
    votes: Array = np.eye(len(EMOTIONS))[emotions.argmax(axis=1)]
    return votes


def weighted(emotions: Array, quality: Array) -> Array:
    """Scores times quality times how sure the network was: 1 - entropy / log 7, which is 0 for a guess."""
    entropy = -(emotions * np.log(np.maximum(emotions, 1e-12))).sum(axis=1)
    weight = quality * (1 - entropy / np.log(len(EMOTIONS)))
    votes: Array = emotions * weight[:, None]
    return votes


STRATEGIES: Mapping[str, Strategy] = {"weighted": weighted, "sum": plain_sum, "dominant": dominant}


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
) -> tuple[Columns, Columns]:
    """Judge a session of `duration` seconds: the columns of its student windows and of its class windows.

    `frame_times` (m,) are the times of all sampled frames, ascending, also of those without a face; the other
    arrays have one row a face, in order of time: the time of its frame, its student (-1: none), emotion scores
    (n, 7), quality and whether it is scorable. A face whose emotions are NaN is not scorable. Times in seconds.

    Window k is [k*w, (k+1)*w), the last one ending with the session. Every student of the session has a row in
    every window, ordered by window, then student; docs/verdicts.md says what each column means.
    """
    window, frame_window, start, stop = _windows(frame_times, face_time, settings.window, duration)
    names, index = np.unique(student[student >= 0], return_inverse=True)
    windows, students = len(start), len(names)
    cells = windows * students
    frames = np.bincount(frame_window, minlength=windows)

    known = student >= 0
    cell = window[known] * students + index
    counted = scorable[known] & np.isfinite(emotions[known]).all(axis=1)
    face_cell = cell[counted]
    moment = np.searchsorted(frame_times, face_time[known][counted])
    # A frame counts once for a student, whatever the number of faces that were taken for the student in it.
    seen = np.unique(moment * students + index[counted]) if students else np.empty(0, np.int64)
    frame_cell = frame_window[seen // max(students, 1)] * students + seen % max(students, 1)

    votes = STRATEGIES[settings.strategy](
        emotions[known][counted].astype(np.float64), quality[known][counted].astype(np.float64)
    )
    # Each emotion is summed on its own, in order of time: bit for bit what a loop over the faces gives.
    totals = {name: np.bincount(face_cell, votes[:, i], cells) for i, name in enumerate(EMOTIONS)}
    positive = _added(totals, POSITIVE)
    negative = _added(totals, NEGATIVE)
    number = np.bincount(face_cell, minlength=cells)
    covered = np.bincount(frame_cell, minlength=cells)
    sampled = np.repeat(frames, students)
    coverage = covered / np.maximum(sampled, 1)
    balance = np.where(number > 0, _balance(positive, negative), np.nan)
    margin = _margin(votes, face_cell, index[counted], balance, positive + negative, number)
    enough = (number > 0) & (number >= settings.min_faces) & (coverage >= settings.min_coverage)
    verdict = _verdicts(balance, enough, settings.band)

    student_windows = {
        "window": np.repeat(np.arange(windows), students),
        "start": np.repeat(start, students),
        "stop": np.repeat(stop, students),
        "student": np.tile(names, windows),
        "verdict": np.array(VERDICTS)[verdict],
        "balance": balance,
        "margin": margin,
        "coverage": coverage,
        "frames": sampled,
        "faces": np.bincount(cell, minlength=cells),
        "scorable": number,
        "positive": positive,
        "negative": negative,
    }
    faces = student_windows["faces"]
    shape = (windows, students)
    class_windows = {
        "window": np.arange(windows),
        "start": start,
        "stop": stop,
        **_class(
            balance.reshape(shape),
            margin.reshape(shape),
            verdict.reshape(shape),
            present=faces.reshape(shape) > 0,
            settings=settings,
        ),
        "coverage": coverage.reshape(shape).sum(axis=1) / max(students, 1),
        "faces": faces.reshape(shape).sum(axis=1),
        "scorable": number.reshape(shape).sum(axis=1),
    }
    return student_windows, class_windows


def _windows(
    frame_times: Array, face_time: Array, length: float, duration: float
) -> tuple[Ints, Ints, Array, Array]:
    """The window of every face and of every frame, and where the windows start and stop."""
    window = np.floor(face_time / length + _EDGE).astype(np.int64)
    frame_window = np.floor(frame_times / length + _EDGE).astype(np.int64)
    # Containers misstate their duration; no frame is left out for it.
    count = max(int(np.ceil(duration / length - _EDGE)), int(frame_window.max(initial=-1)) + 1)
    start = np.arange(count, dtype=np.float64) * length
    end = max(duration, float(frame_times.max(initial=0)))
    stop = np.minimum(np.arange(1, count + 1) * length, end)
    return window, frame_window, start, stop


def _added(totals: Columns, names: tuple[str, ...]) -> Array:
    total: Array = totals[names[0]].astype(np.float64)
    for name in names[1:]:
        total = total + totals[name]
    return total


def _balance(positive: Array, negative: Array) -> Array:
    """(positive - negative) / (positive + negative); 0 where all was neutral."""
    total = positive + negative
    return np.where(total > 0, (positive - negative) / np.where(total > 0, total, 1), 0.0)


def _verdicts(balance: Array, enough: npt.NDArray[np.bool_], band: float) -> Ints:
    """Places in VERDICTS."""
    return np.select([~enough, balance > band, balance < -band], [_INSUFFICIENT, 0, 2], 1)


def _margin(votes: Array, cell: Ints, student: Ints, balance: Array, total: Array, number: Ints) -> Array:
    """Half-width of the confidence interval of each cell's balance; NaN where there is no face.

    The balance is a ratio of sums, so its spread is that of the faces' residuals (positive - negative) -
    balance * (positive + negative) (Cochran 1977, "Sampling techniques", section 6.4). Neighbouring faces of a
    student are alike: n of them count as n (1 - r) / (1 + r) independent ones, r being the lag-1 autocorrelation of
    the residuals (Bayley and Hammersley 1946, for a first-order process), pooled over the student's windows and
    corrected for its small-sample bias (Marriott and Pope 1954).
    """
    if not len(cell):
        return np.full(len(balance), np.nan)
    order = np.argsort(cell, kind="stable")
    cell, student = cell[order], student[order]
    positive = votes[order][:, [EMOTIONS.index(name) for name in POSITIVE]].sum(axis=1)
    negative = votes[order][:, [EMOTIONS.index(name) for name in NEGATIVE]].sum(axis=1)
    mean = total[cell] / number[cell]
    residual = (positive - negative - balance[cell] * (positive + negative)) / np.where(mean > 0, mean, 1)

    pair = cell[1:] == cell[:-1]
    who = student[1:][pair]
    students = int(student.max()) + 1
    pairs = np.maximum(np.bincount(who, minlength=students), 1)
    product = np.bincount(who, (residual[1:] * residual[:-1])[pair], students) / pairs
    faces = np.maximum(np.bincount(student, minlength=students), 1)
    power = np.bincount(student, residual**2, students) / faces
    runs = np.bincount(student[np.r_[True, ~pair]], minlength=students)
    r = product / np.where(power > 0, power, 1)
    r = np.clip(r + (1 + 3 * r) * np.maximum(runs, 1) / faces, 0, 0.99)

    cell_r = np.zeros(len(balance))
    cell_r[cell] = r[student]
    effective = np.maximum(number * (1 - cell_r) / (1 + cell_r), 1)
    spread = np.bincount(cell, residual**2, len(balance)) / np.maximum(number, 1)
    variance = (spread + _PRIOR / effective) / effective
    quantile = stdtrit(effective, (1 + CONFIDENCE) / 2)
    return np.where(number > 0, np.minimum(quantile * np.sqrt(variance), 2), np.nan)


def _class(
    balance: Array, margin: Array, verdict: Ints, *, present: npt.NDArray[np.bool_], settings: Settings
) -> Columns:
    """The class's columns of (windows, students) arrays: every student with a verdict weighs the same."""
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
    return {
        "verdict": np.array(VERDICTS)[_verdicts(mean, enough, settings.band)],
        "balance": np.where(some, mean, np.nan),
        "margin": np.where(some, half, np.nan),
        "students": np.full(len(balance), balance.shape[1]),
        **{name.replace(" ", "_"): (verdict == place).sum(axis=1) for place, name in enumerate(VERDICTS)},
    }
