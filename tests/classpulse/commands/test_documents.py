"""The documents that are installed with the package."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from classpulse.commands.analysing import next_commands
from tests.classpulse.commands.conftest import ROOT, Run


def test_documents_are_listed_and_printed(run: Run, folder: Path) -> None:
    listed = run("docs").out.splitlines()
    assert "responsible-use" in [line.split()[0] for line in listed]
    for name in ("responsible-use", "responsible-use.md", "docs/responsible-use.md"):
        assert run("docs", name).out == (ROOT / "docs" / "responsible-use.md").read_text("utf-8")
    unknown = run("docs", "cooking")
    assert unknown.status == 2
    assert "there is no document 'cooking'; there are " in unknown.complaint()


def test_every_document_that_a_message_names_is_there(run: Run, folder: Path) -> None:
    rooms = [
        ROOT / "cli.py",
        *(path for room in ("classpulse", "engine", "storage") for path in (ROOT / room).rglob("*.py")),
    ]
    named = {name for path in rooms for name in re.findall(r"`classpulse docs ([a-z-]+)`", path.read_text("utf-8"))}
    assert named >= {"responsible-use", "extending", "sql"}
    packed = (ROOT / "pyproject.toml").read_text("utf-8")
    for name in named:
        assert run("docs", name).status == 0
        assert f'"docs/{name}.md" = "classpulse/docs/{name}.md"' in packed


def test_commands_that_demo_prints_can_be_copied() -> None:
    db = Path("my lessons") / "it's a demo" / "classpulse.db"
    show, query = (shlex.split(command) for command in next_commands(db))
    assert show == ["classpulse", "show", "Demo", "--windows", "--db", str(db)]
    assert query[:4] == ["classpulse", "query", "--db", str(db)]
    assert len(query) == 5
