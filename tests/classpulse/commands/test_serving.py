"""`classpulse serve` as a command."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.classpulse.commands.conftest import ROOT, Run, start

pytest.importorskip("fastapi", reason="the web page needs the `web` extra")


def test_it_serves_until_ctrl_c(db: Path) -> None:
    process = start("serve", "--db", db, "--port", 0)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("classpulse at http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[2]) as answer:
            assert b"lesson.mp4" in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.decode().splitlines()) == (130, ["classpulse: stopped"])


def test_a_database_that_is_not_there_is_said(folder: Path) -> None:
    process = start("serve", "--db", "typo.db", "--port", 0)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().decode() for _ in range(2)]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert lines[1] == "typo.db does not exist yet; the first analysis creates it\n"


def test_another_address_needs_a_token(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLASSPULSE_TOKEN", raising=False)
    result = run("serve", "--host", "0.0.0.0")
    assert (result.status, "--token" in result.complaint()) == (2, True)


def test_a_port_that_is_taken(run: Run, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--port", port)
    assert result.status == 2
    assert f"127.0.0.1:{port}: another program listens there" in result.complaint()


def test_a_server_that_cannot_listen_touches_no_queue(run: Run, folder: Path) -> None:
    """The one that listens there already has jobs that run."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run("serve", "--db", "school.db", "--port", taken.getsockname()[1])
    assert not (folder / "school.jobs.db").exists()


def test_a_second_server_on_the_same_queue_is_refused(run: Run, db: Path) -> None:
    process = start("serve", "--db", db, "--port", 0)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"classpulse at")
        result = run("serve", "--db", db, "--port", 0)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert result.status == 2
    assert f"another server (process {process.pid}, " in result.complaint()


def test_no_other_command_loads_it() -> None:
    code = "import sys, cli; sys.exit(any(name in sys.modules for name in ('fastapi', 'uvicorn', 'web')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
