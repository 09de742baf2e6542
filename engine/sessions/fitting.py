"""Thresholds that agree best with people's codes, and cross-validation of them over students."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.errors import UsageError
from engine.sessions.coding import CODES, Codes
from engine.sessions.validation import judge_units, plain_kappa, tables, unjudged, weighted_kappa
from engine.settings import JUDGED_BY, Settings
from engine.verdicts import agreement
from engine.verdicts.agreement import Array, Estimate
from engine.verdicts.evidence import Evidence
from engine.verdicts.judging import verdicts_of

#: The values that are tested beside the present settings.
CANDIDATES = {
    "band": tuple(np.arange(26) / 50),
    "min_faces": (3, 5, 8, 12, 20, 30),
    "min_coverage": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
}
#: The students are dealt into so many folds, and no fewer may be coded.
FOLDS = 5
#: No verdict is as far from any code as neutral is from interested: better than the wrong side, worse than right.
_DISTANCE = np.column_stack([agreement.linear(len(CODES)), np.full(len(CODES), 0.5)])

AS_IS = "as they are"
IN_SAMPLE = "fitted, same students"
OUT_OF_SAMPLE = "fitted, held-out students"
GAIN = "gain, held-out students"


@dataclass(frozen=True, eq=False)
class Fit:
    """Fitted thresholds, and how they generalise."""

    settings: Settings
    figures: pd.DataFrame
    """A row for each figure: `settings` (which), `measure`, `value`, `low`, `high`, `intervals`, `students`."""
    gain: Estimate
    """Of the score on students that the thresholds were not chosen on, over the settings as they were."""
    intervals: int
    students: int
    coders: int

    def value(self, settings: str, measure: str) -> float:
        """One of the figures."""
        rows = self.figures[(self.figures["settings"] == settings) & (self.figures["measure"] == measure)]
        return float(rows["value"].iloc[0])

    @property
    def better(self) -> bool:
        """Whether the fit is shown to be better on students that it was not made on, and better than chance."""
        held_out = self.figures[(self.figures["settings"] == OUT_OF_SAMPLE) & (self.figures["measure"] == "score")]
        return bool(self.gain.low > 0 and held_out["low"].iloc[0] > 0)

    def summary(self) -> str:
        """One line: the gain on held-out students, those on which the thresholds were not fitted."""
        value, low, high = self.gain
        change = (
            f"cross-validation on held-out students: the score changes by {value:+.2f} ({low:+.2f} to {high:+.2f})"
        )
        if self.better:
            return f"{change}, an improvement"
        reason = "the agreement is no better than chance" if low > 0 else "that may be due to chance"
        return f"{change}, {reason}: no improvement is shown; code more intervals, or keep the present settings"

    def judged_by(self) -> dict[str, object]:
        """The settings of a profile, by name."""
        return {name: getattr(self.settings, name) for name in JUDGED_BY}


def score(table: Array) -> Array:
    """Weighted kappa of tables (..., 3, 4) in which no verdict is a step off, so that silence does not pay."""
    return agreement.kappa(table, _DISTANCE)


def fit(codes: Codes, evidence: Evidence, settings: Settings, seed: int = 0) -> Fit:
    """The thresholds with the best score against the coders' majority, starting from `settings`.

    Among those with the same score the nearest to `settings` are taken. The window becomes as long as the coded
    intervals are, since thresholds are of a window of that length. For cross-validation the students are
    dealt into FOLDS folds, and each is judged by the thresholds that are best for the others. Raises UsageError for
    codes of fewer students.
    """
    if codes.kinds != CODES:
        raise UsageError(
            f"thresholds are of a balance, and the classes {', '.join(codes.kinds)} have no polarity; omit --fit"
        )
    units = codes.units()
    units = units[units["majority"] >= 0].reset_index(drop=True)
    names, student = np.unique(units["student"], return_inverse=True)
    if len(names) < FOLDS:
        raise UsageError(f"codes of {len(names)} students are too few for a fit; code {FOLDS} students or more")
    window = float(np.clip(np.median(units["stop"] - units["start"]), 0.1, 86_400))
    settings = dataclasses.replace(settings, window=round(window, 3))
    tested = candidates(settings)
    windows = {str(name): values.to_numpy() for name, values in judge_units(evidence, settings, units).items()}
    human = units["majority"].to_numpy(np.int64)
    counts = np.stack(
        [tables(human, verdicts_of(windows, candidate), student.astype(np.int64)) for candidate in tested]
    )

    best = _best(counts.sum(axis=1))
    fold = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    held_out = np.empty_like(counts[0])
    for place in range(FOLDS):
        in_fold = fold == place
        held_out[in_fold] = counts[_best(counts[:, ~in_fold].sum(axis=1)), in_fold]
    size = len(units), len(names)
    rows = [
        (name, measure, *agreement.estimate(of, table), *size)
        for name, table in {AS_IS: counts[0], IN_SAMPLE: counts[best], OUT_OF_SAMPLE: held_out}.items()
        for measure, of in _MEASURES.items()
    ]
    gain = agreement.estimate(_gain, np.stack([held_out, counts[0]], axis=1))
    rows.append((GAIN, "score", *gain, *size))
    columns = ["settings", "measure", "value", "low", "high", "intervals", "students"]
    return Fit(tested[best], pd.DataFrame(rows, columns=columns), gain, *size, len(codes.coders))


def candidates(settings: Settings) -> list[Settings]:
    """The settings that are tested, the nearest to `settings` first; the first is `settings`."""
    ways = {name: sorted({*values, getattr(settings, name)}) for name, values in CANDIDATES.items()}
    at = [values.index(getattr(settings, name)) for name, values in ways.items()]
    # A step of the band is worth less than one of the others, of which there are fewer.
    step = [1 / len(values) for values in ways.values()]
    places = sorted(
        itertools.product(*(range(len(values)) for values in ways.values())),
        key=lambda place: sum(abs(p - a) * s for p, a, s in zip(place, at, step, strict=True)),
    )
    return [
        dataclasses.replace(settings, **{name: ways[name][p] for name, p in zip(ways, place, strict=True)})
        for place in places
    ]


def _gain(pair: Array) -> Array:
    """The first table's score over the second's, of (..., 2, 3, 4)."""
    return score(pair[..., 0, :, :]) - score(pair[..., 1, :, :])


_MEASURES = {"score": score, "kappa": plain_kappa, "weighted kappa": weighted_kappa, "no verdict": unjudged}


def _best(counts: Array) -> int:
    """The first candidate with the best score, of tables (c, 3, 4); equal but for rounding is equal."""
    scores = score(counts).round(9)
    return int(np.argmax(np.where(np.isfinite(scores), scores, -np.inf)))
