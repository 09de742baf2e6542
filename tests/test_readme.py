"""What README.md shows works, and nothing that there is goes unsaid."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import typer.main

import cli
import engine

README = Path(__file__).parents[1] / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="there is no README.md here")

TEXT = README.read_text("utf-8") if README.exists() else ""
PYTHON = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]


def test_there_is_something_to_test():
    assert PYTHON
    assert SHELL


@pytest.mark.parametrize("block", PYTHON)
def test_python(block, recording, tmp_path, monkeypatch):
    """Each line that is an expression gives a DataFrame with rows; the recording is the small drawn lesson."""
    monkeypatch.chdir(tmp_path)
    for name in set(re.findall(r"[\w-]+\.mp4", block)):
        shutil.copy(recording, name)
    names: dict[str, object] = {}
    exec(block, names)
    for line in block.splitlines():
        expression = line.split("  #")[0]
        if re.match(r"\w+\.\w+\(.*\)$", expression):
            table = eval(expression, names)
            assert isinstance(table, pd.DataFrame), expression
            assert len(table), expression


def test_columns_that_are_promised(analysed):
    """The comments behind the calls name columns."""
    promised = {
        "verdicts": ("verdict", "balance", "margin", "coverage", "scorable"),
        "students": ("label", "tracks", "faces", "coverage"),
        "faces": ("time", "student", "x1", "y1", "x2", "y2", *engine.faces.EMOTIONS, "quality"),
    }
    for method, columns in promised.items():
        assert f"s.{method}()" in TEXT
        assert set(columns) <= set(getattr(analysed, method)())


def lines() -> list[list[str]]:
    """Every `classpulse ...` in a block or between backticks, as words."""
    inline = re.findall(r"`(classpulse [^`]+)`", TEXT)
    blocks = [line.split("  #")[0] for block in SHELL for line in block.splitlines()]
    return [line.split() for line in [*inline, *blocks] if line.split()[0].endswith("classpulse")]


def test_commands_that_are_shown_exist():
    assert lines()
    for _, name, *words in lines():
        if name.startswith("-"):
            continue
        assert name in COMMANDS, f"README shows `classpulse {name}`"
        options = {way for parameter in COMMANDS[name].params for way in parameter.opts} | {"--help", "--debug"}
        for word in words:
            if word.startswith("-"):
                assert word in options, f"README shows `classpulse {name} {word}`"


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_exist_are_shown(name):
    assert re.search(rf"classpulse {name}\b", TEXT)


def test_make_targets_that_are_shown_exist():
    makefile = README.with_name("Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", "\n".join(SHELL) + "\n".join(re.findall(r"`[^`]*`", TEXT))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"README shows `make {target}`"


def test_files_that_are_linked_exist():
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        if "://" not in link and not link.startswith("benchmarks/results"):  # written by `make bench`
            assert (README.parent / link).exists(), link


def test_the_law_is_named():
    assert "Art. 5(1)(f)" in TEXT
