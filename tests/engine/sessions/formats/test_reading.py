"""Files of codes and marks as ELAN, BORIS, Praat and players write them, and damaged ones."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.documents import MOST_BYTES
from engine.errors import UsageError
from engine.sessions.coding import CODES, read_codes
from engine.sessions.formats.reading import POINT_SECONDS, Recording
from engine.sessions.phases import read_marks

STUDENTS = pd.DataFrame(
    {"student": [0, 1], "label": ["S01", "S02"], "name": ["Zoë", None], "role": ["student", "student"]}
)

#: As ELAN writes it: two aligned annotations of which the second begins at a slot without a time, and a tier that
#: refers to them.
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T10:00:00+01:00" FORMAT="3.0" VERSION="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="2000"/>
    <TIME_SLOT TIME_SLOT_ID="ts2"/>
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="8000"/>
  </TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="code" TIER_ID="codes" PARTICIPANT="S01" ANNOTATOR="Ada">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>interested</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
      <ANNOTATION_VALUE>neutral</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER LINGUISTIC_TYPE_REF="word" TIER_ID="Ben@S02" PARENT_REF="codes">
    <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a2">
      <ANNOTATION_VALUE>not interested</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
    <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a4" ANNOTATION_REF="a2" PREVIOUS_ANNOTATION="a3">
      <ANNOTATION_VALUE>cannot tell</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER LINGUISTIC_TYPE_REF="verdict" TIER_ID="verdict@S02" ANNOTATOR="classpulse">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a5" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts3">
      <ANNOTATION_VALUE>interested</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
</ANNOTATION_DOCUMENT>
"""
#: Praat's manual's short form: names are left out, and a comment is passed over.
TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
10 ! s
<exists>
2
"IntervalTier" "Ada" 0 10 2
0 4 "S01: interested"
4 10 "Zoë: not_interested"
"TextTier" "Ben@S02" 0 10 2
1 "neutral"
3.5 "interested"
"""
EVENTS = """Observation id,Observation date,Media file name,Subject,Behavior,Behavior type,Time
Ada,2026-01-01,a.mp4,S01,interested,START,0.5
Ada,2026-01-01,a.mp4,S01,interested,STOP,3
Ada,2026-01-01,a.mp4,S01,neutral,START,3
Ada,2026-01-01,a.mp4,S01,neutral,STOP,9
Ada,2026-01-01,a.mp4,S02,neutral,POINT,7
"""
AGGREGATED = """Observation id\tSubject\tBehavior\tBehavior type\tStart (s)\tStop (s)\tDuration (s)
Ada\tS01\tinterested\tSTATE\t0.5\t3\t2.5
Ada\tS01\tneutral\tSTATE\t3\t9\t6
Ada\tS02\tneutral\tPOINT\t7\t7\tNA
"""
OF_EVENTS = [
    ("Ada", "S01", 0.5, 3, "interested"),
    ("Ada", "S01", 3, 9, "neutral"),
    ("Ada", "S02", 7, 12, "neutral"),
]


def project(*observations: str) -> dict[str, Any]:
    return {
        "behaviors_conf": {
            "0": {"code": "interested", "type": "State event"},
            "1": {"code": "neutral", "type": "State event with coding map"},
            "2": {"code": "not interested", "type": "Point event"},
        },
        "observations": {
            name: {
                "file": {"1": [f"C:\\films\\{name}.mp4"], "2": []},
                "events": [
                    [9, "S01", "neutral", "", "", 225],
                    [0.5, "S01", "interested", "", ""],
                    [3, "S01", "interested", "", ""],
                    [3, "S01", "neutral", "", ""],
                    [4, "S02", "not interested", "", ""],
                ],
            }
            for name in observations
        },
    }


def codes(path: Path, begin: float = 0.0, file_name: str = "") -> list[tuple[str, str, float, float, str]]:
    table = read_codes(path, STUDENTS, 60.0, Recording(file_name, begin)).table.sort_values(["coder", "start"])
    rows = table[["coder", "label", "start", "stop", "code"]].itertuples(index=False, name=None)
    return [(coder, label, start, stop, CODES[code]) for coder, label, start, stop, code in rows]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_elans_slots_without_a_time_and_referring_annotations_get_their_share(write: Any) -> None:
    path = write("codes.eaf", EAF)
    found = read_codes(path, STUDENTS, 60.0)
    assert codes(path) == [
        ("Ada", "S01", 2, 5, "interested"),
        ("Ada", "S01", 5, 8, "neutral"),
        ("Ben", "S02", 5, 6.5, "not interested"),
    ]
    assert found.uncodable == 1
    assert found.coders == ["Ada", "Ben"], "what the system said is no coder's"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_textgrid_has_coders_as_tiers_or_coders_at_students(write: Any, encoding: str) -> None:
    assert codes(write("a.TextGrid", TEXTGRID.encode(encoding))) == [
        ("Ada", "S01", 0, 4, "interested"),
        ("Ada", "S01", 4, 10, "not interested"),
        ("Ben", "S02", 1, 3.5, "neutral"),
        ("Ben", "S02", 3.5, 3.5 + POINT_SECONDS, "interested"),
    ]


@pytest.mark.parametrize("text", [EVENTS, AGGREGATED])
def test_tables_of_boris_have_states_and_points(write: Any, text: str) -> None:
    assert codes(write("events.csv", text)) == OF_EVENTS


def test_a_project_of_boris_has_the_observation_of_the_recording(write: Any) -> None:
    path = write("a.boris", json.dumps(project("monday", "tuesday")))
    found = codes(path, file_name="tuesday.mp4")
    assert found == [
        ("tuesday", "S01", 0.5, 3, "interested"),
        ("tuesday", "S01", 3, 9, "neutral"),
        ("tuesday", "S02", 4, 4 + POINT_SECONDS, "not interested"),
    ]
    with pytest.raises(UsageError, match=r"none of its 2 observations is of friday.mp4"):
        codes(path, file_name="friday.mp4")


def test_annotations_are_on_the_clock_of_the_file(write: Any) -> None:
    """A recording's clock need not begin at 0; a session does."""
    moved = AGGREGATED.replace("0.5\t3", "100.5\t103").replace("3\t9", "103\t109").replace("7\t7", "107\t107")
    assert codes(write("a.tsv", moved), begin=100) == OF_EVENTS
    marks = read_marks(
        write("a.vtt", "WEBVTT\n\n01:40.500 --> 01:42.000\n<b>talk</b> &amp; tea\n"), Recording("", 100)
    )
    assert [mark[:3] for mark in marks] == [(0.5, 2.0, "talk & tea")]


