"""`make bench-memory`: peak memory of analysing 60 minutes of looped footage against 6 minutes of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.footage import SHARED, loop
from benchmarks.speed import keep
from benchmarks.usage import cpu_of_children

CLIP = "students.mp4"
#: How often each length, min, is analysed: measured twice a second, a peak differs by a few MB from run to run.
LENGTHS = {6: 3, 60: 1}


@dataclass
class Watched:
    """What a command took, its workers counted in."""

    peak: float = 0.0
    """Most proportional set size of all its processes together (memory that several share is counted once), MB."""
    largest: float = 0.0
    """Most resident memory of one of them, MB."""
    cpu: float = 0.0
    """CPU seconds."""
    wall: float = 0.0
    """Seconds."""


def watch(*arguments: object) -> Watched:
    """Run `classpulse` with `arguments` and measure its memory twice a second."""
    watched = Watched()
    before, begun = cpu_of_children(), time.perf_counter()
    with subprocess.Popen([sys.executable, "cli.py", *map(str, arguments)]) as process:
        while process.poll() is None:
            used = [_memory(pid) for pid in (process.pid, *_children(process.pid))]
            watched.peak = max(watched.peak, sum(pss for pss, _ in used))
            watched.largest = max([watched.largest, *(rss for _, rss in used)])
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"classpulse {' '.join(map(str, arguments))} ended with {process.returncode}")
    watched.cpu = cpu_of_children() - before
    watched.wall = time.perf_counter() - begun
    return watched


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:  # it has just ended
        return []


def _memory(pid: int) -> tuple[float, float]:
    """Proportional and resident set size, MB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()[1:]
    except OSError:
        return 0.0, 0.0
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return kilobytes["Pss"] / 1024, kilobytes["Rss"] / 1024


def main() -> None:
    """Print and keep the two peaks."""
    lines = [f"## Memory (`make bench-memory`): {CLIP} in a loop, at the default rate and with default workers", ""]
    lines += ["| length | peak MB, all processes | largest process MB | CPU s |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as folder:
        for minutes, runs in LENGTHS.items():
            video = Path(folder) / f"{minutes}.mp4"
            loop(SHARED / "footage" / CLIP, video, minutes)
            databases = [Path(folder) / f"{minutes} {run}.db" for run in range(runs)]
            watched = [watch("analyze", video, "--db", db, "-q") for db in databases]
            peak, largest, cpu = (
                median(getattr(run, name) for run in watched) for name in ("peak", "largest", "cpu")
            )
            length = f"{minutes} min" + (f", median of {runs}" if runs > 1 else "")
            lines.append(f"| {length} | {peak:.0f} | {largest:.0f} | {cpu:.0f} |")
            print(lines[-1], flush=True)
    keep("Memory", lines)


if __name__ == "__main__":
    main()
