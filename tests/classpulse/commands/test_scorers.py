"""A network of the user's own, from the command line to verdicts, tables and the report."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from engine import find
from tests.classpulse.commands.conftest import Run
from tests.drawn import OPTIONS
from tests.engine.classifier import softmax, write_classifier

LOGITS = (1.0, 0.0, 2.0)
SHARES = softmax(LOGITS)


AnalysedBy = Callable[..., pd.DataFrame]


@pytest.fixture
def analysed_by(run: Run, recording: Path, folder: Path) -> AnalysedBy:
    """Analyses the drawn lesson by a network that gives every face SHARES of classes of these polarities."""

    def analyse(*polarities: str) -> pd.DataFrame:
        classes = [[name, polarity] for name, polarity in zip("abc", polarities, strict=True)]
        network = write_classifier(folder / f"{'-'.join(polarities)}.onnx", classes=classes, bias=LOGITS)
        db = folder / f"{network.stem}.db"
        chosen = ("--scorer", "onnx", "--scorer-model", network.name, "--strategy", "sum")
        result = run("analyze", recording, "--db", db, *OPTIONS, *chosen)
        assert (result.status, result.err) == (0, "")
        return find(1, db).verdicts()

    return analyse


def balances(verdicts: pd.DataFrame) -> set[float]:
    return {round(balance, 3) for balance in verdicts["balance"].dropna()}


def test_a_verdict_goes_by_the_polarity_that_the_network_declares(analysed_by: AnalysedBy) -> None:
    """The same network, with the polarities of its classes exchanged."""
    plain = analysed_by("positive", "negative", "ignored")
    assert set(plain["verdict"]) == {"interested", "insufficient"}
    assert (plain["verdict"] == "interested").sum() == 6 * 4
    assert balances(plain) == {round((SHARES[0] - SHARES[1]) / (SHARES[0] + SHARES[1]), 3)}
    exchanged = analysed_by("negative", "positive", "neutral")
    assert (exchanged["verdict"] == "not interested").sum() == 6 * 4
    assert balances(exchanged) == {-next(iter(balances(plain)))}
    other = analysed_by("positive", "ignored", "negative")
    assert balances(other) == {round((SHARES[0] - SHARES[2]) / (SHARES[0] + SHARES[2]), 3)}


def test_tables_and_report_name_the_network_s_classes(analysed_by: AnalysedBy, run: Run, folder: Path) -> None:
    analysed_by("positive", "negative", "ignored")
    db = folder / "positive-negative-ignored.db"
    session = find(1, db)
    assert list(session.faces()[["a", "b", "c"]].iloc[0].round(3)) == [round(share, 3) for share in SHARES]
    stored = run("query", "select number, name, polarity from classes", "--db", db, "--format", "csv").out
    assert stored.splitlines() == ["number,name,polarity", "1,a,positive", "2,b,negative", "3,c,ignored"]
    assert run("report", 1, "--db", db, "--output", "report.html").status == 0
    section = (folder / "report.html").read_text("utf-8").split('id="section-students"')[1].split('id="section-')[0]
    assert section.count("a 24%, b 9%, c 67%") == 4  # in the order of the bar
    bars = re.findall(r'<div class="mix" aria-hidden="true">(.*?)</div>', section)
    assert [re.findall(r'class="(\w+)" style="width:([\d.]+)', bar) for bar in bars] == [
        [("positive1", "24.5"), ("negative1", "9.0"), ("ignored1", "66.5")]
    ] * 4
    assert run("judge", 1, "--db", db, "--strategy", "weighted").status == 0


def test_a_network_without_classes_is_one_line(run: Run, recording: Path, folder: Path) -> None:
    write_classifier(folder / "plain.onnx", classes=None)
    result = run("analyze", recording, "--scorer", "onnx", "--scorer-model", "plain.onnx")
    assert result.status == 2
    assert re.search(r"plain\.onnx: .*its metadata has no classpulse\.classes; add JSON", result.complaint())
