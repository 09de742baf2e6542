"""Pass 3: what the faces of students show to a verdict for every student and for the class in every window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.settings import Settings
from engine.verdicts.categories.judging import named, prevailing_classes
from engine.verdicts.evidence import Array, Bools, Evidence, EvidenceTerms, Ints, Observations
from engine.verdicts.majorities import majorities, prevailing
from engine.verdicts.mixture import shares_of
from engine.verdicts.reasons import class_reasons, count_conditions, count_flaws, measurable, student_reasons
from engine.verdicts.scale import (
    CLASS_VERDICTS,
    COUNTS,
    INSUFFICIENT,
    INTERESTED,
    NEUTRAL,
    NOT_INTERESTED,
    PROBABILITIES,
    VERDICTS,
)
from engine.verdicts.strategies import STRATEGIES, open_strategy
from engine.verdicts.uncertainty import CONFIDENCE, margins
from engine.verdicts.windows import Windows

Columns = dict[str, npt.NDArray[Any]]

#: With a balance that may be this far off, neutral is no finding: the interval is half as wide as the scale.
WIDEST = 0.5
#: Variance of the balance of one prior pseudo-student beside those that have a verdict.
_PRIOR_VARIANCE = 0.25
#: No balance is further off: the scale has a length of 2.
_LARGEST_MARGIN = 2.0


def judge(evidence: Evidence, settings: Settings, windows: Windows | None = None) -> tuple[Columns, Columns]:
    """Judge a session by the strategy of the settings: the columns of its student windows and its class windows.

    Without `windows` these are [k*w, (k+1)*w), the last one ending with the session. Every student of the session
    has a row in every window, ordered by window, then student; docs/verdicts.md says what each column means.
    Raises UsageError for a strategy that cannot be opened, ValueError for observations that no strategy may make.
    """
    strategy = open_strategy(settings)
    if windows is None:
        windows = evidence.windows(settings.window)
    observations = strategy.observe(evidence, settings)
    _check(observations, evidence, settings.strategy)
    tally = _tally(observations, evidence, windows, settings.band)
    enough = _enough(tally.number, tally.faces, tally.coverage, settings)
    verdict = _verdicts_of(tally, enough, settings, strategy.proven)
    students, cues = len(evidence.students), evidence.cues
    oriented = np.zeros(len(verdict), np.int64) if cues is None else cues.oriented(windows, students)
    kind = measurable(tally.faces, enough, _enough(oriented, tally.faces, _ratio(oriented, tally.frames), settings))
    # In faces, so that what is left of the scorable ones is neutral; the plain strategies' terms are so already.
    unit = _ratio(tally.number, tally.total) if strategy.proven else np.ones(len(verdict))
    student_windows = {
        "window": np.repeat(np.arange(len(windows)), students),
        "start": np.repeat(windows.start, students),
        "stop": np.repeat(windows.stop, students),
        "student": np.tile(evidence.students, len(windows)),
        "verdict": np.array(VERDICTS)[verdict],
        "balance": tally.balance,
        "margin": tally.margin,
        "coverage": tally.coverage,
        "frames": tally.frames,
        "faces": tally.faces,
        "scorable": tally.number,
        "positive": tally.positive * unit,
        "negative": tally.negative * unit,
        **dict(zip(PROBABILITIES, tally.probability.T, strict=True)),
        "reason": student_reasons(
            verdict == INSUFFICIENT,
            tally.frames,
            tally.faces,
            enough,
            count_flaws(evidence, windows),
            count_conditions(evidence, windows),
            _enough(tally.faces, tally.faces, _ratio(tally.faces, tally.frames), settings),
        ),
        "measurable": kind,
    }
    class_windows = {
        "window": np.arange(len(windows)),
        "start": windows.start,
        "stop": windows.stop,
        **_class_columns(
            tally,
            verdict.reshape(len(windows), students),
            enough.reshape(len(windows), students),
            _sampled(evidence, windows),
            settings,
            strategy.proven,
        ),
        "attention_only": (kind == "attention_only").reshape(len(windows), students).sum(axis=1),
    }
    if strategy.reads == "scores" and not evidence.faces.classes.polar:
        found = prevailing_classes(observations, evidence, windows, settings.strategy)
        return named((student_windows, class_windows), found, enough, evidence, settings, strategy.proven)
    return student_windows, class_windows


def verdicts_of(columns: Mapping[str, Any], settings: Settings) -> Ints:
    """Places in VERDICTS (n,) of students' windows that were judged with other thresholds, and else the same.

    `columns` are those that `judge` made of them; the thresholds are band, min_faces, min_coverage and sure. Where
    windows have probabilities, the band is in them already, and another one changes nothing.
    """
    balance, margin, coverage, number, faces, positive, negative = (
        np.asarray(columns[name])
        for name in ("balance", "margin", "coverage", "scorable", "faces", "positive", "negative")
    )
    enough = _enough(number, faces, coverage, settings)
    prevails = number - positive - negative > np.maximum(positive, negative)
    if all(name in columns for name in PROBABILITIES):
        probability = np.stack([np.asarray(columns[name], np.float64) for name in PROBABILITIES], axis=-1)
        if np.isfinite(probability).any():
            return _sure(probability, enough, settings.sure)
    return _verdicts(balance, margin, enough, prevails, settings.band, STRATEGIES.load(settings.strategy).proven)


class _Tally(NamedTuple):
    """What the observations of every student and window (a group) add up to: (groups,) arrays, by window."""

    positive: Array
    """Summed terms, in the strategy's unit."""
    negative: Array
    neutral: Array
    number: Ints
    """Observations."""
    faces: Ints
    """Faces of the student, whether they count or not."""
    frames: Ints
    """Sampled frames of the window."""
    coverage: Array
    """Share of these with an observation."""
    balance: Array
    """NaN without an observation."""
    margin: Array
    total: Array
    """positive + negative + neutral."""
    probability: Array
    """(groups, 3) of the verdicts interested, neutral and not interested; NaN where the strategy has none."""


