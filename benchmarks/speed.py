"""`make bench`: ours against the original packages on the same sampled frames in one run; decoding is the floor.

`mtcnn` runs in this environment (extra `reference`). `fer` with its own mtcnn needs one of its own, because of what
it pins: torch==2.2.2 torchvision==0.17.2 facenet-pytorch==2.6.0 fer==25.10.3 tensorflow==2.16.2 "numpy<2"
"setuptools<81" "opencv-contrib-python<4.12"; CLASSPULSE_FER_PYTHON names its interpreter.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks.footage import SHARED, loop
from benchmarks.usage import cpu_of_children
from classpulse.simulation.lesson import busy_lesson
from classpulse.simulation.render import render_lesson
from engine.vision.sources.protocol import Frame
from engine.vision.sources.video import Video

ROOT = Path(__file__).parents[1]
CLIPS = ("walking_1080p.mp4", "students.mp4")
SAMPLE_RATE = 5.0
#: Every figure is the median of so many passes.
PASSES = 5
#: Frames of a clip that are processed, a segment of 10 s; the originals, which take a second each, process every
#: third.
MOST_FRAMES, THEIR_SHARE = 50, 3
#: Frames that each processes before it is timed.
WARM_UP = 3
#: Length to which a clip is repeated to measure `analyze`, start-up and all; how often that is done.
MINUTES, WHOLE_PASSES = 2, 3
RESULTS = ROOT / "benchmarks" / "results.md"

Row = dict[str, float]


def interpreters() -> dict[str, str | None]:
    """The Python that runs each contender, None where there is none."""
    has_mtcnn = importlib.util.find_spec("mtcnn") and importlib.util.find_spec("tensorflow")
    return {
        "classpulse": sys.executable,
        "classpulse, full scan": sys.executable,
        "mtcnn": sys.executable if has_mtcnn else None,
        "fer with mtcnn": os.environ.get("CLASSPULSE_FER_PYTHON"),
    }


def contend(name: str, python: str, frames: list[Frame]) -> Row:
    """Let a contender process `frames`: CPU and wall ms a frame, faces a frame, and its peak memory in MB."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [python, str(ROOT / "benchmarks" / "contender.py"), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **quiet},
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps([WARM_UP, len(frames), PASSES, frames[0].image.shape]).encode() + b"\n")
        for frame in [*frames[:WARM_UP], *(frames * PASSES)]:
            process.stdin.write(frame.image.tobytes())
        process.stdin.close()
        row: Row = json.loads(process.stdout.read().splitlines()[-1])
    return row


def table(path: Path) -> Iterator[str]:
    """The rows of one clip, as Markdown."""
    with Video(path) as video:
        frames = [frame for frame, _ in zip(video.frames(SAMPLE_RATE), range(MOST_FRAMES), strict=False)]
    height, width, _ = frames[0].image.shape
    yield f"### {path.name}, {len(frames)} frames at {SAMPLE_RATE:g}/s, {width}x{height}"
    yield ""
    yield "| all stages but decoding | CPU ms a frame | wall ms a frame | faces a frame | peak MB | CPU, ours = 1 |"
    yield "|---|---:|---:|---:|---:|---:|"
    ours = None
    for name, python in interpreters().items():
        if python is None:
            yield f"| {name} | not installed here | | | | |"
            continue
        row = contend(name, python, frames if name.startswith("classpulse") else frames[::THEIR_SHARE])
        ours = ours or row["cpu"]
        cells = [f"{row['cpu']:.1f}", f"{row['wall']:.1f}", f"{row['faces']:.1f}", f"{row['peak']:.0f}"]
        yield f"| {name} | {' | '.join(cells)} | {row['cpu'] / ours:.2f} |"
    yield ""


DECODE = """
import sys, av
with av.open(sys.argv[1]) as container:
    container.streams.video[0].codec_context.thread_count = 1
    for frame in container.decode(video=0):
        pass
"""


def whole(path: Path, folder: Path) -> Iterator[str]:
    """What `analyze` takes of a file, start-up, decoding and all, against only decoding it."""
    video = loop(path, folder / f"looped_{path.name}", MINUTES)
    decode = [sys.executable, "-c", DECODE, str(video)]
    cpu: dict[str, list[float]] = {"decoding alone": [], "analyze": []}
    for run in range(WHOLE_PASSES):
        db = folder / f"{path.stem}{run}.db"
        analyze = [sys.executable, "-m", "cli", "analyze", str(video), "--db", str(db), "-q", "--workers", "1"]
        for name, command in (("decoding alone", decode), ("analyze", analyze)):
            cpu[name].append(
                _cpu_of([*command, *(["--sample-rate", str(SAMPLE_RATE)] if name == "analyze" else [])])
            )
    floor = statistics.median(cpu["decoding alone"])
    yield f"### {path.name}, repeated to {MINUTES:g} min, at {SAMPLE_RATE:g}/s, one worker"
    yield ""
    yield "| | CPU s | decoding alone = 1 |"
    yield "|---|---:|---:|"
    for name, seconds in cpu.items():
        yield f"| {name} | {statistics.median(seconds):.1f} | {statistics.median(seconds) / floor:.2f} |"
    yield ""


def _cpu_of(command: list[str]) -> float:
    """CPU seconds of a process and of those that it started."""
    before = cpu_of_children()
    subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
    return cpu_of_children() - before


def main() -> None:
    """Print the tables, and keep them in results.md."""
    if not SHARED.is_dir():
        sys.exit(f"no footage at {SHARED}; CLASSPULSE_DATA names another place")
    lines = [
        f"## Speed (`make bench`), {date.today()}, {os.cpu_count()} {platform.machine()} cores, median of {PASSES}",
        "",
    ]
    print("\n".join(lines))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lesson = folder / "lesson of 30 students.mp4"
        render_lesson(busy_lesson(seed=300, duration=10, width=1920, height=1080), lesson)
        clips = [*(SHARED / "footage" / clip for clip in CLIPS), lesson]
        for rows in (*map(table, clips), *(whole(clip, folder) for clip in clips)):
            for line in rows:
                print(line, flush=True)
                lines.append(line)
    keep("Speed", lines)


def keep(title: str, lines: list[str]) -> None:
    """Put a section into results.md in place of the earlier one whose heading begins alike."""
    old = RESULTS.read_text("utf-8").split("\n## ") if RESULTS.exists() else ["# Measured\n"]
    kept = [old[0].rstrip()] + ["## " + part.rstrip() for part in old[1:] if not part.startswith(title)]
    RESULTS.write_text("\n\n".join([*kept, "\n".join(lines).rstrip()]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
