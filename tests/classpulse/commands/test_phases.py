"""mark, marks and unmark on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.queries import query
from tests.classpulse.commands.conftest import Run


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_marks(run: Run, db: Path) -> None:
    assert run("mark", 1, "talk", "--at", "0").status == 0
    said = run("mark", 1, "group work [loud]", "--at", "0:10", "--until", "0:20")
    assert (said.status, said.err) == (0, "")
    listed = lines(run("marks", 1).out)
    assert listed[0].startswith("number phase from class balance coverage")
    assert listed[1].startswith("1 talk 0:00–0:10 ")
    assert listed[2].startswith("2 group work [loud] 0:10–0:20 ")
    shown = run("show", 1).out
    assert "group work [loud]" in shown
    lost = query(
        db,
        "SELECT phase_label, verdict FROM v_class_phases WHERE session = 'lesson.mp4' AND latest ORDER BY balance",
    )
    assert set(lost["phase_label"]) == {"talk", "group work [loud]"}
    assert run("query", "--named", "phases", "-p", "session=1").status == 0
    assert run("unmark", 1, 2).out == "phases deleted: 1\n"
    assert len(lines(run("marks", 1).out)) == 2
    assert run("unmark", 1, "--all").out == "phases deleted: 1\n"
    assert "talk" not in run("show", 1).out


def test_a_file_of_marks(run: Run, db: Path, folder: Path) -> None:
    (folder / "marks.csv").write_text("start,stop,label\n0,,talk\n12.5,0:30,film\n", "utf-8")
    assert run("mark", 1, "--file", "marks.csv").status == 0
    assert [line.split()[1] for line in lines(run("marks", 1).out)[1:]] == ["talk", "film"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mark", 1, "talk"), "give a LABEL and --at, or a --file of phases"),
        (("mark", 1, "--at", "0:10"), "give a LABEL and --at"),
        (("mark", 1, "talk", "--at", "0", "--file", "x.csv"), "give a LABEL and --at"),
        (("mark", 1, "talk", "--at", "noon"), "Invalid value: invalid time 'noon'"),
        (
            ("mark", 1, "talk", "--at", "50:00"),
            "mark 'talk': it begins at 50:00, but the session ends at 0:32",
        ),
        (("mark", 1, "--file", "x.csv"), "x.csv: No such file or directory; check the path"),
        (("unmark", 1), "give the number of a phase, or --all"),
        (("unmark", 1, 7), "session 1 has no phase 7; there are none"),
        (("mark", 9, "talk", "--at", "0"), "no session '9'"),
    ],
)
def test_what_cannot_be_marked_is_one_line(
    run: Run, db: Path, arguments: tuple[str | int, ...], message: str
) -> None:
    result = run(*arguments)
    assert result.status == 2
    assert message in result.complaint()
