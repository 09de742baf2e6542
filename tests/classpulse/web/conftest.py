"""The application over a copy of the small lesson's analysis, asked as a program asks it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the web page needs the `web` extra")

from fastapi.testclient import TestClient

from classpulse.web.app import create_app
from classpulse.web.serving import Serving
from engine import Session

TOKEN = "a token of more than sixteen characters"


@pytest.fixture
def serving(analysed: Session, recording: Path, tmp_path: Path) -> Serving:
    """A folder with the recording, and a database in which it is analysed."""
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy(recording, videos / "lesson.mp4")
    db = Path(shutil.copy(analysed.database, tmp_path / "school.db"))
    with closing(sqlite3.connect(db)) as connection, connection:  # its recording is the copy
        connection.execute("UPDATE sessions SET source = ?", (str(videos / "lesson.mp4"),))
    return Serving(db=str(db), videos=videos)


Open = Callable[..., TestClient]


@pytest.fixture
def opened() -> Iterator[Open]:
    """`opened(serving)`: the application, started; requests come from this machine."""
    clients: list[TestClient] = []

    def opened(serving: Serving, base: str = "http://localhost:8000") -> TestClient:
        client = TestClient(create_app(serving), base_url=base, follow_redirects=False)
        clients.append(client.__enter__())
        return client

    yield opened
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(opened: Open, serving: Serving) -> TestClient:
    return opened(serving)


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` returns, run in a thread of its own: a browser's tests leave a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
