"""Thresholds fitted to codes: found where they are to be found, and not praised where they are not."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UsageError
from engine.sessions import fitting
from engine.sessions.judgements import read_evidence
from engine.sessions.session import Session
from engine.settings import Settings
from engine.verdicts.judging import judge, verdicts_of
from engine.verdicts.scale import VERDICTS
from storage.errors import SessionError
from storage.profiles import all_profiles, drop_profile
from storage.store import Store
from tests.seated import write_seated

PEOPLE = tuple((f"P{i}", (60 + 50 * i, 100 + 150 * (i % 2), 40), (0, 120)) for i in range(10))
#: How positive a face is, of positive and negative together, by what it plays in the window.
LEVELS = {"glad": 0.9, "faint": 0.65, "cross": 0.1}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, list[tuple[str, int, str]]]:
    """Ten students in twelve windows of 10 s, and what each (label, begin) plays."""
    session = write_seated(tmp_path_factory.mktemp("played") / "classpulse.db", PEOPLE)
    assert len(session.students()) == 10
    random = np.random.default_rng(5)
    plays = {(s, w): random.choice(list(LEVELS)) for s in range(10) for w in range(12)}
    faces = session.faces()
    share = np.array([LEVELS[plays[s, int(t // 10)]] for s, t in zip(faces["student"], faces["time"], strict=True)])
    share = np.clip(share + random.normal(0, 0.05, len(share)), 0, 1)
    named = zip(faces["pts"].tolist(), faces["face"].tolist(), share.tolist(), strict=True)
    with closing(sqlite3.connect(session.database)) as connection:
        connection.executemany(
            "UPDATE faces SET score_1 = 0, score_2 = 0, score_3 = 0, score_6 = 0, score_7 = 0.2,"
            " score_4 = 0.8 * ?3, score_5 = 0.8 * (1 - ?3) WHERE pts = ?1 AND face = ?2",
            named,
        )
        connection.commit()
    session.judge("plain", strategy="sum", window=20.0)
    return session, [(f"S{s + 1:02}", 10 * w, play) for (s, w), play in plays.items()]


def write(path: Path, rows: list[tuple[str, int, str]]) -> Path:
    lines = [f"{label},{start},10,{code}\n" for label, start, code in rows]
    path.write_text("student,start,length,code\n" + "".join(lines), "utf-8")
    return path


CODE = {"glad": "interested", "faint": "neutral", "cross": "not interested"}


def test_a_band_that_people_have_is_found(
    played: tuple[Session, list[tuple[str, int, str]]], tmp_path: Path
) -> None:
    session, plays = played
    path = write(tmp_path / "codes.csv", [(label, start, CODE[play]) for label, start, play in plays])
    fitted = session.fit(path, "ours")
    assert 0.3 <= fitted.settings.band <= 0.6  # faint is a balance of 0.3
    assert (fitted.settings.min_faces, fitted.settings.min_coverage) == (5, 0.2)  # what need not change does not
    assert (fitted.settings.window, fitted.settings.strategy) == (10.0, "sum")
    assert fitted.value(fitting.AS_IS, "kappa") < 0.6
    assert fitted.value(fitting.IN_SAMPLE, "kappa") > 0.95
    assert fitted.value(fitting.OUT_OF_SAMPLE, "kappa") > 0.9
    assert fitted.gain.low > 0
    assert fitted.better
    assert fitted.summary().endswith("an improvement")
    assert (fitted.intervals, fitted.students, fitted.coders) == (120, 10, 1)

    with Store.open(session.database) as store:
        kept = all_profiles(store).to_dict("records")
    assert [row["name"] for row in kept] == ["ours"]
    assert kept[0]["kappa_in"] == pytest.approx(fitted.value(fitting.IN_SAMPLE, "kappa"), abs=1e-4)
    assert json.loads(kept[0]["settings"]) == fitted.judged_by()
    verdicts = session.judge(profile="ours").verdicts("ours").set_index(["label", "start"])["verdict"]
    right = [verdicts[label, start] == CODE[play] for label, start, play in plays]
    assert np.mean(right) > 0.95
    session.judge(profile="ours", window=30.0)
    assert session.judgements()["name"].tolist()[-1].startswith("sum, 30 s, band 0.")


def test_no_gain_is_claimed_for_codes_without_sense(
    played: tuple[Session, list[tuple[str, int, str]]], tmp_path: Path
) -> None:
    session, plays = played
    random = np.random.default_rng(2)
    rows = [(label, start, str(random.choice(VERDICTS[:3]))) for label, start, _ in plays]
    fitted = session.fit(write(tmp_path / "codes.csv", rows), "noise", "plain")
    assert fitted.value(fitting.IN_SAMPLE, "score") >= fitted.value(fitting.AS_IS, "score")
    assert not fitted.better
    assert "no improvement is shown" in fitted.summary()
    with Store.open(session.database) as store:
        assert "no improvement is shown" in all_profiles(store).set_index("name")["origin"]["noise"]
        drop_profile(store, "noise")
        with pytest.raises(SessionError, match="no profile 'noise'"):
            drop_profile(store, "noise")


def test_settings_that_are_right_stay(played: tuple[Session, list[tuple[str, int, str]]], tmp_path: Path) -> None:
    session, plays = played
    right = {"glad": "interested", "faint": "interested", "cross": "not interested"}
    path = write(tmp_path / "codes.csv", [(label, start, right[play]) for label, start, play in plays])
    fitted = session.fit(path, "same", "plain")
    assert (fitted.settings.band, fitted.settings.min_faces, fitted.settings.min_coverage) == (0.1, 5, 0.2)
    assert fitted.gain == (0, 0, 0)
    assert "that may be due to chance" in fitted.summary()


@pytest.mark.parametrize("strategy", ["weighted", "sum", "attention"])
def test_thresholds_judge_again_what_was_judged(
    played: tuple[Session, list[tuple[str, int, str]]], strategy: str
) -> None:
    session, _ = played
    with Store.open(session.database) as store:
        evidence = read_evidence(store, session.session_id)
    usual = Settings(strategy=strategy)
    columns = judge(evidence, usual)[0]
    for other in fitting.candidates(usual)[::83]:
        assert (np.array(VERDICTS)[verdicts_of(columns, other)] == judge(evidence, other)[0]["verdict"]).all(), (
            other
        )


def test_candidates_begin_with_what_is_set() -> None:
    usual = Settings(band=0.123, min_faces=7)
    tried = fitting.candidates(usual)
    assert tried[0] == usual
    assert len(tried) == len(set(tried)) == 27 * 7 * 6


def test_silence_does_not_pay() -> None:
    right, none, wrong = np.zeros((3, 3, 4))
    for code in range(3):
        right[code, code], none[code, 3], wrong[code, 2 - code] = 10, 10, 10
    half = right / 2 + none / 2
    assert fitting.score(right) == 1
    assert fitting.score(right) > fitting.score(half) > fitting.score(none) >= fitting.score(wrong)


def test_few_students_are_no_ground(played: tuple[Session, list[tuple[str, int, str]]], tmp_path: Path) -> None:
    session, plays = played
    path = write(tmp_path / "codes.csv", [(label, start, CODE[play]) for label, start, play in plays[:48]])
    with pytest.raises(
        UsageError, match=re.escape("codes of 4 students are too few for a fit; code 5 students or more")
    ):
        session.fit(path, "few")
    with pytest.raises(UsageError, match="invalid profile name ' '"):
        session.fit(path, " ")


def test_a_profile_that_is_not_there(played: tuple[Session, list[tuple[str, int, str]]]) -> None:
    with pytest.raises(SessionError, match="no profile 'theirs'; there are"):
        played[0].judge(profile="theirs")
