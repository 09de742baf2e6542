"""`make bench-memory`: peak memory of analysing 60 minutes of looped footage against 6 minutes of it."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.footage import SHARED, loop
from benchmarks.speed import keep

CLIP = "students.mp4"
#: Few frames a second keep the benchmark short; what grows with a recording's length does so at any rate.
SAMPLE_RATE = 1.0


def peak_of(video: Path, db: Path) -> float:
    """Peak memory, MB, of a process that analyses `video`."""
    command = [
        sys.executable,
        "cli.py",
        "analyze",
        str(video),
        "--db",
        str(db),
        "-q",
        "--sample-rate",
        str(SAMPLE_RATE),
    ]
    wrapper = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", wrapper, *command], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Print and keep the two peaks."""
    lines = [f"## Memory (`make bench-memory`): {CLIP} in a loop, {SAMPLE_RATE:g} frame a second", ""]
    lines += ["| length | peak MB | CPU s |", "|---|---:|---:|"]
    with tempfile.TemporaryDirectory() as folder:
        for minutes in (6, 60):
            video = Path(folder) / f"{minutes}.mp4"
            loop(SHARED / "footage" / CLIP, video, minutes)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            peak = peak_of(video, Path(folder) / f"{minutes}.db")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            lines.append(f"| {minutes} min | {peak:.0f} | {cpu:.0f} |")
            print(lines[-1], flush=True)
    keep("Memory", lines)


if __name__ == "__main__":
    main()
