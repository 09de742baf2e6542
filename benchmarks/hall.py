"""`make bench-hall`: the students of a drawn lecture hall of a hundred, from 60 px in front to 10 px in the dark.

    python -m benchmarks.hall [--minutes 10] [--seed 700]

A student is found where an identity has more of its faces from that person than from all others and from nobody; an
identity of which that holds for nobody is a false student. Who is hidden by more than VISIBLE need not be detected.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.evaluation import Ints, Rows, score
from benchmarks.guided import VISIBLE
from benchmarks.identity import in_common
from benchmarks.speed import keep
from classpulse import Settings, analyze
from classpulse.simulation.lesson import HALL_CRF, lecture_hall
from classpulse.simulation.render import render_lesson
from storage import queries
from storage.store import Store

#: Frames per second, and seconds between changes of mood, which take long to draw and change no face's place.
RATE, MOODS = 5, 200.0


def found_and_false(common: Ints, faces: Ints) -> tuple[int, int]:
    """People found and false students: `common` (p, i) frames of people and identities, and their `faces` (i,)."""
    right = 2 * common.max(axis=0, initial=0) > faces
    return len(np.unique(common.argmax(axis=0)[right])), int((~right).sum())


def measure(path: Path, truth: Rows, settings: Settings) -> str:
    """The row of one detector: IDF1, switches, students found and false."""
    database = path.with_suffix(f".{settings.detector}.db")
    session = analyze(path, database, settings=settings)
    with Store.open(database) as store:
        faces = queries.faces(store, session.session_id)
    faces = faces[faces["student"].notna()]
    frame = np.round(faces["time"].to_numpy() * RATE).astype(np.int64)
    boxes = faces[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    rows = Rows(frame, faces["student"].to_numpy(np.int64), boxes)
    result = score(truth, rows)
    found, false = found_and_false(in_common(truth, rows), np.unique(rows.who, return_counts=True)[1])
    cells = (f"{result['IDF1']:.3f}", int(result["IDSW"]), len(np.unique(rows.who)), found, false)
    return f"| {settings.detector} | {' | '.join(map(str, cells))} |"


def main() -> None:
    """Print the table, and keep it in results.md."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--seed", type=int, default=700)
    options = arguments.parse_args()
    hall = lecture_hall(seed=options.seed, duration=60 * options.minutes, fps=RATE, mood_seconds=MOODS)
    lines = [
        "## Lecture hall (`make bench-hall`)",
        "",
        f"{hall.students} students with faces of 60 to 10 px, {options.minutes:g} minutes at {RATE} frames/s, "
        "`--min-face 10`:",
        "",
        "| detector | IDF1 | switches | identities | students found | false |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    print("\n".join(lines))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hall.mp4"
        drawn = render_lesson(hall, path, crf=HALL_CRF)
        here = np.isfinite(drawn.boxes).all(axis=1) & (drawn.visibility >= VISIBLE)
        frame = np.round(drawn.time * RATE).astype(np.int64)
        truth = Rows(frame[here], drawn.student[here], drawn.boxes[here].astype(np.float64))
        for detector in ("mtcnn", "retinaface"):
            settings = Settings(detector=detector, min_face=10, expression=False, sample_rate=RATE)
            lines.append(measure(path, truth, settings))
            print(lines[-1], flush=True)
    keep("Lecture hall", lines)


if __name__ == "__main__":
    main()
