"""The calibration and the neutral-expression baseline, by hand: scores of few faces, and what becomes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.faces import EMOTIONS, FER
from engine.settings import Settings
from engine.verdicts.calibration import (
    baseline_offsets,
    baseline_offsets_from,
    subtract_baseline,
    subtract_baseline_from,
    valence_log_odds,
    valence_shares,
)
from engine.verdicts.evidence import Evidence, ScoredFaces
from engine.verdicts.judging import judge


def face(**scores: float) -> list[float]:
    """(7,) the scores named; the rest is neutral."""
    return [scores.get(name, 1 - sum(scores.values()) if name == "neutral" else 0.0) for name in EMOTIONS]


def log_odds(positive: float, negative: float) -> float:
    return 0.74 * (math.log(positive + 0.001) - math.log(negative + 0.001)) - 0.64 + 0.82


#: Neutral expressions of log-odds -0.49, far above the usual -1.44; -1.79, just below; and -1.45, the usual one.
SUNNY, DOUR, USUAL = face(happy=0.1, sad=0.25), face(happy=0.02, sad=0.3), face(happy=0.02, sad=0.19)
GLAD = face(happy=0.9)


def session(*students: list[tuple[list[float], int]]) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n, 7), and students (n,), of so many faces of each."""
    rows = [(scores, student) for student, faces in enumerate(students) for scores, n in faces for _ in range(n)]
    return np.array([scores for scores, _ in rows]), np.array([student for _, student in rows], np.int64)


def test_shares_are_the_softmax_of_the_scaled_logarithms_and_the_biases() -> None:
    scores = np.array([face(happy=0.2, surprise=0.1, sad=0.1, fear=0.2, angry=0.05, disgust=0.05)])
    logits = [0.74 * math.log(score + 0.001) + bias for score, bias in ((0.3, -0.64), (0.3, 0.0), (0.4, -0.82))]
    expected = np.exp(logits) / np.exp(logits).sum()
    assert valence_shares(scores)[0] == pytest.approx(expected, rel=1e-12)
    assert valence_log_odds(scores)[0] == pytest.approx(math.log(expected[0] / expected[2]), rel=1e-12)


@pytest.mark.parametrize(
    ("neutral", "offset"),
    [
        (SUNNY, 0.5),  # 0.65 beyond the usual 0.3: the largest correction
        (DOUR, log_odds(0.02, 0.3) + 1.44 + 0.3),  # 0.05 beyond
        (USUAL, 0.0),
    ],
    ids=["sunny", "dour", "usual"],
)
def test_a_baseline_is_what_a_neutral_expression_shows_beyond_the_usual(
    neutral: list[float], offset: float
) -> None:
    scores, student = session([(neutral, 300), (GLAD, 300)])
    assert baseline_offsets(scores, student) == pytest.approx([offset], abs=1e-12)


@pytest.mark.parametrize(("share", "known"), [(0.1, 0.0), (0.2, 0.0), (0.25, 0.5), (0.3, 1.0), (0.9, 1.0)])
def test_a_baseline_counts_by_how_many_of_the_faces_are_neutral(share: float, known: float) -> None:
    scores, student = session([(SUNNY, round(share * 1000)), (GLAD, round((1 - share) * 1000))])
    assert baseline_offsets(scores, student) == pytest.approx([0.5 * known])


def test_a_baseline_asks_for_600_faces_of_the_student() -> None:
    scores, student = session([(SUNNY, 599)], [(SUNNY, 600)], [(USUAL, 700)])
    assert baseline_offsets(scores, student).tolist() == [0, 0.5, 0]
    few, of = session([(SUNNY, 599)])
    assert baseline_offsets(few, of).tolist() == [0]
    assert (subtract_baseline(few, of) == few).all()


def test_without_a_neutral_face_and_without_any_face_nothing_is_subtracted() -> None:
    scores, student = session([(SUNNY, 600)], [(GLAD, 600)])
    assert baseline_offsets(scores, student).tolist() == [0.5, 0]
    assert subtract_baseline(scores, student)[600:] == pytest.approx(scores[600:])
    nobody = np.empty(0, np.int64)
    assert baseline_offsets(np.empty((0, 7)), nobody).tolist() == []
    assert subtract_baseline(np.empty((0, 7)), nobody).shape == (0, 7)


