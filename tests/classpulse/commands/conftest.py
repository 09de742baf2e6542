"""The command line as people use it: run in this process where that is enough, else as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import cli
from engine import Session

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    def complaint(self) -> str:
        """The one line on standard error; fails if there is more or less, or if it is no line for a person."""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("classpulse: ")
        assert "internal error" not in lines[0]
        return lines[0].removeprefix("classpulse: ")


Run = Callable[..., Result]


def command_group() -> TyperGroup:
    """All commands, as the library of command lines has them."""
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    return group


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("show", 1)`: the command through the entry point, in this process."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["classpulse", *map(str, arguments)])
        capsys.readouterr()
        on_interrupt = signal.getsignal(signal.SIGINT)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        signal.signal(signal.SIGINT, on_interrupt)
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, out, err)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLASSPULSE_DB", raising=False)
    return tmp_path


@pytest.fixture
def db(analysed: Session, folder: Path) -> Path:
    """`classpulse.db` in the current folder, with the lesson's finished analysis."""
    return Path(shutil.copy(analysed.database, folder / "classpulse.db"))


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """The command as a process, with pipes for its output."""
    command = [sys.executable, "-m", "cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment}
    process: subprocess.Popen[bytes] = subprocess.Popen(command, **{**pipes, **options})
    return process


def finish(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=120)
    return Result(process.returncode, (out or b"").decode(), err.decode())
