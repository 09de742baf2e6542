"""Lists of recordings, the queue and its progress, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classpulse.commands.queueing import lines
from tests.classpulse.commands.conftest import Run
from tests.drawn import OPTIONS


@pytest.mark.parametrize(
    "command", [("analyze", "lesson.mp4", "--queue"), ("work",), ("progress",), ("progress", "--json")]
)
def test_sqlite_is_refused_in_one_line_and_no_file_is_made(
    run: Run, folder: Path, command: tuple[str, ...]
) -> None:
    result = run(*command, "--db", "school.db")
    assert result.status == 2
    assert result.complaint() == (
        "school.db: several machines cannot share an SQLite file, whose locks hold on one machine alone; name a "
        "PostgreSQL server (--db postgresql://user@host/school)"
    )
    assert list(folder.iterdir()) == []


def test_list_of_recordings_is_analysed(run: Run, folder: Path, recording: Path) -> None:
    Path("files.txt").write_text(f"\n{recording}\r\nnone.mp4\n\n", "utf-8")
    result = run("analyze", "@files.txt", *OPTIONS, "--quiet")
    assert result.status == 2
    assert result.complaint().startswith("none.mp4: ")
    assert "lesson.mp4" in run("sessions").out


def test_lists_that_are_of_no_use_are_said_to_be(run: Run, folder: Path) -> None:
    Path("empty.txt").write_text("\n \n", "utf-8")
    Path("film.txt").write_bytes(b"\xff\xfe\x00")
    for name, message in (
        ("none.txt", "none.txt: the list of recordings cannot be read (No such file or directory); check the file"),
        ("film.txt", "film.txt: the list of recordings cannot be read (it is not text in UTF-8); check the file"),
        ("empty.txt", "empty.txt: the list has no recording; write one in each line"),
    ):
        result = run("analyze", f"@{name}")
        assert (result.status, result.complaint()) == (2, message)


def test_recording_whose_name_begins_like_a_list_is_a_recording(run: Run, folder: Path) -> None:
    Path("@lesson.mp4").write_bytes(b"no film")
    assert run("analyze", "@lesson.mp4").complaint().startswith("@lesson.mp4: ")


def test_queue_is_worked_on_and_told_of(run: Run, folder: Path, recording: Path, postgres_url: str) -> None:
    db = ("--db", postgres_url)
    queued = run("analyze", recording, "none.mp4", *OPTIONS, "--queue", *db)
    assert queued.status == 2
    assert "none.mp4: not queued (No such file or directory)" in queued.complaint()
    assert queued.out.startswith("1 of 2 recordings are new in the queue")
    told = run("progress", *db)
    assert told.out.splitlines()[0] == "Recordings: 1 queued, 0 detecting, 0 judging, 0 done"
    worked = run("work", *db, "--machine", "ada")
    assert worked.status == 0
    assert worked.err.splitlines() == [
        "lesson.mp4, open: done",
        "lesson.mp4, segments 0 to the end: done",
        "lesson.mp4, judge: done",
        "none is left; this worker did 3",
    ]
    state = json.loads(run("progress", "--json", *db).out)
    assert state["claims"] == {"detect": {"done": 1}, "judge": {"done": 1}, "open": {"done": 1}}
    assert state["done_seconds"] == 32
    assert state["rate"] > 0


def test_file_that_no_machine_can_read_is_listed_at_the_end(
    run: Run, folder: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.claims.RETRY_SECONDS", 0)
    Path("broken.mp4").write_bytes(b"no film")
    run("analyze", "broken.mp4", "--queue", "--db", postgres_url)
    result = run("work", "--db", postgres_url, "--machine", "ada", "--quiet")
    assert result.status == 1
    assert result.complaint().startswith("broken.mp4, open: set aside, failed on ada, ada, ada: ")
    assert "broken.mp4" in run("progress", "--db", postgres_url).out


@pytest.mark.parametrize("option", [("--as-one", "Day"), ("--display",), ("--workers", "2")])
def test_queue_takes_no_option_of_a_single_process(run: Run, folder: Path, option: tuple[str, ...]) -> None:
    result = run("analyze", "lesson.mp4", "--queue", *option)
    assert result.status == 2
    assert "--queue leaves each recording to a worker; omit " in result.complaint()


def test_state_of_a_queue_is_told_in_lines() -> None:
    state = {
        "recordings": {"queued": 5, "detecting": 2, "judging": 1, "done": 7, "aside": 1},
        "done_seconds": 3600.0,
        "left_seconds": 1800.0,
        "rate": 12.5,
        "time_left": 144.0,
        "working": [
            {"worker": "ada, process 7", "what": "a.mp4, segments 0 to 11", "seconds": 31.2, "lease_left": 12.0},
            {"worker": "ben, process 8", "what": "b.mp4, judge", "seconds": 90.0, "lease_left": -1.0},
        ],
        "failures": [
            {"what": "c.mp4, open", "state": "open", "failed_on": ["ada"], "error": "c.mp4: no video"},
        ],
    }
    assert lines(state) == [
        "Recordings: 5 queued, 2 detecting, 1 judging, 7 done",
        "Detected: 1.0 h of 1.5 h that are opened, 12.5 times as fast as it plays; 2.4 min left",
        "ada, process 7: a.mp4, segments 0 to 11, for 31 s",
        "ben, process 8: b.mp4, judge, for 90 s, without a sign of life",
        "c.mp4, open: to be tried again, failed on ada: c.mp4: no video",
    ]
