"""Strategies: what each makes of classes of any polarity, how one is found, and that nobody asks for its name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from engine.errors import UsageError
from engine.faces import FER, Class, Classes
from engine.settings import Settings
from engine.verdicts import strategies
from engine.verdicts.evidence import Evidence, EvidenceTerms, Observations
from engine.verdicts.judging import judge
from engine.verdicts.strategies import STRATEGIES, Strategy, open_strategy, polarity_sums, reads_cues
from tests.engine.verdicts.scored import evidence

Register = Callable[[Strategy], None]
ROOT = Path(__file__).parents[3]
FOUR = Classes(
    (Class("bored", "negative"), Class("masked", "ignored"), Class("keen", "positive"), Class("idle", "neutral"))
)
TWO = Classes((Class("off", "negative"), Class("on", "positive")))
TWELVE = Classes(tuple(Class(f"c{i}", ("positive", "negative", "ignored")[i % 3]) for i in range(12)))


def of(classes: Classes, *scores: tuple[float, ...], quality: float = 1.0) -> Evidence:
    """One student, a face a frame."""
    times = np.arange(len(scores)) / 5
    student = np.zeros(len(scores), np.int64)
    return evidence(
        times, times, student, np.array(scores), duration=len(scores) / 5, quality=quality, classes=classes
    )


def balances(given: Evidence) -> dict[str, float]:
    """By each strategy that reads scores; one face is enough."""
    names = ("weighted", "sum", "dominant")
    return {name: float(judge(given, Settings(strategy=name, min_faces=1))[0]["balance"][0]) for name in names}


def test_strategies_go_by_the_polarity_of_any_classes() -> None:
    # bored, masked, keen, idle: by hand, masked counts for nothing, and idle for `weighted` alone
    given = of(FOUR, (0.125, 0.25, 0.5, 0.125), (0.5, 0.0, 0.25, 0.25), (0.0, 0.75, 0.25, 0.0))
    assert balances(given) == pytest.approx(
        {"weighted": (1.0 - 0.625) / (1.0 + 0.625 + 0.375), "sum": (1.0 - 0.625) / 1.625, "dominant": 0.0}
    )


def test_a_face_whose_strongest_class_is_ignored_or_neutral_counts_for_no_side_of_dominant() -> None:
    given = of(FOUR, (0.1, 0.7, 0.2, 0.0), (0.1, 0.0, 0.2, 0.7), (0.0, 0.0, 1.0, 0.0))
    rows = judge(given, Settings(strategy="dominant", min_faces=1))[0]
    assert (rows["positive"][0], rows["negative"][0], rows["scorable"][0], rows["balance"][0]) == (1, 0, 3, 1)


@pytest.mark.parametrize("classes", [TWO, TWELVE], ids=["two", "twelve"])
def test_two_and_twelve_classes_are_judged_by_every_strategy(classes: Classes) -> None:
    positive = tuple(float(member.polarity == "positive") for member in classes.members)
    negative = tuple(float(member.polarity == "negative") for member in classes.members)
    ups = np.array(positive) / sum(positive)
    downs = np.array(negative) / sum(negative)
    for sign, scores in ((1, ups), (-1, downs)):
        assert balances(of(classes, *[tuple(scores)] * 5)) == pytest.approx(
            {"weighted": sign, "sum": sign, "dominant": sign}
        )


def test_fers_scores_are_calibrated_and_the_same_scores_of_other_classes_are_not() -> None:
    scores = (0.1, 0.0, 0.0, 0.3, 0.2, 0.0, 0.4)
    others = Classes(tuple(Class(f"my {member.name}", member.polarity) for member in FER.members))
    # softmax(0.74 ln(score + 0.001) + bias) of 0.3 positive, 0.4 neutral, 0.3 negative, the biases -0.64, 0, -0.82
    logits = 0.74 * np.log(np.array([0.3, 0.4, 0.3]) + 0.001) + np.array([-0.64, 0, -0.82])
    shares = np.exp(logits) / np.exp(logits).sum()
    assert balances(of(FER, scores))["weighted"] == pytest.approx(shares[0] - shares[2], abs=1e-6)
    assert balances(of(others, scores))["weighted"] == pytest.approx(0.0, abs=1e-6)
    assert balances(of(others, scores))["sum"] == balances(of(FER, scores))["sum"]


def test_polarity_sums_leave_the_ignored_out() -> None:
    assert polarity_sums(np.array([[0.1, 0.2, 0.3, 0.4]]), FOUR).tolist() == [[0.3, 0.4, 0.1]]


class Alternating:
    """What another package might register: positive in every frame with an even number, whatever is seen."""

    proven = False
    reads: Literal["scores", "cues"] = "scores"

    def observe(self, evidence: Evidence, settings: Settings) -> Observations:
        faces = evidence.scorable_faces()
        even = (faces.frame_index % 2 == 0).astype(float)
        terms = EvidenceTerms(even[:, None], (1 - even)[:, None], np.zeros(len(even)))
        return Observations(faces.student, faces.frame_index, terms, faces.weight)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Make a strategy of this module one that is found by the name `other`."""

    def put(strategy: Strategy) -> None:
        monkeypatch.setattr(strategies, "OTHER", strategy, raising=False)
        monkeypatch.setitem(STRATEGIES._built_in, "other", "engine.verdicts.strategies:OTHER")

    return put


