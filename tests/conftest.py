"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classpulse.simulation.render import render_lesson
from classpulse.simulation.truth import Truth
from engine import Session, analyze
from tests import postgres
from tests.drawn import LESSON, SETTINGS


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real footage and ground truth; tests that use it skip where it is absent."""
    folder = Path(os.environ.get("CLASSPULSE_DATA", Path(__file__).parents[2] / "shared"))
    if not (folder / "footage").is_dir():
        pytest.skip(f"no evaluation data at {folder} (set CLASSPULSE_DATA)")
    return folder


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """The small drawn lesson as a video, and what is true in it."""
    path = tmp_path_factory.mktemp("drawn") / "lesson.mp4"
    return path, render_lesson(LESSON, path)


@pytest.fixture(scope="session")
def recording(drawn: tuple[Path, Truth]) -> Path:
    """The video of the small drawn lesson."""
    return drawn[0]


@pytest.fixture(scope="session")
def analysed(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The lesson's finished analysis, in one go; only to be read (`analysed.database` may be copied)."""
    return analyze(recording, tmp_path_factory.mktemp("analysed") / "classpulse.db", settings=SETTINGS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium under Playwright (a `playwright.sync_api.Browser`), for tests marked `browser`."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here (dev extra)")
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium here (apt-get install chromium)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a database on a PostgreSQL server; tests that use it skip where there is none."""
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty schema on a PostgreSQL server, as good as a database of its own."""
    with postgres.empty_schema(postgres_server) as url:
        yield url


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "classpulse-test", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # an error may still have it open
