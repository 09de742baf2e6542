"""Numbers out of any range, for every option and argument of every command: one line, and never a fault."""

from __future__ import annotations

import shutil
import typing
from pathlib import Path

import pytest

import cli
from engine import Session
from tests.classpulse.commands.conftest import Run, command_group
from tests.drawn import rows

#: What no option takes, or else takes as what it says.
HUGE = "9" * 5000
NUMBERS = (
    "99999999999999999999",
    "-99999999999999999999",
    "1e308",
    "1e999",
    "nan",
    "-inf",
    "inf",
    HUGE,
    "-1",
    "\u0663",
)
TEXTS = ("-1e999", "99999999999999999999", HUGE, "\u0663")
#: The command line that an option is tried with; what a command needs besides.
COMMANDS: dict[str, list[str]] = {
    "analyze": ["none.mp4"],
    "annotate": ["1"],
    "audit": [],
    "browse": [],
    "compare": ["1"],
    "corrections": ["1"],
    "docs": [],
    "doctor": ["--db", "none.db"],
    "effect": ["1", "--by", "phase"],
    "evaluate": ["1", "--truth", "gt.txt"],
    "exclude": ["1", "S01"],
    "export": ["1"],
    "forget": [],
    "judge": ["1"],
    "mark": ["1", "talk", "--at", "5"],
    "marks": ["1"],
    "merge": ["1", "S01", "S02"],
    "names": [],
    "profiles": [],
    "progress": [],
    "queries": [],
    "query": ["SELECT :x AS x", "-p", "x=1"],
    "rename": ["1", "S01", "Zoe"],
    "report": ["1"],
    "retention": [],
    "role": ["1", "S01", "teacher"],
    "roster": ["1", "--room", "B12"],
    "schema": [],
    "serve": [],
    "scorers": [],
    "sessions": [],
    "show": ["1"],
    "split": ["1", "S01", "--at", "5"],
    "students": ["1"],
    "train": ["labels.csv", "-o", "own.onnx"],
    "undo": ["1"],
    "unmark": ["1", "1"],
    "upgrade-db": ["--db", "none.db"],
    "validate": ["1", "codes.csv"],
    "watch": ["lecture.mp4"],
    "work": [],
}


def command_lines(command: str) -> list[list[str]]:
    """Each argument and option with each number, and the rest of the command line as above."""
    callback = next(
        info.callback
        for group in cli.app.registered_groups
        for info in (group.typer_instance.registered_commands if group.typer_instance else ())
        if (info.name or getattr(info.callback, "__name__", "")) == command
    )
    assert callback
    kinds = typing.get_type_hints(callback)
    lines, place = [], 0
    for parameter in command_group().commands[command].params:
        kind = {kinds.get(parameter.name), *typing.get_args(kinds.get(parameter.name))} - {type(None)}
        values = NUMBERS if kind & {int, float, list[int]} else TEXTS
        if parameter.param_type_name == "argument":
            for value in values:
                line = list(COMMANDS[command])
                line[place : place + 1] = [value]
                lines.append([*line[: place + 1], *(["--"] if value.startswith("-") else []), *line[place + 1 :]])
            place += 1
        elif not getattr(parameter, "is_flag", False) and bool not in kind and parameter.name != "db":
            option = parameter.opts[0]
            several = [] if parameter.nargs == 1 else ["1"]
            for value in values:
                of = f"x={value}" if option in ("--parameter", "--seat") else value
                lines.append([*COMMANDS[command], *([f"{option}={of}"] if not several else [option, of, *several])])
    return lines


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) | {"demo"} == set(command_group().commands)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["retention", "--days", "800000"], "give either --days, 1 to 36500, or --off"),
        (["retention", "--days", "0"], "give either --days, 1 to 36500, or --off"),
        (["audit", "99999999999999999999"], "no session '99999999999999999999'"),
        (["query", "SELECT :x", "-p", f"x={HUGE}"], "x=999999999999999999... is out of range; as a text it is x="),
        (["query", "SELECT :x", "-p", "x=99999999999999999999"], "x=999999999999999999... is out of range"),
        (["query", "SELECT :x", "-p", f"x={HUGE}.5"], "x=999999999999999999... is out of range"),
        (["mark", "1", "talk", "--at", "inf"], "invalid time 'inf'; use 12:30, 1:02:03 or seconds"),
        (["serve", "--port", "web"], "Invalid value for '--port'"),
        (["serve", "--port", "70000"], "port is 70000; it must be 1 to 65535"),
        (["serve", "--max-upload", "nan"], "--max-upload is nan GB; it must be above 0, up to 1000000"),
        (["serve", "--max-upload", "1e308"], "it must be above 0, up to 1000000"),
    ],
)
def test_what_is_said_of_a_number(run: Run, db: Path, line: list[str], message: str) -> None:
    before = rows(db)
    result = run(*line)
    assert result.status == 2
    assert message in result.complaint()
    assert rows(db) == before


def test_whole_numbers_of_a_query_are_numbers_to_their_last_digit(run: Run, db: Path) -> None:
    assert run("query", "SELECT :x + 1 AS y", "-p", f"x={'9' * 18}", "-f", "csv").out.split()[-1] == "1" + "0" * 18
    assert run("query", "SELECT :x || ''", "-p", f"x='{'9' * 20}'", "-f", "csv").out.split()[-1] == "9" * 20


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_numbers_out_of_any_range(
    run: Run, analysed: Session, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("classpulse.web.running.run", lambda _: None)
    monkeypatch.setattr("classpulse.report.browse.serve", lambda *_: None)
    Path("codes.csv").write_text("student,start,length,code\nS01,0,5,neutral\n", "ascii")
    before = rows(Path(analysed.database))
    faults: list[tuple[list[str], int, str]] = []
    for line in command_lines(command):
        db = Path(shutil.copy(analysed.database, folder / "classpulse.db"))
        result = run(command, *line)
        said = result.err.splitlines()
        one_line = len(said) == 1 and said[0].startswith("classpulse: ") and "internal error" not in said[0]
        if not (result.status == 0 or (result.status in (1, 2) and one_line)):
            faults.append(([word[:30] for word in line], result.status, result.err[-300:]))
        if result.status and rows(db) != before:
            faults.append(([word[:30] for word in line], result.status, "changed"))
    assert not faults
