"""What each command prints and does when all goes well."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperArgument, TyperOption

from classpulse.report.sentence import session_summary
from engine import Session, find
from engine.version import __version__
from tests.classpulse.commands.conftest import ROOT, Run, command_group, finish, start
from tests.drawn import OPTIONS, count, rows

SIGNS = {"interested": "+", "neutral": "o", "not interested": "-", "insufficient": "."}
COMMANDS = command_group().commands


# -- help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_documents_every_option(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert (result.status, result.err) == (0, "")
    assert f"Usage: classpulse {name}" in result.out
    for parameter in COMMANDS[name].params:
        if parameter.name == "help":
            continue
        assert isinstance(parameter, TyperArgument | TyperOption)
        assert parameter.help, f"{parameter.name} is not explained"
        shown = parameter.opts if parameter.opts[0].startswith("-") else [parameter.metavar]
        for way in shown:
            assert way is not None
            assert way in result.out
        assert parameter.help.split()[0] in result.out


def test_help_names_every_command_and_the_law(run: Run) -> None:
    result = run("-h")
    assert result.status == 0
    described = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for name in COMMANDS:
        assert f"`{name}" in described or f"classpulse {name}" in described
        assert f"\n  {name} " in result.out
    assert "--debug" in result.out
    assert "check the law first" in " ".join(result.out.split())


def test_without_a_command_the_help_is_an_error(run: Run) -> None:
    result = run()
    assert (result.status, result.out) == (2, "")
    assert "Usage: classpulse [OPTIONS] COMMAND" in result.err


def test_version(run: Run) -> None:
    assert run("--version").out == f"classpulse {__version__}\n"


def test_help_loads_nothing_slow(folder: Path) -> None:
    """It is there at once, and a Ctrl-C right after the start meets our own handler."""
    result = finish(start("--version", env={"PYTHONPATH": ":".join(sys.path), "PYTHONPROFILEIMPORTTIME": "1"}))
    loaded = {line.rsplit("|", 1)[1].strip() for line in result.err.splitlines() if "|" in line}
    assert "typer" in loaded
    assert not loaded & {"pandas", "sqlalchemy", "scipy", "cv2", "openvino", "av", "filterpy"}


# -- analyze


def test_analyze(run: Run, recording: Path, folder: Path, analysed: Session) -> None:
    """One command makes classpulse.db in the current folder, with the same rows as the Python interface."""
    result = run("analyze", recording, *OPTIONS)
    assert (result.status, result.err) == (0, "")
    assert {file.name.split("-")[0] for file in folder.iterdir()} == {"classpulse.db"}  # and its -wal
    assert rows(folder / "classpulse.db") == rows(analysed.database)
    lines = result.out.splitlines()
    assert lines[0] == f"Session 1: lesson.mp4  0:32 long, {len(analysed.faces())} faces of 4 students"
    students = analysed.students()
    verdicts = analysed.verdicts()
    for student, line in zip(students.to_dict("records"), lines[6:10], strict=True):
        own = verdicts[verdicts["student"] == student["student"]]["verdict"]
        counts = [str((own == name).sum()) for name in SIGNS]
        signs = "".join(SIGNS[verdict] for verdict in own)
        assert line.split() == [student["label"], "0:00–0:31", f"{student['coverage']:.0%}", *counts, signs]
    assert lines[1] == session_summary(analysed)
    assert lines[2].startswith("Identities: 4 students, ")
    assert lines[3].startswith("Attendance: ")
    assert lines[10].split()[:2] == ["class", "0:00–0:32"]
    assert "one sign: 0:05" in lines[-3]
    assert "`classpulse docs responsible-use`" in lines[-1]


def test_analyze_twice(run: Run, recording: Path, db: Path) -> None:
    before = rows(db)
    result = run("analyze", recording, *OPTIONS)
    assert result.status == 0
    assert result.err == f"{recording} is finished: session 1; --again analyses it again.\n"
    assert result.out.startswith("Session 1: lesson.mp4")
    assert rows(db) == before


def test_analyze_again(run: Run, recording: Path, db: Path) -> None:
    assert run("analyze", recording, *OPTIONS, "--again", "--quiet").status == 0
    assert count(db, "sessions") == 2
    result = run("show", "lesson.mp4")
    assert result.status == 2
    assert "several sessions are called 'lesson.mp4'; give the number of one: 1 (" in result.complaint()


def test_analyze_quietly(run: Run, recording: Path, folder: Path) -> None:
    result = run("analyze", recording, "--min-face", 150, "--sample-rate", 0.5, "--quiet")
    assert (result.status, result.out, result.err) == (0, "", "")


def test_analyze_several_under_a_name(run: Run, recording: Path, folder: Path) -> None:
    copy = folder / "second.mp4"
    copy.write_bytes(recording.read_bytes() + b"\0" * 8)  # another recording with the same pictures
    blind = ("--min-face", 150, "--sample-rate", 0.5, "-q")
    url = f"sqlite:///{folder}/school.db"
    assert run("analyze", recording, copy, "--db", url, "--name", "Physics 8b", *blind).status == 0
    result = run("sessions", "--db", url)
    names = [line.strip().split("  ")[1].strip() for line in result.out.splitlines()[1:]]
    assert names == ["Physics 8b: lesson", "Physics 8b: second"]


def test_all_frames(run: Run, recording: Path, folder: Path) -> None:
    assert run("analyze", recording, "--min-face", 150, "--sample-rate", "all", "-q").status == 0
    assert count(folder / "classpulse.db", "frames") == 64


# -- sessions, show, judge


def test_sessions(run: Run, db: Path) -> None:
    result = run("sessions")
    assert (result.status, result.err) == (0, "")
    header, line = result.out.splitlines()
    assert header.split() == ["session", "name", "file", "length", "state", "analysed"]
    assert line.split()[:5] == ["1", "lesson.mp4", "lesson.mp4", "0:32", "done"]


@pytest.mark.parametrize("key", ["1", "lesson.mp4", "folder/lesson.mp4"])
def test_show(run: Run, db: Path, key: str) -> None:
    result = run("show", key)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("Session 1: lesson.mp4  0:32 long")


def test_database_from_the_environment(run: Run, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSPULSE_DB", str(db.rename(db.with_name("other.db"))))
    assert run("show", 1).status == 0


def test_show_windows(run: Run, db: Path, analysed: Session) -> None:
    lines = run("show", 1, "--windows").out.splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("window ")) + 1 :]
    expected = analysed.class_verdicts()
    assert len(table) == len(expected) == 7
    assert [line[: line.index(" ")] for line in table[:2]] == ["0:00–0:05", "0:05–0:10"]
    for line, verdict, balance in zip(table, expected["verdict"], expected["balance"], strict=True):
        assert verdict in line
        assert f"{balance:+.2f} ±" in line or "–" in line


def test_show_areas(run: Run, db: Path, analysed: Session) -> None:
    lines = [line.split() for line in run("show", 1, "--areas").out.splitlines()]
    assert lines[0] == ["area", "student", "face", "px", "detected", "scorable"]
    seats = analysed.students()
    place = seats["area"].astype(str).map(["front left", "front centre", "front right"].index)
    in_order = seats.assign(place=place).sort_values(["place", "student"])["label"].tolist()
    assert [line[-4] for line in lines if line[-4].startswith("S")] == in_order
    assert lines[1][:2] == ["front", "left"]  # the drawn lesson has one row


def test_show_a_student(run: Run, db: Path) -> None:
    result = run("show", 1, "--student", "S02")
    sentence, head, *windows = result.out.splitlines()
    assert re.fullmatch(r"\S.* of 7 windows.*\.", sentence)
    assert head.split() == ["window", "verdict", "balance", "coverage", "scorable", "faces"]
    assert len(windows) == 7


def test_judge(run: Run, db: Path) -> None:
    result = run("judge", "lesson.mp4", "--window", 8, "--strategy", "sum", "--band", 0)
    assert (result.status, result.err) == (0, "")
    assert "one sign: 0:08" in result.out
    assert list(find(1, db).judgements()["name"]) == ["weighted, 5 s", "sum, 8 s, band 0"]
    assert run("judge", 1, "--window", 4, "--name", "fine").status == 0
    assert "one sign: 0:05" in run("show", 1, "--judgement", "weighted, 5 s").out
    assert "one sign: 0:04" in run("show", 1).out


def test_doctor(run: Run) -> None:
    result = run("doctor")
    assert (result.status, result.err) == (0, "")
    assert f"ok  classpulse  {__version__} on Python" in result.out
    assert "2 of 2 drawn faces found and scored" in result.out
    assert re.search(r"ok  decoder +5 of 5 drawn frames decoded", result.out)
    assert re.search(r"ok  precision +(bf16 or 8 bits where they are clear, else f32|f32; this)", result.out)
    assert re.search(r"ok  workers +[1-9]\d*: as many processes", result.out)
    assert "BAD" not in result.out


def test_shell_completion(folder: Path) -> None:
    """What `classpulse --install-completion` installs asks for words like this."""
    script = finish(start("--show-completion", "bash"))
    assert (script.status, "_CLASSPULSE_COMPLETE=complete_bash" in script.out) == (0, True)
    for typed, word in (("classpulse ana", "analyze"), ("classpulse analyze --min-f", "--min-faces")):
        words = {"_CLASSPULSE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **words}
        command = [sys.executable, "-m", "cli"]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert word in ended.stdout.split()
        assert ended.stderr == ""
