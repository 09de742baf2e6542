"""How long a person waits: for `--help`, for imports, and from `classpulse analyze` to the first progress."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.usage import NOT_POSIX, cpu_of_children
from classpulse.simulation.lesson import Lesson
from classpulse.simulation.render import render_lesson

RUNS = 5
ROOT = Path(__file__).parents[1]
#: Commands of Python, and the seconds of CPU time that they may take.
STARTS = {
    "classpulse --help": (["-m", "cli", "--help"], 0.2),
    "import classpulse": (["-c", "import classpulse"], 0.3),
    "import engine.sessions.session": (["-c", "import engine.sessions.session"], 1.5),
    "from classpulse import analyze": (["-c", "from classpulse import analyze"], 1.5),
}
#: What the progress bar shows once a frame is processed.
PROGRESS = re.compile(rb"\d+:\d\d of .*? faces")


def cpu_of(arguments: list[str]) -> float:
    """Seconds of CPU time of a Python that is started with these arguments."""
    before = cpu_of_children()
    subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return cpu_of_children() - before


def first_progress(video: Path, db: Path) -> tuple[float, float]:
    """(wall, CPU) seconds from the start of a process to its first progress."""
    if sys.platform == "win32":
        raise SystemExit(NOT_POSIX)
    import pty

    before, began = cpu_of_children(), time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "cli", "analyze", str(video), "--db", str(db)])
    shown = b""
    while not PROGRESS.search(shown):
        shown += os.read(terminal, 4096)
    wall = time.monotonic() - began
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(terminal)
    return wall, cpu_of_children() - before


def main() -> None:
    """Print medians of several runs: of the starts, and of an analysis of a drawn lesson of 720p."""
    for what, (arguments, most) in STARTS.items():
        cpu = statistics.median(cpu_of(arguments) for _ in range(RUNS))
        print(f"{what}: {cpu:.2f} s of CPU time (median of {RUNS}; to reach: under {most} s)")
    with tempfile.TemporaryDirectory() as name:
        video = Path(name) / "lesson.mp4"
        render_lesson(Lesson(duration=10, fps=5), video)
        runs = [first_progress(video, Path(name) / f"{run}.db") for run in range(RUNS)]
    wall, cpu = (statistics.median(figures) for figures in zip(*runs, strict=True))
    print(f"start to first progress: {wall:.2f} s, {cpu:.2f} s of CPU time (median of {RUNS}; to reach: under 2 s)")


if __name__ == "__main__":
    main()
