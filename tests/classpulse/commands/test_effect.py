"""`classpulse effect`: phases and lessons compared, who was measurable, and the paragraph on the method."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from classpulse.report import effects
from engine import Session
from engine.version import __version__
from tests.classpulse.commands.conftest import Run
from tests.seated import write_seated

PEOPLE = tuple((f"P{place}", (60 + 80 * place, 120 + 140 * (place % 3), 40), (0, 120)) for place in range(6))


@pytest.fixture(scope="module")
def seated(tmp_path_factory: pytest.TempPathFactory) -> Session:
    session = write_seated(tmp_path_factory.mktemp("seated") / "classpulse.db", PEOPLE)
    return session.judge("short", window=5, strategy="dominant").mark("lecture", 0, 60).mark("work", 60)


@pytest.fixture
def db(seated: Session, folder: Path) -> Path:
    return Path(shutil.copy(seated.database, folder / "classpulse.db"))


def table(run: Run, *arguments: object) -> pd.DataFrame:
    result = run("effect", *arguments, "--format", "csv", "-o", "out.csv")
    assert (result.status, result.err) == (0, "")
    return pd.read_csv("out.csv")


def test_a_span_of_one_block_has_no_interval_and_two_phases_have_the_shares_of_their_windows(
    run: Run, db: Path, seated: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = table(run, 1, "--by", "phase")
    assert rows[["low", "high", "p"]].isna().all(axis=None)
    monkeypatch.setattr(effects, "BLOCK_SECONDS", 15.0)
    rows = table(run, 1, "--by", "phase")
    assert rows[["span_a", "span_b"]].drop_duplicates().to_numpy().tolist() == [["lecture", "work"]]
    windows = seated.verdicts()
    windows = windows[windows["verdict"] != "insufficient"]
    of_kind = windows.assign(share=windows["verdict"] == "not interested", late=windows["start"] >= 60)
    shares = of_kind.groupby(["label", "late"])["share"].mean().unstack()
    row = rows.set_index("verdict").loc["not interested"]
    assert row["students"] == len(shares) == 6
    np.testing.assert_allclose([row["share_a"], row["share_b"]], shares.mean().tolist(), atol=1e-9)
    assert row["low"] <= row["difference"] <= row["high"]
    assert (rows["p_adjusted"] >= rows["p"]).all()


def test_two_lessons_are_compared_by_names_where_there_are_enough(run: Run, db: Path, folder: Path) -> None:
    other = write_seated(db, PEOPLE, name="tuesday").judge("short", window=5, strategy="dominant")
    apart = table(run, 1, other.session_id)
    assert apart["students"].tolist() == [12, 12]
    assert apart["difference"].tolist() == [0, 0], "the same faces in both"
    for session in (Session(db, 1), other):
        session.name_students({f"S0{place}": f"Ada {place}" for place in range(1, 5)})
    assert table(run, 1, other.session_id)["students"].tolist() == [4, 4]
    other.judge("long", window=20)
    wrong = run("effect", 1, other.session_id)
    assert wrong.status == 2
    assert "windows of 5 s and of 20 s; judge both with the same --window" in wrong.complaint()


def test_rows_of_seats_say_who_could_be_measured(run: Run, db: Path, seated: Session) -> None:
    rows = table(run, 1, "--by", "phase", "--table", "measurable")
    assert rows["students"].sum() == 6
    windows = seated.verdicts()
    share = (windows["verdict"] != "insufficient").mean()
    weighted = (rows["measurable"] * rows["students"]).sum() / 6
    assert weighted == pytest.approx(share, abs=1e-9)


def test_the_paragraph_names_version_settings_and_method(run: Run, db: Path) -> None:
    text = " ".join(run("effect", 1, "--by", "phase", "--methods").out.split())
    for part in (
        f"classpulse {__version__}",
        "window of 5 s",
        "strategy dominant",
        "2,000 bootstrap samples",
        "Holm",
    ):
        assert part in text
    assert "@software{classpulse" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "give a second SESSION, or --by phase"),
        ((1, 1, "--by", "phase"), "give a second SESSION, or --by phase"),
        ((1, "--by", "phase"), "has 0 phases; mark two or more with `mark`"),
    ],
)
def test_wrong_use_is_one_line(run: Run, db: Path, arguments: tuple[object, ...], message: str) -> None:
    Session(db, 1).unmark()
    result = run("effect", *arguments)
    assert result.status == 2
    assert message in result.complaint()