def _check(observations: Observations, evidence: Evidence, strategy: str) -> None:
    """Raise ValueError for rows that cannot be tallied: a strategy may come from another package."""
    student, frame_index, terms, weight = observations[:4]
    n = len(student)
    if any(len(column) != n for column in (frame_index, *terms, weight)):
        raise ValueError(f"strategy {strategy!r}: its columns have different lengths")
    for name, column, end in (
        ("student", student, len(evidence.students)),
        ("frame_index", frame_index, len(evidence.frame_times)),
    ):
        if n and not (column.min() >= 0 and column.max() < end):
            raise ValueError(f"strategy {strategy!r}: {name} is not in 0 to {end - 1} everywhere")
    loglik = observations.loglik
    if loglik is not None and loglik.shape != (n, 3):
        raise ValueError(f"strategy {strategy!r}: log-likelihoods have shape {loglik.shape}, expected {(n, 3)}")
    if not all(np.isfinite(column).all() for column in (*terms, weight, *([] if loglik is None else [loglik]))):
        raise ValueError(f"strategy {strategy!r}: terms and weights must be finite")


def _tally(observations: Observations, evidence: Evidence, windows: Windows, band: float) -> _Tally:
    """Sum what was observed by student and window."""
    students = len(evidence.students)
    groups = len(windows) * students
    frame_window = windows.of(evidence.frame_times)
    observations, window = _within(observations, frame_window[observations.frame_index])
    group = window * students + observations.student
    number = np.bincount(group, minlength=groups)
    summed = (
        _summed(observations, group, number)
        if observations.loglik is None
        else _mixed(observations, group, number, windows, band)
    )
    sampled = np.repeat(_sampled(evidence, windows), students)
    return _Tally(
        **summed,
        number=number,
        faces=_faces(evidence, windows),
        frames=sampled,
        coverage=_covered(observations, frame_window, students, groups) / np.maximum(sampled, 1),
    )


def _summed(observations: Observations, group: Ints, number: Ints) -> dict[str, Array]:
    """What the terms add up to."""
    groups, terms = len(number), observations.terms
    positive = _added(terms.positive, group, groups)
    negative = _added(terms.negative, group, groups)
    neutral = _added(terms.neutral[:, None], group, groups)
    total = positive + negative + neutral
    balance = np.where(number > 0, _ratio(positive - negative, total), np.nan)
    influence = _influence(terms, group, balance, total, number)
    return {
        "positive": positive,
        "negative": negative,
        "neutral": neutral,
        "balance": balance,
        "margin": margins(influence, group, observations.student, observations.weight, groups),
        "total": total,
        "probability": np.full((groups, 3), np.nan),
    }