def test_chapters_of_webvtt_are_phases_whatever_stands_around_them(write: Any) -> None:
    text = "\ufeffWEBVTT - chapters\r\n\r\nNOTE\r\nno cue\r\n\r\n1\r\n00:00:00.000 --> 00:00:05.000 align:start"
    path = write("chapters.vtt", text + "\r\nlecture\r\n\r\n00:05.000 --> 1:00:00.000\r\ngroup work\r\n")
    with pytest.raises(UsageError, match="a time of WebVTT"):
        read_marks(path)
    path = write("chapters.vtt", path.read_text("utf-8-sig").replace("1:00:00.000", "01:00:00.000"))
    assert [mark[:3] for mark in read_marks(path)] == [(0, 5, "lecture"), (5, 3600, "group work")]


def test_phases_are_a_tier_of_that_name_or_what_boris_has_without_a_subject(write: Any) -> None:
    grid = TEXTGRID.replace('"Ada"', '"phases"')
    assert [mark.label for mark in read_marks(write("a.TextGrid", grid))] == [
        "S01: interested",
        "Zoë: not_interested",
    ]
    events = EVENTS.replace(",S01,", ",No focal subject,")
    assert [mark[:3] for mark in read_marks(write("a.csv", events))] == [(0.5, 3, "interested"), (3, 9, "neutral")]
    with pytest.raises(
        UsageError, match="no tier 'phases'; name the tier of the phases so; the tiers are 'Ada', 'B"
    ):
        read_marks(write("b.TextGrid", TEXTGRID))


# -- tables that are no text


