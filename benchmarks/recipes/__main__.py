"""`python -m benchmarks.recipes [NAME...]`: makes every recipe, or those named, and prints what was found.

Exits with 1 where anything is not as expected. NAME may be a part of the recipes' names.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from av.error import FFmpegError

from benchmarks.recipes.making import LESSON
from benchmarks.recipes.recipe import RECIPES, Recipe
from engine.errors import ClasspulseError
from engine.faces import EMOTIONS
from engine.sessions.analysis import analyze
from engine.sessions.session import Session
from engine.settings import Settings
from engine.vision.sources.registry import open_source
from storage.store import Store
from storage.warnings import read_warnings

#: Modules that add recipes.
MODULES = ("encodings", "pictures", "colours", "clocks")
#: Times of frames that containers round, s.
ROUNDING = 0.06
#: Faces of the lesson that are looked for again: those that the detector is sure of.
SURE = 0.95


@dataclass
class Result:
    """What was found in a recipe: a cell for every column, and what is not as expected."""

    recipe: Recipe
    cells: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def compare(self, what: str, expected: Any, found: Any, right: bool | None = None) -> None:
        """Note `found` in column `what`, and what was expected where it is not `right`."""
        right = expected == found if right is None else right
        self.cells[what] = f"{found}" if right else f"**{found}** (not {expected})"
        if not right:
            self.wrong.append(what)


def main(names: list[str]) -> int:
    """Run the recipes whose names contain one of `names`, all without; 1 if anything is wrong, else 0."""
    for module in MODULES:
        import_module(f"benchmarks.recipes.{module}")
    chosen = [each for each in RECIPES.values() if not names or any(name in each.name for name in names)]
    failed = 0
    print("| recipe | size | frames | last | students | warnings | found again | IoU | scores | s | |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        lesson = lesson_faces(Path(folder))
        for recipe in chosen:
            began = time.perf_counter()
            result = run(recipe, Path(folder), lesson)
            failed += bool(result.wrong)
            columns = ("size", "frames", "last", "students", "warnings", "found again", "IoU", "scores")
            row = " | ".join(result.cells.get(column, "") for column in columns)
            verdict = f"FAIL: {', '.join(result.wrong)}" if result.wrong else "PASS"
            print(f"| {recipe.name} | {row} | {time.perf_counter() - began:.0f} | {verdict} |", flush=True)
    print(f"\n{len(chosen) - failed} of {len(chosen)} recipes as expected")
    return int(failed > 0)


def lesson_faces(folder: Path) -> pd.DataFrame:
    """The faces of the lesson's students in every frame, as recipes are analysed where it is sampled."""
    found = []
    for name, settings in (("sampled", Settings()), ("all", Settings(sample_rate=None, scan="full"))):
        faces = analyze(LESSON, folder / f"{name}.db", settings=settings, workers=1).faces()
        found.append(faces[faces["student"].notna()])
    sampled, every = found
    return pd.concat([sampled, every[~every["time"].isin(sampled["time"])]])


def run(recipe: Recipe, folder: Path, lesson: pd.DataFrame) -> Result:
    """Make a recipe, analyse it, compare. The file is deleted."""
    result = Result(recipe)
    path = folder / recipe.name
    settings = Settings(**recipe.settings)
    try:
        recipe.make(path)
        session = analyze(path, folder / f"{recipe.name}.db", settings=settings, workers=1)
        if recipe.refused is not None:
            result.compare("size", f"refused: {recipe.refused}", "analysed", right=False)
            return result
        found(result, path, settings, session)
        if recipe.place is not None:
            again(result, session.faces(), lesson)
    except (ClasspulseError, FFmpegError) as error:
        right = recipe.refused is not None and recipe.refused in str(error)
        result.compare("size", recipe.refused or "an analysis", str(error).replace(f"{folder}/", ""), right)
    finally:
        path.unlink(missing_ok=True)
    return result


def found(result: Result, path: Path, settings: Settings, session: Session) -> None:
    """Size, frames, times, students and warnings."""
    recipe = result.recipe
    info = session.info()
    result.compare("size", "x".join(map(str, recipe.size)), f"{info['width']}x{info['height']}")
    with open_source(path, settings) as source:
        times = [frame.time for frame in source.frames(None)]
    result.compare("frames", recipe.frames, len(times))
    last = times[-1] if times else float("nan")
    rising = all(a < b for a, b in pairwise(times))
    result.compare(
        "last", f"{recipe.last:.2f}", f"{last:.2f}", right=rising and abs(last - recipe.last) <= ROUNDING
    )
    students = len(session.students())
    result.compare("students", recipe.students, students, right=recipe.students in (None, students))
    with Store.open(session.database, must_exist=True, read_only=True) as store:
        codes = sorted(row[0] for row in read_warnings(store, session.session_id))
    result.compare("warnings", ", ".join(sorted(recipe.warnings)), ", ".join(codes))


def again(result: Result, faces: pd.DataFrame, lesson: pd.DataFrame) -> None:
    """How many of the lesson's faces are found, and how well boxes and scores agree."""
    recipe = result.recipe
    place = recipe.place or (lambda boxes: boxes)
    edges, classes = ["x1", "y1", "x2", "y2"], [name for name in EMOTIONS if name in lesson]
    times = np.sort(lesson["time"].unique())
    overlaps: list[npt.NDArray[np.float64]] = []
    differences: list[npt.NDArray[np.float64]] = []
    for moment, here in faces.groupby("time"):
        index = recipe.index(float(str(moment)))
        if not 0 <= index < len(times):
            continue
        there = lesson[(lesson["time"] == times[index]) & (lesson["score"] > SURE)]
        boxes = np.asarray(here[edges], np.float64)
        wanted = place(np.asarray(there[edges], np.float64))
        overlap = iou(wanted, boxes)
        best = overlap.argmax(axis=1)
        share = overlap[np.arange(len(wanted)), best]
        overlaps.append(share)
        mine, theirs = np.asarray(here[classes])[best], np.asarray(there[classes])
        differences.append(np.abs(mine - theirs)[share >= 0.5])
    if not overlaps:
        result.compare("found again", "faces", "none", right=False)
        return
    shares = np.concatenate(overlaps)
    hit = shares >= 0.5
    result.compare("found again", f"{recipe.again:.0%}", f"{hit.mean():.1%}", right=hit.mean() >= recipe.again)
    median = float(np.median(shares[hit])) if hit.any() else 0.0
    result.compare("IoU", recipe.overlap, f"{median:.3f}", right=median >= recipe.overlap)
    difference = float(np.nanmean(np.concatenate(differences)))
    limit = recipe.scores
    result.compare("scores", limit, f"{difference:.3f}", right=limit is None or difference <= limit)


def iou(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(len(a), len(b)); a column of zeros where b is empty."""
    if not len(b):
        return np.zeros((len(a), 1))
    corners = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    inter = corners.clip(0).prod(axis=2)
    areas = [(x[:, 2:] - x[:, :2]).prod(axis=1) for x in (a, b)]
    return np.asarray(inter / (areas[0][:, None] + areas[1] - inter), np.float64)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