def test_a_strategy_of_another_package_judges(registered: Register) -> None:
    registered(Alternating())
    given = of(FOUR, *[(0.0, 0.0, 0.0, 1.0)] * 9)
    rows, whole = judge(given, Settings(strategy="other"))
    assert (rows["balance"][0], rows["positive"][0], rows["verdict"][0]) == (pytest.approx(1 / 9), 5, "interested")
    assert whole["verdict"][0] == "interested"
    assert not reads_cues("other")


def test_what_a_strategy_claims_of_a_student_who_is_not_seen_is_no_evidence(registered: Register) -> None:
    class Guessing(Alternating):
        """Positive of the first student in every frame, whoever is in it."""

        def observe(self, evidence: Evidence, settings: Settings) -> Observations:
            frames = np.arange(len(evidence.frame_times))
            ones, zeros = np.ones(len(frames)), np.zeros(len(frames))
            terms = EvidenceTerms(ones[:, None], zeros[:, None], zeros)
            return Observations(0 * frames, frames, terms, ones)

    registered(Guessing())
    times, scores = np.arange(10) / 5, np.array([(0.0, 0.0, 1.0, 0.0)] * 5)
    given = evidence(times, times[:5], np.zeros(5, np.int64), scores, duration=2.0, classes=FOUR)
    rows, _ = judge(given, Settings(strategy="other", window=1.0, min_faces=1))
    assert (rows["scorable"].tolist(), rows["faces"].tolist()) == ([5, 5], [5, 0])
    assert rows["verdict"].tolist() == ["interested", "insufficient"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o._replace(student=o.student + 1), "student is not in 0 to 0"),
        (lambda o: o._replace(frame_index=o.frame_index - 1), "frame_index is not in 0 to 8"),
        (lambda o: o._replace(weight=o.weight[1:]), "columns have different lengths"),
        (lambda o: o._replace(terms=o.terms._replace(neutral=o.terms.neutral + np.nan)), "must be finite"),
    ],
)
def test_rows_that_no_strategy_may_make_are_refused(
    registered: Register, change: Callable[[Observations], Observations], message: str
) -> None:
    class Wrong(Alternating):
        def observe(self, evidence: Evidence, settings: Settings) -> Observations:
            return change(super().observe(evidence, settings))

    registered(Wrong())
    with pytest.raises(ValueError, match=f"strategy 'other'.*{message}"):
        judge(of(FOUR, *[(0.0, 0.0, 0.0, 1.0)] * 9), Settings(strategy="other"))


def test_an_unknown_strategy_is_one_line_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="unknown strategy 'magic'; available: weighted, sum, dominant, attention"):
        open_strategy(Settings(strategy="magic"))
    assert not reads_cues("magic")


@pytest.mark.parametrize(("name", "cues"), [("weighted", False), ("sum", False), ("attention", True)])
def test_a_strategy_that_reads_scores_asks_for_scored_faces(name: str, cues: bool) -> None:
    assert reads_cues(name) == cues
    if cues:
        assert open_strategy(Settings(strategy=name, expression=False)).reads == "cues"
    else:
        with pytest.raises(UsageError, match=f"strategy is '{name}'; it must be attention, since faces are not"):
            open_strategy(Settings(strategy=name, expression=False))


def test_attention_says_what_it_misses() -> None:
    with pytest.raises(ValueError, match="behavioural cues"):
        judge(of(TWO, (0.0, 1.0)), Settings(strategy="attention"))


def compared_names(tree: ast.AST, names: set[str]) -> list[int]:
    """The lines on which a name stands in a comparison, a match, or a key of a table."""
    lines = []
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        for part in parts:
            members = part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part]
            lines += [each.lineno for each in members if isinstance(each, ast.Constant) and each.value in names]
    return lines


def test_nobody_compares_a_strategys_name() -> None:
    names = set(STRATEGIES.names())
    assert compared_names(ast.parse("a = s == 'sum'\nb = s in ('x', 'attention')"), names) == [1, 2]
    found = {
        str(path.relative_to(ROOT)): lines
        for folder in ("classpulse", "engine", "storage", "tracking", "cli.py")
        for path in ([ROOT / folder] if folder.endswith(".py") else sorted((ROOT / folder).rglob("*.py")))
        if (lines := compared_names(ast.parse(path.read_text("utf-8")), names))
    }
    assert found == {}


def test_no_template_compares_a_strategys_name() -> None:
    templates = [path for folder in ("report", "web") for path in (ROOT / "classpulse" / folder).rglob("*.j2")]
    assert len(templates) > 10
    wrong = [
        str(path.relative_to(ROOT))
        for path in templates
        for name in STRATEGIES.names()
        if f'== "{name}"' in path.read_text("utf-8") or f"== '{name}'" in path.read_text("utf-8")
    ]
    assert wrong == []
