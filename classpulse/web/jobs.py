"""The queue of analyses: one at a time, each a separate process; the queue is a file that outlives the server."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Literal

from classpulse.web.working import work
from engine.errors import UsageError
from engine.runtime.platform import end_process_group, without_interrupts
from storage.files import make_private
from storage.holders import is_alive, process_key
from storage.locks import HeldError, held
from storage.store import now

State = Literal["queued", "running", "done", "failed", "cancelled"]
#: Seconds a process has to end after it is asked to.
PATIENCE = 5.0

_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    video TEXT NOT NULL,
    name TEXT,
    settings TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    stage TEXT,
    time REAL NOT NULL DEFAULT 0,
    duration REAL,
    faces INTEGER NOT NULL DEFAULT 0,
    session INTEGER,
    message TEXT,
    created TEXT NOT NULL,
    ended TEXT,
    owner TEXT
)
"""


class JobError(UsageError, LookupError):
    """An unknown job."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A requested analysis."""

    id: int
    video: str
    """Path of the recording."""
    name: str | None
    settings: dict[str, Any]
    """Non-default settings by name."""
    state: State
    stage: str | None
    """detect, track or judge."""
    time: float
    """Analysed part of the recording, s."""
    duration: float | None
    """Length of the recording, s, or None if the file has none."""
    faces: int
    session: int | None
    """The resulting session."""
    message: str | None
    """Cause of a failure, or warnings."""
    created: str
    ended: str | None
    owner: str | None = None
    """The server that runs it: its machine, its process and when that began."""

    @property
    def file_name(self) -> str:
        """The recording's, without its folder."""
        return Path(self.video).name

    @property
    def share(self) -> float | None:
        """Analysed share of the recording, 0 to 1; None if its length is unknown."""
        return min(1.0, self.time / self.duration) if self.duration else None

    @property
    def open(self) -> bool:
        """Whether it can be cancelled."""
        return self.state in ("queued", "running")