def test_a_baseline_is_the_median_of_the_neutral_expressions() -> None:
    """The upper one of two middles; the order of the faces does not matter."""
    mixed = [(DOUR, 250), (face(happy=0.05, sad=0.25), 1), (SUNNY, 250), (GLAD, 200)]
    expected = log_odds(0.05, 0.25) + 1.44 - 0.3
    for faces in (mixed, mixed[::-1]):
        assert baseline_offsets(*session(faces)) == pytest.approx([expected])
    assert baseline_offsets(*session([(DOUR, 300), (SUNNY, 300)])) == pytest.approx([0.5])


def test_what_is_subtracted_moves_positive_and_negative_by_half_of_it_each() -> None:
    scores, student = session([(SUNNY, 300), (GLAD, 300)], [(USUAL, 600)])
    found = subtract_baseline(scores, student)
    factor = math.exp(0.5 / (2 * 0.74))
    moved = np.array(SUNNY)
    moved[EMOTIONS.index("happy")] /= factor
    moved[EMOTIONS.index("sad")] *= factor
    assert found[0] == pytest.approx(moved / moved.sum(), rel=1e-12)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)))
    assert found[-1] == pytest.approx(USUAL, rel=1e-12)
    shift = valence_log_odds(found[:1]) - valence_log_odds(scores[:1])
    assert shift == pytest.approx([-0.5], abs=0.01)  # but for the floor of 0.001


def likelihoods(*students: list[tuple[float, float, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihoods (n, 3), and students (n,): so many faces each of a share of neutral and these log-odds."""
    rows = []
    for student, faces in enumerate(students):
        for neutral, odds, n in faces:
            negative = (1 - neutral) / (1 + math.exp(odds))
            rows += [([math.log(1 - neutral - negative), math.log(neutral), math.log(negative)], student)] * n
    return np.array([loglik for loglik, _ in rows]), np.array([student for _, student in rows], np.int64)


@pytest.mark.parametrize(
    ("odds", "offset"), [(-0.9, 0.0), (-1.2, 0.0), (-1.5, -0.3), (-3.0, -0.5), (-0.5, 0.1), (0.4, 0.5)]
)
def test_a_baseline_of_likelihoods_is_what_neutral_ones_show_beyond_their_usual(odds: float, offset: float) -> None:
    loglik, student = likelihoods([(0.6, odds, 400), (0.2, 4.0, 300)])
    assert baseline_offsets_from(loglik, student) == pytest.approx([offset], abs=1e-9)
    moved = subtract_baseline_from(loglik, student) - loglik
    assert moved == pytest.approx(np.tile([-offset / 2, 0, offset / 2], (700, 1)), abs=1e-9)


def test_a_baseline_of_likelihoods_asks_for_faces_of_which_enough_are_neutral() -> None:
    few, of = likelihoods([(0.6, -3.0, 599)])
    assert baseline_offsets_from(few, of).tolist() == [0]
    loglik, student = likelihoods([(0.6, -3.0, 250), (0.4, 4.0, 750)], [(0.6, -3.0, 599)], [(0.4, -3.0, 900)])
    assert baseline_offsets_from(loglik, student) == pytest.approx([-0.25, 0, 0])


def test_what_a_picture_does_to_scores_moves_no_likelihood() -> None:
    """Scores that lean to the negative side, as those of blurred faces do, beside likelihoods of usual ones."""
    loglik, student = likelihoods([(0.6, -0.9, 400), (0.1, 3.0, 300)])
    probabilities = []
    for scores in (USUAL, DOUR):
        faces = ScoredFaces(
            time=np.arange(700) / 5,
            student=student,
            scores=np.tile(scores, (700, 1)),
            quality=np.ones(700),
            scorable=np.ones(700, np.bool_),
            classes=FER,
            loglik=loglik,
        )
        rows, _ = judge(Evidence(np.arange(700) / 5, faces, 140.0), Settings())
        probabilities.append(rows["p_interested"])
    assert probabilities[0].tolist() == probabilities[1].tolist()
