"""The benchmark runs, and what it prints is of the right kind; its figures depend on the machine."""

from __future__ import annotations

import re

from benchmarks import storage


def test_benchmark(capsys):
    storage.main(segments=2)
    said = capsys.readouterr().out
    assert said.startswith("3,000 faces")
    assert len(re.findall(r"^(insert|read|write).* [\d,]+ +\d+\.\d\d +\d+\.\d\d$", said, re.MULTILINE)) == 6
    assert re.search(r"bytes a face, everything counted: \d+$", said)