class Jobs:
    """The queue in the file at `path`, whose jobs analyse into `db`.

    One server at a time works on a queue. A job whose server has died is begun again; the analysis goes on after
    the last segment that was committed.
    """

    def __init__(self, path: Path, db: str) -> None:
        self._path = path
        self._db = db
        self._changed = threading.Condition()
        self._lock = threading.Lock()
        self._claim = contextlib.ExitStack()
        self._claimed = False
        self._process: SpawnProcess | None = None
        self._running: int | None = None
        self._stopping = False
        self.version = 0
        """Rises whenever anything changes."""
        make_private(path)
        with self._table() as table:
            table.execute(_TABLE)
            if "owner" not in [row["name"] for row in table.execute("PRAGMA table_info(jobs)")]:
                table.execute("ALTER TABLE jobs ADD COLUMN owner TEXT")
        self._thread = threading.Thread(target=self._work_off, name="jobs", daemon=True)

    def claim(self) -> None:
        """Be the one server that works on this queue, until `stop`. Raises UsageError where another is."""
        if self._claimed:
            return
        try:
            self._claim.enter_context(held(self._path.with_name(f"{self._path.name}.lock")))
        except HeldError as error:
            raise UsageError(
                f"{self._path}: another server ({error}) works on this queue; open that one's page, or end it first"
            ) from error
        self._claimed = True

    def start(self) -> None:
        """Start processing the queue, with the jobs whose server has died. Raises UsageError as `claim` does."""
        self.claim()
        with self._table() as table:
            for row in table.execute("SELECT id, owner FROM jobs WHERE state = 'running'").fetchall():
                if not (row["owner"] and is_alive(row["owner"])):
                    again = "UPDATE jobs SET state = 'queued', owner = NULL WHERE id = ? AND state = 'running'"
                    table.execute(again, (row["id"],))
        self._thread.start()

    def stop(self) -> None:
        """Stop; a running job is resumed after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._end_process()
        self._thread.join(2 * PATIENCE)
        with self._table() as table:  # this process may live on, as in a test
            table.execute("UPDATE jobs SET owner = NULL WHERE owner = ?", (process_key(),))
        self._claim.close()
        self._claimed = False

    def add(self, video: Path, name: str | None, settings: dict[str, Any]) -> Job:
        """Queue a recording, unless it is queued or running already: then that job is returned."""
        values = (str(video), name, json.dumps(settings, sort_keys=True))
        with self._table() as table:
            condition = "video = ? AND name IS ? AND settings = ? AND state IN ('queued', 'running')"
            row = table.execute(f"SELECT id FROM jobs WHERE {condition}", values).fetchone()
            if row is None:
                add = "INSERT INTO jobs (video, name, settings, state, created) VALUES (?, ?, ?, 'queued', ?)"
                row = (table.execute(add, (*values, now())).lastrowid,)
        self._tell()
        return self.job(int(row[0]))

    def cancel(self, number: int) -> Job:
        """Cancel a queued or running job; committed segments stay. A job that has ended does not change."""
        with self._table() as table:
            table.execute(
                "UPDATE jobs SET state = 'cancelled', ended = ? WHERE id = ? AND state IN ('queued', 'running')",
                (now(), number),
            )
        if self._running == number:
            self._end_process()
        self._tell()
        return self.job(number)

    def job(self, number: int) -> Job:
        """The job of that number. Raises JobError without one."""
        with self._table() as table:
            row = table.execute("SELECT * FROM jobs WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise JobError(f"there is no job {number}")
        return _job(row)

    def jobs(self, limit: int = 50) -> list[Job]:
        """The latest jobs, the newest first."""
        with self._table() as table:
            return [_job(row) for row in table.execute("SELECT * FROM jobs ORDER BY id DESC LIMIT ?", (limit,))]

    def _work_off(self) -> None:
        while not self._stopping:
            with self._table() as table:
                row = table.execute("SELECT * FROM jobs WHERE state = 'queued' ORDER BY id").fetchone()
            if row is None:
                with self._changed:
                    self._changed.wait(1.0)
                continue
            self._run(_job(row))

    def _run(self, job: Job) -> None:
        with self._table() as table:  # unless it was cancelled just now
            begin = "UPDATE jobs SET state = 'running', message = NULL, owner = ? WHERE id = ? AND state = 'queued'"
            if not table.execute(begin, (process_key(), job.id)).rowcount:
                return
        spawn = multiprocessing.get_context("spawn")  # a fork would copy the server's threads half
        receiver, sender = spawn.Pipe(duplex=False)
        process = spawn.Process(target=work, args=(sender, job.video, self._db, job.name, job.settings))
        with without_interrupts():
            process.start()
        sender.close()  # else the end of the process would not close the pipe
        with self._lock:
            self._process, self._running = process, job.id
        self._tell()
        if self._stopping or self.job(job.id).state != "running":  # meanwhile
            self._end_process()
        with receiver:
            ended = self._listen(job.id, receiver.recv)
        process.join()
        with self._lock:
            self._process = self._running = None
        if not (ended or self._stopping):
            why = f"the analysis was killed (exit status {process.exitcode}); analyse the recording again to resume"
            self._note(job.id, {"state": "failed", "message": why})

    def _listen(self, number: int, receive: Callable[[], dict[str, Any]]) -> bool:
        """Store the messages of the process until it ends; returns whether it reported its result."""
        ended = False
        with contextlib.suppress(EOFError, OSError):
            while True:
                columns = receive()
                self._note(number, columns)
                ended = ended or "state" in columns
        return ended

    def _note(self, number: int, columns: dict[str, Any]) -> None:
        if "state" in columns:
            columns = {**columns, "ended": now()}
        to = ", ".join(f"{name} = ?" for name in columns)
        with self._table() as table:  # a cancelled job stays cancelled, also if its process still sends messages
            table.execute(f"UPDATE jobs SET {to} WHERE id = ? AND state = 'running'", (*columns.values(), number))
        self._tell()

    def _end_process(self) -> None:
        with self._lock:
            process = self._process
        if process is None or process.pid is None:
            return
        for force in (False, True):
            if not end_process_group(process.pid, force=force):  # with the processes that it started
                process.kill()
            process.join(PATIENCE)
            if process.exitcode is not None:
                return

    def _tell(self) -> None:
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    @contextlib.contextmanager
    def _table(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    return Job(**{**values, "settings": json.loads(values["settings"])})


def queue_of(db: str) -> Path:
    """The file of the queue: beside the database, or in the working folder if the database is on a server."""
    place = db.removeprefix("sqlite:///")
    return Path("classpulse.jobs.db") if "://" in place else Path(place).with_suffix(".jobs.db")


def forget_jobs(db: str, sessions: Mapping[int, str]) -> int:
    """Erase the ended jobs of these sessions, by number with the path of the recording; returns how many.

    Also those that failed before there was a session: each has the recording's name and the one it was given. What
    is queued or running is an order that still holds.
    """
    path = queue_of(db)
    if not path.exists():
        return 0
    recordings = {Path(source).resolve() for source in sessions.values()}
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as table:
        table.execute("PRAGMA secure_delete = ON")
        with table:
            ended = "SELECT id, session, video FROM jobs WHERE state NOT IN ('queued', 'running')"
            forgotten = [
                (number,)
                for number, session, video in table.execute(ended).fetchall()
                if session in sessions or (session is None and Path(video).resolve() in recordings)
            ]
            table.executemany("DELETE FROM jobs WHERE id = ?", forgotten)
        table.execute("VACUUM")
    return len(forgotten)
