"""The strategy `temporal`: the moods of each student as a hidden Markov chain that the session itself teaches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.settings import Settings
from engine.verdicts.dependence import effective_numbers
from engine.verdicts.evidence import Array, Evidence, Ints, Observations
from engine.verdicts.mixture import Shares, shares_of, verdict_probabilities
from engine.verdicts.strategies import WEIGHTED
from engine.verdicts.temporal.chain import MOODS, Chain, drawn, fit_chain, smoothed
from engine.verdicts.windows import Windows

#: The shortest step, s; the steps of a longer session than so many are longer.
_STEP, _MOST_STEPS = 1.0, 20_000
#: Length of what neighbouring faces are compared in, s: as that of a window.
_ALIKE = 10.0
#: Of what a step shows, the share that may be another mood's face: talking, a glance at the board.
_OTHER = 0.02
#: The least share of a mood of a face that another scorer is sure of.
_FLOOR = 0.01
#: Moods that are drawn for each step, for how probable a window's verdict is.
_DRAWS = 200
#: Exponent of these probabilities, which makes them as right as they say: chosen on drawn lessons
#: (benchmarks/temporal.py).
_TEMPER = 0.55
#: Standard deviations of a margin of 90 %, and the variance of a balance that no number of faces takes away.
_QUANTILE, _MISFIT = 1.6449, 0.05**2


class Temporal:
    """As `weighted`, but faces are read in their order: what lasts is believed, and what flickers is not."""

    proven = True
    reads: Literal["scores", "cues"] = "scores"

    def observe(self, evidence: Evidence, settings: Settings) -> Observations:
        """A row for each scorable face, and the chain of the moods behind them.

        Classes without polarity have no moods: they are judged as by `weighted`.
        """
        seen = WEIGHTED.observe(evidence, settings)
        if not evidence.faces.classes.polar or not len(seen.student):
            return seen
        if seen.loglik is None:
            terms = np.stack(
                [seen.terms.positive.sum(axis=1), seen.terms.neutral, seen.terms.negative.sum(axis=1)], axis=1
            )
            share = terms / np.maximum(seen.weight, 1e-9)[:, None]
            seen = seen._replace(loglik=np.log(share + _FLOOR) * seen.weight[:, None])
        return seen._replace(moods=Moods(seen, evidence, len(evidence.students)))


@dataclass(frozen=True, eq=False)
class Moods:
    """The moods of a session's students in steps of time."""

    seen: Observations
    evidence: Evidence
    students: int

    @cached_property
    def step(self) -> float:
        """s."""
        return max(_STEP, self._end / _MOST_STEPS)

    @property
    def _end(self) -> float:
        return max(float(self.evidence.duration), float(self.evidence.frame_times.max(initial=0)) + 1e-6)

    @cached_property
    def loglik(self) -> Array:
        """(steps, s, 3) of each step's faces together, each as far as it does not repeat its neighbours."""
        assert self.seen.loglik is not None
        steps = int(self._end / self.step) + 1
        time = self.evidence.frame_times[self.seen.frame_index]
        step = (time / self.step).astype(np.int64)
        likelihood = np.exp(self.seen.loglik - self.seen.loglik.max(axis=1, keepdims=True))
        likelihood /= likelihood.sum(axis=1, keepdims=True)
        worth = _worth(likelihood, time, self.seen.student, self.students)[self.seen.student]
        place = step * self.students + self.seen.student
        logs = [np.bincount(place, column * worth, steps * self.students) for column in np.log(likelihood + 1e-6).T]
        summed = np.stack(logs, axis=1).reshape(steps, self.students, MOODS)
        step_likelihood = np.exp(summed - summed.max(axis=2, keepdims=True))
        step_likelihood /= step_likelihood.sum(axis=2, keepdims=True)
        result: Array = np.log((1 - _OTHER) * step_likelihood + _OTHER / MOODS)
        return result

    @cached_property
    def chain(self) -> Chain:
        """Estimated in the session itself."""
        return fit_chain(self.loglik, (np.ptp(self.loglik, axis=2) > 0))

    @cached_property
    def _passes(self) -> tuple[Array, Array]:
        return smoothed(self.chain, self.loglik)

    @property
    def probability(self) -> Array:
        """(steps, s, 3) of positive, neutral and negative, given the whole session."""
        return self._passes[0]

    @property
    def filtered(self) -> Array:
        """(steps, s, 3) of the three, given no face after the step."""
        return self._passes[1]

    @property
    def dwell(self) -> Array:
        """(s,) how long a student's mood lasts on the average, s: the time constant that the session shows."""
        leave = 1 - np.diagonal(self.chain.transition, axis1=1, axis2=2)
        often = self.probability.mean(axis=0)
        result: Array = self.step / np.maximum((often * leave).sum(axis=1), self.step / self._end)
        return result

    def shares_of(self, windows: Windows, band: float) -> Shares:
        """What the moods of each student's windows are, by window: see `engine.verdicts.mixture.Shares`.

        Where a student's moods do not outlast the windows, the order of faces tells nothing that a window's own
        faces do not, and each is judged by them alone, as by `weighted`; where they last twice as long or more, by
        the chain; in between by both. Of the chain the shares of time are exact expectations; how probable a
        verdict is, is counted in moods that are drawn.
        """
        alone = self._alone(windows, band)
        length = np.maximum(windows.stop - windows.start, 1e-6)
        trust = np.clip(self.dwell[None] / length[:, None] - 1, 0, 1).reshape(-1, 1)
        shares = self._chained(windows, band) if trust.any() else alone
        mean, margin, probability = (
            np.where(np.isfinite(old), (1 - trust) * np.nan_to_num(old) + trust * new, new)
            for old, new in (
                (alone.mean, shares.mean),
                (alone.margin[:, None], shares.margin[:, None]),
                (alone.probability, shares.probability),
            )
        )
        known = (np.nan_to_num(probability) * _DRAWS + 0.5) ** _TEMPER
        known = np.where(np.isfinite(probability), known / known.sum(axis=1, keepdims=True), np.nan)
        return Shares(mean, margin[:, 0], known, alone.worth)

    def _chained(self, windows: Windows, band: float) -> Shares:
        """Each window by the chain."""
        moods = drawn(self.chain, self.filtered, _DRAWS)
        edges = np.stack([windows.start, windows.stop]) / self.step
        mean = np.stack([_between(self.probability[:, :, mood], edges) for mood in range(MOODS)], axis=-1)
        positive, neutral, negative = (_between(moods == mood, edges).reshape(-1, _DRAWS) for mood in range(MOODS))
        even = np.full(positive.shape, 1 / _DRAWS)
        probability = verdict_probabilities(even, positive, neutral, negative, band)
        margin = _QUANTILE * np.sqrt((positive - negative).var(axis=1) + _MISFIT)
        return Shares(mean.reshape(-1, MOODS), margin, probability, np.ones(len(margin)))

    def _alone(self, windows: Windows, band: float) -> Shares:
        """Each window by its own faces."""
        assert self.seen.loglik is not None
        window = windows.of(self.evidence.frame_times)[self.seen.frame_index]
        inside = np.flatnonzero(window >= 0)
        group = window[inside] * self.students + self.seen.student[inside]
        order = np.argsort(group, kind="stable")
        rows = inside[order]
        groups = len(windows) * self.students
        return shares_of(self.seen.loglik[rows], group[order], self.seen.student[rows], groups, band)


