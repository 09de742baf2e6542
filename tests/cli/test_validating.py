"""validate on the command line."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

from tests.drawn import rows

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
def codes(folder):
    (folder / "codes.csv").write_text(CODES, "utf-8")
    return "codes.csv"


def test_validate(run, db, codes):
    before = rows(db)
    result = run("validate", 1, codes)
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "4 stretches of 2 students are coded; codes left out as cannot tell: 0"
    assert lines[3].split()[:4] == ["the", "machine", "and", "stretches"]
    assert [line.split("  ")[0] for line in lines[4:7]] == ["Ada", "Ben", "the majority"]
    assert any(line.startswith("Ada, Ben") and "0.75" in line for line in lines)
    assert lines[-1].endswith("of 2 students they are too narrow, code 10 or more")
    assert rows(db) == before


def test_its_tables_are_for_other_programs(run, db, codes):
    figures = json.loads(run("validate", "lesson.mp4", codes, "--format", "json").out)
    assert {"one", "other", "measure", "value", "low", "high", "stretches", "students"} == set(figures[0])
    stretches = pd.read_csv(io.StringIO(run("validate", 1, codes, "--table", "stretches", "-f", "csv").out))
    assert stretches[["label", "start", "by Ada", "majority"]].iloc[1].to_list()[:3] == ["S01", 5, "not interested"]
    assert pd.isna(stretches["majority"][1])
    assert run("validate", 1, codes, "--table", "confusion", "-f", "csv", "-o", "out.csv").out == ""
    confusion = pd.read_csv("out.csv").set_index("code")
    assert confusion.loc["not interested"].to_list() == [0, 0, 2, 0]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("student,start,length,code\nS09,0,5,neutral\n", (), "codes.csv, row 2: no student 'S09'; there are S01"),
        ("student,start,length,code\nS01,30,5,neutral\n", (), "row 2: it ends at 0:00:35, but the session ends at"),
        (CODES, ("--judgement", "mine"), "session 1 has no judgement 'mine'"),
        (None, (), "codes.csv: No such file or directory; check the path"),
    ],
)
def test_what_cannot_be_validated_is_one_line(run, db, folder, text, arguments, message):
    if text:
        (folder / "codes.csv").write_text(text, "utf-8")
    result = run("validate", 1, "codes.csv", *arguments)
    assert result.status == 2
    assert message in result.complaint()
