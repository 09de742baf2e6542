"""The browser that prints a report: it reaches nothing, and keeps its sandbox."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from classpulse.report import printing
from engine.runtime.platform import is_root

#: Chromium connects a UDP socket to this address to see whether there is a route, and sends nothing by it.
PROBE = "2001:4860:4860::8888"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "report.html"
    page.write_text("<!doctype html><title>x</title><h1>A report</h1>", "utf-8")
    return page


def browser(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.browser
def test_printing_reaches_no_other_machine(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chromium by itself looked up its vendor's hosts, with some 40 connections."""
    found = shutil.which("chromium")
    if found is None or shutil.which("strace") is None:
        pytest.skip("no chromium or no strace here (apt-get install chromium strace)")
    log = tmp_path / "log"
    traced = f'exec strace -f -qq -e trace=connect,sendto,sendmsg,sendmmsg -o {log} {found} "$@"'
    monkeypatch.setattr(printing, "find_browser", lambda: browser(tmp_path / "traced", traced))
    printing.to_pdf(page, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    lines = log.read_text(errors="replace").splitlines()
    assert len(lines) > 3
    assert [line for line in lines if "sa_family=AF_INET" in line and PROBE not in line] == []


@pytest.mark.parametrize("root", [True, False])
def test_the_sandbox_is_kept_unless_root(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    told = tmp_path / "told"
    script = (
        f'echo "$@" > {told}; for a in "$@"; do case $a in --print-to-pdf=*) echo %PDF-1 > "${{a#*=}}";; esac; done'
    )
    monkeypatch.setattr(printing, "find_browser", lambda: browser(tmp_path / "browser", script))
    monkeypatch.setattr(printing, "is_root", lambda: root)
    printing.to_pdf(page, tmp_path / "report.pdf")
    assert ("--no-sandbox" in told.read_text().split()) == root


def test_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, 1000):
        monkeypatch.setattr("os.geteuid", lambda number=number: number)
        assert is_root() == (number == 0)
