"""`make bench-report`: how soon a lesson's report can be read, how large it is, whether its heat map is fluid.

Lessons are written straight into a database: rows of students whose moods drift, with small and seldom visible
faces at the back. Times of the browser are those of Chromium without a screen, from the file, beside whatever else
the cores have to do: the median of several runs.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from classpulse.report import page
from engine import Session
from engine.faces import FER, Faces
from engine.sessions.judgements import judge
from engine.settings import Settings
from storage.store import Store

WIDTH, HEIGHT, TICKS = 1920, 1080, 90_000
RUNS = 5
#: Shares of the seven emotions that a face shows in a bad, a resting and a good mood, in the order of FER.
MOODS = np.array(
    [
        [0.30, 0.03, 0.12, 0.03, 0.35, 0.02, 0.15],
        [0.08, 0.01, 0.06, 0.08, 0.17, 0.05, 0.55],
        [0.03, 0.01, 0.03, 0.62, 0.05, 0.14, 0.12],
    ]
)


def write_lesson(
    db: Path, students: int, minutes: float, *, rate: float = 5, settings: Settings | None = None, seed: int = 1
) -> Session:
    """A finished session of `students` over `minutes`, with `rate` frames a second, in the database `db`."""
    settings = settings or Settings()
    rng = np.random.default_rng(seed)
    columns = 10 if students > 30 else 6
    row, column = np.divmod(np.arange(students), columns)
    rows = row.max(initial=0) + 1
    size = np.where(row == 0, 16, 24 + 40 * row / rows)
    x = WIDTH * (column + 0.6 + 0.2 * (row % 2)) / (columns + 0.4)
    y = HEIGHT * (0.25 + 0.65 * (row + 0.5) / rows)
    lines: dict[str, list[Any]] = {name: [] for name in ("pts", "face")}
    with Store.open(db) as store:
        number = store.add_session(
            name="Physics 8b", source=db.with_name("physics.mp4"), sha256="", settings=settings.to_json(),
            version="0", models="{}", time_base=Fraction(1, TICKS), start_pts=0, width=WIDTH, height=HEIGHT,
            classes=FER.rows(),
        )  # fmt: skip
        mood = rng.uniform(-0.5, 0.5, students)
        for segment in range(round(minutes * 6)):
            pts = np.int64(TICKS * 10 * segment) + np.round(np.arange(10 * rate) * TICKS / rate).astype(np.int64)
            mood = np.clip(0.9 * mood + rng.normal(0.1 * np.sin(segment / 20), 0.3, students), -1, 1)
            faces = _faces(rng, pts, mood, x, y, size)
            camera = {
                f"camera_{name}": np.full(len(pts), value) for name, value in zip("abxy", (1, 0, 0, 0), strict=True)
            }
            store.write_segment(number, segment, {"pts": pts, "time": pts / TICKS, **camera}, faces.columns())
            lines["pts"].append(faces.pts)
            lines["face"].append(faces.face)
        store.finish_detection(number, minutes * 60)
        pts, face = (np.concatenate(lines[name]) for name in ("pts", "face"))
        every = np.arange(students)
        faces_of = np.bincount(face, minlength=students)
        span = {"first": np.full(students, 0.0), "last": np.full(students, minutes * 60), "faces": faces_of}
        tracks = {"track": every, "student": every, "link_score": np.full(students, np.nan), "static": every < 0}
        labels = np.array([f"S{student + 1:02d}" for student in every.tolist()], object)
        about = {
            "student": every,
            "label": labels,
            "person": every * 0 - 1,
            "tracks": every * 0 + 1,
            "static": every < 0,
            "role": np.full(students, "student", object),
        }
        about |= {"scorable": np.where(row == 0, faces_of // 20, faces_of)}
        about |= {"weakest_link": np.full(students, np.nan)}
        about |= {"coverage": about["scorable"] / max(minutes * 60 * rate, 1), "spread": np.full(students, 0.1)}
        store.write_tracking(
            number, pts=pts, face=face, track=face,
            track_columns=span | tracks | {"found": every, "part_of": every},
            student_columns=span | about | {"x": x, "y": y, "size": size},
        )  # fmt: skip
        judge(store, number, settings)
    return Session(db, number)


def _faces(rng: np.random.Generator, pts: Any, mood: Any, x: Any, y: Any, size: Any) -> Faces:
    """A segment's faces: every student in nearly every frame; those at the back are hardly ever scorable."""
    there = rng.random((len(pts), len(mood))) < 0.93
    frame, student = np.nonzero(there)
    n = len(frame)
    now = np.clip(mood[student] + rng.normal(0, 0.25, n), -1, 1)
    share = np.stack([np.maximum(-now, 0), 1 - np.abs(now), np.maximum(now, 0)], axis=1) @ MOODS
    corner = np.stack([x, y], axis=1)[student] - size[student, None] / 2
    small = size[student] < 20
    return Faces(
        pts=pts[frame], face=student.astype(np.int64),
        boxes_xyxy=np.hstack([corner, corner + size[student, None]]).astype(np.float32),
        score=np.full(n, 0.99, np.float32), landmarks=np.repeat(corner[:, None], 5, axis=1).astype(np.float32),
        scores=(share / share.sum(axis=1, keepdims=True)).astype(np.float32),
        sharpness=np.full(n, 0.8, np.float32), yaw=np.zeros(n, np.float32), pitch=np.zeros(n, np.float32),
        roll=np.zeros(n, np.float32), quality=np.where(small, 0.2, 0.7).astype(np.float32),
        scorable=~small | (rng.random(n) < 0.05), appearance=np.zeros((n, 0), np.uint8),
    )  # fmt: skip


