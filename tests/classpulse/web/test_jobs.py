"""The queue: real analyses, one at a time; cancelled, and gone on with after the server has ended."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from classpulse.web.jobs import Job, JobError, Jobs
from classpulse.web.serving import Serving
from engine import Session
from engine.errors import UsageError
from storage.holders import process_key
from tests.classpulse.web.conftest import Open
from tests.drawn import SEGMENTS, SETTINGS, count, rows

pytestmark = pytest.mark.slow

#: What sees the small lesson quickly.
QUICK = {name: getattr(SETTINGS, name) for name in ("sample_rate", "min_face", "window", "max_age")}
#: What sees it so slowly that it can be stopped half-way.
SLOW = QUICK | {"sample_rate": None, "min_face": 12.0}


class Server:
    """A queue that may be ended and begun again, as the server is."""

    def __init__(self, folder: Path) -> None:
        self.path, self.db = folder / "school.jobs.db", folder / "school.db"
        self.jobs = Jobs(self.path, str(self.db))

    def restart(self) -> None:
        self.jobs.stop()
        self.jobs = Jobs(self.path, str(self.db))
        self.jobs.start()

    def wait(self, number: int, until: Callable[[Job], bool]) -> Job:
        for _ in range(1200):
            job = self.jobs.job(number)
            if until(job):
                return job
            assert job.state != "failed", job.message
            time.sleep(0.05)
        raise AssertionError(f"nothing came of {job}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.jobs.start()
    yield server
    server.jobs.stop()


def done(job: Job) -> bool:
    return job.state == "done"


def half_way(server: Server) -> Callable[[Job], bool]:
    return lambda job: job.state == "running" and 1 <= count(server.db, "segments") < SEGMENTS


def database_is_there(server: Server) -> Callable[[Job], bool]:
    return lambda job: server.db.exists() and half_way(server)(job)


def test_an_analysis_from_the_queue_is_the_analysis(server: Server, recording: Path, analysed: Session) -> None:
    job = server.jobs.add(recording, None, QUICK)
    assert job.open
    job = server.wait(job.id, done)
    assert (job.session, job.message) == (1, None)
    assert job.share is not None
    assert job.share > 0.9
    assert rows(server.db) == rows(Path(analysed.database))


def test_one_at_a_time_and_each_once(server: Server, recording: Path) -> None:
    first = server.jobs.add(recording, "first", SLOW)
    assert server.jobs.add(recording, "first", SLOW).id == first.id  # a double click
    second = server.jobs.add(recording, "second", QUICK)
    server.wait(first.id, database_is_there(server))
    assert server.jobs.job(second.id).state == "queued"
    assert server.jobs.cancel(second.id).state == "cancelled"
    assert server.jobs.cancel(first.id).state == "cancelled"
    assert [job.id for job in server.jobs.jobs()] == [second.id, first.id]


def test_what_was_committed_before_a_cancel_stays(server: Server, recording: Path) -> None:
    job = server.jobs.add(recording, None, SLOW)
    server.wait(job.id, database_is_there(server))
    server.jobs.cancel(job.id)
    segments = rows(server.db)["segments"]
    time.sleep(0.5)
    assert rows(server.db)["segments"] == segments != []  # it has ended, and lost nothing
    assert server.jobs.cancel(job.id).state == "cancelled"  # once more is no harm


def test_a_restart_goes_on_with_what_was_running(server: Server, recording: Path) -> None:
    job = server.jobs.add(recording, None, SLOW)
    later = server.jobs.add(recording, "later", QUICK)
    server.wait(job.id, database_is_there(server))
    server.jobs.stop()
    kept = rows(server.db)["segments"]
    assert kept
    assert server.jobs.job(job.id).state == "running"
    server.restart()
    server.wait(job.id, lambda job: job.state == "running" and len(rows(server.db)["segments"]) > len(kept))
    assert rows(server.db)["sessions"][0]["session_id"] == 1
    assert server.jobs.job(later.id).state == "queued"
    assert len(rows(server.db)["sessions"]) == 1


def test_what_cannot_be_analysed_says_why(server: Server, tmp_path: Path) -> None:
    notes = tmp_path / "notes.mp4"
    notes.write_text("no video")
    job = server.jobs.add(notes, None, {})
    for _ in range(400):
        job = server.jobs.job(job.id)
        if job.state == "failed":
            break
        time.sleep(0.05)
    assert job.state == "failed"
    assert job.message is not None
    assert job.message.startswith(f"{notes}: ")
    assert "Traceback" not in job.message


def test_a_job_that_is_not_there(server: Server) -> None:
    with pytest.raises(JobError, match="no job 7"):
        server.jobs.cancel(7)


def test_the_server_tells_how_far_it_is(opened: Open, serving: Serving) -> None:
    """From the API's order to the session's verdicts, and on the page's stream of events."""
    client = opened(serving)
    body = {"video": "lesson.mp4", "name": "again", "sample_rate": 2, "window": 5}
    job = client.post("/api/jobs", json=body).json()
    assert (job["state"] in ("queued", "running"), job["video"]) == (True, "lesson.mp4")
    assert job["settings"] == {"sample_rate": 2, "window": 5}
    for _ in range(1200):
        job = client.get(f"/api/jobs/{job['id']}").json()
        if job["state"] not in ("queued", "running"):
            break
        time.sleep(0.05)
    assert (job["state"], job["session"]) == ("done", 2), job
    verdicts = client.get("/api/sessions/2/class").json()
    assert [row["window"] for row in verdicts] == list(range(7))
    assert json.dumps(verdicts)
    assert 'href="/sessions/2"' in client.get("/new").text


def test_a_second_server_leaves_the_running_job_alone(server: Server, recording: Path) -> None:
    """Neither one that is made and never started, nor one that is refused."""
    job = server.jobs.add(recording, None, SLOW)
    server.wait(job.id, database_is_there(server))
    second = Jobs(server.path, str(server.db))
    assert server.jobs.job(job.id).state == "running"
    with pytest.raises(UsageError, match=r"another server \(process .*\) works on this queue"):
        second.start()
    assert server.jobs.job(job.id).state == "running"
    assert server.wait(job.id, done).session == 1


def test_a_job_of_a_server_that_lives_is_not_begun_again(server: Server, tmp_path: Path) -> None:
    """Where the file system has no locks, the owner alone tells."""
    server.jobs.stop()
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        key = process_key(living.pid)
        with closing(sqlite3.connect(server.path)) as table, table:
            add = "INSERT INTO jobs (video, settings, state, created, owner) VALUES (?, '{}', 'running', '', ?)"
            table.execute(add, ("/a.mp4", key))
            table.execute(add, ("/b.mp4", key.replace(str(living.pid), "999999999", 1)))
            table.execute(add, ("/c.mp4", None))
        jobs = Jobs(server.path, str(server.db))
        jobs._stopping = True  # it only takes over
        jobs.start()
        assert [job.state for job in jobs.jobs()] == ["queued", "queued", "running"]
        jobs.stop()
    finally:
        living.kill()
        living.wait()


def test_the_queue_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "old.jobs.db"
    path.touch()
    path.chmod(0o644)  # as an earlier version made it
    for file in (path, tmp_path / "new.jobs.db"):
        Jobs(file, "x.db")
        assert file.stat().st_mode & 0o777 == 0o600
