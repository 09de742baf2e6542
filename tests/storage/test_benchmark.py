"""The benchmark runs, and what it prints is of the right kind; its figures depend on the machine."""

from __future__ import annotations

import re

import pytest

from benchmarks import storage, term


def test_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    storage.main(segments=2)
    said = capsys.readouterr().out
    assert said.startswith("3,000 faces")
    assert len(re.findall(r"^(insert|read|write).* [\d,]+ +\d+\.\d\d +\d+\.\d\d$", said, re.MULTILINE)) == 6
    assert re.search(r"bytes a face, everything counted: \d+$", said)


def test_term(capsys: pytest.CaptureFixture[str]) -> None:
    term.main(lessons=3, segments=4)
    said = capsys.readouterr().out
    assert "\n18,000 faces, 0 h: 0.00 GB, " in said
    assert re.search(r"^class timeline of a session +[\d.]+ +[\d.]+ +4$", said, re.MULTILINE)
    assert re.search(r"^a student's term +[\d.]+ +[\d.]+ +3$", said, re.MULTILINE)
