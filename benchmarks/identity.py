"""Identities in drawn lessons that are hard on them: SORT, lenient SORT, ours and the best possible, side by side.

    python -m benchmarks.identity [--seeds 5] [--only WORD] [--processes 2] [--store FOLDER]

What is drawn, and what SORT makes of it, is kept in a folder and drawn again only when the code for it has changed:
after the first run, in minutes. A split is one more identity of a person, a merge one more person of an identity;
neither counts where it lasts less than LASTING seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.evaluation import Ints, Rows, perfect, score
from benchmarks.tracking import sort_as_published
from classpulse.simulation.motion_truth import Lesson
from classpulse.simulation.scenarios import SCENARIOS, Scenario
from tracking.association import iou, match
from tracking.identity import faces_of_students
from tracking.path import CameraPath
from tracking.sort import track
from tracking.tracks import tracks_table
from tracking.views import students_of_views

ROOT = Path(__file__).parents[1]
#: What a stored file depends on.
DRAWN_BY = (
    *(
        ROOT / "classpulse/simulation" / f"{name}.py"
        for name in ("processes", "motion_truth", "looks", "scenarios")
    ),
    *(ROOT / "tracking" / f"{name}.py" for name in ("association", "camera", "kalman", "passing", "sort")),
    ROOT / "engine/vision/appearance.py",
    ROOT / "benchmarks/evaluation.py",
    Path(__file__),
)
#: Least time, s, that an identity and a person have in common where the two are counted as a pair.
LASTING = 10.0


@dataclass(frozen=True)
class Figures:
    """What one tracker makes of one lesson."""

    ids: int
    switches: int
    idf1: float
    hota: float
    splits: int
    merges: int
    seconds: float = 0.0
    """CPU time; 0 where it was not measured."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A drawn lesson, and what does not depend on classpulse."""

    lesson: Lesson
    view: Ints
    truth: Rows
    others: tuple[Figures, Figures, Figures]
    """SORT, lenient SORT, perfect."""


def draw(scenario: Scenario, seed: int) -> Drawn:
    """The lesson, and what SORT as published, SORT that waits for a second, and who knows the truth make of it."""
    lesson, view = scenario.draw(seed)
    truth = Rows(lesson.truth_frame, lesson.truth_student, lesson.truth_boxes)
    detections = Rows(lesson.frame, lesson.student, lesson.boxes)
    frames = range(len(lesson.times))
    waits = max(1, round(scenario.rate))
    rows = (
        sort_as_published(frames, detections),
        sort_as_published(frames, detections, min_hits=1, max_age=waits),
        perfect(truth, detections),
    )
    others = [figures(truth, each, scenario.rate) for each in rows]
    return Drawn(lesson, view, truth, (others[0], others[1], others[2]))


def stored(scenario: Scenario, seed: int, folder: Path) -> Drawn:
    """The same from `folder`, where it is written if it is not there."""
    text = b"".join(path.read_bytes() for path in DRAWN_BY) + f"{scenario!r}".encode()
    path = folder / f"{scenario.name.replace(' ', '-')}-{seed}-{hashlib.sha256(text).hexdigest()[:12]}.pickle"
    if path.exists():
        drawn: Drawn = pickle.loads(path.read_bytes())
    else:
        drawn = draw(scenario, seed)
        path.write_bytes(pickle.dumps(drawn))
    return drawn


def ours(lesson: Lesson, view: Ints) -> Rows:
    """The faces with the students that pass 2 gives them, where shots and views are known."""
    breaks = np.flatnonzero(np.diff(view)) + 1
    shot = np.searchsorted(breaks, np.arange(len(view)), side="right")
    path = CameraPath.estimate(lesson.motion, lesson.frame, lesson.boxes, starts=breaks)
    # Where a view returns, its place is known: the drawn camera stands still meanwhile.
    interval = float(np.median(np.diff(lesson.times)))
    numbers = track(
        lesson.times,
        lesson.frame,
        lesson.boxes,
        lesson.scores,
        motion=path.steps,
        breaks=breaks,
        max_age=max(1.0, 2.5 * interval),
    )
    tracks = tracks_table(
        lesson.times,
        lesson.frame,
        path.boxes_in_first(lesson.boxes, lesson.frame),
        numbers,
        lesson.scores,
        descriptors=lesson.descriptors[lesson.described],
        described=lesson.described,
    )
    shot_of_track = np.zeros(len(tracks), np.int64)
    shot_of_track[numbers[numbers >= 0]] = shot[lesson.frame[numbers >= 0]]
    view_of_shot = view[np.append(0, breaks)]
    students = students_of_views(tracks, shot_of_track, view_of_shot, np.bincount(view))
    owner = faces_of_students(lesson.frame, numbers, students.student)
    return Rows(lesson.frame, owner, lesson.boxes)[owner >= 0]


