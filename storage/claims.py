"""Claims: work on recordings that several machines take from one PostgreSQL database, with leases; no coordinator.

Every function is one short transaction that waits for no other writer. Time is that of the server's clock, so that
clocks of machines may differ. A row that another holds locked is passed over (FOR UPDATE SKIP LOCKED).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from storage.columns import Columns
from storage.database import database_of
from storage.digests import segment_digest
from storage.errors import StorageError, named
from storage.paths import escaped
from storage.schema import claims, segments
from storage.store import Store

#: Failures, each on another machine where there is one, after which a claim is set aside.
MOST_FAILURES = 3
#: Times that a claim may be taken: whatever ends its worker each time is no accident any more.
MOST_ATTEMPTS = 10
#: After a failure its own machine waits at least so long before it tries again, s.
RETRY_SECONDS = 5
#: A transaction of a worker that stands still so long is ended by the server, ms: others wait for it.
IDLE_MILLISECONDS = 30_000

#: Not clock_timestamp(), which changes within a statement: no index would find what has expired.
_NOW = "extract(epoch FROM statement_timestamp())"
_FITS = "(fingerprint IS NULL OR fingerprint = :fingerprint OR :mixed)"
#: A machine tries again what failed there only where no other is at work that could.
_MAY_TRY = (
    f"(failed_on IS NULL OR strpos(failed_on, :quoted) = 0 OR (lease < {_NOW} AND NOT EXISTS (SELECT 1 FROM claims "
    f"AS other WHERE other.state = 'held' AND other.machine <> :machine AND other.lease > {_NOW})))"
)
_TAKE = (
    "WITH free AS MATERIALIZED (SELECT claim FROM claims WHERE {which} LIMIT 1 FOR UPDATE SKIP LOCKED) "
    "UPDATE claims SET state = 'held', worker = :worker, machine = :machine, attempts = attempts + 1, "
    f"taken = {_NOW}, lease = {_NOW} + :seconds "
    "FROM free WHERE claims.claim = free.claim RETURNING claims.*"
)
#: First what somebody held and let expire; then what is open, in the order of the index.
TAKE_EXPIRED = _TAKE.format(which=f"state = 'held' AND lease < {_NOW} AND {_FITS} ORDER BY lease")
TAKE_OPEN = _TAKE.format(which=f"state = 'open' AND {_FITS} AND {_MAY_TRY} ORDER BY task, weight DESC, claim")


class DifferentRowsError(StorageError):
    """Two machines detected different rows in one segment."""


@dataclass(frozen=True)
class Worker:
    """Who takes claims."""

    name: str
    """Unique among all workers: machine, process."""
    machine: str
    fingerprint: str = ""
    """Only claims of the same are taken (see `schema.claims`)."""
    mixed: bool = False
    """Whether claims of any other are taken, too."""


@dataclass(frozen=True)
class Claim:
    """A claim that a worker holds; see `schema.claims` for what each value is."""

    claim: int
    task: str
    session_id: int | None
    source: str
    first: int | None
    stop: int | None
    request: dict[str, Any] | None
    attempts: int

    @property
    def title(self) -> str:
        """In words: lesson.mp4, segments 0 to 11."""
        return title(self.task, self.source, self.first, self.stop)


def title(task: str, source: str, first: int | None, stop: int | None) -> str:
    """A claim in words: lesson.mp4, segments 0 to 11."""
    name = Path(source).name
    if task != "detect":
        return f"{name}, {task}"
    return f"{name}, segments {first} to {'the end' if stop is None else stop - 1}"


def shared_store(target: str | Path, *, must_exist: bool = False) -> Store:
    """Open a database in which several machines can work. Raises DatabaseError for an SQLite file; makes none."""
    database_of(target).check_shared()
    return Store.open(target, must_exist=must_exist)


@contextmanager
def sharing(store: Store) -> Iterator[Connection]:
    """A transaction that takes none of the locks by which writers of a session wait for each other."""
    store.database.check_shared()
    with (
        named(store.database),
        store.engine.execution_options(isolation_level="READ COMMITTED").begin() as connection,
    ):
        yield connection


def queue(store: Store, recordings: Sequence[tuple[str, int]], request: Mapping[str, Any]) -> int:
    """Add a claim to open each of the recordings (path, size in bytes) that has none yet; returns how many.

    One with the same path and request that is not done yet is not added again; set aside, it is open again.
    """
    asked = json.dumps(request, sort_keys=True)
    with sharing(store) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(current_schema() || 'claims'))"))
        pending = select(claims.c.claim, claims.c.source, claims.c.state).where(
            claims.c.task == "open", claims.c.request == asked, claims.c.state != "done"
        )
        there = {row.source: row for row in connection.execute(pending)}
        named_now = [there[path] for path, _ in recordings if path in there]
        aside = [row.claim for row in named_now if row.state == "aside"]
        _reopen(connection, aside)
        common = {"task": "open", "request": asked, "state": "open", "lease": 0, "attempts": 0}
        new = [{**common, "source": path, "weight": size} for path, size in recordings if path not in there]
        if new:
            connection.execute(insert(claims), new)
        return len(new) + len(aside)


def _reopen(connection: Connection, numbers: Sequence[int]) -> None:
    fresh = {"state": "open", "lease": 0, "attempts": 0, "failed_on": None, "error": None}
    if numbers:
        connection.execute(update(claims).where(claims.c.claim.in_(numbers)).values(**fresh))


def take(store: Store, worker: Worker, seconds: float) -> Claim | None:
    """Take a claim for so many seconds: one whose lease has expired, else the next that is open, else None.

    One that was taken too often is set aside on the way, and the next is looked for.
    """
    values = {
        "worker": worker.name, "machine": worker.machine, "quoted": json.dumps(worker.machine), "seconds": seconds,
        "fingerprint": worker.fingerprint, "mixed": worker.mixed,
    }  # fmt: skip
    while True:
        with sharing(store) as connection:
            row = connection.execute(text(TAKE_EXPIRED), values).mappings().first()
            if row is None:
                row = connection.execute(text(TAKE_OPEN), values).mappings().first()
            if row is None:
                return None
            if row["attempts"] > MOST_ATTEMPTS:
                error = f"its worker ended {MOST_ATTEMPTS} times before its work, the last one on {row['machine']}"
                of_it = update(claims).where(claims.c.claim == row["claim"])
                connection.execute(of_it.values(state="aside", error=row["error"] or error))
                continue
        request = json.loads(row["request"]) if row["request"] else None
        return Claim(
            **{name: row[name] for name in Claim.__dataclass_fields__ if name != "request"}, request=request
        )


def renew(store: Store, claim: Claim, worker: Worker, seconds: float) -> bool:
    """Hold a claim for so many seconds from now; False where another has taken it meanwhile, or it is gone."""
    with sharing(store) as connection:
        return _mine(connection, claim, worker, f"lease = {_NOW} + :seconds", seconds=seconds)


def is_held(connection: Connection, claim: Claim, worker: Worker) -> bool:
    """Whether the worker still holds the claim; nobody else takes it until the transaction ends."""
    return _mine(connection, claim, worker, "lease = lease")


def finish(store: Store, claim: Claim, worker: Worker, *, damaged: int = 0) -> bool:
    """The claim is done; False where another has taken it meanwhile.

    With the last run of a session, its judging is open. The row of that is locked first: of two workers that end
    the last two runs at once, the second sees what the first one did.
    """
    with sharing(store) as connection:
        of_session = {"session": claim.session_id}
        if claim.task == "detect":
            connection.execute(
                text("SELECT claim FROM claims WHERE session_id = :session AND task = 'judge' FOR UPDATE"),
                of_session,
            )
        done = f"state = 'done', finished = {_NOW}, damaged = :damaged, error = NULL"
        if not _mine(connection, claim, worker, done, damaged=damaged):
            return False
        if claim.task == "detect":
            connection.execute(text(_RELEASE), of_session)
        return True


_RELEASE = (
    "UPDATE claims SET state = 'open' WHERE session_id = :session AND task = 'judge' AND state = 'waiting' AND NOT "
    "EXISTS (SELECT 1 FROM claims AS run WHERE run.session_id = :session AND run.task = 'detect' "
    "AND run.state <> 'done')"
)


def fail(store: Store, claim: Claim, worker: Worker, error: str) -> bool:
    """Note a failure; another machine may try, or it is set aside. Returns whether it is."""
    with sharing(store) as connection:
        row = connection.execute(
            text(
                "SELECT failed_on FROM claims WHERE claim = :claim AND worker = :worker AND state = 'held' "
                "FOR UPDATE"
            ),
            {"claim": claim.claim, "worker": worker.name},
        ).first()
        if row is None:
            return False
        failed_on = [*json.loads(row[0] or "[]"), worker.machine]
        state = "aside" if len(failed_on) >= MOST_FAILURES else "open"
        changes = f"state = :state, lease = {_NOW} + :pause, failed_on = :failed_on, error = :error"
        _mine(
            connection, claim, worker, changes,
            state=state, pause=RETRY_SECONDS, failed_on=json.dumps(failed_on), error=escaped(error),
        )  # fmt: skip
        return state == "aside"


def give_back(store: Store, claim: Claim, worker: Worker) -> None:
    """Leave a claim, of which nothing went wrong, to whoever is next."""
    with sharing(store) as connection:
        _mine(connection, claim, worker, "state = 'open', lease = 0, attempts = attempts - 1")


def _mine(connection: Connection, claim: Claim, worker: Worker, changes: str, **values: Any) -> bool:
    sql = f"UPDATE claims SET {changes} WHERE claim = :claim AND worker = :worker AND state = 'held'"
    return connection.execute(text(sql), values | {"claim": claim.claim, "worker": worker.name}).rowcount == 1


def spread(
    connection: Connection,
    claim: Claim,
    session_id: int,
    runs: Sequence[tuple[int, int | None]],
    length: float,
    settings: str,
    fingerprint: str | None,
) -> None:
    """In the transaction that began a session: a claim for each run (first, stop), one to judge it by `settings`.

    All have the `length` of the recording, s, since the runs of long ones come first. Where the session has claims
    to detect already, those that were set aside are open again, and none is added.
    """
    of_session = select(claims.c.claim, claims.c.task, claims.c.state).where(
        claims.c.session_id == session_id, claims.c.state != "done"
    )
    connection.execute(of_session.where(claims.c.task == "judge").with_for_update())  # first, as `finish` does
    there = connection.execute(of_session.with_for_update()).all()
    _reopen(connection, [row.claim for row in there if row.state == "aside"])
    detecting = any(row.task == "detect" for row in there)
    common = {"session_id": session_id, "source": claim.source, "weight": length, "fingerprint": fingerprint}
    common |= {"lease": 0, "attempts": 0}
    if runs and not detecting:
        rows = [common | {"task": "detect", "first": first, "stop": stop, "state": "open"} for first, stop in runs]
        connection.execute(insert(claims), rows)
    if not any(row.task == "judge" for row in there):
        state = "waiting" if detecting or runs else "open"
        judge = common | {"task": "judge", "state": state, "request": json.dumps({"settings": settings})}
        connection.execute(insert(claims).values(**judge))
    done = update(claims).where(claims.c.claim == claim.claim)
    connection.execute(done.values(state="done", session_id=session_id, finished=text(_NOW), error=None))


def damaged_in(store: Store, session_id: int) -> int:
    """Damaged packets or images that the runs of a session met."""
    sql = "SELECT coalesce(sum(damaged), 0) FROM claims WHERE session_id = :session AND task = 'detect'"
    with sharing(store) as connection:
        return int(connection.execute(text(sql), {"session": session_id}).scalar_one())


def are_left(store: Store, worker: Worker) -> bool:
    """Whether any claim that the worker may take is open, or held by somebody."""
    of_state = f"EXISTS (SELECT 1 FROM claims WHERE state = '{{}}' AND {_FITS})"
    sql = f"SELECT {of_state.format('open')} OR {of_state.format('held')}"
    values = {"fingerprint": worker.fingerprint, "mixed": worker.mixed}
    with sharing(store) as connection:
        return bool(connection.execute(text(sql), values).scalar_one())


def left_for_others(store: Store, worker: Worker) -> dict[str, int]:
    """How many open claims only machines of another kind may take, by fingerprint, of which none is at work."""
    sql = (
        f"SELECT fingerprint, count(*) FROM claims WHERE state = 'open' AND NOT {_FITS} AND fingerprint NOT IN "
        "(SELECT fingerprint FROM claims WHERE state = 'held' AND fingerprint IS NOT NULL) GROUP BY fingerprint"
    )
    values = {"fingerprint": worker.fingerprint, "mixed": worker.mixed}
    with sharing(store) as connection:
        return {row[0]: row[1] for row in connection.execute(text(sql), values)}


def write_or_verify(
    store: Store, session_id: int, segment: int, frame_columns: Columns, face_columns: Columns, worker: Worker
) -> bool:
    """Commit a segment, or see that it is there with the same rows; returns whether it was written.

    Raises DifferentRowsError, which names both machines, where its rows are others.
    """
    with store.writing(session_id) as connection:
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MILLISECONDS}")
        of_it = select(segments.c.digest, segments.c.worker).filter_by(session_id=session_id, segment=segment)
        there = connection.execute(of_it).first()
        if there is None:
            store.write_segment(
                session_id,
                segment,
                frame_columns,
                face_columns,
                worker=worker.name,
                fingerprint=worker.fingerprint or None,
            )
            return True
        if there.digest != segment_digest(frame_columns, face_columns):
            raise DifferentRowsError(
                f"segment {segment} of session {session_id}: {worker.name} found other rows in it than "
                f"{there.worker or 'an analysis without a queue'}; see that both have the same version, "
                "networks and processor, and analyse the recording again"
            )
        return False
