"""validate, profiles and compare on the command line."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from engine.sessions.fitting import AS_IS, GAIN, IN_SAMPLE, OUT_OF_SAMPLE
from storage.queries import query
from tests.classpulse.commands.conftest import Run
from tests.drawn import rows
from tests.seated import write_seated

PEOPLE = tuple((f"P{i}", (60 + 80 * i, 240, 40), (0, 120)) for i in range(6))
CODED = ("interested", "neutral", "not interested")

CODES = "coder,student,start,length,code\n" + "".join(
    f"{coder},S0{student},{start},5,{code}\n"
    for coder in ("Ada", "Ben")
    for student, start, code in (
        (1, 0, "not interested"),
        (1, 5, "neutral" if coder == "Ben" else "not interested"),
        (2, 0, "interested"),
        (2, 10, "not interested"),
    )
)


@pytest.fixture
def codes(folder: Path) -> str:
    (folder / "codes.csv").write_text(CODES, "utf-8")
    return "codes.csv"


def test_validate(run: Run, db: Path, codes: str) -> None:
    before = rows(db)
    result = run("validate", 1, codes)
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "4 coded intervals of 2 students; left out as uncodable: 0"
    assert lines[3].split()[:4] == ["the", "system", "and", "intervals"]
    assert [line.split("  ")[0] for line in lines[4:7]] == ["Ada", "Ben", "the majority"]
    assert any(line.startswith("Ada, Ben") and "0.75" in line for line in lines)
    assert lines[-1].endswith("of 2 students they are too narrow, code 6 or more")
    assert rows(db) == before


def test_its_tables_are_for_other_programs(run: Run, db: Path, codes: str) -> None:
    figures = json.loads(run("validate", "lesson.mp4", codes, "--format", "json").out)
    assert {"rater_a", "rater_b", "measure", "value", "low", "high", "intervals", "students"} == set(figures[0])
    intervals = pd.read_csv(io.StringIO(run("validate", 1, codes, "--table", "intervals", "-f", "csv").out))
    assert intervals[["label", "start", "by Ada", "majority"]].iloc[1].to_list()[:3] == ["S01", 5, "not interested"]
    assert pd.isna(intervals["majority"][1])
    assert run("validate", 1, codes, "--table", "confusion", "-f", "csv", "-o", "out.csv").out == ""
    confusion = {row[0]: row[1:] for row in pd.read_csv("out.csv").itertuples(index=False, name=None)}
    assert confusion["not interested"] == (0, 0, 2, 0)


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (
            "student,start,length,code\nS09,0,5,neutral\n",
            (),
            "codes.csv, row 2: no student 'S09' in this session; there are S01",
        ),
        ("student,start,length,code\nS01,30,5,neutral\n", (), "row 2: it ends at 0:35, but the session ends at"),
        (CODES, ("--judgement", "mine"), "session 1 has no judgement 'mine'"),
        (None, (), "codes.csv: No such file or directory; check the path"),
    ],
)
def test_what_cannot_be_validated_is_one_line(
    run: Run, db: Path, folder: Path, text: str | None, arguments: tuple[str, ...], message: str
) -> None:
    if text:
        (folder / "codes.csv").write_text(text, "utf-8")
    result = run("validate", 1, "codes.csv", *arguments)
    assert result.status == 2
    assert message in result.complaint()


def test_fit_and_profiles(run: Run, folder: Path) -> None:
    session = write_seated(folder / "classpulse.db", PEOPLE)
    labels = session.students()["label"]
    lines = [f"{label},{start},30,{CODED[start // 30 % 3]}\n" for label in labels for start in range(0, 120, 30)]
    (folder / "codes.csv").write_text("student,start,length,code\n" + "".join(lines), "utf-8")
    result = run("validate", 1, "codes.csv", "--fit", "ours")
    assert (result.status, result.err) == (0, "")
    said = result.out.splitlines()
    assert said[0].split()[:3] == ["settings", "intervals", "score"]
    assert [line.split("  ")[0] for line in said[1:5]] == [AS_IS, IN_SAMPLE, OUT_OF_SAMPLE, GAIN]
    assert any("no improvement is shown" in line for line in said)  # of faces at random
    assert said[-1].startswith("profile ours: window 30.0, strategy weighted, band ")

    listed = run("profiles").out.splitlines()
    assert listed[0].split()[:4] == ["name", "coders", "students", "intervals"]
    assert listed[1].split()[:4] == ["ours", "1", "6", "24"]
    kept = json.loads(run("profiles", "--format", "json").out)
    assert "no improvement is shown" in kept[0]["origin"]
    assert run("judge", 1, "--profile", "ours").status == 0
    assert session.judgements()["name"].tolist()[-1] == "ours"
    figures = json.loads(run("validate", 1, "codes.csv", "--fit", "again", "-f", "json").out)
    assert {row["settings"] for row in figures} == {AS_IS, IN_SAMPLE, OUT_OF_SAMPLE, GAIN}
    assert run("profiles", "--drop", "again").out == "profile dropped: again\n"
    assert len(json.loads(run("profiles", "--format", "json").out)) == 1
    noted = query(folder / "classpulse.db", "SELECT command, arguments FROM audit WHERE outcome = 'done'")
    assert {"validate", "profiles", "judge"} <= set(noted["command"])
    assert run("profiles", "--drop", "again").complaint().endswith("no profile 'again'; there are ours")
    assert run("judge", 1, "--profile", "again").status == 2
    assert run("validate", 1, "codes.csv", "--fit", "x", "--table", "figures").status == 2


def test_compare(run: Run, db: Path) -> None:
    alone = run("compare", 1)
    assert (alone.status, alone.err) == (0, "")
    assert "kappa" not in alone.out
    run("judge", 1, "--strategy", "sum", "--window", 8)
    before = rows(db)
    result = run("compare", 1)
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[2] == "student  weighted, 5 s  + o - .  sum, 8 s  + o - ."
    assert [line.split()[0] for line in lines[3:8]] == ["S01", "S02", "S03", "S04", "class"]
    assert any(re.split(r"  +", line)[:3] == ["weighted, 5 s", "sum, 8 s", "class"] for line in lines)
    assert json.loads(run("compare", 1, "--format", "json").out)[0]["student"] == "S01"
    agreement = pd.read_csv(io.StringIO(run("compare", 1, "--table", "agreement", "-f", "csv").out))
    assert agreement["windows"].tolist() == [28, 7]
    assert rows(db) == before
    assert run("compare", 1, "mine").complaint().startswith("session 1 has no judgement 'mine', but: weighted")
    run("judge", 1, "--strategy", "sum", "--window", 8, "--name", "same")
    assert "no student's verdict differs" in run("compare", 1, "sum, 8 s", "same").out
