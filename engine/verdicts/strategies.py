"""Strategies, the ways from what faces show to a balance: the protocol, the registry, three that read scores."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from engine.errors import UsageError
from engine.faces import FER, Classes
from engine.registry import Registry
from engine.settings import Settings
from engine.verdicts.calibration import subtract_baseline, subtract_baseline_from, valence_shares
from engine.verdicts.evidence import Array, Evidence, EvidenceTerms, Observations


class Strategy(Protocol):
    """A way from what the faces of a session show to the balance of every student in every window.

    To add one, write a class with these three members and register an instance of it as an entry point of the group
    `classpulse.strategies`; its name is the entry point's. docs/extending.md has a complete one.

    From the observations, judging sums the terms of each student and window: the balance is (positive - negative) /
    (positive + negative + neutral), its margin follows from how alike neighbouring rows are, and docs/verdicts.md
    has the rules by which both make a verdict. A strategy therefore decides neither about windows nor thresholds.
    Where the session's classes have no polarity, judging sums its `shares` instead, and the class that prevails is
    the verdict.
    """

    proven: bool
    """Whether a verdict has to be proven: neutral where neutral prevails, insufficient where the balance may be
    chance. Then the three terms of a row should add up to the same for any valence, so that neutral counts."""
    reads: Literal["scores", "cues"]
    """What it needs: the `scores` of the session's classes, or behavioural `cues`, which are there without them."""

    def observe(self, evidence: Evidence, settings: Settings) -> Observations:
        """What counts, a row each; those of one student in order of time.

        One that reads scores starts from `evidence.scorable_faces()`: scores (n, k) beside the `classes`, each with
        a polarity, which it must go by, since names and number of classes differ between scorers (2 to 12). One
        that reads cues starts from `evidence.cues`. It must not change what it is given, and the same evidence and
        settings must give the same rows.
        """
        ...


#: What is registered is a Strategy, ready to be used.
STRATEGIES: Registry[Strategy] = Registry(
    "strategy",
    "classpulse.strategies",
    {
        "weighted": "engine.verdicts.strategies:WEIGHTED",
        "sum": "engine.verdicts.strategies:SUM",
        "dominant": "engine.verdicts.strategies:DOMINANT",
        "attention": "engine.verdicts.attention:ATTENTION",
        "temporal": "engine.verdicts.temporal.strategy:TEMPORAL",
    },
)


def open_strategy(settings: Settings) -> Strategy:
    """The strategy that `settings` names.

    Raises UsageError for an unknown name, and for a strategy that reads scores where faces are not scored.
    """
    strategy = STRATEGIES.load(settings.strategy)
    if strategy.reads == "scores" and not settings.expression:
        raise UsageError(
            f"strategy is {settings.strategy!r}; it must be {' or '.join(filter(reads_cues, STRATEGIES.names()))}, "
            "since faces are not scored for emotions here (no-expression)"
        )
    return strategy


def reads_cues(name: str) -> bool:
    """Whether the strategy of that name judges by behavioural cues; False for one that is no longer installed."""
    try:
        return STRATEGIES.load(name).reads == "cues"
    except UsageError:
        return False


class Weighted:
    """A window is a mixture of the three moods, estimated from how likely its faces are in each of them.

    Where nothing says how likely a face is (another scorer's faces, those of older versions), every face counts by
    its quality, shared out between the three valences.

    FER's scores go through the calibration, after the student's neutral-expression baseline is subtracted
    (`settings.baseline`). Other classes are summed by polarity as they are: there is no calibration for them, and
    no baseline. What a face scores for an `ignored` class is evidence for nothing.
    """

    proven = True
    reads: Literal["scores", "cues"] = "scores"

    def observe(self, evidence: Evidence, settings: Settings) -> Observations:
        """A row for each scorable face."""
        faces = evidence.scorable_faces()
        if faces.classes == FER and faces.loglik is not None:
            loglik = _log_likelihoods(faces.loglik, faces.scores)
            if settings.baseline:
                loglik = subtract_baseline_from(loglik, faces.student)
            none = np.zeros((len(loglik), 0))
            terms = EvidenceTerms(none, none, np.zeros(len(loglik)))
            return Observations(faces.student, faces.frame_index, terms, faces.weight, loglik)
        if faces.classes == FER:
            scores = subtract_baseline(faces.scores, faces.student) if settings.baseline else faces.scores
            shares = valence_shares(scores)
        else:
            shares = polarity_sums(faces.scores, faces.classes)
        shares = shares * faces.weight[:, None]
        terms = EvidenceTerms(shares[:, :1], shares[:, 2:], shares[:, 1])
        of_classes = faces.scores * faces.weight[:, None]
        return Observations(faces.student, faces.frame_index, terms, faces.weight, shares=of_classes)


class Sum:
    """Every face counts for each class as its score says; neutral and ignored classes are left out."""

    proven = False
    reads: Literal["scores", "cues"] = "scores"

    def observe(self, evidence: Evidence, settings: Settings) -> Observations:  # noqa: ARG002
        """A row for each scorable face."""
        faces = evidence.scorable_faces()
        terms = _polar_terms(faces.scores, faces.classes)
        return Observations(faces.student, faces.frame_index, terms, faces.weight, shares=faces.scores)


class Dominant:
    """Every face counts once, for its strongest class; neutral and ignored classes are left out."""

    proven = False
    reads: Literal["scores", "cues"] = "scores"

    def observe(self, evidence: Evidence, settings: Settings) -> Observations:  # noqa: ARG002
        """A row for each scorable face."""
        faces = evidence.scorable_faces()
        strongest = np.eye(len(faces.classes))[faces.scores.argmax(axis=1)]
        terms = _polar_terms(strongest, faces.classes)
        return Observations(faces.student, faces.frame_index, terms, faces.weight, shares=strongest)


def _log_likelihoods(loglik: Array, scores: Array) -> Array:
    """(n, 3), from the calibrated scores (n, 7) where there are none, as an older version left the first faces."""
    missing = ~np.isfinite(loglik).all(axis=1)
    if missing.any():
        loglik = loglik.copy()
        loglik[missing] = np.log(valence_shares(scores[missing]))
    return loglik


def polarity_sums(scores: Array, classes: Classes) -> Array:
    """(n, 3) the summed scores (n, k) of the positive, the neutral and the negative classes."""
    sides = (classes.places("positive"), classes.places("neutral"), classes.places("negative"))
    return np.stack([scores[:, places].sum(axis=1) for places in sides], axis=1)


def _polar_terms(scores: Array, classes: Classes) -> EvidenceTerms:
    """A column for each positive and negative class, as its scores are."""
    positive, negative = classes.places("positive"), classes.places("negative")
    return EvidenceTerms(scores[:, positive], scores[:, negative], np.zeros(len(scores)))


WEIGHTED, SUM, DOMINANT = Weighted(), Sum(), Dominant()