def _mixed(
    observations: Observations, group: Ints, number: Ints, windows: Windows, band: float
) -> dict[str, Array]:
    """What the log-likelihoods say of each mood's share of time, or the moods over time that follow from them."""
    if observations.moods is not None:
        shares = observations.moods.shares_of(windows, band)
    else:
        assert observations.loglik is not None
        order = np.argsort(group, kind="stable")
        shares = shares_of(observations.loglik[order], group[order], observations.student[order], len(number), band)
    positive, neutral, negative = np.nan_to_num(shares.mean).T * number
    return {
        "positive": positive,
        "negative": negative,
        "neutral": neutral,
        "balance": shares.mean[:, 0] - shares.mean[:, 2],
        "margin": np.minimum(shares.margin, _LARGEST_MARGIN),
        "total": positive + neutral + negative,
        "probability": shares.probability,
    }


def _within(observations: Observations, window: Ints) -> tuple[Observations, Ints]:
    """The observations inside any window, and their windows."""
    if (window >= 0).all():
        return observations, window
    inside = window >= 0
    kept: dict[str, Any] = {
        name: None if column is None else column[inside]
        for name, column in observations._asdict().items()
        if name not in ("terms", "moods")
    }
    terms = EvidenceTerms(*(column[inside] for column in observations.terms))
    return observations._replace(terms=terms, **kept), window[inside]


def _faces(evidence: Evidence, windows: Windows) -> Ints:
    """(groups,) faces of each student in each window."""
    students = len(evidence.students)
    window = windows.of(evidence.faces.time[evidence.assigned])
    inside = window >= 0
    group = window[inside] * students + evidence.student[inside]
    return np.bincount(group, minlength=len(windows) * students)


def _sampled(evidence: Evidence, windows: Windows) -> Ints:
    """(windows,) frames of each."""
    window = windows.of(evidence.frame_times)
    return np.bincount(window[window >= 0], minlength=len(windows))


