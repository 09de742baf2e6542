"""`make bench-workers`: a recording analysed by one worker and by two: time, rows, memory; what an hour takes.

A lesson of 30 students is drawn for 12 s at 1080p and looped; the same is enlarged for 4K. Wall time depends on
what else the machine does: beside it stand the load before each run and the CPU time, which hardly does.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path

import av

from benchmarks.footage import loop
from benchmarks.memory import Watched, watch
from benchmarks.speed import keep
from benchmarks.usage import load
from classpulse.simulation.lesson import Lesson
from classpulse.simulation.render import render_lesson

CLIP = Lesson(students=30, width=1920, height=1080, duration=12, fps=25)
#: Minutes that are analysed, of each size.
LONG, SHORT = 5.0, 1.5
RUN_TIMES = ("created", "finished", "committed")


def enlarged(source: Path, target: Path) -> None:
    """Write `source` at twice its size."""
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        video = given.streams.video[0]
        stream = out.add_stream("libx264", rate=video.average_rate, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 2 * video.width, 2 * video.height, "yuv420p"
        for frame in given.decode(video):
            out.mux(stream.encode(frame.reformat(stream.width, stream.height)))
        out.mux(stream.encode(None))


def rows(db: Path) -> list[tuple[object, ...]]:
    """Every row of the tables that an analysis fills, without the times of the run."""
    table_rows: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(db)) as connection:
        for table in ("segments", "frames", "faces", "tracks", "students", "student_windows", "class_windows"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(f'"{name}"' for name in names if name not in RUN_TIMES)
            table_rows += connection.execute(f"SELECT '{table}', {kept} FROM {table}")
    return table_rows


def run(video: Path, workers: int, db: Path) -> tuple[Watched, float]:
    """Analyse `video` by so many workers; what it took, and the machine's load before."""
    before = load()
    return watch("analyze", video, "--db", db, "--workers", workers, "-q"), before


def row(name: str, workers: int, watched: Watched, load: float) -> str:
    return f"| {name} | {workers} | {watched.wall:.0f} | {watched.cpu:.0f} | {watched.peak:.0f} | {load:.1f} |"


def main(minutes: float = LONG) -> None:
    """Print and keep the table and what follows from it."""
    lines = [
        f"## Workers (`make bench-workers`), {date.today()}, {os.cpu_count()} cores",
        "",
        f"{CLIP.students} drawn students, {CLIP.fps} frames/s, of which 5 are sampled; {minutes:g} minutes of",
        f"1080p, {SHORT:g} of 4K. Memory is that of all processes together.",
        "",
        "| | workers | wall s | CPU s | peak MB | load before |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    print("\n".join(lines))

    def add(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip, large = folder / "clip.mp4", folder / "large.mp4"
        render_lesson(CLIP, clip)
        enlarged(clip, large)
        for source, target, length in ((clip, "1080p.mp4", minutes), (large, "4k.mp4", SHORT)):
            loop(source, folder / target, length)
        one, load_one = run(folder / "1080p.mp4", 1, folder / "1.db")
        add(row("1080p", 1, one, load_one))
        two, load_two = run(folder / "1080p.mp4", 2, folder / "2.db")
        add(row("1080p", 2, two, load_two))
        four, load_four = run(folder / "4k.mp4", 2, folder / "4k.db")
        add(row("4K", 2, four, load_four))
        same = rows(folder / "1.db") == rows(folder / "2.db")
    hour = 60 / minutes
    add("")
    add(f"Rows of one and two workers: {'identical' if same else 'DIFFERENT'}.")
    add(f"Two workers: wall time {one.wall / two.wall:.2f} times shorter, CPU time {two.cpu / one.cpu:.2f} times.")
    add(
        f"An hour of 1080p with {CLIP.students} faces on 2 cores: {two.wall * hour / 60:.0f} minutes by this run's "
        f"wall time, {two.cpu * hour / 2 / 60:.0f} by its CPU time / 2, from {minutes:g} minutes of it."
    )
    keep("Workers", lines)
    if not same:
        sys.exit("the rows differ")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
