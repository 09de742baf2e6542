"""`make bench-ratio`: CPU time of `analyze` in one tree of the software as a share of that in another.

    python -m benchmarks.ratio OLD_TREE NEW_TREE CLIP... [--pairs 9]

A tree is a checkout, such as one made by `git worktree add --detach /tmp/old COMMIT`; both run in this Python, so
what they import must be installed for it. A pair is one analysis by each, one right after the other, and every
second pair begins with the new tree: so what else the machine does weighs on both alike. The ratio is the median
of the pairs', and its quartiles tell how sure it is; a tree against itself shows how far from 1 chance goes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.usage import cpu_of_children, load

PAIRS = 9


def cpu_of_analysis(tree: Path, clip: Path, db: Path) -> float:
    """CPU seconds, of user and system, of `analyze` of `clip` by one worker of `tree`, into a new `db`."""
    command = [sys.executable, "-m", "cli", "analyze", str(clip), "--db", str(db), "--workers", "1", "-q"]
    before = cpu_of_children()
    done = subprocess.run(
        command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{tree}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return cpu_of_children() - before


def pairs(old: Path, new: Path, clip: Path, folder: Path) -> Iterator[tuple[float, float]]:
    """CPU seconds of `old` and of `new`, without end; which of them runs first changes with each pair."""
    for number in count():
        order = (old, new) if number % 2 == 0 else (new, old)
        seconds = [cpu_of_analysis(tree, clip, folder / f"{number} {place}.db") for place, tree in enumerate(order)]
        yield (seconds[0], seconds[1]) if number % 2 == 0 else (seconds[1], seconds[0])


def described(values: list[float]) -> str:
    """Median and quartiles of the `values`."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def row(name: str, seconds: list[tuple[float, float]]) -> str:
    """A row of the table for the pairs (old, new) of a clip."""
    old, new = zip(*seconds, strict=True)
    ratios = [after / before for before, after in seconds]
    middles = f"{statistics.median(old):.2f} | {statistics.median(new):.2f}"
    return f"| {name} | {len(seconds)} | {middles} | {described(ratios)} |"


def main(arguments: list[str] | None = None) -> None:
    """Print a table, one row a clip."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratio", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("old", type=Path, help="tree before the change")
    parser.add_argument("new", type=Path, help="tree after it")
    parser.add_argument("clips", type=Path, nargs="+", metavar="clip", help="recordings to analyse")
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, help=f"pairs measured of each clip, 2 or more ({PAIRS})"
    )
    given = parser.parse_args(arguments)
    if given.pairs < 2:
        parser.error(f"--pairs is {given.pairs}; quartiles need 2 or more")
    old, new = given.old.absolute(), given.new.absolute()
    for tree in (old, new):
        if not (tree / "cli.py").is_file():
            parser.error(f"{tree}: not a tree of classpulse; it has no cli.py")
    print(f"load before: {load():.1f}\n")
    print("| | pairs | old, CPU s | new, CPU s | ratio (quartiles) |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clip in (each.absolute() for each in given.clips):
            for place, tree in enumerate((old, new)):  # bytecode and file caches
                cpu_of_analysis(tree, clip, folder / f"warm {clip.name} {place}.db")
            made = pairs(old, new, clip, folder / clip.name)
            (folder / clip.name).mkdir()
            print(row(clip.name, [next(made) for _ in range(given.pairs)]), flush=True)


if __name__ == "__main__":
    main()
