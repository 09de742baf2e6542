"""`make bench-cluster`: the queue alone, and rows into a PostgreSQL server of its own, or of CLASSPULSE_POSTGRES.

The queue: 100,000 empty runs of 10,000 sessions, taken and ended by 1,000 simulated workers over a few connections.
Rows: faces by COPY, as they are written, beside the driver's executemany, in turns over the same rows. Times of the
server are CPU time of its processes for these connections, which other programs hardly change.

    python -m benchmarks.cluster [MILLIONS OF FACES] [CLAIMS THAT ARE TAKEN]
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, text

from benchmarks.storage import FRAMES_A_SEGMENT, STUDENTS, Clock, begin, segment_of
from storage import claims
from storage.claims import TAKE_EXPIRED, TAKE_OPEN, Worker, shared_store, sharing
from storage.columns import sql_values
from storage.schema import faces as faces_table
from storage.store import Store
from tests.postgres import empty_schema, server

RUNS, SESSIONS, WORKERS, CONNECTIONS = 100_000, 10_000, 1000, 6
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def backend(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def cpu_of(pid: int) -> float:
    """CPU seconds of a process of this machine."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


# -- the queue


def fill(store: Store) -> None:
    """Sessions with their runs and a claim to judge each, as `spread` writes them."""
    session = begin(store)
    with sharing(store) as connection:
        connection.execute(
            text(
                "INSERT INTO sessions SELECT n, name, source, file_name, sha256, recorded, settings, version, "
                "models, time_base, start_pts, width, height, duration, state, created, finished "
                "FROM sessions, generate_series(2, :sessions) AS n WHERE session_id = :one"
            ),
            {"sessions": SESSIONS, "one": session},
        )
        runs = RUNS // SESSIONS
        of_run = {"sessions": SESSIONS, "runs": runs, "length": 120.0 * runs}
        rows = (
            "INSERT INTO claims (task, session_id, source, first, stop, weight, request, state, lease, attempts) "
            "SELECT {}, s, '/footage/lesson' || s || '.mp4', {}, :length + s % 1000, {}, {}, 0, 0 FROM "
            "generate_series(1, :sessions) AS s"
        )
        detect = rows.format("'detect'", "n * 12, n * 12 + 12", "NULL", "'open'")
        connection.execute(text(f"{detect}, generate_series(0, :runs - 1) AS n"), of_run)
        connection.execute(text(rows.format("'judge'", "NULL, NULL", "'{}'", "'waiting'")), of_run)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE claims")


