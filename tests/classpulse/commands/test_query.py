"""`classpulse query`: formats that other programs read back, parameters, and no way to change anything."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine import Session
from storage.named import named_queries
from tests.classpulse.commands.conftest import Run, finish, start
from tests.drawn import rows

SQL = "SELECT label, window, verdict, balance, name FROM v_student_windows ORDER BY label, window"


@pytest.fixture
def expected(analysed: Session) -> pd.DataFrame:
    return analysed.verdicts().sort_values(["label", "window"])[["label", "window", "verdict", "balance"]]


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(found) == [*expected, "name"]
    assert found["name"].isna().all()
    for name in ("label", "window", "verdict"):
        assert found[name].tolist() == expected[name].tolist()
    np.testing.assert_allclose(found["balance"], expected["balance"], atol=1e-9)


def test_csv(run: Run, db: Path, expected: pd.DataFrame) -> None:
    result = run("query", SQL, "--format", "csv")
    assert (result.status, result.err) == (0, "")
    same(pd.read_csv(io.StringIO(result.out)), expected)


def test_json(run: Run, db: Path, expected: pd.DataFrame) -> None:
    same(pd.DataFrame(json.loads(run("query", SQL, "-f", "json").out)), expected)


def test_parquet(run: Run, db: Path, expected: pd.DataFrame, folder: Path) -> None:
    assert run("query", SQL, "-f", "parquet", "-o", folder / "rows.parquet").out == ""
    same(pd.read_parquet(folder / "rows.parquet"), expected)


def test_parquet_through_a_pipe(db: Path, expected: pd.DataFrame) -> None:
    process = start("query", SQL, "--format", "parquet", "--db", db)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    same(pd.read_parquet(io.BytesIO(out)), expected)


def test_whole_numbers_stay_whole_beside_null(run: Run, db: Path, folder: Path) -> None:
    sql = "SELECT 9007199254740993 AS number, 1 AS number2 UNION ALL SELECT NULL, 2"
    assert run("query", sql, "-f", "csv").out.splitlines() == ["number,number2", "9007199254740993,1", ",2"]
    assert run("query", sql).out.splitlines()[1:] == ["9007199254740993        1", "               –        2"]
    assert [row["number"] for row in json.loads(run("query", sql, "-f", "json").out)] == [9007199254740993, None]
    run("query", sql, "-f", "parquet", "-o", folder / "rows.parquet")
    assert pd.read_parquet(folder / "rows.parquet", dtype_backend="pyarrow")["number"][0] == 9007199254740993


@pytest.mark.parametrize("file_format", ["table", "markdown", "csv", "json"])
def test_a_file_holds_what_the_screen_shows(run: Run, db: Path, folder: Path, file_format: str) -> None:
    shown = run("query", SQL, "-f", file_format).out
    assert run("query", SQL, "-f", file_format, "--output", "rows").out == ""
    assert (folder / "rows").read_text("utf-8") == shown


def test_table(run: Run, db: Path) -> None:
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
def test_a_table_shows_as_many_decimals_as_there_are(run: Run, db: Path, decimals: str, sql: str) -> None:
    assert run("query", f"SELECT {sql} AS x").out.split() == ["x", decimals]


def test_a_table_of_wide_letters(run: Run, db: Path) -> None:
    """A Chinese letter is two columns wide."""
    assert run("query", "SELECT '数学' AS a, 1 AS b UNION ALL SELECT 'x', 2").out == "a     b\n数学  1\nx     2\n"


def test_markdown(run: Run, db: Path) -> None:
    sql = "SELECT 1 AS one, 'a|b' AS text, NULL AS none, 0.25 AS share UNION ALL SELECT 20, 'c\nd', 'z', NULL"
    assert run("query", sql, "--format", "markdown").out.splitlines() == [
        "| one | text | none | share |",
        "| ---: | --- | --- | ---: |",
        "| 1 | a\\|b | – | 0.25 |",
        "| 20 | c d | z | – |",
    ]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1.5e-3", 0.0015),
        ("true", 1),
        ("null", None),
        ("007", "007"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("S01", "S01"),
        ("a=b c", "a=b c"),
        ("", ""),
        ("'", "'"),
        ("1; DROP TABLE faces", "1; DROP TABLE faces"),
    ],
)
def test_parameters_are_what_they_look_like(run: Run, db: Path, given: str, value: float | str | None) -> None:
    sql = "SELECT :x AS value, typeof(:x) AS type, ':y --' AS text -- :z"
    (row,) = json.loads(run("query", sql, "-p", f"x={given}", "-f", "json").out)
    types = {int: "integer", float: "real", str: "text", type(None): "null"}
    assert row == {"value": value, "type": types[type(value)], "text": ":y --"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("SELECT :x, :y", "-p", "x=1"), "the SQL needs a value for :y; add -p y=VALUE"),
        (("SELECT :x", "-p", "x=1", "-p", "z=1"), "there is no :z in the SQL; it has :x"),
        (("SELECT 1", "-p", "z=1"), "there is no :z in the SQL; it has no parameters"),
        (("SELECT :x", "-p", "x"), "'x' is not a name and a value, such as session=3"),
        ((), "give either SQL or --named"),
        (("SELECT 1", "--named", "lessons"), "give either SQL or --named"),
        (("--named", "lesson"), "there is no query 'lesson'; there are sessions, lost-the-class, "),
        (("--named", "lost-the-class"), "the SQL needs a value for :session; add -p session=VALUE"),
        (("--named", "lost-the-class", "-p", "session=x"), "no session 'x'; the latest are 1 (lesson.mp4)"),
    ],
)
def test_what_is_asked_wrongly(run: Run, db: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run("query", *arguments)
    assert (result.status, result.out) == (2, "")
    assert message in result.complaint()


def test_a_named_query_takes_a_session_as_every_command_does(run: Run, db: Path, analysed: Session) -> None:
    (name,) = analysed.class_verdicts().loc[lambda table: [table["balance"].idxmin()], "verdict"]
    for key in ("1", "lesson.mp4"):
        rows = json.loads(run("query", "--named", "lost-the-class", "-p", f"session={key}", "-f", "json").out)
        assert rows[0]["verdict"] == name
        assert [row["balance"] for row in rows] == sorted(row["balance"] for row in rows)


def test_the_list_of_queries(run: Run, folder: Path) -> None:
    lines = run("queries").out.splitlines()
    assert lines[0].split() == ["name", "parameters", "question"]
    assert [line.split() for line in lines[1:]] == [
        [query.name, *query.parameters, *query.question.split()] for query in named_queries().values()
    ]
    assert max(map(len, lines)) <= 100


def test_the_sql_of_a_query(run: Run, folder: Path) -> None:
    assert run("queries", "one-student").out.endswith(named_queries()["one-student"].sql + "\n")
    assert run("queries", "lost-the-class").out.startswith("-- Which parts of the lesson lost the class?\n-- The")
    assert "there is no query 'x'" in run("queries", "x").complaint()


def test_wide_tables_are_not_cut_off(run: Run, db: Path) -> None:
    out = run("query", "SELECT * FROM faces LIMIT 1").out
    assert len(out.splitlines()) == 2
    assert "…" not in out


def test_bytes_are_digits_in_text(run: Run, db: Path) -> None:
    assert run("query", "SELECT x'ff00' AS blob", "-f", "csv").out == "blob\nff00\n"
    assert json.loads(run("query", "SELECT x'ff00' AS blob", "-f", "json").out) == [{"blob": "ff00"}]


def test_no_rows(run: Run, db: Path) -> None:
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
        ("SELECT wrong FROM faces", "the SQL does not work: no such column: wrong (line 1, column 8)"),
        ("SELEKT", 'the SQL does not work: near "SELEKT": syntax error (line 1, column 1)'),
        ("SELECT 1; DELETE FROM faces", "the SQL does not work: You can only execute one statement at a time."),
    ],
)
def test_what_does_not_only_read_is_refused(run: Run, db: Path, folder: Path, sql: str, message: str) -> None:
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
        (("SELECT 1 AS a, 2 AS a", "-f", "json"), 2, "json cannot hold two columns named 'a'; rename one with AS"),
        (("SELECT 1 AS a, 2 AS a", "-f", "parquet", "-o", "x"), 2, "parquet cannot hold two columns named 'a'"),
        (
            ("SELECT 1 AS a UNION SELECT 'x'", "-f", "parquet", "-o", "x"),
            2,
            "parquet cannot hold these rows",
        ),
        (("SELECT 1", "-f", "xml"), 2, "'xml' is not one of 'table', 'csv', 'json', 'parquet', 'markdown'"),
        (
            ("SELECT 1", "-o", "no/where.csv"),
            2,
            "no/where.csv: there is no folder no; create it, or choose another output",
        ),
    ],
)
def test_what_cannot_be_written(run: Run, db: Path, arguments: tuple[str, ...], status: int, message: str) -> None:
    result = run("query", *arguments)
    assert result.status == status
    assert message in result.complaint()


MANY = "SELECT a.* FROM faces a, faces b"


@pytest.mark.parametrize("file_format", ["table", "markdown", "csv", "json"])
def test_a_reader_that_goes_early(db: Path, file_format: str) -> None:
    """As in `classpulse query ... | head -c 9`: nobody is told, and nothing is printed at the exit either."""
    process = start("query", f"{MANY} LIMIT 4000", "-f", file_format, "--db", db)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(9)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


@pytest.mark.parametrize("sql", ["SELECT 1", f"{MANY} LIMIT 1000"])
def test_full_disk(db: Path, sql: str) -> None:
    with Path("/dev/full").open("wb") as full:
        result = finish(start("query", sql, "-f", "csv", "--db", db, stdout=full, stderr=subprocess.PIPE))
    assert result.status == 1
    assert result.complaint().startswith("the output: No space left on device; ")


def test_a_student_of_a_named_query_is_found_as_everywhere(run: Run, db: Path) -> None:
    by_label = run("query", "-n", "one-student", "-p", "session=lesson.mp4", "-p", "student=s01", "-f", "csv")
    assert by_label.status == 0
    assert len(by_label.out.splitlines()) == 8
    unknown = run("query", "-n", "one-student", "-p", "session=1", "-p", "student=S99")
    assert unknown.status == 2
    assert "no student 'S99' in this session; there are S01, S02, S03, S04" in unknown.complaint()