def _covered(observations: Observations, frame_window: Ints, students: int, groups: int) -> Ints:
    """(groups,) sampled frames with an observation. One counts once, whatever number of faces is the student's."""
    observed = np.zeros(len(frame_window) * students, np.bool_)
    observed[observations.frame_index * students + observations.student] = True
    places = np.flatnonzero(observed)
    group = frame_window[places // max(students, 1)] * students + places % max(students, 1)
    return np.bincount(group, minlength=groups)


def _added(terms: Array, group: Ints, groups: int) -> Array:
    """Each column is summed on its own, in order of time: bit for bit what a loop over the faces gives."""
    total = np.zeros(groups)
    for column in terms.T:
        total = total + np.bincount(group, column, groups)
    return total


def _ratio(part: npt.NDArray[Any], total: npt.NDArray[Any]) -> Array:
    """0 where the total is 0."""
    return np.where(total > 0, part / np.where(total > 0, total, 1), 0.0)


def _influence(terms: EvidenceTerms, group: Ints, balance: Array, total: Array, number: Ints) -> Array:
    """What each row would move its group's balance by if it were alone; see `margins`."""
    positive, negative = terms.positive.sum(axis=1), terms.negative.sum(axis=1)
    residual = positive - negative - balance[group] * (positive + negative + terms.neutral)
    mean = _ratio(total, number)[group]
    return _ratio(residual, mean)


def _enough(number: Ints, faces: Ints, coverage: Array, settings: Settings) -> Bools:
    """Whether there is evidence, and as much as the thresholds require."""
    sufficient = (number >= settings.min_faces) & (coverage >= settings.min_coverage)
    return (number > 0) & (faces > 0) & sufficient


def _verdicts_of(tally: _Tally, enough: Bools, settings: Settings, proven: bool) -> Ints:
    """Places in VERDICTS of the groups."""
    if np.isfinite(tally.probability).any():
        return _sure(tally.probability, enough, settings.sure)
    prevails = tally.neutral > np.maximum(tally.positive, tally.negative)
    return _verdicts(tally.balance, tally.margin, enough, prevails, settings.band, proven)


def _sure(probability: Array, enough: Bools, sure: float) -> Ints:
    """Places in VERDICTS: the most probable of the three (n, 3), where its probability reaches `sure`."""
    known = np.nan_to_num(probability)
    return np.where(enough & (known.max(axis=1) >= sure), known.argmax(axis=1), INSUFFICIENT)


def _verdicts(balance: Array, margin: Array, enough: Bools, prevails: Bools, band: float, proven: bool) -> Ints:
    """Places in VERDICTS, by the rules of docs/verdicts.md; `prevails` says where neutral does."""
    neutral = np.abs(balance) <= band
    if proven:
        neutral = neutral | prevails
        enough = enough & (margin < np.where(neutral, WIDEST, np.abs(balance)))
    return np.select([~enough, neutral, balance > 0], [INSUFFICIENT, NEUTRAL, INTERESTED], NOT_INTERESTED)


def _class_columns(
    tally: _Tally, verdict: Ints, measured: Bools, frames: Ints, settings: Settings, proven: bool
) -> Columns:
    """The class's columns, from places in VERDICTS (windows, students): every student weighs the same.

    With the students' probabilities all count who are `measured` (windows, students), else those with a verdict.
    """
    shape = verdict.shape
    in_view = tally.faces.reshape(shape) > 0
    present = in_view.sum(axis=1)
    probability = tally.probability.reshape(*shape, len(PROBABILITIES))
    by_probability = bool(np.isfinite(probability).any())
    counted = measured if by_probability else verdict != INSUFFICIENT
    number = counted.sum(axis=1)
    balance, margin = (np.where(counted, each.reshape(shape), 0) for each in (tally.balance, tally.margin))
    mean: Array = balance.sum(axis=1) / np.maximum(number, 1)
    deviation = np.where(counted, balance - mean[:, None], 0)
    half_width = _class_margin(deviation, margin, number, np.maximum(present, 1))
    most = np.full((shape[0], len(PROBABILITIES)), np.nan)
    if by_probability:
        most = majorities(probability, measured, present)
        enough = (number >= present / 2) & (number >= min(settings.min_students, shape[1])) & (number > 0)
        found = prevailing(most, enough, settings.sure)
    else:
        enough = (number > 0) & (number >= settings.min_coverage * np.maximum(present, 1))
        neutral = np.where(counted, _ratio(tally.neutral, tally.total).reshape(shape), 0)
        neutral_share = neutral.sum(axis=1) / np.maximum(number, 1)
        # The other two shares follow from neutral's and the balance, their difference.
        prevails = neutral_share > (1 - neutral_share + np.abs(mean)) / 2
        found = _verdicts(mean, half_width, enough, prevails, settings.band, proven)
    some = number > 0
    return {
        "verdict": np.array(CLASS_VERDICTS)[found],
        "balance": np.where(some, mean, np.nan),
        "margin": np.where(some, half_width, np.nan),
        "students": np.full(shape[0], shape[1]),
        **{name: (verdict == place).sum(axis=1) for place, name in enumerate(COUNTS)},
        "coverage": np.where(in_view, tally.coverage.reshape(shape), 0).sum(axis=1) / np.maximum(present, 1),
        "faces": tally.faces.reshape(shape).sum(axis=1),
        "scorable": tally.number.reshape(shape).sum(axis=1),
        **dict(zip(PROBABILITIES, most.T, strict=True)),
        "reason": class_reasons(found == INSUFFICIENT, frames, present, enough),
        "present": present,
        "measured": measured.sum(axis=1),
    }


def _class_margin(deviation: Array, margin: Array, judged: Ints, present: Ints) -> Array:
    """(windows,) half-width of the 90 % confidence interval of the mean balance of all that are present.

    `deviation` from that mean and `margin` (windows, students) are 0 for students without a verdict; `judged` of
    the `present` ones (windows,) have one. Two things are open: the judged students' own balances, and what the
    balances of the others would have been, of which the judged ones are a sample (Cochran 1977, "Sampling
    techniques", section 2.6: with the finite population correction).
    """
    from scipy.special import ndtri  # costs a tenth of a second, and only here

    share = np.maximum(judged, 1)
    z = ndtri((1 + CONFIDENCE) / 2)
    within = ((margin / z) ** 2).sum(axis=1) / share**2
    between = ((deviation**2).sum(axis=1) + _PRIOR_VARIANCE) / share
    unjudged = (1 - judged / present) * between / share
    half_width: Array = np.minimum(z * np.sqrt(within + unjudged), _LARGEST_MARGIN)
    return half_width