class Hand:
    """One connection, over which a share of the workers take claims and end the ones that they hold."""

    def __init__(self, url: str, number: int, count: int) -> None:
        self.store = shared_store(url)
        self.workers = [Worker(f"w{number}.{n}", f"m{n % 100}") for n in range(WORKERS // CONNECTIONS)]
        self.count, self.taken, self.slowest = count, 0, 0.0
        with sharing(self.store) as connection:
            self.pid = backend(connection)
        self.cpu = cpu_of(self.pid)

    def run(self) -> None:
        """Take and end claims."""
        held: dict[str, claims.Claim] = {}
        while self.taken < self.count:
            worker = self.workers[self.taken % len(self.workers)]
            if worker.name in held:
                claims.finish(self.store, held.pop(worker.name), worker)
            began = time.perf_counter()
            claim = claims.take(self.store, worker, 600)
            self.slowest = max(self.slowest, time.perf_counter() - began)
            assert claim is not None
            held[worker.name] = claim
            self.taken += 1
        for worker in self.workers:
            if worker.name in held:
                claims.finish(self.store, held[worker.name], worker)
        self.cpu = cpu_of(self.pid) - self.cpu


def plan(store: Store) -> list[str]:
    values = {
        "worker": "x",
        "machine": "x",
        "quoted": json.dumps("x"),
        "seconds": 60,
        "fingerprint": "",
        "mixed": False,
    }
    lines = []
    with store.engine.connect() as connection:
        for sql in (TAKE_EXPIRED, TAKE_OPEN):
            explained = connection.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}"), values)
            lines += [row[0] for row in explained]
        connection.rollback()
    return lines


def queue(url: str, taken: int) -> None:
    with shared_store(url) as store:
        fill(store)
        print(f"\n{RUNS:,} runs of {SESSIONS:,} sessions; {WORKERS:,} workers over {CONNECTIONS} connections")
        hands = [Hand(url, number, taken // CONNECTIONS) for number in range(CONNECTIONS)]
        threads = [threading.Thread(target=hand.run) for hand in hands]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall = time.perf_counter() - began
        count = sum(hand.taken for hand in hands)
        cpu = sum(hand.cpu for hand in hands)
        print(f"{count:,} claims taken and ended: {1000 * cpu / count:.2f} ms of the server's CPU each, ")
        print(
            f"{count / wall:,.0f} a second, {1000 * wall * CONNECTIONS / count:.2f} ms from asking to having both; "
        )
        print(f"the slowest take {1000 * max(hand.slowest for hand in hands):.0f} ms")
        with sharing(store) as connection:
            twice = connection.execute(text("SELECT count(*) FROM claims WHERE attempts > 1")).scalar_one()
        print(f"taken twice: {twice}; the plan of a take now:")
        print("\n".join(f"    {line}" for line in plan(store)))


# -- rows


def by_executemany(connection: Connection, session: int, columns: dict[str, Any]) -> None:
    names = ["session_id", *columns]
    statement = str(insert(faces_table).compile(dialect=connection.dialect, column_keys=names))
    values = {"session_id": [session] * len(columns["pts"])}
    values |= {name: sql_values(faces_table.c[name], column) for name, column in columns.items()}
    rows = [dict(zip(names, row, strict=True)) for row in zip(*(values[name] for name in names), strict=True)]
    connection.connection.cursor().executemany(statement, rows)


def rows(url: str, millions: float) -> None:
    segments = round(millions * 1e6 / (FRAMES_A_SEGMENT * STUDENTS))
    clocks = {"COPY": Clock(), "executemany": Clock()}
    counts = dict.fromkeys(clocks, 0)
    server_cpu = dict.fromkeys(clocks, 0.0)
    with shared_store(url) as store:
        session = begin(store)
        for number in range(segments):
            frames, faces = segment_of(number)
            how = "executemany" if number % 10 == 9 else "COPY"
            columns = faces.columns()
            with store.writing(session) as connection:
                pid = backend(connection)
                if how == "COPY":
                    began = cpu_of(pid)
                    with clocks[how].running():
                        store.write_segment(session, number, frames, columns)
                else:
                    none = {name: column[:0] for name, column in columns.items()}
                    store.write_segment(session, number, frames, none)
                    began = cpu_of(pid)
                    with clocks[how].running():
                        by_executemany(connection, session, columns)
                server_cpu[how] += cpu_of(pid) - began
            counts[how] += len(faces.pts)
        print(f"\n{sum(counts.values()):,} faces on one connection")
        print(f"{'':<14}{'faces':>12}{'client CPU':>12}{'server CPU':>12}{'wall':>9}{'faces/s of both CPUs':>24}")
        for how, clock in clocks.items():
            both = clock.cpu + server_cpu[how]
            line = f"{how:<14}{counts[how]:>12,}{clock.cpu:>12.1f}{server_cpu[how]:>12.1f}{clock.wall:>9.1f}"
            print(f"{line}{counts[how] / both:>24,.0f}")
        with sharing(store) as connection:
            size = connection.exec_driver_sql("SELECT pg_total_relation_size('faces')").scalar_one()
        print(f"{size / sum(counts.values()):.0f} bytes a face with its index")


@contextmanager
def schema() -> Iterator[str]:
    with server() as url, empty_schema(url) as own:
        yield own


def main(millions: float = 1, taken: float = 30_000) -> None:
    with schema() as url:
        queue(url, int(taken))
    with schema() as url:
        rows(url, millions)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