def _worth(likelihood: Array, time: Array, student: Ints, students: int) -> Array:
    """(s,) how many independent faces each face of a student is worth, 0 to 1."""
    order = np.lexsort((time, student))
    span = (time / _ALIKE).astype(np.int64)
    spans = int(span.max(initial=0)) + 1
    group = student * spans + span
    worth = effective_numbers(likelihood[order], group[order], student[order], students * spans)
    of = np.arange(students * spans) // spans
    faces = np.bincount(student, minlength=students)
    total = np.bincount(of, worth, students)
    result: Array = np.clip(total / np.maximum(faces, 1), 0, 1)
    return result


def _between(steps: npt.NDArray[Any], edges: Array) -> npt.NDArray[Any]:
    """(windows, s, ...) the mean of what each step has (steps, s, ...), between `edges` (2, windows), in steps."""
    edges = np.clip(edges, 0, len(steps))
    before = np.minimum(edges.astype(np.int64), len(steps) - 1)
    places = np.unique(np.append(before, 0))
    exact = np.float32 if steps.dtype == np.bool_ else np.float64  # of thousands of moods, whole numbers
    sums = np.add.reduceat(steps, places, axis=0, dtype=exact)
    until = np.cumsum(sums, axis=0) - sums
    part = (edges - before).astype(exact).reshape(*edges.shape, *[1] * (steps.ndim - 1))
    at = until[np.searchsorted(places, before)] + part * steps[before]
    length = np.maximum(edges[1] - edges[0], 1e-9).reshape(-1, *[1] * (steps.ndim - 1)).astype(exact)
    result: npt.NDArray[Any] = (at[1] - at[0]) / length
    return result


TEMPORAL = Temporal()
