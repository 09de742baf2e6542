"""People's data on the command line: forgotten, kept apart, put back."""

from __future__ import annotations

import getpass
import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.sessions.names import import_names
from storage.store import Store
from tests.classpulse.commands.conftest import Run, finish, start
from tests.drawn import OPTIONS, count, rows
from tests.seated import write_seated

NAMES = {"S01": "Ada", "S02": "Ben, the [tall]"}


@pytest.fixture
def seated(folder: Path) -> Path:
    path = folder / "classpulse.db"
    write_seated(path).name_students(NAMES)
    return path


# -- forget


def test_forget_a_student(run: Run, seated: Path) -> None:
    result = run("forget", "--student", "lesson/Ada", "--yes")
    assert (result.status, result.out, result.err) == (0, "", "deleted: S01 of session 1 (lesson)\n")
    assert "S01" not in run("students", 1).out
    assert "Ada" not in run("names").out


def test_forget_names_the_backups_that_still_know(run: Run, seated: Path) -> None:
    names = ("classpulse.db.backup-part", "classpulse.db.v1-backup")  # the first of an upgrade that was killed
    for name in names:
        seated.with_name(name).touch()
    assert run("forget", "--student", "lesson/Ada", "-y").err.splitlines()[1:] == [
        f"{name} still contains what was deleted; delete it too" for name in names
    ]


def test_forget_sessions(run: Run, seated: Path) -> None:
    write_seated(seated, name="next")
    assert run("forget", "--session", "lesson", "--session", 2, "-y").err == (
        "deleted: session 1 (lesson), session 2 (next)\n"
    )
    assert run("sessions").out.splitlines()[1:] == []
    assert run("forget", "--before", "2030-01-01", "-y").out == "nothing to forget\n"
    assert run("forget", "--clean").out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of --session, --student, --before and --clean"),
        (("--session", 1, "--student", "Ada"), "give one of --session, --student, --before and --clean"),
        (("--session", 7), "no session '7'"),
        (("--student", "lesson/S19"), "no student 'S19' in this session"),
        (("--student", "Ida"), "no person named 'Ida'"),
        (("--before", "yesterday"), "invalid date 'yesterday'; use YYYY-MM-DD"),
        (("--student", "Ada"), "cannot ask for confirmation without a terminal; pass --yes"),
    ],
)
def test_nothing_is_forgotten_by_mistake(
    run: Run, seated: Path, arguments: tuple[str | int, ...], message: str
) -> None:
    before = rows(seated)
    result = run("forget", *arguments)
    assert result.status == 2
    assert message in result.complaint()
    assert rows(seated) == before


# -- names


def test_names_are_kept_apart_and_put_back(run: Run, seated: Path) -> None:
    before = rows(seated)
    assert [" ".join(line.split()) for line in run("names").out.splitlines()] == [
        "person name sessions rosters", "P1 Ada 1 0", "P2 Ben, the [tall] 1 0"
    ]  # fmt: skip
    assert run("names", "--export", "names.csv", "--drop").out == (
        "names written to names.csv: 2\nnames dropped: 2\n"
    )
    assert Path("names.csv").read_text() == 'person,name\n1,Ada\n2,"Ben, the [tall]"\n'
    assert stat.S_IMODE(Path("names.csv").stat().st_mode) == 0o600
    assert not any(b"Ada" in file.read_bytes() for file in seated.parent.glob("classpulse.db*"))
    assert "rename S01 'P1', S02 'P2'" in run("corrections", 1).out
    assert run("merge", 1, "S03", "S06").status == 0  # all goes on without names
    assert run("undo", 1).status == 0
    assert run("names", "--import", "names.csv").out == "names restored: 2\n"
    after = rows(seated)
    assert after.pop("corrections")[:1] == before.pop("corrections")
    assert after == before


