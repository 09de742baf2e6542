"""`classpulse export`: tables that other programs read back, described, and without names unless asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from engine import Session
from engine.version import __version__
from tests.classpulse.commands.conftest import Run

TABLES = {
    "students",
    "tracks",
    "frames",
    "shots",
    "faces",
    "judgements",
    "student_windows",
    "class_windows",
    "unmeasured",
}


@pytest.fixture
def named(run: Run, db: Path) -> Path:
    """S01 is Ada."""
    assert run("rename", 1, "S01", "Ada Lovelace").status == 0
    return db


@pytest.fixture(params=["parquet", "csv"])
def exported(request: pytest.FixtureRequest, run: Run, named: Path, folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of both formats, by name; what is empty in CSV is NaN."""
    result = run("export", 1, "--format", request.param)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("session-1: ")
    paths = (folder / "session-1").glob(f"*.{request.param}")
    return {path.stem: pd.read_csv(path) if request.param == "csv" else pd.read_parquet(path) for path in paths}


def test_every_table_with_the_rows_that_there_are(exported: dict[str, pd.DataFrame], analysed: Session) -> None:
    assert set(exported) >= TABLES
    faces, known = exported["faces"], analysed.faces()
    for name in ("time", "x1", "happy", "quality"):
        np.testing.assert_allclose(faces[name], known[name], atol=1e-9)
    assert faces["scorable"].dtype == np.bool_
    assert faces["scorable"].tolist() == known["scorable"].tolist()
    assert exported["student_windows"]["verdict"].tolist() == analysed.verdicts()["verdict"].tolist()
    assert exported["class_windows"]["at"].tolist()[:3] == ["0:00:00", "0:00:05", "0:00:10"]
    assert len(exported["students"]) == len(analysed.students())


def test_no_bytes_and_no_names(exported: dict[str, pd.DataFrame]) -> None:
    for table in exported.values():
        assert not {"name", "person", "landmarks", "appearance", "layout"} & set(table)
    assert exported["students"]["label"].tolist()[0] == "S01"


def test_nothing_in_the_folder_names_anybody(run: Run, named: Path, folder: Path) -> None:
    for file_format in ("csv", "parquet"):
        run("export", 1, "-f", file_format, "-o", file_format)
        for path in (folder / file_format).iterdir():
            assert b"Lovelace" not in path.read_bytes(), path
    assert str(folder).encode() not in (folder / "csv" / "provenance.json").read_bytes()


def test_names_on_demand(run: Run, named: Path, folder: Path) -> None:
    run("export", 1, "--names", "-o", "with-names")
    students = pd.read_parquet(folder / "with-names" / "students.parquet")
    assert students.set_index("label").loc["S01", "name"] == "Ada Lovelace"


def test_the_dictionary_describes_every_column_and_no_other(run: Run, db: Path, folder: Path) -> None:
    run("export", 1, "-o", "out")
    dictionary = pd.read_csv(folder / "out" / "dictionary.csv")
    assert list(dictionary) == ["table", "column", "type", "unit", "nullable", "meaning"]
    assert dictionary["meaning"].notna().all()
    for path in (folder / "out").glob("*.parquet"):
        described = dictionary.loc[dictionary["table"] == path.stem, "column"].tolist()
        assert described == pyarrow.parquet.read_schema(path).names
    units = dictionary.set_index(["table", "column"])["unit"]
    assert (units["faces", "x1"], units["frames", "time"], units["students", "coverage"]) == ("px", "s", "0 to 1")
    lines = (folder / "out" / "dictionary.md").read_text("utf-8").splitlines()
    assert len(lines) == len(dictionary) + 2


def test_the_provenance_says_what_it_was_made_from_and_with(
    run: Run, db: Path, folder: Path, analysed: Session
) -> None:
    run("export", 1, "-o", "out")
    made = json.loads((folder / "out" / "provenance.json").read_text("utf-8"))
    session = analysed.info()
    assert made["session"]["sha256"] == session["sha256"]
    assert made["session"]["settings"] == json.loads(session["settings"])
    assert made["session"]["models"] == json.loads(session["models"])
    assert "source" not in made["session"]
    assert [judgement["settings"]["window"] for judgement in made["judgements"]] == [5.0]
    assert (made["exported_by"], made["names"]) == (__version__, False)
    assert made["rows"]["faces"] == len(analysed.faces())


def test_a_folder_is_never_mixed_with_another(run: Run, db: Path, folder: Path) -> None:
    (folder / "empty").mkdir()
    assert run("export", 1, "-o", "empty").status == 0
    before = {path: path.read_bytes() for path in (folder / "empty").iterdir()}
    again = run("export", 1, "-o", "empty")
    assert again.status == 2
    assert "empty: it exists already; remove it, or choose another output folder" in again.complaint()
    assert before == {path: path.read_bytes() for path in (folder / "empty").iterdir()}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("nobody",), 2, "no session 'nobody'"),
        ((1, "-o", "no/where"), 2, "there is no folder no; create it, or choose another output"),
        ((1, "-f", "doc"), 2, "'doc' is not one of 'parquet', 'csv', 'xlsx', 'sav', 'dta', 'eaf', "),
    ],
)
def test_what_cannot_be_exported(
    run: Run, db: Path, folder: Path, arguments: tuple[str | int, ...], status: int, message: str
) -> None:
    result = run("export", *arguments)
    assert result.status == status
    assert message in result.complaint()
    assert [path.name for path in folder.iterdir() if path.suffix != ".db" and "db-" not in path.name] == []
