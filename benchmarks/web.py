"""`make bench-web`: how soon a session's page can be read, and how soon a slider shows what it would change.

The page is served by this process to Chromium without a screen on the same machine, beside whatever else the cores
have to do: the median of several runs. Lessons are those of `benchmarks.report`.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.report import write_lesson
from classpulse.web.app import create_app
from classpulse.web.running import listen
from classpulse.web.serving import Serving

RUNS = 5
#: What a person tries: each is another judgement.
TRIED = ("band=0.2", "window=20", "strategy=sum", "window=30&band=0.05", "baseline=false")


@contextmanager
def served(db: Path) -> Iterator[str]:
    """The address of the page over a database."""
    serving = Serving(db=str(db), videos=db.parent / "videos", port=0)
    with listen(serving) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(serving), log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://localhost:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def opened(browser: Any, address: str) -> tuple[float, float]:
    """Seconds until the first paint, which has the class's timeline in it, and until every part is there."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
    page.locator("#section-students").wait_for()
    whole = page.evaluate("performance.now()") / 1000
    page.close()
    return painted, whole


def tried(address: str, changes: str) -> tuple[float, float]:
    """Seconds, and those of CPU time, for the server to judge all faces again and draw what changes."""
    began, cpu = time.perf_counter(), time.process_time()
    with urllib.request.urlopen(f"{address}/judged?{changes}") as answer:
        assert b"section-heatmap" in answer.read()
    return time.perf_counter() - began, time.process_time() - cpu


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for minutes in (50, 60):
            write_lesson(Path(name) / f"{minutes}.db", 30, minutes)
            with served(Path(name) / f"{minutes}.db") as address:
                runs = [opened(browser, f"{address}/sessions/1") for _ in range(RUNS)]
                painted, whole = (statistics.median(figures) for figures in zip(*runs, strict=True))
                tried(f"{address}/sessions/1", "")  # the faces are read once
                runs = [tried(f"{address}/sessions/1", changes) for changes in TRIED]
                slider, cpu = (statistics.median(figures) for figures in zip(*runs, strict=True))
            print(
                f"30 students, {minutes} min: first paint {painted:.2f} s, whole page {whole:.2f} s; "
                f"judged again, not kept: {slider:.2f} s ({cpu:.2f} s of CPU time)"
            )
        browser.close()


if __name__ == "__main__":
    main()