def test_an_export_replaces_nothing(run: Run, seated: Path) -> None:
    Path("names.csv").write_text("precious")
    result = run("names", "--export", "names.csv", "--drop")
    assert (result.status, result.complaint()) == (
        2, "names.csv: it exists already; it may hold names, so choose a new file"
    )  # fmt: skip
    assert Path("names.csv").read_text() == "precious"
    assert "Ada" in run("names").out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "names.csv, row 1: empty; the first row must name the columns person, name"),
        (b"nam,person\n", "names.csv, row 1: no column name; the columns are nam, person"),
        (b"person,name\n1,Ada\n\n9,Zoe\n", "names.csv, row 4: no person P9 in this database"),
        (b"person,name\n1\n", "names.csv, row 2: expected a person's number and a name, as in 7,Ada"),
        (b"person,name\nS01,Ada\n", "names.csv, row 2: expected a person's number"),
        (b"person,name\n1, \n", "names.csv, row 2: expected a person's number"),
        (b"person,name\n1,Zoe\n1,Ada\n", "names.csv, row 3: 1 or 'Ada' is in the file twice"),
        (
            b'person,name\n1,"Ben, the [tall]"\n',
            "row 2: 'Ben, the [tall]' is the name of P2 already; choose another name",
        ),
        (b"person,name\n1,S07\n", "names.csv, row 2: invalid name 'S07': it reads like a label"),
        (b"person,name\n1,P1\n", "names.csv, row 2: invalid name 'P1': it reads like a label"),
        (b"person;name\n1;" + b"x" * 201, "names.csv, row 2: invalid name 'xxxxxxxxxxxxxxxxxxxx'...: it is longer"),
        ("person,name\n\u0661,Zoe\n".encode(), "names.csv, row 2: expected a person's number"),
        (b"person,name\n" + b"1" * 5000 + b",Zoe\n", "names.csv, row 2: expected a person's number"),
        (b"person,name\n1,Zo\xeb\n", "names.csv, row 2: not UTF-8; save the table as CSV in UTF-8"),
    ],
)
def test_what_is_no_file_of_names(run: Run, seated: Path, text: bytes, message: str) -> None:
    Path("names.csv").write_bytes(text)
    before = rows(seated)
    result = run("names", "--import", "names.csv")
    assert result.status == 2
    assert message in result.complaint()
    assert rows(seated) == before


def test_names_as_a_spreadsheet_saves_them(run: Run, seated: Path) -> None:
    Path("names.csv").write_bytes("sep=;\r\nName;Person\r\nZo\u00eb;1\r\n".encode("utf-16"))
    assert run("names", "--import", "names.csv").out == "names restored: 1\n"
    assert "P1      Zo\u00eb" in run("names").out


def test_a_seat_with_two_names(run: Run, seated: Path) -> None:
    before = rows(seated)
    for seats in (("S03=Cem", "S03=Dan"), ("S03=Cem", "s03=Dan"), ("S01=Cem", "Ada=Dan")):
        arguments = [argument for seat in seats for argument in ("--seat", seat)]
        result = run("roster", 1, "--room", "B12", *arguments)
        assert result.status == 2
        assert f"{seats[0][:3]} is given two names, 'Cem' and 'Dan'; choose one" in result.complaint()
    assert rows(seated) == before
    assert run("roster", 1, "--room", "B12", "--seat", "S03=Cem", "--seat", "S03=Cem").status == 0


def test_options_of_names(run: Run, seated: Path) -> None:
    assert "--import cannot be combined with --export" in run("names", "--import", "a.csv", "--drop").complaint()
    assert "cannot ask for confirmation without a terminal; pass --yes" in run("names", "--drop").complaint()
    assert "no such file" in run("names", "--import", "a.csv").complaint().lower()


def test_any_bytes_are_names_or_a_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("names") / "classpulse.db"
    write_seated(path).name_students(NAMES)
    file, said = path.with_name("names.csv"), []
    with Store.open(path) as store:

        @given(st.binary() | st.builds(lambda text: f"person,name\n{text}".encode(), st.text()))
        def check(content: bytes) -> None:
            file.write_bytes(content)
            try:
                import_names(store, file)
            except UsageError as error:
                said.append(str(error))

        check()
    assert said
    assert all(line.startswith(f"{file}") and "\n" not in line for line in said)


# -- exclude


def test_exclude(run: Run, seated: Path) -> None:
    result = run("exclude", "lesson", "Ada", "--yes")
    assert result.status == 0
    assert result.err == "excluded: S01 of session 1; for other recordings, analyze --exclude 1\n"
    assert "S01" not in run("students", 1).out
    assert "cannot ask for confirmation without a terminal; pass --yes" in run("exclude", 1, "S02").complaint()
    assert "no student 'Ada'" in run("exclude", 1, "Ada", "-y").complaint()


def test_analyze_leaves_out(run: Run, seated: Path, recording: Path) -> None:
    result = run("analyze", recording, "--exclude", "nobody@B12")
    assert (result.status, "no seat of 'nobody' in the roster of 'B12'" in result.complaint()) == (2, True)


# -- the class alone


def test_the_class_alone(run: Run, folder: Path, recording: Path) -> None:
    options = ("--aggregate-only", "--min-group", "3", *OPTIONS)
    shown = run("analyze", recording, *options).out.splitlines()
    assert shown[0] == "Session 1: lesson.mp4  0:32 long"
    line = (
        "Stored of students (--aggregate-only): verdicts of the class, each of 3 or more students, and how many "
        "faces each frame has; nothing else"
    )
    assert line in shown[1:4]
    head = next(k for k, row in enumerate(shown) if row.startswith("student"))
    assert shown[head + 1].split()[0] == "class"  # and nobody between them
    assert run("students", 1).out == f"{line}\n"
    assert "has no data of students" in run("judge", 1, "--window", 10).complaint()
    assert "--min-group requires --aggregate-only" in run("analyze", recording, "--min-group", "3").complaint()


