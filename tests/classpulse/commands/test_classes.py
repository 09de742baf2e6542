"""A scorer whose classes have no polarity, from the command line to every place that shows a verdict."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from classpulse import notebook
from engine import find
from tests.classpulse.commands.conftest import Run
from tests.drawn import OPTIONS
from tests.engine.classifier import softmax, write_classifier

NAMES = ("hand up", "writing", "talking")
LOGITS = (0.5, 2.0, 0.0)
SHARES = softmax(LOGITS)
#: What is said of FER's classes and of a balance, and must not be said of these.
OTHERS = ("interested", "happy", "neutral", "angry", "balance")


@pytest.fixture
def db(run: Run, recording: Path, folder: Path) -> Path:
    """The drawn lesson, scored by a network that gives every face SHARES of NAMES."""
    classes = [[name, "neutral"] for name in NAMES]
    network = write_classifier(folder / "own.onnx", classes=classes, bias=LOGITS)
    database = folder / "own.db"
    result = run(
        "analyze", recording, "--db", database, *OPTIONS, "--scorer", "onnx", "--scorer-model", network.name
    )
    assert (result.status, result.err) == (0, "")
    assert "writing" in result.out
    assert not said(result.out)
    return database


def said(text: str) -> list[str]:
    """Those of OTHERS that a text has as words."""
    return [word for word in OTHERS if re.search(rf"\b{word}\b", text)]


Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def rows(db: Path) -> Rows:
    def ask(sql: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(db)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]

    return ask


def test_a_verdict_is_the_name_of_the_class_that_prevails_and_the_shares_are_stored(rows: Rows) -> None:
    windows = rows("SELECT * FROM student_windows")
    assert {row["verdict"] for row in windows} == {"writing", "insufficient"}
    assert sum(row["verdict"] == "writing" for row in windows) == 6 * 4
    for row in windows:
        assert [row[name] for name in ("balance", "margin", "p_interested", "p_neutral", "p_not_interested")] == [
            None
        ] * 5
        assert (row["positive"], row["negative"]) == (0, 0)
        assert (row["reason"] is None) == (row["verdict"] == "writing")
    shares = rows('SELECT * FROM class_shares WHERE student = 0 AND "window" = 0 ORDER BY number')
    assert [row["share"] for row in shares] == [round(share, 4) for share in SHARES]
    assert [row["number"] for row in shares] == [1, 2, 3]
    named = rows(
        'SELECT class, verdict, label, at FROM v_class_shares WHERE student = 0 AND "window" = 1 ORDER BY number'
    )
    assert [tuple(row.values()) for row in named] == [(name, "writing", "S01", "0:00:05") for name in NAMES]


def test_the_class_is_what_more_than_half_of_its_students_are(rows: Rows) -> None:
    windows = rows('SELECT * FROM class_windows ORDER BY "window"')
    assert [row["verdict"] for row in windows].count("writing") == 6
    for row in windows:
        assert (row["interested"], row["neutral"], row["not_interested"]) == (0, 0, 0)
        assert row["insufficient"] == (0 if row["verdict"] == "writing" else 4)
        assert (row["balance"], row["margin"], row["p_neutral"]) == (None, None, None)


def test_show_prints_the_classes_by_name(run: Run, db: Path) -> None:
    run("mark", 1, "first part", "--at", "0:00", "--until", "0:15", "--db", db)
    shown = run("show", 1, "--db", db, "--windows").out
    assert "h hand up  w writing  t talking  . insufficient" in " ".join(shown.split(" "))
    assert re.search(r"S01 .* +0 +6 +0 +1 +w{6}\.", shown)
    assert re.search(r"first part +0:00–0:15 +writing +– +\d+% +4 of 4 +0 +4 +0 +0", shown)
    assert re.search(r"0:00–0:05 +writing +– +\d+% +4 of 4 +0 +4 +0 +0", shown)
    assert said(re.sub("balance", "", shown, count=2)) == []  # the heads of both tables
    assert "writing" in run("show", 1, "--db", db, "--student", "S01").out


def test_a_notebook_shows_the_classes_by_name(db: Path) -> None:
    shown = notebook.find(1, db)._repr_html_()
    assert "<th>hand up</th><th>writing</th><th>talking</th><th>insufficient</th>" in shown
    assert "<tr><th>S01</th><td>0</td><td>6</td><td>0</td><td>1</td></tr>" in shown


def test_report_page_and_captions_show_the_classes_by_name(run: Run, db: Path, folder: Path) -> None:
    run("mark", 1, "first part", "--at", "0:00", "--until", "0:15", "--db", db)
    assert run("report", 1, "--db", db, "--output", "report.html").status == 0
    page = (folder / "report.html").read_text("utf-8")
    assert 'id="section-changes"' not in page
    without_code = re.sub(r"<(script|style|pre)\b.*?</\1>", "", page, flags=re.DOTALL)
    tables = re.sub(r"<caption>The settings of.*?</table>", "", without_code, flags=re.DOTALL)
    assert said(tables) == ["balance"]
    assert tables.count("balance") == 1  # "so there is no balance"
    assert re.search(r'<i class="box kind2"></i> <b>6</b> writing', page)
    heat = page.split('id="section-heatmap"')[1]
    assert '<path class="level kind2"' in heat
    assert "h hand up, w writing, t talking, . insufficient" in heat
    assert run("export", 1, "--output", "vtt", "--db", db, "--format", "vtt").status == 0
    assert "S01: writing\n" in (folder / "vtt" / "S01.vtt").read_text("utf-8")
    assert run("export", 1, "--output", "tables", "--db", db, "--format", "csv").status == 0
    header, first, *_ = (folder / "tables" / "class_shares.csv").read_text("utf-8").splitlines()
    assert "class,share" in header
    assert "hand up" in first


def test_validate_reads_codes_that_are_classes(run: Run, db: Path, folder: Path) -> None:
    lines = [
        "student,start,stop,code",
        "S01,0,5,Writing",
        "S02,0,5,hand up",
        "S03,5,10,writing",
        "S04,5,10,talking",
    ]
    (folder / "codes.csv").write_text("\n".join(lines) + "\n", "utf-8")
    result = run("validate", 1, "codes.csv", "--db", db)
    assert result.status == 0
    assert re.search(r"hand up +0 +1 +0 +0\n", result.out)
    assert re.search(r"writing +0 +2 +0 +0\n", result.out)
    assert "0.50" in result.out
    assert said(result.out) == []
    (folder / "codes.csv").write_text("student,start,stop,code\nS01,0,5,interested\n", "utf-8")
    wrong = run("validate", 1, "codes.csv", "--db", db)
    assert wrong.status == 2
    assert "use hand up, writing, talking, cannot tell" in wrong.complaint()
    (folder / "codes.csv").write_text("\n".join(lines) + "\n", "utf-8")
    assert "have no polarity" in run("validate", 1, "codes.csv", "--fit", "own", "--db", db).complaint()


def test_judgements_by_classes_and_by_attention_stand_side_by_side(run: Run, db: Path) -> None:
    assert run("judge", 1, "--db", db, "--strategy", "dominant").status == 0
    prevailed = run("query", "--named", "classes-prevailed", "-p", "session=1", "--db", db).out
    assert re.search(r"S01 +– +writing +6 +7 +1", prevailed)
    assert run("judge", 1, "--db", db, "--strategy", "attention").status == 0
    session = find(1, db)
    assert session.scale().kinds == ("interested", "neutral", "not interested")
    assert session.scale("weighted, 5 s").kinds == NAMES
    compared = run("compare", 1, "--db", db).out
    assert "h hand up, w writing, t talking" in compared
    assert re.search(r"weighted, 5 s +dominant, 5 s +students +28 +1\.0000 +24", compared)
