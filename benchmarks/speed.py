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
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import av

from engine.video import Frame, Video

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CLASSPULSE_DATA", ROOT.parent / "shared"))
CLIPS = ("walking_1080p.mp4", "students.mp4")
SAMPLE_RATE = 5.0
RESULTS = ROOT / "benchmarks" / "results.md"

Row = dict[str, float]


def interpreters() -> dict[str, str | None]:
    """The Python that runs each contender, None where there is none."""
    has_mtcnn = importlib.util.find_spec("mtcnn") and importlib.util.find_spec("tensorflow")
    return {
        "classpulse": sys.executable,
        "mtcnn": sys.executable if has_mtcnn else None,
        "fer with mtcnn": os.environ.get("CLASSPULSE_FER_PYTHON"),
    }


def contend(name: str, python: str, frames: list[Frame]) -> Row:
    """Let a contender look at `frames`: CPU and wall ms a frame, faces a frame, and its peak memory in MB."""
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
        process.stdin.write(json.dumps(frames[0].image.shape).encode() + b"\n")
        for frame in frames:
            process.stdin.write(frame.image.tobytes())
        process.stdin.close()
        row: Row = json.loads(process.stdout.read().splitlines()[-1])
    return row


def decode(path: Path) -> Row:
    """Only decode a file, every frame of it, without making a picture of any: ms for each *sampled* frame."""
    cpu, wall = time.process_time(), time.perf_counter()
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        seconds = [frame.time for frame in container.decode(video=0)][-1] or 0
    sampled = seconds * SAMPLE_RATE + 1
    return {
        "cpu": 1e3 * (time.process_time() - cpu) / sampled,
        "wall": 1e3 * (time.perf_counter() - wall) / sampled,
        "faces": float("nan"),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def table(clip: str) -> Iterator[str]:
    """The rows of one clip, as Markdown."""
    path = SHARED / "footage" / clip
    with Video(path) as video:
        frames = list(video.frames(SAMPLE_RATE))
    height, width, _ = frames[0].image.shape
    yield f"### {clip}, {len(frames)} frames at {SAMPLE_RATE:g}/s, {width}x{height}"
    yield ""
    yield "| | CPU ms a frame | wall ms a frame | faces a frame | peak MB | CPU, ours = 1 |"
    yield "|---|---:|---:|---:|---:|---:|"
    ours = None
    for name, python in interpreters().items():
        if python is None:
            yield f"| {name} | not installed here | | | | |"
            continue
        row = contend(name, python, frames)
        ours = ours or row["cpu"]
        yield _row(name, row, ours)
    assert ours
    yield _row("decoding alone", decode(path), ours)
    yield ""


def _row(name: str, row: Row, ours: float) -> str:
    faces = "" if row["faces"] != row["faces"] else f"{row['faces']:.1f}"
    return (
        f"| {name} | {row['cpu']:.1f} | {row['wall']:.1f} | {faces} | {row['peak']:.0f} | {row['cpu'] / ours:.2f} |"
    )


def main() -> None:
    """Print the tables, and keep them in results.md."""
    if not SHARED.is_dir():
        sys.exit(f"no footage at {SHARED}; CLASSPULSE_DATA names another place")
    lines = [f"## Speed (`make bench`), {date.today()}, {platform.machine()}, {os.cpu_count()} cores", ""]
    print("\n".join(lines))
    for clip in CLIPS:
        for line in table(clip):
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
