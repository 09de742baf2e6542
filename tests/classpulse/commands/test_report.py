"""`classpulse report` as people use it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.classpulse.commands.conftest import Run


def test_writes_a_page(run: Run, db: Path, folder: Path) -> None:
    result = run("report", 1)
    assert (result.status, result.out, result.err) == (0, "", "written: report.html\n")
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert run("report", "lesson.mp4", "-o", "other.html", "--student", "S02").status == 0
    assert not re.search(r"\bS03\b", (folder / "other.html").read_text())


def test_replaces_reports_and_nothing_else(run: Run, db: Path, folder: Path) -> None:
    assert run("report", 1).status == 0
    assert run("report", 1).status == 0
    (folder / "notes.html").write_text("my own")
    result = run("report", 1, "-o", "notes.html")
    assert result.status == 2
    assert (
        "notes.html: it exists already; it is not a report of classpulse, so choose another" in result.complaint()
    )
    assert (folder / "notes.html").read_text() == "my own"


def test_unknown_session(run: Run, db: Path) -> None:
    result = run("report", "physics")
    assert result.status == 2
    assert "physics" in result.complaint()


def test_pdf(run: Run, db: Path, folder: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no chromium here (apt-get install chromium)")
    assert run("report", 1, "--pdf").status == 0
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")


def test_pdf_without_a_browser(run: Run, db: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    result = run("report", 1, "--pdf")
    assert result.status == 1
    assert "no Chromium is installed" in result.err.splitlines()[-1]
    assert (folder / "report.html").exists()


def test_the_video_is_gone(run: Run, db: Path, folder: Path, recording: Path) -> None:
    assert run("report", 1).status == 0
    assert "no longer where it was analysed" not in (folder / "report.html").read_text()
    moved = recording.rename(recording.with_name("moved.mp4"))
    try:
        assert run("report", 1).status == 0
    finally:
        moved.rename(recording)
    assert "lesson.mp4 is no longer where it was analysed" in (folder / "report.html").read_text()


def test_compares_two_sessions(run: Run, db: Path, folder: Path) -> None:
    assert run("report", "--compare", 1, "lesson.mp4", "-o", "both.html").status == 0
    assert "<h1>lesson.mp4 (session 1) and lesson.mp4 (session 1)</h1>" in (folder / "both.html").read_text()


@pytest.mark.parametrize(
    "arguments", [(), (1, "--compare", 1, 1), ("--compare", 1, 1, "--student", "S01")], ids=str
)
def test_wrong_use(run: Run, db: Path, arguments: tuple[int | str, ...]) -> None:
    result = run("report", *arguments)
    assert result.status == 2
    assert "--compare" in result.complaint()
