"""A watch that is killed again and again: complete segments are there, and the same command goes on."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.classpulse.commands.conftest import ROOT
from tests.engine.vision.cameras.streams import Act, StreamServer

#: Segments of a second, so that a test need not watch for minutes.
PROGRAM = """
import engine.vision.extraction as extraction, engine.sessions.live.watching as watching, cli
extraction.SEGMENT_SECONDS = watching.SEGMENT_SECONDS = 1
cli.main()
"""
#: How often it is killed, and until when after its first picture at the latest, s. CLASSPULSE_KILLS asks for more.
KILLS, LATEST = int(os.environ.get("CLASSPULSE_KILLS", "3")), 4.0


def rows(db: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(db) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing kills there as SIGKILL does")
def test_killed_at_any_moment_all_complete_segments_are_there_and_the_same_command_goes_on(tmp_path: Path) -> None:
    db, moments = tmp_path / "a.db", random.Random(19)
    server = StreamServer([Act(pictures=10_000)])
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "watch",
        server.address,
        "--name",
        "8b",
        "--window",
        "1",
        "--db",
        str(db),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    known: list[tuple[Any, ...]] = []
    try:
        for _ in range(KILLS):
            process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
            assert process.stderr is not None
            assert b"connected" in process.stderr.readline()
            watched = moments.uniform(0.3, LATEST)
            time.sleep(watched)
            process.kill()
            process.communicate()
            segments = rows(db, "SELECT segment, frames, faces FROM segments ORDER BY segment")
            assert segments[: len(known)] == known
            assert len(segments) - len(known) >= int(watched) - 2
            assert rows(db, "PRAGMA integrity_check") == [("ok",)]
            frames: dict[int, int] = dict(rows(db, "SELECT segment, COUNT(*) FROM frames GROUP BY segment"))
            assert all(frames.get(segment, 0) == count for segment, count, _ in segments)
            known = segments
        ended = subprocess.run([*command, "--for", "2s"], capture_output=True, env=environment, timeout=120)
    finally:
        server.close()
    assert ended.returncode == 0, ended.stderr
    assert len(known) >= 2
    # Among them are now those of the breaks, too.
    assert set(known) < set(rows(db, "SELECT segment, frames, faces FROM segments"))
    assert rows(db, "SELECT COUNT(*), MIN(state), MIN(name) FROM sessions") == [(1, "done", "8b")]
    assert len(rows(db, "SELECT * FROM connections")) >= 2
    assert rows(db, "SELECT name FROM judgements") == [("weighted, 1 s",)]