def figures(truth: Rows, rows: Rows, rate: float, seconds: float = 0.0) -> Figures:
    """How `rows` compare with the `truth`, at `rate` frames a second."""
    result = score(truth, rows)
    together = in_common(truth, rows) >= LASTING * rate
    pairs = int(together.sum())
    return Figures(
        ids=int(result["ids"]),
        switches=int(result["IDSW"]),
        idf1=result["IDF1"],
        hota=result["HOTA"],
        splits=pairs - int(together.any(axis=1).sum()),
        merges=pairs - int(together.any(axis=0).sum()),
        seconds=seconds,
    )


def in_common(truth: Rows, rows: Rows) -> Ints:
    """(p, i) frames that each person and each identity have in common."""
    people, who = np.unique(truth.who, return_inverse=True)
    identities, owner = np.unique(rows.who, return_inverse=True)
    common = np.zeros((len(people), len(identities)), np.int64)
    frames = np.arange(max(truth.frame.max(initial=-1), rows.frame.max(initial=-1)) + 2)
    bounds = [np.searchsorted(each.frame, frames) for each in (truth, rows)]
    for frame in frames[:-1].tolist():
        true, found = (slice(each[frame], each[frame + 1]) for each in bounds)
        pairs = match(iou(truth.boxes[true], rows.boxes[found]), 0.5)
        np.add.at(common, (who[true][pairs.rows], owner[found][pairs.columns]), 1)
    return common


def measure(task: tuple[Scenario, int, Path]) -> list[Figures]:
    """SORT, lenient SORT, ours and perfect of one lesson."""
    scenario, seed, folder = task
    drawn = stored(scenario, seed, folder)
    began = time.process_time()
    rows = ours(drawn.lesson, drawn.view)
    seconds = time.process_time() - began
    sort, lenient, best = drawn.others
    return [sort, lenient, figures(drawn.truth, rows, scenario.rate, seconds), best]


def line(results: Sequence[Figures]) -> str:
    """The medians of several lessons, and what the splits and merges add up to."""
    ids, switches, idf1, hota = (
        statistics.median(getattr(each, name) for each in results) for name in ("ids", "switches", "idf1", "hota")
    )
    splits, merges = sum(each.splits for each in results), sum(each.merges for each in results)
    return f"{ids:5.0f} {switches:5.0f} {idf1:5.3f} {hota:5.3f} {splits:5} {merges:5}"


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, default=5, help="lessons of each scenario")
    arguments.add_argument("--first-seed", type=int, default=1, help="1 to 5 chose the settings")
    arguments.add_argument("--only", default="", help="scenarios whose name contains this")
    arguments.add_argument("--processes", type=int, default=2)
    folder = Path(tempfile.gettempdir()) / "classpulse-identity"
    arguments.add_argument("--store", type=Path, default=folder, help="folder of what has been drawn")
    options = arguments.parse_args()
    options.store.mkdir(parents=True, exist_ok=True)
    scenarios = [each for each in SCENARIOS if options.only in each.name]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    tasks = [(scenario, seed, options.store) for scenario, seed in product(scenarios, seeds)]
    names = ("SORT", "lenient SORT", "classpulse", "perfect")
    head = f"{'ids':>5} {'IDSW':>5} {'IDF1':>5}  HOTA {'split':>5} {'merge':>5}"
    print(f"{'':22}" + "   ".join(f"{name:^{len(head)}}" for name in names))
    print(f"{'':22}" + "   ".join([head] * 4))
    everything: list[Figures] = []
    with ProcessPoolExecutor(options.processes) as pool:
        results = pool.map(measure, tasks)
        for scenario in scenarios:
            rows = [next(results) for _ in seeds]
            columns = list(zip(*rows, strict=True))
            everything += columns[2]
            print(f"{scenario.name:22}" + "   ".join(line(column) for column in columns), flush=True)
    idf1 = [each.idf1 for each in everything]
    splits, merges = sum(each.splits for each in everything), sum(each.merges for each in everything)
    print(f"IDF1 of {len(idf1)} lessons: median {statistics.median(idf1):.3f}, worst {min(idf1):.3f}")
    print(f"splits {splits}, merges {merges}; CPU of pass 2 {sum(each.seconds for each in everything):.0f} s")


if __name__ == "__main__":
    main()
