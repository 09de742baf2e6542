"""What the commands write is for its owner alone, whatever the umask allows others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.classpulse.commands.conftest import Run


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The usual one, which lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_no_file_is_for_others(run: Run, folder: Path, recording: Path, open_umask: None) -> None:
    out = folder / "out"
    out.mkdir(0o700)
    given = set(folder.rglob("*"))
    db = out / "classpulse.db"
    for command in (
        ("analyze", recording, "--sample-rate", 1),
        ("report", 1, "-o", out / "report.html"),
        *(("export", 1, "--format", kind, "-o", out / kind) for kind in ("csv", "parquet", "vtt")),
        ("query", "SELECT 1 AS one", "--format", "csv", "-o", out / "rows.csv"),
        ("rename", 1, "S01", "Ada"),
        ("names", "--export", out / "names.csv"),
        ("annotate", 1, "-o", out / "annotated.mp4"),
    ):
        result = run(*command, "--db", db)
        assert result.status == 0, result.err
    written = set(folder.rglob("*")) - given
    assert len(written) > 20
    loose = {path.name: oct(path.stat().st_mode & 0o777) for path in written if path.stat().st_mode & 0o077}
    assert loose == {}
    assert os.umask(0o022) == 0o022  # the caller's own is as it was