@pytest.mark.parametrize("suffix", ["xlsx", "sav", "dta", "parquet"])
def test_codes_may_lie_in_any_table_that_statistics_software_writes(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame(
        {"student": ["S01", "S02"], "start": [0.0, 2.5], "length": [5, 5], "code": ["neutral", "interested"]}
    )
    path = tmp_path / f"codes.{suffix}"
    if suffix == "xlsx":
        pytest.importorskip("xlsxwriter", reason="no xlsxwriter here (the extra exchange)")
        pytest.importorskip("python_calamine", reason="no python-calamine here (the extra exchange)")
        table.to_excel(path, index=False, engine="xlsxwriter")
    elif suffix == "sav":
        pyreadstat = pytest.importorskip("pyreadstat", reason="no pyreadstat here (the extra exchange)")
        pyreadstat.write_sav(table, str(path))
    elif suffix == "dta":
        table.to_stata(path, write_index=False)
    else:
        table.to_parquet(path)
    assert codes(path) == [("coder", "S01", 0, 5, "neutral"), ("coder", "S02", 2.5, 7.5, "interested")]


def test_a_reader_that_is_not_installed_is_one_line(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(ImportError, match=r"workbook needs .*python_calamine; install it with: pip install 'class"):
        codes(write("a.xlsx", b"PK\x03\x04"))


# -- hostile files

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
BOMB = (
    f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]><ANNOTATION_DOCUMENT>&l11;</ANNOTATION_DOCUMENT>'
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bomb.eaf", BOMB, "has a DOCTYPE"),
        ("bomb16.eaf", BOMB.replace("?>", ' encoding="utf-16"?>').encode("utf-16"), "has a DOCTYPE"),
        ("cut.eaf", EAF[:700], "not well-formed XML"),
        ("page.eaf", "<html></html>", "an XML file of 'html', not of ELAN"),
        (
            "lost.eaf",
            EAF.replace('"a2" PREVIOUS', '"a9" PREVIOUS'),
            "refers to annotations that are not in the file",
        ),
        ("circle.eaf", EAF.replace('REF="a2"', 'REF="a3"'), "refers to annotations that are not in the file"),
        ("slot.eaf", EAF.replace('REF2="ts3"', 'REF2="ts9"'), "the time slot 'ts9', which is not in the file"),
        ("open.eaf", EAF.replace(' TIME_VALUE="8000"', ""), "begins or ends with a time slot without a time"),
        ("huge.eaf", EAF.replace("8000", "9" * 5000), "not at a number of milliseconds"),
        ("cut.TextGrid", TEXTGRID[:150], "expected a"),
        ("many.TextGrid", TEXTGRID.replace("0 10 2", "0 10 999999999"), "expected a"),
        ("far.TextGrid", TEXTGRID.replace("4 10", "4 1e999"), "expected a number"),
        ("pitch.txt", 'File type = "ooTextFile"\nObject class = "Pitch 1"\n', "not a TextGrid"),
        ("deep.boris", '{"a":' * 200_000, "nested too deeply|not a project of BORIS"),
        ("other.json", '{"observations": []}', "not a project of BORIS"),
        ("wide.boris", json.dumps(project("a")).encode("utf-8") + b"\xff", "not UTF-8"),
        ("start.csv", EVENTS.replace("STOP,9", "START,9"), "neutral begins at 9 s and never ends"),
        ("never.csv", EVENTS.replace("START,0.5", "STOP,0.5"), "interested ends at 0.5 s and never began"),
        ("typo.csv", EVENTS.replace("POINT", "PIONT"), "is PIONT; it is START, STOP, POINT or STATE"),
        (
            "nobody.TextGrid",
            TEXTGRID.replace("S0", "Q0").replace("Zoë", "Q"),
            "no tier of codes; name one CODER@STU",
        ),
        ("junk.xlsx", b"PK\x03\x04" + b"x" * 100, "a workbook that cannot be read"),
        ("junk.sav", b"$FL2" + b"\xff" * 400, "an SPSS file that cannot be read"),
        ("junk.dta", b"<stata_dta>" + b"\xff" * 400, "a Stata file that cannot be read"),
        ("junk.parquet", b"PAR1" + b"\xff" * 400, "a Parquet file that cannot be read"),
        ("long.csv", "student,start,length,code\n" + "x" * 3_000_000, "not valid CSV"),
        ("ansi.csv", "student,start,length,code\nZoë,0,5,neutral".encode("latin-1"), "row 2: not UTF-8"),
    ],
)
def test_a_damaged_or_hostile_file_is_one_line_that_names_it(
    write: Any, name: str, content: str | bytes, message: str
) -> None:
    if name.endswith((".xlsx", ".sav")):
        pytest.importorskip("pyreadstat", reason="the extra exchange is not here")
        pytest.importorskip("python_calamine", reason="the extra exchange is not here")
    path = write(name, content)
    with pytest.raises(UsageError, match=message) as caught:
        codes(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < len(str(path)) + 300


def test_files_without_an_end_are_not_read_to_it(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    with path.open("wb") as file:
        file.truncate(2 * 2**30)  # holes: two gigabytes of one line
    with pytest.raises(UsageError, match=f"larger than {MOST_BYTES // 2**20} MB"):
        codes(path)


def test_a_workbook_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine", reason="the extra exchange is not here")
    path = tmp_path / "codes.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/a.xml", "w") as entry:
        for _ in range(300):
            entry.write(bytes(2**20))
    with pytest.raises(UsageError, match="a workbook that unpacks to 300 MB"):
        codes(path)
