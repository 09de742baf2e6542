"""`classpulse query`: four formats that other programs read back, and no way to change anything."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.conftest import finish, start
from tests.drawn import rows

SQL = "SELECT label, window, verdict, balance, name FROM v_student_windows ORDER BY label, window"


@pytest.fixture
def expected(analysed) -> pd.DataFrame:
    return analysed.verdicts().sort_values(["label", "window"])[["label", "window", "verdict", "balance"]]


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(found) == [*expected, "name"]
    assert found["name"].isna().all()
    for name in ("label", "window", "verdict"):
        assert found[name].tolist() == expected[name].tolist()
    np.testing.assert_allclose(found["balance"], expected["balance"], atol=1e-9)


def test_csv(run, db, expected):
    result = run("query", SQL, "--format", "csv")
    assert (result.status, result.err) == (0, "")
    same(pd.read_csv(io.StringIO(result.out)), expected)


def test_json(run, db, expected):
    same(pd.DataFrame(json.loads(run("query", SQL, "-f", "json").out)), expected)


def test_parquet(run, db, expected, folder):
    assert run("query", SQL, "-f", "parquet", "-o", folder / "rows.parquet").out == ""
    same(pd.read_parquet(folder / "rows.parquet"), expected)


def test_parquet_through_a_pipe(db, expected):
    process = start("query", SQL, "--format", "parquet", "--db", db)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    same(pd.read_parquet(io.BytesIO(out)), expected)


def test_whole_numbers_stay_whole_beside_null(run, db, folder):
    sql = "SELECT 9007199254740993 AS number, 1 AS number2 UNION ALL SELECT NULL, 2"
    assert run("query", sql, "-f", "csv").out.splitlines() == ["number,number2", "9007199254740993,1", ",2"]
    assert run("query", sql).out.splitlines()[1:] == ["9007199254740993        1", "               –        2"]
    assert [row["number"] for row in json.loads(run("query", sql, "-f", "json").out)] == [9007199254740993, None]
    run("query", sql, "-f", "parquet", "-o", folder / "rows.parquet")
    assert pd.read_parquet(folder / "rows.parquet", dtype_backend="pyarrow")["number"][0] == 9007199254740993


@pytest.mark.parametrize("file_format", ["table", "csv", "json"])
def test_a_file_holds_what_the_screen_shows(run, db, folder, file_format):
    shown = run("query", SQL, "-f", file_format).out
    assert run("query", SQL, "-f", file_format, "--output", "rows").out == ""
    assert (folder / "rows").read_text("utf-8") == shown


def test_table(run, db):
    sql = """SELECT 1 AS one, 'a' AS text, NULL AS none, 3601.25 AS time, x'ff00' AS blob
             UNION ALL SELECT 20, '[b]', 'z', 2, NULL"""
    assert run("query", sql).out.splitlines() == [
        "one  text  none     time  blob",
        "  1  a     –     3601.25  <2 bytes>",
        " 20  [b]   z        2.00  –",
    ]


@pytest.mark.parametrize(
    ("decimals", "sql"), [("0.5", "0.5"), ("0.3333", "1/3.0"), ("2", "2.0"), ("0.0001", "1e-4"), ("0", "1e-9")]
)
def test_a_table_shows_as_many_decimals_as_there_are(run, db, decimals, sql):
    assert run("query", f"SELECT {sql} AS x").out.split() == ["x", decimals]


def test_a_table_of_wide_letters(run, db):
    """A Chinese letter is two columns wide."""
    assert run("query", "SELECT '数学' AS a, 1 AS b UNION ALL SELECT 'x', 2").out == "a     b\n数学  1\nx     2\n"


def test_wide_tables_are_not_cut_off(run, db):
    out = run("query", "SELECT * FROM faces LIMIT 1").out
    assert len(out.splitlines()) == 2
    assert "…" not in out


def test_bytes_are_digits_in_text(run, db):
    assert run("query", "SELECT x'ff00' AS blob", "-f", "csv").out == "blob\nff00\n"
    assert json.loads(run("query", "SELECT x'ff00' AS blob", "-f", "json").out) == [{"blob": "ff00"}]


def test_no_rows(run, db):
    assert run("query", "SELECT label FROM students WHERE 0", "-f", "csv").out == "label\n"
    assert json.loads(run("query", "SELECT label FROM students WHERE 0", "-f", "json").out) == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM faces", "the SQL would change a database; a query only reads"),
        ("UPDATE sessions SET name = 'x'", "the SQL would change a database; a query only reads"),
        ("DROP TABLE faces", "the SQL would change a database; a query only reads"),
        ("VACUUM INTO 'copy.db'", "the SQL does not work: cannot VACUUM from within a transaction"),
        ("ATTACH 'other.db' AS other", "the SQL would change a database; a query only reads"),
        ("SELECT wrong FROM faces", "the SQL does not work: no such column: wrong"),
        ("SELEKT", 'the SQL does not work: near "SELEKT": syntax error'),
    ],
)
def test_what_does_not_only_read_is_refused(run, db, folder, sql, message):
    before = rows(db)
    result = run("query", sql)
    assert (result.status, result.out) == (2, "")
    assert message in result.complaint()
    assert rows(db) == before
    assert not (folder / "copy.db").exists()
    assert not (folder / "other.db").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("SELECT 1 AS a, 2 AS a", "-f", "json"), 2, "json cannot hold two columns called 'a'; name one with AS"),
        (("SELECT 1 AS a, 2 AS a", "-f", "parquet", "-o", "x"), 2, "parquet cannot hold two columns called 'a'"),
        (
            ("SELECT 1 AS a UNION SELECT 'x'", "-f", "parquet", "-o", "x"),
            2,
            "parquet cannot hold these rows",
        ),
        (("SELECT 1", "-f", "xml"), 2, "'xml' is not one of 'table', 'csv', 'json', 'parquet'"),
        (("SELECT 1", "-o", "no/where.csv"), 1, "no/where.csv: No such file or directory; check the path"),
    ],
)
def test_what_cannot_be_written(run, db, arguments, status, message):
    result = run("query", *arguments)
    assert result.status == status
    assert message in result.complaint()


MANY = "SELECT a.* FROM faces a, faces b"


@pytest.mark.parametrize("file_format", ["table", "csv", "json"])
def test_a_reader_that_goes_early(db, file_format):
    """As in `classpulse query ... | head -c 9`: nobody is told, and nothing is printed at the exit either."""
    process = start("query", f"{MANY} LIMIT 4000", "-f", file_format, "--db", db)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(9)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


@pytest.mark.parametrize("sql", ["SELECT 1", f"{MANY} LIMIT 1000"])
def test_full_disk(db, sql):
    with Path("/dev/full").open("wb") as full:
        result = finish(start("query", sql, "-f", "csv", "--db", db, stdout=full, stderr=subprocess.PIPE))
    assert result.status == 1
    assert result.complaint().startswith("the output: No space left on device; ")
