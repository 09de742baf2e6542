"""No CSV file that classpulse writes has text in it that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from classpulse.report import rows
from engine import Session
from engine.tables import as_text, read_rows
from tests.classpulse.commands.conftest import Run

FORMULA = "=cmd|' /C calc'!A0"


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_what_begins_like_a_formula_is_text(begin: str, tmp_path: Path) -> None:
    assert as_text(f"{begin}1") == f"'{begin}1"
    path = tmp_path / "names.csv"
    path.write_text(f"name\n\"'{begin}1\"\n'x\n", "utf-8", newline="")
    assert [row.values["name"] for row in read_rows(path, ["name"])] == [f"{begin}1", "'x"]


def test_only_text_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame([[-1, -0.5, None, "-1", "a=b"]], columns=["-n", "x", "none", "text", "text"])
    rows.write(table, "csv")
    assert cells(capsys.readouterr().out) == [
        ["'-n", "x", "none", "text", "text"],
        ["-1", "-0.5", "", "'-1", "a=b"],
    ]
    rows.write(table, "csv", raw=True)
    assert cells(capsys.readouterr().out)[1] == ["-1", "-0.5", "", "-1", "a=b"]


def test_in_every_csv_file(run: Run, db: Path, folder: Path) -> None:
    Session(db, 1).rename("S01", FORMULA)
    sql = "SELECT name FROM v_students WHERE name IS NOT NULL"
    assert cells(run("query", sql, "--format", "csv", "--db", db).out)[1] == [f"'{FORMULA}"]
    assert cells(run("query", sql, "--format", "csv", "--raw", "--db", db).out)[1] == [FORMULA]
    run("export", 1, "--format", "csv", "--names", "--db", db, "-o", folder / "out")
    run("export", 1, "--format", "csv", "--names", "--raw", "--db", db, "-o", folder / "raw")
    for name, shown in (("out", f"'{FORMULA}"), ("raw", FORMULA)):
        exported = cells((folder / name / "students.csv").read_text("utf-8"))
        assert shown in exported[1]
    run("names", "--export", folder / "names.csv", "--drop", "--yes", "--db", db)
    assert cells((folder / "names.csv").read_text("utf-8"))[1][1] == f"'{FORMULA}"
    run("names", "--import", folder / "names.csv", "--db", db)
    assert Session(db, 1).students()["name"].dropna().tolist() == [FORMULA]
