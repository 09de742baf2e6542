"""A session as DataFrames, and judging it again without its video."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine import Session, Settings, analyze, find
from engine.errors import UsageError
from engine.faces import EMOTIONS
from engine.sessions.analysis import Progress
from engine.sessions.judgements import read_evidence, settings_of
from engine.verdicts.judging import judge
from storage.errors import SessionError
from storage.store import Store
from tests.drawn import SETTINGS, rows

FACES = {
    "time", "student", "label", "x1", "y1", "x2", "y2", "score", *EMOTIONS, "sharpness", "yaw", "pitch", "roll",
    "quality", "scorable",
}  # fmt: skip
VERDICTS = {
    "window", "start", "stop", "student", "label", "verdict", "balance", "margin", "coverage", "faces", "scorable",
}  # fmt: skip


@pytest.fixture
def copied(analysed: Session, tmp_path: Path) -> Path:
    """The finished analysis, to be written to."""
    return Path(shutil.copy(analysed.database, tmp_path / "classpulse.db"))


# -- as DataFrames


def test_data_frames(analysed: Session) -> None:
    faces, verdicts = analysed.faces(), analysed.verdicts()
    assert set(faces) >= FACES
    assert faces["time"].is_monotonic_increasing
    np.testing.assert_allclose(faces[list(EMOTIONS)].sum(axis=1), 1, atol=1e-3)
    assert (faces["x2"] > faces["x1"]).all()
    assert (faces["y2"] > faces["y1"]).all()
    assert set(faces["label"].dropna()) == set(analysed.students()["label"])
    assert set(verdicts) >= VERDICTS
    assert len(verdicts) == 4 * 7  # windows of 5 s in 32 s
    assert (verdicts["stop"] > verdicts["start"]).all()
    assert verdicts["faces"].sum() == faces["student"].notna().sum() == analysed.students()["faces"].sum()
    classes = analysed.class_verdicts()
    assert list(classes["window"]) == list(range(7))
    assert (classes[["interested", "neutral", "not_interested", "insufficient"]].sum(axis=1) == 4).all()


@pytest.mark.parametrize("key", [1, "1", "lesson.mp4", "elsewhere/lesson.mp4"])
def test_find(analysed: Session, key: int | str) -> None:
    assert find(key, analysed.database).session_id == 1


def test_find_what_is_not_there(analysed: Session) -> None:
    with pytest.raises(SessionError, match=r"no session 'Chemistry'; the latest are 1 \(lesson.mp4\)"):
        find("Chemistry", analysed.database)


# -- judged again


def test_judging_needs_no_video(recording: Path, copied: Path, tmp_path: Path) -> None:
    """The session's video is a copy, so that it can be deleted."""
    video = Path(shutil.copy(recording, tmp_path / "lesson.mp4"))
    analyze(video, copied, settings=dataclasses.replace(SETTINGS, sample_rate=0.5))
    video.unlink()
    before = rows(copied)
    session = find(2, copied)
    assert session.info()["source"] == str(video)
    assert session.judge("short", window=2, strategy="sum") is session
    assert len(session.class_verdicts()) == 16
    after = rows(copied)
    for table in set(before) - {"judgements", "student_windows", "class_windows", "attention_windows"}:
        assert after[table] == before[table]
    for table in ("student_windows", "class_windows", "attention_windows"):
        assert [row for row in after[table] if row["judgement_id"] < 3] == before[table]


def test_judging_like_before_gives_the_same_rows(copied: Path) -> None:
    before = rows(copied)
    find(1, copied).judge()
    after = rows(copied)
    for judgement in before["judgements"]:
        judgement["sequence"] += 1  # it was made once more
    assert after == before


def test_judging_goes_on_from_the_latest_judgement(copied: Path) -> None:
    session = find(1, copied).judge(window=4).judge(strategy="dominant")
    assert list(session.judgements()["name"]) == ["weighted, 5 s", "weighted, 4 s", "dominant, 4 s"]
    assert Settings.from_json(session.judgements()["settings"].iloc[-1]) == dataclasses.replace(
        SETTINGS, window=4, strategy="dominant"
    )


def test_judging_with_other_settings_leaves_the_earlier_judgements(copied: Path) -> None:
    session = find(1, copied)
    before = session.verdicts()
    session.judge(band=0.5).judge(min_faces=1, baseline=False)
    assert list(session.judgements()["name"]) == [
        "weighted, 5 s",
        "weighted, 5 s, band 0.5",
        "weighted, 5 s, band 0.5, min faces 1, no baseline",
    ]
    pd.testing.assert_frame_equal(session.verdicts("weighted, 5 s"), before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate": 3}, "judging does not use sample_rate; it uses window, strategy"),
        ({"windows": 3}, "judging does not use windows"),
        ({"window": 0}, "window is 0; it must be 0.1 s to a day"),
        (
            {"strategy": "guess"},
            "unknown strategy 'guess'; available: weighted, sum, dominant, attention, temporal (see",
        ),
        ({"band": float("nan")}, "band is nan; it must be 0 or more, under 1"),
    ],
)
def test_judging_refuses_what_cannot_work(copied: Path, changes: dict[str, Any], message: str) -> None:
    before = rows(copied)
    with pytest.raises(UsageError) as caught:
        find(1, copied).judge(**changes)
    assert message in str(caught.value)
    assert rows(copied) == before


def test_a_judgement_that_is_not_there(analysed: Session) -> None:
    with pytest.raises(UsageError, match="session 1 has no judgement 'strict'"):
        analysed.verdicts("strict")


@pytest.mark.parametrize("stage", ["detect", "track"])
def test_an_unfinished_session_cannot_be_judged(recording: Path, tmp_path: Path, stage: str) -> None:
    """Nor one that is seen and not followed: it would be done, without a student."""

    def stop(seen: Progress) -> None:
        if seen.time >= 10 and seen.stage == stage:
            raise RuntimeError("enough")

    db = tmp_path / "classpulse.db"
    with pytest.raises(RuntimeError, match="enough"):
        analyze(recording, db, settings=SETTINGS, on_progress=stop)
    with pytest.raises(UsageError, match=rf"not finished; run `classpulse analyze {recording}`"):
        find(1, db).judge(window=7)
    with pytest.raises(UsageError, match="no judgement yet; finish `classpulse analyze` first"):
        find(1, db).verdicts()


def test_evidence_is_judged_without_being_stored(analysed: Session) -> None:
    """What a preview shows is what judging would keep."""
    with Store.open(analysed.database, must_exist=True, read_only=True) as store:
        evidence = read_evidence(store, analysed.session_id)
        student_windows, class_windows = judge(evidence, settings_of(store, analysed.session_id))
        other, _ = judge(evidence, Settings(window=10, strategy="sum"))
    assert list(student_windows["verdict"]) == list(analysed.verdicts()["verdict"])
    assert list(class_windows["verdict"]) == list(analysed.class_verdicts()["verdict"])
    assert max(other["stop"] - other["start"]) == 10
    assert len(analysed.judgements()) == 1
