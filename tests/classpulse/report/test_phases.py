"""The phases of a lesson in a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from classpulse.report import page
from engine import Session
from storage import queries
from tests.classpulse.report.conftest import data_of, sql_of
from tests.classpulse.report.test_page import NASTY, Outline


@pytest.fixture
def marked(copied: Session) -> Session:
    copied.mark("input", 0, 10)
    copied.mark(NASTY, 15)
    return copied


def test_parts_are_marked_and_judged(marked: Session) -> None:
    html = page.render(marked)
    Outline(html)
    assert NASTY not in html
    assert [(part["start"], part["stop"]) for part in data_of(html, "timeline")["phases"]] == [(0, 10), (15, 32)]
    (sql,) = sql_of(html, "phases")
    rows = queries.query(marked.database, sql)
    assert rows["phase_label"].tolist() == ["input", NASTY]
    section = html.split('id="section-phases"')[1].split('id="section-')[0]
    for verdict in rows["verdict"]:
        assert verdict in section


def test_cards_say_how_each_part_went(marked: Session) -> None:
    html = page.render(marked, student="S02")
    rows = queries.query(marked.database, sql_of(html, "students")[-2])
    assert rows["student"].unique().tolist() == [1]
    for part in rows.to_dict("records"):
        assert part["verdict"] in html
    assert "input: " in html


def test_without_a_mark_there_is_no_such_part(analysed: Session) -> None:
    assert 'id="section-phases"' not in page.render(analysed)
    assert "This lesson has no phases" in page.section("phases", analysed)


@pytest.mark.browser
def test_parts_are_drawn(marked: Session, opened: Callable[..., Any]) -> None:
    shown = opened(page.render(marked))
    shown.wait_for_selector(".timeline.drawn .annotation")
    texts = shown.locator(".timeline .annotation").all_text_contents()
    assert texts[0] == "input"
    assert texts[1].startswith("</script><script>alert")
    assert shown.faults == []
