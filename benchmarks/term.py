"""`make bench-storage`, second part: how large 40 h of 30 students are in one file, and how long questions take.

One lesson of 50 minutes is written and judged as any other; the other 47 are its rows once more, each under its own
number, which SQLite copies by itself. No column packs better for that: its B-trees know nothing of each other's.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.storage import FRAMES_A_SEGMENT, SEGMENTS, STUDENTS, begin, segment_of, write_tracks
from engine.sessions.judgements import judge
from engine.settings import Settings
from storage import queries
from storage.corrections import write_persons
from storage.named import named_queries
from storage.people import add_people
from storage.schema import metadata
from storage.store import Store

LESSONS = 48
TIMELINE = """
    SELECT at, verdict, balance, margin, interested, neutral, not_interested, insufficient
    FROM v_class_windows WHERE session = 'lesson' AND session_id = :session AND latest ORDER BY start
"""


def write_lesson(path: Path, segments: int) -> None:
    """A lesson with faces of named students, judged in windows of 10 s."""
    with Store.open(path) as store:
        session = begin(store)
        for number in range(segments):
            frames, faces = segment_of(number)
            store.write_segment(session, number, frames, faces.columns())
        store.finish_detection(session, segments * 10.0)
        write_tracks(store, session)
        judge(store, session, Settings())
        numbers = add_people(store, [f"student {number}" for number in range(STUDENTS)])
        write_persons(store, session, dict(enumerate(numbers.values())))


def copy_lesson(path: Path, times: int) -> None:
    """All of the first session's rows again and again, under other numbers."""
    tables = [table for table in metadata.sorted_tables if table.foreign_keys or table.name == "sessions"]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # this file is never kept, and its rows refer to each other
        for number in range(1, times):
            connection.execute("BEGIN")
            for table in tables:
                shifted = {"session_id", "judgement_id"}
                key = next((name for name in ("session_id", "judgement_id") if name in table.c), None)
                if key is None:
                    continue
                values = ", ".join(f'"{c.name}"' + (f" + {number}" if c.name in shifted else "") for c in table.c)
                connection.execute(f"INSERT INTO {table.name} SELECT {values} FROM {table.name} WHERE {key} = 1")
            connection.execute("COMMIT")


def milliseconds(path: Path, sql: str, **values: object) -> tuple[float, float, int]:
    """Median CPU and wall time of a question, from opening the file to the table, and how many rows it has."""
    cpu, wall, rows = [], [], 0
    for _ in range(5):
        used, begun = time.process_time(), time.perf_counter()
        rows = len(queries.query(path, sql, values))
        cpu.append(1000 * (time.process_time() - used))
        wall.append(1000 * (time.perf_counter() - begun))
    return statistics.median(cpu), statistics.median(wall), rows


def main(lessons: int = LESSONS, segments: int = SEGMENTS) -> None:
    count = lessons * segments * FRAMES_A_SEGMENT * STUDENTS
    with tempfile.TemporaryDirectory() as folder:
        needed, free = count * 260, shutil.disk_usage(folder).free
        if free < needed:
            sys.exit(
                f"{folder}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} are free; set TMPDIR to another"
            )
        path = Path(folder) / "term.db"
        write_lesson(path, segments)
        copy_lesson(path, lessons)
        size = path.stat().st_size
        hours = lessons * segments / 360
        print(f"\n{count:,} faces, {hours:.0f} h: {size / 1e9:.2f} GB, {size / count:.0f} bytes a face")
        print(f"{'':<46}{'CPU ms':>9}{'wall ms':>9}{'rows':>7}")
        term = named_queries()["students-term"].sql
        for what, (cpu, wall, rows) in {
            "class timeline of a session": milliseconds(path, TIMELINE, session=lessons // 2 + 1),
            "a student's term": milliseconds(path, term, name=f"student {STUDENTS // 2}"),
        }.items():
            print(f"{what:<46}{cpu:>9.1f}{wall:>9.1f}{rows:>7}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
