"""The report of a really analysed lesson: what is in it, where it comes from, and what never is."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from classpulse.report import page
from classpulse.report.library import PLOTLY
from engine import Session
from engine.errors import UsageError
from engine.faces import EMOTIONS
from storage import queries
from storage.errors import QueryError
from storage.store import Store
from storage.warnings import StoredWarning, write_warnings
from tests.classpulse.report.conftest import data_of, sql_of, told

NASTY = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def html(analysed: Session) -> str:
    return page.render(analysed)


Attributes = list[tuple[str, str | None]]


class Outline(HTMLParser):
    """Headings, ids and references of a page; fails on tags that are not closed in order."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if tag not in self.VOID:
            self.stack.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        known = {name: value or "" for name, value in attrs}
        self.ids += [known["id"]] if "id" in known else []
        self.refers += known.get("aria-labelledby", "").split()
        self.refers += [known["href"][1:]] if known.get("href", "").startswith("#") else []

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, tag
        assert self.stack.pop() == tag


def test_is_one_small_file_that_loads_nothing(html: str) -> None:
    assert len(html.encode()) < 6_000_000
    markup = re.sub(r"<script[ >].*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"(src|href|action)=[\"'](?!#|data:)", markup)
    assert "http" not in re.sub(r'<meta http-equiv="Content-Security-Policy"', "", markup)
    assert "default-src 'none'" in markup


def test_outline(html: str) -> None:
    found = Outline(html)
    assert found.headings[0] == 1
    assert found.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert len(found.ids) == len(set(found.ids))
    assert set(found.refers) <= set(found.ids)


def test_every_part_is_there_with_its_questions(html: str) -> None:
    for part in set(page.WHOLE) - {"phases"}:
        assert f'id="section-{part}"' in html
        assert sql_of(html, part), part


def test_every_question_can_be_asked_again(html: str, analysed: Session) -> None:
    for part in re.findall(r'id="section-(\w+)"', html):
        for sql in sql_of(html, part):
            assert sql.startswith("SELECT")
            assert not re.search(r"[{}]", sql)
            queries.query(analysed.database, sql)


def test_timeline_is_what_its_question_answers(html: str, analysed: Session) -> None:
    data = data_of(html, "timeline")
    sql, _ = sql_of(html, "timeline")
    rows = queries.query(analysed.database, sql)
    assert data["verdict"] == rows["verdict"].tolist()
    for name in ("start", "stop", "balance", "margin", "coverage", "interested", "not_interested", "insufficient"):
        shown = [math.nan if value is None else value for value in data[name]]
        assert shown == pytest.approx(rows[name].tolist(), nan_ok=True), name


def test_heatmap_is_what_its_question_answers(html: str, analysed: Session) -> None:
    data = data_of(html, "heatmap")
    rows = queries.query(analysed.database, sql_of(html, "heatmap")[0])
    assert sorted(set(rows["student"])) == data["students"]
    for place, student in enumerate(data["students"]):
        mine = rows[rows["student"] == student]
        for k, (verdict, balance) in enumerate(zip(mine["verdict"], mine["balance"], strict=True)):
            level = data["levels"][place][k]
            assert (level == -9) == (verdict == "insufficient")
            assert (level > 0) == (verdict == "interested")
            assert (level == 0) == (verdict == "neutral")
            assert data["balance"][place][k] == pytest.approx(balance, abs=0.006)


def test_cards_are_what_their_questions_answer(html: str, analysed: Session) -> None:
    students, windows, scores, *_ = (queries.query(analysed.database, sql) for sql in sql_of(html, "students"))
    section = html.split('id="section-students"')[1].split('id="section-')[0]
    cards = section.split("<article")[1:]
    assert len(cards) == len(students)
    for card, student in zip(cards, students.to_dict("records"), strict=True):
        assert student["label"] in card
        assert f"{student['faces']}, {student['scorable']} scorable" in card
        mine = windows[windows["student"] == student["student"]]
        assert f"{(mine['verdict'] == 'interested').sum()} interested" in card
        means = scores.set_index("student").loc[student["student"]]
        for number, name in enumerate(EMOTIONS, 1):
            if means[f"score_{number}"] >= 0.005:
                assert f"{name} {means[f'score_{number}']:.0%}" in card
        assert f"classpulse rename 1 {student['label']} " in card


def test_settings_and_networks_are_shown(html: str, analysed: Session) -> None:
    section = html.split('id="section-provenance"')[1]
    for checksum in json.loads(analysed.info()["models"]).values():
        assert checksum in section
    for name in json.loads(analysed.judgements()["settings"].iloc[-1]):
        assert name.replace("_", " ") in section
    assert "Art. 5(1)(f)" in section


def test_warnings_about_the_recording_are_shown(copied: Session) -> None:
    assert "Warnings about the recording" not in page.render(copied)
    with Store.open(copied.database) as store:
        write_warnings(
            store, copied.session_id, [StoredWarning("clock_jump", "a.mkv: its clock <jumps>", 5, 36_000)]
        )
    section = page.render(copied).split('id="section-provenance"')[1]
    assert "<li>a.mkv: its clock &lt;jumps&gt;</li>" in section
    assert copied.warnings == ("a.mkv: its clock <jumps>",)


def test_tables_stand_beside_plots(html: str) -> None:
    for part in ("timeline", "heatmap", "seats"):
        section = html.split(f'id="section-{part}"')[1].split('id="section-')[0]
        assert "The same as a table" in section
        assert 'role="img" aria-label="' in section


def test_names_with_markup_are_text(copied: Session) -> None:
    copied.rename("S01", NASTY)
    html = page.render(copied)
    assert NASTY not in html
    assert "<img" not in html
    assert html.count("</script>") == 5  # plotly.js, our two, and the data of two plots
    assert f"S01 {NASTY}" in data_of(html, "heatmap")["labels"]
    Outline(html)


def test_one_students_report_holds_nobody_else(copied: Session) -> None:
    copied.rename("S02", "Zacharias")
    html = page.render(copied, student="S01")
    assert "S01" in html
    for other in ("S02", "S03", "S04", "Zacharias"):
        assert other not in told(html)
    assert 'id="section-heatmap"' not in html
    assert 'id="section-seats"' not in html
    assert len(data_of(html, "timeline")["start"]) == 7  # what the class as a whole did
    students, windows, *_ = (queries.query(copied.database, sql) for sql in sql_of(html, "students"))
    assert students["label"].tolist() == ["S01"]
    assert len(windows) == 7


def test_corrections_are_said_as_the_command_says_them(copied: Session) -> None:
    copied.rename("S02", "Ada").split("S03", 15)
    undone = copied.undo()
    section = unescape(page.render(copied).split('id="section-provenance"')[1])
    for row in copied.corrections().to_dict("records"):
        assert row["what"] in section
    assert undone.startswith("split S03 at 0:15")
    assert f"{undone} (undone)" in section
    assert "rename S02 'Ada'</li>" in section


def test_student_by_name(copied: Session) -> None:
    copied.rename("S03", "Ada")
    assert "S03 Ada" in page.render(copied, student="Ada")


def test_unknown_student_and_judgement(analysed: Session) -> None:
    with pytest.raises(UsageError, match="no student 'S99' in this session; there are S01, S02, S03, S04"):
        page.render(analysed, student="S99")
    with pytest.raises(QueryError, match="session 1 has no judgement 'sum'"):
        page.render(analysed, judgement="sum")


@pytest.mark.parametrize("student", [None, "S02"])
def test_a_judgement_by_attention_speaks_of_attention(copied: Session, student: str | None) -> None:
    copied.judge(strategy="attention")
    html = page.render(copied, student=student)
    text = re.sub(r"<(script|style|details)[ >].*?</\1>", "", html, flags=re.DOTALL).split(
        'id="section-provenance"'
    )[0]
    assert "Judged by attention alone" in text
    assert "interested: attentive" in text
    assert "not interested: turned away, bowed or hidden" in text
    assert "facing the usual way" in text
    for word in ("happy", "angry", "raw scores", "emotions", "expression"):
        assert word not in text.replace("by no emotion", ""), word
    assert "The network was trained" not in html
    section = html.split('id="section-students"')[1].split('id="section-')[0]
    signals = queries.query(copied.database, sql_of(html, "students")[2]).set_index("student")
    assert f"face in view {signals['visible'][1]:.0%} of the time" in section
    if student is None:
        assert data_of(html, "heatmap")["evidence"] == "frames that count"
    Outline(html)


def test_an_earlier_judgement_can_be_shown(copied: Session) -> None:
    copied.judge(window=10, strategy="sum")
    assert len(data_of(page.render(copied), "timeline")["start"]) == 4
    assert len(data_of(page.render(copied, "weighted, 5 s"), "timeline")["start"]) == 7


def test_parts_are_the_pages(html: str, analysed: Session) -> None:
    fragments = page.sections(analysed)
    assert list(fragments) == [name for name in page.WHOLE if name != "phases"]  # none is marked
    for name, fragment in fragments.items():
        assert fragment in html
        assert page.section(name, analysed) == fragment


def test_carries_plotly_and_lets_it_run(html: str) -> None:
    packed = html.split('<script id="classpulse-plotly" type="text/plain">', 1)[1].split("</script>", 1)[0]
    script = gzip.decompress(base64.b64decode(packed))
    assert script == PLOTLY.read_bytes()
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" in html
    assert html.count("'sha256-") == 3  # of our two scripts and of this one; no other runs


def test_is_small_enough_to_be_sent_by_mail(html: str) -> None:
    assert len(html) < 1_000_000
    assert len(told(html)) < 300_000, "beside plotly.js"


def test_reports_take_no_kind_of_plot_that_our_part_of_plotly_lacks() -> None:
    drawn = set(re.findall(r'type: "(\w+)"', page.LIVE.read_text("utf-8"))) - {"date", "line", "rect"}
    assert drawn == {"bar", "scatter", "heatmap"}
    assert PLOTLY.name == "plotly-cartesian.min.js", "lines, bars and heatmaps are in that part"