def test_the_class_alone_stopped(folder: Path, recording: Path) -> None:
    process = start("analyze", recording, "--aggregate-only", "--sample-rate", "all", "--quiet")
    deadline = time.monotonic() + 60
    while not Path("classpulse.db").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result.status == 130
    assert result.complaint() == (
        f"stopped; nothing of {recording} is saved (--aggregate-only), the same command starts over"
    )
    assert count(Path("classpulse.db"), "sessions") == 0


# -- retention


def test_retention(run: Run, seated: Path) -> None:
    assert "no retention limit is set" in run("retention").out
    none = "sessions may be kept for 30 days; none is overdue\n"
    assert run("retention", "--days", 30).out == none
    with Store.open(seated) as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE sessions SET created = '2020-02-02T10:00:00.000Z'")
    late = "kept longer than 30 days: 1 (lesson); `classpulse forget --session` or --before deletes them"
    assert run("retention").out == f"{late}\n"
    result = run("doctor", "--db", seated)
    assert result.status == 1
    assert f"BAD  retention   {late}" in result.out
    assert run("forget", "--before", "2020-02-03", "--yes").status == 0
    assert run("retention").out == none
    assert "`classpulse docs responsible-use`" in run("doctor", "--db", seated).out
    assert "no retention limit is set" in run("retention", "--off").out
    assert "give either --days, 1 to 36500, or --off" in run("retention", "--days", 0).complaint()


# -- audit


def audited(run: Run) -> list[tuple[str, int | None, str, str]]:
    rows = json.loads(run("audit", "--format", "json").out)
    assert {row["who"] for row in rows} <= {getpass.getuser()}
    return [(row["command"], row["session_id"], row["arguments"], row["outcome"]) for row in rows]


def test_who_ran_what(run: Run, seated: Path) -> None:
    run("show", "lesson")
    run("rename", 1, "S03", "Cem")
    run("rename", 1, "Cem", "Dan O'Hara")
    run("roster", 1, "--room", "B12", "--seat", "S04=Ida")
    run("query", "SELECT count(*) FROM v_students WHERE name = 'Ada' AND label <> 'it''s'", "-f", "csv")
    run("query", "SELECT nothing")  # wrong use
    run("sessions")
    run("forget", "--student", "lesson/Ada", "-y")
    run("forget", "--session", "lesson", "-y")
    assert audited(run) == [
        ("show", 1, '{"session": "lesson"}', "done"),
        ("rename", 1, '{"name": "P3", "session": "1", "student": "S03"}', "done"),
        ("rename", 1, '{"name": "P4", "session": "1", "student": "P3"}', "done"),
        ("roster", 1, '{"room": "B12", "seat": ["S04=P5"], "session": "1"}', "done"),
        ("query", None, '{"output_format": "csv", '
                        '"sql": "SELECT count(*) FROM v_students WHERE name = ? AND label <> ?"}', "done"),
        ("forget", 1, '{"student": "lesson/P1", "yes": true}', "done"),
        ("forget", 1, '{"session": ["lesson"], "yes": true}', "done"),
    ]  # fmt: skip
    assert len(run("audit", 1).out.splitlines()) == 7
    on_disk = b"".join(file.read_bytes() for file in seated.parent.iterdir())
    assert not [name for name in (b"Ada", b"Cem") if name in on_disk]  # Dan is in the roster of B12


def test_what_failed_or_was_stopped_is_noted_too(run: Run, seated: Path, recording: Path) -> None:
    assert run("analyze", recording.parent, "--db", seated).status > 0
    process = start("analyze", recording, "--sample-rate", "all", "--quiet")
    while count(seated, "segments") < 13:  # the seated lesson has 12
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert finish(process).status == 130
    assert [(command, outcome) for command, _, _, outcome in audited(run)] == [("analyze", "stopped")]
    assert run("forget", "--session", 2, "-y").status == 0


def test_a_copy_that_can_only_be_read_is_only_read(run: Run, seated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)
    before = seated.read_bytes()
    assert run("show", 1).status == 0
    assert seated.read_bytes() == before


def test_analyze_points_to_responsible_use_once(run: Run, folder: Path, recording: Path) -> None:
    options = ("--min-face", "150", "--sample-rate", "0.5")
    first = run("analyze", recording, *options).out.splitlines()
    assert first[-1].startswith("Before you use verdicts, read `classpulse docs responsible-use`")
    assert "responsible-use" not in run("analyze", recording, *options, "--again").out
    assert "responsible-use" not in run("analyze", recording, *options).out
