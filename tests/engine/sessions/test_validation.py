"""Codes of people: their files with all their faults, and the figures that come of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from classpulse.simulation.truth import Truth, scripted_verdict
from engine.errors import ClasspulseError, UsageError
from engine.sessions.coding import CODES, Codes, read_codes
from engine.sessions.session import Session
from engine.sessions.validation import Validation
from tests.drawn import rows
from tests.seated import write_seated

STUDENTS = pd.DataFrame(
    {
        "student": [0, 1, 2],
        "label": ["S01", "S02", "S03"],
        "name": ["Ada", None, None],
        "role": ["student", "student", "picture"],
    }
)
HEAD = "student,start,stop,code\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


# -- the file


FILES = {
    "plain": "student,start,stop,code\nS01,0:10,0:20,interested\nS02,10,20,not interested\n",
    "names, lengths, other columns": (
        "Code;note;START;length;Student\nInterested;x;10;10;Ada\nNOT_interested;;10;0:10;S02\n"
    ),
    "cannot tell": HEAD + "S01,10,20,interested\nS01,20,30,\nS02,10,20,not-interested\nS02,0,5,cannot tell\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_files_of_codes(tmp_path: Path, text: str) -> None:
    codes = read_codes(write(tmp_path / "codes.csv", text), STUDENTS, 60.0)
    assert codes.table.to_dict("records") == [
        {"coder": "coder", "student": 0, "label": "S01", "start": 10.0, "stop": 20.0, "code": 0},
        {"coder": "coder", "student": 1, "label": "S02", "start": 10.0, "stop": 20.0, "code": 2},
    ]
    assert codes.uncodable == text.count("S01,20") + text.count("cannot tell")


def test_the_majority_is_more_than_any_other_code(tmp_path: Path) -> None:
    text = "coder,student,start,stop,code\n" + "".join(
        f"{coder},S01,{10 * place},{10 * place + 10},{CODES[int(code)]}\n"
        for coder, coded in {"Ada": "0120", "Ben": "0112", "student": "0201"}.items()
        for place, code in enumerate(coded)
    )
    units = read_codes(write(tmp_path / "codes.csv", text), STUDENTS, 60.0).units()
    assert units["majority"].tolist() == [0, 1, -1, -1]
    assert units["by student"].tolist() == [0, 2, 0, 1]
    assert units["student"].tolist() == [0] * 4


BROKEN = {
    "": "row 1: empty; the first row must name the columns student, start, code",
    "student,start,code\nS01,0,neutral\n": "row 1: no column stop or length",
    "student,begin,stop\n": "row 1: no column start and code; the columns are student, begin, stop",
    HEAD: "no codes; every row below the column names is a code",
    HEAD + "S01,0,10,\n": "no codes; every row below the column names is a code",
    HEAD + "S01,0,10,neutral\nS09,0,10,neutral\n": "3: no student 'S09' in this session; there are S01, S02, S03",
    HEAD + ",0,10,neutral\n": "row 2: no student ''",
    HEAD + "S03,0,10,neutral\n": "row 2: S03 is a picture, and only students are judged",
    HEAD + "S01,0,10,bored\n": "row 2: invalid code 'bored'; use interested, neutral, not interested, cannot tell",
    HEAD + "S01,noon,10,neutral\n": "row 2, start: invalid time 'noon'",
    HEAD + "S01,0,0:99,neutral\n": "row 2, stop: invalid time '0:99'",
    HEAD + "S01,0,,neutral\n": "row 2: give either stop or length",
    HEAD + "S01,20,10,neutral\n": "row 2: invalid interval from 20 to 10 s",
    HEAD + "S01,0,0.01,neutral\n": "row 2: invalid interval from 0 to 0.01 s; the shortest is 0.1 s",
    HEAD + "S01,55,65,neutral\n": "row 2: it ends at 1:05, but the session ends at 1:00",
    HEAD + "S01,60,65,\n": "row 2: it begins at 1:00, but the session ends at 1:00",
    HEAD + "S01,5,15,neutral\nS02,0,9,neutral\nAda,0,10,\n": (
        "row 4: S01 is coded by coder already from 0:05 to 0:15, in codes.csv, row 2"
    ),
    "coder,student,start,stop,code\nBen,S01,0,10,neutral\n,S02,0,10,neutral\n": (
        "row 3: no coder; name one in every row"
    ),
    "student,start,stop,length,code\nS01,0,10,10,neutral\n": "row 2: give either stop or length",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items())
def test_what_is_wrong_in_a_file_is_said_with_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^codes\.csv") as error:
        read_codes(write(Path("codes.csv"), text), STUDENTS, 60.0)
    assert message in str(error.value)


WORDS = [
    "S01",
    "S02",
    "Ada",
    "S9",
    "0",
    "10",
    "0:20",
    "59",
    "7.05",
    "interested",
    "neutral",
    "",
    "start",
    "é",
    '"',
    "x\n",
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(max_size=80).map(str.encode),
        st.lists(st.lists(st.sampled_from(WORDS), min_size=5, max_size=5), max_size=8).map(
            lambda table: "\n".join(["coder,student,start,length,code", *map(",".join, table)]).encode()
        ),
        st.lists(
            st.tuples(
                *map(st.sampled_from, (["Ben", "start"], ["S01", "Ada"], ["0", "9", "20"], ["5", "99"], CODES))
            ),
            max_size=8,
        ).map(lambda table: "\n".join(["coder,student,start,stop,code", *map(",".join, table)]).encode()),
    )
)
@example((HEAD + "S01,0,10,neutral\n").encode("utf-16"))
@example((HEAD + "S01,0,10,\u00fcbel\n").encode("latin-1"))
@example(HEAD.encode() + b"9" * 200_000)
@example(HEAD.encode() + b"S01,0,10,neu\x00tral\n")
@example(HEAD.encode() + b"S01,0,0.0000001,neutral\nS01,0,0.0000001,neutral")
def test_whatever_is_in_a_file_it_is_codes_or_one_line_that_names_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(data)
    said = None
    try:
        found = read_codes(path, STUDENTS, 60.0)
    except ClasspulseError as error:
        said = error
    if said:
        assert str(said).startswith(str(path))
        assert "\n" not in str(said)
        assert said.exit_status == 2
        return
    units = found.units()
    assert 0 < len(units) <= len(found.table)
    assert (units["start"] < units["stop"]).all()
    assert units["majority"].between(-1, 2).all()


# -- the figures


@pytest.fixture(scope="module")
def truth(drawn: tuple[Path, Truth], analysed: Session) -> pd.DataFrame:
    """What the script says of every student and window of 5 s: label, start, code."""
    scripted = scripted_verdict(drawn[1], 5.0).query("window < 6")
    seats = analysed.students().sort_values("x")["label"].tolist()  # the script's students sit from left to right
    return pd.DataFrame(
        {
            "label": [seats[student] for student in scripted["student"]],
            "start": scripted["window"] * 5,
            "code": scripted["verdict"],
        }
    ).reset_index(drop=True)


def file_of(path: Path, **coders: pd.DataFrame) -> Path:
    lines = [
        f"{coder},{row.label},{row.start},5,{row.code}\n"
        for coder, table in coders.items()
        for row in table.itertuples()
    ]
    return write(path, "coder,student,start,length,code\n" + "".join(lines))


def figure(result: Validation, rater_a: str, rater_b: str, measure: str) -> pd.Series[Any]:
    rows = result.figures.query("rater_a == @rater_a and rater_b == @rater_b and measure == @measure")
    (row,) = (row for _, row in rows.iterrows())
    return row


def test_the_machine_sees_what_the_script_says(analysed: Session, truth: pd.DataFrame, tmp_path: Path) -> None:
    before = rows(Path(analysed.database))
    result = analysed.validate(file_of(tmp_path / "codes.csv", Ada=truth))
    for measure in ("agreement", "kappa", "weighted kappa", "AUC interested", "AUC not interested"):
        assert figure(result, "the system", "Ada", measure)["value"] == 1, measure
    assert figure(result, "the system", "Ada", "no verdict")["value"] == 0
    assert np.trace(result.confusion[list(CODES)].to_numpy()) == len(result.intervals) == 24
    assert "the majority" not in set(result.figures["rater_b"])  # of one coder
    assert rows(Path(analysed.database)) == before


def test_each_stretch_has_the_verdict_of_the_window_that_it_is(
    analysed: Session, truth: pd.DataFrame, tmp_path: Path
) -> None:
    """Also where few windows are coded, and those of one student are not those of another."""
    some = truth.iloc[[0, 3, 7, 11, 16, 22]]
    result = analysed.validate(file_of(tmp_path / "codes.csv", Ada=some))
    windows = analysed.verdicts().set_index(["label", "start"])
    assert len(result.intervals) == 6
    for row in result.intervals.to_dict("records"):
        stored = windows.loc[(row["label"], row["start"])]
        assert row["verdict"] == stored["verdict"]
        for name in ("balance", "margin", "coverage"):
            assert row[name] == pytest.approx(stored[name], abs=1e-3), name


def test_stretches_may_overlap_those_of_others(analysed: Session, tmp_path: Path) -> None:
    text = HEAD + "S01,0,10,neutral\nS02,3,13,neutral\nS03,5,7,neutral\nS01,10,20,neutral\n"
    intervals = analysed.validate(write(tmp_path / "codes.csv", text)).intervals
    assert intervals[["label", "start", "stop"]].to_numpy().tolist() == [
        ["S01", 0, 10], ["S01", 10, 20], ["S02", 3, 13], ["S03", 5, 7],
    ]  # fmt: skip
    assert intervals["scorable"].tolist() == [10, 10, 10, 2]


def test_several_coders(analysed: Session, truth: pd.DataFrame, tmp_path: Path) -> None:
    wrong = truth.assign(code=["neutral", *truth["code"][1:]])
    path = file_of(tmp_path / "codes.csv", Ada=truth, Ben=wrong, Cem=truth[:12])
    result = analysed.validate(path)
    assert figure(result, "the system", "the majority", "kappa")["value"] == 1
    assert figure(result, "the system", "Ben", "agreement")["value"] == pytest.approx(23 / 24)
    assert figure(result, "Ada", "Ben", "agreement")["value"] == pytest.approx(23 / 24)
    assert figure(result, "Ada", "Cem", "kappa")[["value", "intervals"]].tolist() == [1, 12]
    alpha = figure(result, "all coders", "all coders", "alpha")
    assert 0.9 < alpha["value"] < 1
    assert alpha["low"] <= alpha["value"] <= alpha["high"]


def test_what_has_no_verdict_is_counted_and_not_dropped(
    analysed: Session, truth: pd.DataFrame, tmp_path: Path
) -> None:
    analysed_copy = Path(analysed.database)
    with closing(sqlite3.connect(analysed_copy)) as source, closing(sqlite3.connect(tmp_path / "c.db")) as copy:
        source.backup(copy)
    session = Session(tmp_path / "c.db", 1).judge("strict", min_faces=6)  # of the five in a window
    result = session.validate(file_of(tmp_path / "codes.csv", Ada=truth))
    assert figure(result, "the system", "Ada", "no verdict")[["value", "intervals"]].tolist() == [1, 24]
    assert result.confusion["insufficient"].sum() == 24
    assert not (result.figures["measure"] == "kappa").any()
    assert figure(result, "the system", "Ada", "AUC interested")["value"] == 1  # the balance is there all the same
    assert session.validate(tmp_path / "codes.csv", "weighted, 5 s").figures["value"].max() == 1


def test_who_is_not_seen_in_a_stretch_has_no_verdict(tmp_path: Path) -> None:
    session = write_seated(tmp_path / "classpulse.db")
    path = write(tmp_path / "codes.csv", HEAD + "S04,56,61,neutral\nS01,0,30,neutral\n")  # Dan has left
    intervals = session.validate(path).intervals.set_index("label")
    assert intervals["verdict"]["S04"] == "insufficient"
    assert np.isnan(intervals["balance"]["S04"])
    assert (
        intervals["verdict"]["S01"] == session.verdicts().query("label == 'S01' and start == 0")["verdict"].item()
    )


def test_a_class_alone_has_nobody_to_validate(analysed: Session, tmp_path: Path) -> None:
    with closing(sqlite3.connect(analysed.database)) as source, closing(sqlite3.connect(tmp_path / "c.db")) as copy:
        source.backup(copy)
        copy.execute("UPDATE sessions SET settings = json_set(settings, '$.aggregate_only', json('true'))")
        copy.commit()
    with pytest.raises(UsageError, match="has no data of students"):
        Session(tmp_path / "c.db", 1).validate(tmp_path / "none.csv")


def test_codes_count_their_coders() -> None:
    table = pd.DataFrame(
        {"coder": ["b", "a", "b"], "student": 0, "label": "S01", "start": [0.0, 0, 5], "stop": [5.0, 5, 9]}
    )
    codes = Codes(table.assign(code=[0, 0, 1]), 0)
    assert codes.coders == ["a", "b"]
    assert codes.units()["by a"].tolist() == [0, -1]


@pytest.mark.parametrize("text", ["S01,31.9,32,neutral\n", "S01,0,0.1,neutral\nS02,0.05,31.999999,neutral\n"])
def test_stretches_of_any_length_are_judged(analysed: Session, tmp_path: Path, text: str) -> None:
    result = analysed.validate(write(tmp_path / "codes.csv", HEAD + text))
    assert len(result.intervals) == text.count("\n")
    assert result.intervals["verdict"].notna().all()