#: Notes when the browser has painted a frame with the timeline of the class in it.
WATCH = """
const look = () => document.querySelector('.timeline .upper svg')?.getBoundingClientRect().height
  ? requestAnimationFrame(() => { window.painted = performance.now(); }) : requestAnimationFrame(look);
requestAnimationFrame(look);
"""


def first_paint(browser: Any, path: Path) -> tuple[float, float]:
    """Seconds until the timeline of the class is painted, and until it is live."""
    shown = browser.new_page(viewport={"width": 1280, "height": 900})
    shown.add_init_script(WATCH)
    shown.goto(path.as_uri())
    shown.wait_for_selector(".timeline.drawn")
    live = shown.evaluate("performance.getEntriesByName('classpulse:timeline')[0].startTime") / 1000
    painted = shown.evaluate("painted") / 1000
    shown.close()
    return painted, live


def fluidity(browser: Any, path: Path) -> tuple[float, float]:
    """Milliseconds a frame while the pointer goes over the heat map (95th percentile), and to sort it."""
    shown = browser.new_page(viewport={"width": 1280, "height": 900})
    shown.goto(path.as_uri())
    shown.locator(".heatmap").scroll_into_view_if_needed()
    shown.wait_for_selector(".heatmap.drawn .nsewdrag")
    box = shown.locator(".heatmap .nsewdrag").bounding_box()
    shown.evaluate(
        "window.gaps = []; let last; const tick = (now) => { if (last) gaps.push(now - last); last = now;"
        " requestAnimationFrame(tick); }; requestAnimationFrame(tick);"
    )
    for step in range(150):
        shown.mouse.move(box["x"] + box["width"] * step / 150, box["y"] + 20 + 4 * step)
    gaps = shown.evaluate("gaps")
    sort = shown.evaluate(
        "() => { const began = performance.now(); document.querySelector('button[data-order=level]').click();"
        " return performance.now() - began; }"
    )
    shown.close()
    return float(np.percentile(gaps, 95)), sort


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for students, minutes, rate in ((30, 50, 5), (100, 20, 1)):
            session = write_lesson(Path(name) / f"{students}.db", students, minutes, rate=rate)
            began = time.process_time()
            html = page.render(session)
            cpu = time.process_time() - began
            path = Path(name) / f"{students}.html"
            path.write_text(html, "utf-8")
            runs = [first_paint(browser, path) for _ in range(RUNS)]
            painted, live = (statistics.median(figures) for figures in zip(*runs, strict=True))
            gap, sort = fluidity(browser, path)
            print(
                f"{students} students, {minutes} min: made in {cpu:.1f} s of CPU time, {len(html) / 1e6:.1f} MB; "
                f"timeline painted after {painted:.2f} s, live {live:.2f} s; "
                f"over the heat map {gap:.0f} ms a frame, sorted in {sort:.0f} ms"
            )
        browser.close()


if __name__ == "__main__":
    main()
