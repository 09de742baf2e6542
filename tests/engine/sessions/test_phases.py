"""Parts of a lesson: marked, judged with every judgement, taken away; and files of marks, with all their faults."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import ClasspulseError, UsageError
from engine.sessions.phases import Mark, read_marks
from engine.sessions.session import Session, find
from engine.tables import read_rows
from tests.drawn import LESSON, rows


@pytest.fixture
def session(analysed: Session, tmp_path: Path) -> Session:
    """The drawn lesson: moods change every 10 s, 32 s long."""
    return find(1, Path(shutil.copy(analysed.database, tmp_path / "classpulse.db")))


def test_a_part_is_judged_as_a_window_of_its_length_would_be(session: Session) -> None:
    session.mark("first", 0, 10).mark("second", 10)
    session.judge("ten", window=10.0)
    windows, parts = session.verdicts("ten"), session.phase_verdicts("ten")
    assert parts["phase_label"].tolist() == ["first"] * 4 + ["second"] * 4
    assert parts["start"].tolist() == [0] * 4 + [10] * 4
    assert parts["stop"].tolist() == [10] * 4 + [session.info()["duration"]] * 4
    for name in ("coverage", "frames", "faces", "scorable"):
        assert parts[name][:4].tolist() == windows[name][:4].tolist()
    # The student's level in the others is that of two long windows there, and of three here.
    np.testing.assert_allclose(parts["balance"][:4], windows["balance"][:4], atol=0.05)
    np.testing.assert_allclose(parts["positive"][:4], windows["positive"][:4], atol=0.5)
    whole = session.judge("all", window=1000.0).verdicts("all")
    session.unmark()
    session.mark("everything", 0)
    mine = session.phase_verdicts("all")
    for name in ("verdict", "balance", "margin", "coverage", "frames", "faces", "positive"):
        assert mine[name].tolist() == whole[name].tolist(), name
    assert (mine["visible"] > 0.9).all()


def test_parts_show_the_moods_of_the_script(session: Session) -> None:
    session.mark("talk", 0).mark("film", 10).mark("game", 20.0, 30.0)
    parts, seats = session.phase_verdicts(), session.students().sort_values("x")["student"].tolist()
    glad = [
        LESSON.moods[seats.index(student)][("talk", "film", "game").index(part)] == "happy"
        for student, part in zip(parts["student"], parts["phase_label"], strict=True)
    ]
    assert (parts["balance"] > 0).tolist() == glad
    assert parts["frames"].unique().tolist() == [10]
    assert session.class_phase_verdicts()["phase_label"].tolist() == ["talk", "film", "game"]


def test_every_judgement_has_the_parts_and_windows_stay_as_they_are(session: Session) -> None:
    session.judge("plain", strategy="sum").judge("gaze", strategy="attention")
    before = rows(Path(session.database))
    session.mark("group work", 5, 25)
    after = rows(Path(session.database))
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"phases", "student_phases", "class_phases"}
    assert {row["judgement_id"] for row in after["class_phases"]} == {1, 2, 3}
    session.judge("later", strategy="dominant")
    assert len(session.class_phase_verdicts("later")) == 1
    session.judge("later", strategy="dominant", window=2.0)
    assert len(session.class_phase_verdicts("later")) == 1
    assert session.unmark(1) == [1]
    assert rows(Path(session.database))["class_phases"] == []


def test_corrections_judge_the_parts_again(session: Session) -> None:
    session.mark("all of it", 0)
    assert len(session.phase_verdicts()) == 4
    session.split("S01", 16.0)
    assert session.phase_verdicts()["label"].tolist() == ["S01", "S02", "S03", "S04", "S05"]
    session.undo()
    assert len(session.phase_verdicts()) == 4


WRONG = [
    (("late", 40.0, None), "it begins at 0:40, but the session ends at 0:32"),
    (("long", 5.0, 60.0), "it ends at 1:00, but the session ends at 0:32"),
    (("backwards", 20.0, 10.0), "it ends at 0:10, not after its begin at 0:20"),
    ((" ", 5.0, None), "it has no label"),
    (("a\x07b", 5.0, None), "invalid label 'a\\x07b'"),
    (("twice", 10.0, None), "it overlaps mark 1, from 0:10 to 0:20; phases must not overlap"),
    (("within", 15.0, 18.0), "it overlaps mark 1, from"),
    (("around", 5.0, 12.0), "it overlaps mark 1, from"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[given[0] for given, _ in WRONG])
def test_what_cannot_be_marked_is_one_line_and_changes_nothing(
    session: Session, given: tuple[str, float, float | None], message: str
) -> None:
    session.mark("talk", 10, 20)
    before = rows(Path(session.database))
    with pytest.raises(UsageError, match=re.escape(message)):
        session.mark(*given)
    assert rows(Path(session.database)) == before


def test_an_end_that_is_rounded_up_is_the_sessions(session: Session) -> None:
    session.mark("all", 0, session.info()["duration"] + 0.4)
    assert session.phases()["stop"].tolist() == [session.info()["duration"]]


FILES = {
    "plain": "start,stop,label\n0,10,talk\n0:10,,group work\n",
    "semicolons, BOM, CRLF": "\ufeffstart;stop;label\r\n0;10;talk\r\n0:10;;group work\r\n",
    "tabs, other columns and order": "Label\tnote\tSTART\ntalk\t\t0\n\t\t\ngroup work\tloud\t0:10\n",
    "quotes": 'start,label\n0,"talk"\n"0:10", group work\n',
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_files_of_marks(session: Session, tmp_path: Path, text: str) -> None:
    path = tmp_path / "marks.csv"
    path.write_bytes(text.encode())
    assert session.mark_from(path) == [1, 2]
    marks = session.phases()
    assert marks["label"].tolist() == ["talk", "group work"]
    assert marks["start"].tolist() == [0, 10]


BROKEN = {
    "": "row 1: empty; the first row must name the columns start, label",
    "begin,label\n0,talk\n": "row 1: no column start; the columns are begin, label",
    "start,start,label\n": "row 1: two columns are named start",
    "start,label\n": "no phases; every row below the column names is a phase",
    "start,label\n0,talk\n\nnoon,film\n": "row 4, start: invalid time 'noon'",
    "start,label\n0:99,talk\n": "row 2, start: invalid time '0:99'",
    "start,label\n,talk\n": "row 2, start: invalid time ''",
    "start,label\n0,talk\n40,film\n": "row 3: it begins at 0:40, but the session ends",
    "start,stop,label\n0,15,talk\n10,20,film\n": "row 3: it overlaps marks.csv, row 2, from 0:00 to 0:15",
    "start,label\n5,film\n0,talk\n5,game\n": "row 4: it overlaps marks.csv, row 2, from 0:05",
    "start,label\n0,talk,and,more\n": "row 2: has 4 values, but there are 2 columns",
    "start,label\n0,\n": "row 2: it has no label",
    "start,label\n0,a\x07b\n": "row 2: invalid label 'a\\x07b': it has characters that cannot be shown",
    f"start,label\n0,{'x' * 201}\n": "row 2: invalid label 'xxxxxxxxxxxxxxxxxxxx'...: it is longer than 200",
    'start,label\n0,"talk\n5,film\n': "row 2: not valid CSV",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items())
def test_what_is_wrong_in_a_file_is_said_with_its_row(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("marks.csv").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"^marks\.csv") as error:
        session.mark_from("marks.csv")
    assert message in str(error.value)
    assert session.phases().empty


def test_another_encoding_is_said_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_bytes("start,label\n0,talk\n5,Übung\n".encode("latin-1"))
    with pytest.raises(UsageError, match="row 3: not UTF-8"):
        read_marks(path)


def test_decimal_commas_of_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_bytes("start;stop;label\r\n0,5;1:02,25;Übung\r\n".encode("utf-16"))
    assert [mark[:3] for mark in read_marks(path)] == [(0.5, 62.25, "Übung")]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(max_size=80).map(str.encode),
        st.text('startop,labe;\t\n\r"0123456789:. ', max_size=80).map(
            lambda text: b"start,stop,label\n" + text.encode()
        ),
    )
)
@example(b"start,label\n" + b"9" * 200_000 + b",x")
@example(b"start,label\r0,a\r5,b")
@example(b"\xff\xfes\x00")
@example(b"start,label\n0,\x00")
def test_whatever_is_in_a_file_it_is_marks_or_one_line_that_names_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "marks.csv"
    path.write_bytes(data)
    said = None
    try:
        found = read_marks(path)
    except ClasspulseError as error:
        said = error
    if said is None:
        assert found
        assert all(isinstance(one, Mark) and np.isfinite(one.start) for one in found)
    else:
        assert str(said).startswith(str(path))
        assert "\n" not in str(said)
        assert said.exit_status == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ClasspulseError, match=r"no\.csv: No such file or directory"):
        read_rows(tmp_path / "no.csv", ("start",))
