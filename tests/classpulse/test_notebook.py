"""What a session shows in a notebook, and its tables in Arrow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import classpulse
from classpulse.report.sentence import session_summary
from engine.errors import UsageError
from engine.verdicts.scale import VERDICTS
from tests.seated import write_seated


@pytest.fixture
def session(tmp_path: Path) -> classpulse.Session:
    write_seated(tmp_path / "classpulse.db", name="<b>8b</b>").rename("S01", "Ada <i>")
    return classpulse.find(1, db=tmp_path / "classpulse.db")


def test_a_session_shows_its_sentence_its_balance_and_everybody_and_asks_for_nothing(
    session: classpulse.Session,
) -> None:
    html = session._repr_html_()
    assert session_summary(session) in html.replace("&#x27;", "'")
    assert "&lt;b&gt;8b&lt;/b&gt;" in html
    assert "<th>S01 Ada &lt;i&gt;</th>" in html
    assert "http" not in html
    judged = session.class_verdicts()
    assert html.count("<rect") == (judged["verdict"] != "insufficient").sum()
    of_one = session.verdicts().query("label == 'S02'")["verdict"].tolist()
    cells = re.search(r"<th>S02</th>((?:<td>\d+</td>)+)", html)
    assert cells
    numbers = [int(number) for number in re.findall(r"\d+", cells[1])]
    assert numbers == [of_one.count(verdict) for verdict in VERDICTS]


@pytest.mark.parametrize("table", ["verdicts", "class_verdicts", "students", "faces", "frames", "phases"])
def test_every_table_is_there_in_arrow(session: classpulse.Session, table: str) -> None:
    found, known = session.to_arrow(table), getattr(session, table)()
    assert found.column_names == list(known.columns)
    assert found.num_rows == len(known)


def test_another_table_is_one_line(session: classpulse.Session) -> None:
    with pytest.raises(UsageError, match="no table 'rows'; there are verdicts, class_verdicts, "):
        session.to_arrow("rows")
