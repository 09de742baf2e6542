"""Sessions that are out of the ordinary: no face, no student, seconds or an hour long, no emotions."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.report import write_lesson
from classpulse.report import drawing, page, sections
from classpulse.report.queries import ReportQueries
from engine import Session, analyze
from engine.faces import FER, score_columns
from engine.settings import Settings
from storage.errors import QueryError
from tests.classpulse.report.conftest import data_of, told
from tests.classpulse.report.test_page import Outline
from tests.drawn import SETTINGS
from tests.engine.synthetic import write_video


def test_a_recording_without_a_face(tmp_path: Path) -> None:
    image = np.full((180, 320, 3), (96, 104, 110), np.uint8)
    video = write_video(tmp_path / "empty.mp4", (0, 1, 2, 3), images=[image] * 4, time_base=Fraction(3))
    session = analyze(video, tmp_path / "classpulse.db")
    html = page.render(session)
    Outline(html)
    assert "No students: no face was detected in 4 frames; faces under 20 px are not" in html
    assert 'id="section-timeline"' in html
    assert 'id="section-heatmap"' not in html
    assert "No students." in page.section("students", session)


def test_faces_of_nobody(copied: Session) -> None:
    with closing(sqlite3.connect(copied.database)) as connection, connection:
        for statement in (
            "UPDATE faces SET track = NULL",
            "UPDATE tracks SET student = NULL",
            "DELETE FROM students",
        ):
            connection.execute(statement)
    html = page.render(copied.judge())
    Outline(html)
    assert "No students: 128 faces were detected, the largest " in html
    assert "but none in 2 consecutive frames (1 frames a second); use a higher --sample-rate" in html


def test_five_seconds(tmp_path: Path) -> None:
    session = write_lesson(tmp_path / "classpulse.db", students=3, minutes=1 / 6, settings=Settings(window=10))
    html = page.render(session)
    Outline(html)
    assert len(data_of(html, "timeline")["start"]) == 1
    assert "Nothing changed for a minute or more" in html


def test_an_hour_stays_small(tmp_path: Path) -> None:
    session = write_lesson(
        tmp_path / "classpulse.db", students=40, minutes=60, rate=0.2, settings=Settings(min_faces=1)
    )
    html = page.render(session)
    assert len(data_of(html, "heatmap")["levels"][0]) == 360
    assert len(html.encode()) < 6_000_000
    assert "1:00:00" in html


def test_faces_that_were_not_scored(copied: Session) -> None:
    with closing(sqlite3.connect(copied.database)) as connection, connection:
        connection.execute(f"UPDATE faces SET {', '.join(f'{score} = NULL' for score in score_columns(FER))}")
    html = page.render(copied.judge())
    Outline(html)
    assert html.count("No face of this student has emotion scores") == 4


def test_a_session_that_is_not_judged(copied: Session) -> None:
    with closing(sqlite3.connect(copied.database)) as connection, connection:
        connection.execute("DELETE FROM judgements")
    with pytest.raises(QueryError, match="session 1 has no judgement yet; finish `classpulse analyze` first"):
        page.render(copied)


def test_posters_are_no_students(copied: Session) -> None:
    with closing(sqlite3.connect(copied.database)) as connection, connection:
        connection.execute("UPDATE students SET static = 1, role = 'picture' WHERE label = 'S04'")
    html = page.render(copied.judge())
    assert data_of(html, "heatmap")["labels"] == ["S01", "S02", "S03"]
    assert "Poster or screen, not counted as a student." in html


def test_a_student_who_came_back_by_a_weak_link(copied: Session) -> None:
    with closing(sqlite3.connect(copied.database)) as connection, connection:
        connection.execute("UPDATE tracks SET student = 0, link_score = 0.7 WHERE student = 1")
    html = page.render(copied, student="S01")
    assert "a low certainty of 0.70" in html
    assert "classpulse split 1 S01 --at 0:00" in html


def test_who_may_be_the_same_person_is_offered(copied: Session) -> None:
    with closing(sqlite3.connect(copied.database)) as connection, connection:
        connection.execute("UPDATE students SET last = 10 WHERE label = 'S01'")
        connection.execute(
            "UPDATE students SET first = 12, x = (SELECT x + 5 FROM students WHERE label = 'S01') "
            "WHERE label = 'S02'"
        )
    html = page.render(copied)
    assert f"classpulse merge 1 S01 S02 --db {copied.database}" in html
    assert "classpulse merge 1 S03 OTHER" in html


def test_a_databases_password_is_not_shown() -> None:
    pytest.importorskip("psycopg", reason="no psycopg here (postgres extra)")
    elsewhere = Session("postgresql://teacher:secret@school/pulse?password=secret", 1)
    command = sections._command(ReportQueries(elsewhere))
    assert "school/pulse" in command["end"]
    assert "secret" not in command["end"]


@pytest.mark.parametrize(
    ("length", "last"), [(0, 0), (4.9, 4), (32, 30), (3000, 3000), (3600, 3600), (40_000, 36_000)]
)
def test_ticks_are_round_and_few(length: float, last: int) -> None:
    ticks = drawing.ticks(length)
    assert ticks[0] == 0
    assert ticks[-1] == last
    assert len(ticks) <= 11


def test_moved_database(analysed: Session, tmp_path: Path) -> None:
    moved = Session(shutil.copy(analysed.database, tmp_path / "o'hara's $(x).db"), 1)
    assert "--db &#39;" in page.render(moved)  # quoted for the shell, and escaped


def test_a_class_of_which_nothing_else_was_kept(recording: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, aggregate_only=True, min_group=2)
    html = told(page.render(analyze(recording, tmp_path / "classpulse.db", settings=settings)))
    Outline(html)
    assert "only verdicts of the class and the number of faces in each frame were stored" in html
    assert not re.search(r"\bS01\b", html)
    assert "divided" in data_of(html, "timeline")["verdict"]


def test_on_postgres(recording: Path, postgres_url: str, analysed: Session) -> None:
    session = analyze(recording, postgres_url, settings=SETTINGS)
    html, expected = page.render(session), page.render(analysed)
    for plot in ("timeline", "heatmap"):
        assert data_of(html, plot) == data_of(expected, plot)
    for part in ("changes", "seats"):
        section = html.split(f'id="section-{part}"')[1].split('class="source"')[0]
        assert section == expected.split(f'id="section-{part}"')[1].split('class="source"')[0]
