"""Analysing without emotions, and judging by attention alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.vision import networks
from storage.queries import query
from tests.classpulse.commands.conftest import Run
from tests.drawn import OPTIONS


def test_without_emotions_nothing_of_them_is_loaded_or_stored(
    run: Run, folder: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    read = networks._read

    def noted(name: str | Path) -> bytes:
        opened.append(str(name))
        return read(name)

    monkeypatch.setattr(networks, "_read", noted)
    result = run("analyze", recording, *OPTIONS, "--no-expression")
    assert (result.status, result.err) == (0, "")
    assert sorted(set(opened)) == ["onet", "pnet", "pnet_sparse", "rnet"]
    emotions = "coalesce(score_1, score_2, score_3, score_4, score_5, score_6, score_7)"
    found = query("classpulse.db", f"SELECT count(*) AS faces, count({emotions}) AS scored FROM faces")
    assert found["faces"][0] > 100
    assert found["scored"][0] == 0
    session = query("classpulse.db", "SELECT models, strategy FROM sessions JOIN judgements USING (session_id)")
    assert "fer" not in session["models"][0]
    assert session["strategy"].tolist() == ["attention"]
    windows = query("classpulse.db", "SELECT verdict FROM v_student_windows WHERE stop - start = 5")
    assert set(windows["verdict"]) == {"interested"}  # everybody faces the camera

    shown = run("show", 1, "--windows")
    assert "by attention alone" in shown.out
    assert "interested" in shown.out
    refused = run("judge", 1, "--strategy", "sum")
    assert refused.status == 2
    assert "strategy is 'sum'; it must be attention, since faces are not scored" in refused.complaint()
    assert run("judge", 1, "--window", "10").status == 0
    strategies = query("classpulse.db", "SELECT name, strategy FROM judgements ORDER BY judgement_id")
    assert strategies.to_numpy().tolist() == [["attention, 5 s", "attention"], ["attention, 10 s", "attention"]]


def test_an_emotion_strategy_without_emotions_is_one_line_before_anything_is_seen(
    run: Run, folder: Path, recording: Path
) -> None:
    result = run("analyze", recording, "--no-expression", "--strategy", "weighted")
    assert result.status == 2
    assert "strategy is 'weighted'; it must be attention" in result.complaint()
    assert not (folder / "classpulse.db").exists()


def test_attention_beside_emotions_changes_no_verdict_of_theirs(run: Run, db: Path) -> None:
    before = query(db, 'SELECT student, "window", verdict, balance, margin FROM student_windows')
    assert run("judge", 1, "--strategy", "attention").status == 0
    after = query(
        db, 'SELECT student, "window", verdict, balance, margin FROM student_windows WHERE judgement_id = 1'
    )
    assert after.equals(before)
    signals = query(db, "SELECT visible, facing, movement FROM attention_windows WHERE judgement_id = 1")
    assert len(signals) == len(before)
    assert signals["visible"].mean() > 0.9
    assert signals["facing"].mean() > 0.9


@pytest.mark.parametrize("strategy", ["weighted", "attention"])
def test_every_strategy_can_be_shown(run: Run, db: Path, strategy: str) -> None:
    run("judge", 1, "--strategy", strategy)
    shown = run("show", 1)
    assert shown.status == 0
    assert ("by attention alone" in shown.out) == (strategy == "attention")
