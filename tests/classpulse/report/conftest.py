"""Reports, and databases to make them of."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from engine import Session


@pytest.fixture
def copied(analysed: Session, tmp_path: Path) -> Session:
    """The lesson's finished analysis in a database that may be changed."""
    return Session(shutil.copy(analysed.database, tmp_path / "classpulse.db"), analysed.session_id)


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Callable[..., Any]:
    """`opened(html)`: the page in Chromium (a playwright Page), which fails on any error, request or dialog."""

    def opened(html: str, *, width: int = 1280, scheme: str = "light") -> Any:
        path = tmp_path / "page.html"
        path.write_text(html, "utf-8")
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(f"error: {error}"))
        page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
        page.on("dialog", lambda dialog: (page.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(("file:", "data:")) else page.faults.append(asked.url),
        )
        page.goto(path.as_uri())
        return page

    return opened


def told(html: str) -> str:
    """A page without plotly.js, whose packed letters may spell anything."""
    return re.sub(r'<script id="classpulse-plotly".*?</script>', "", html)


def data_of(html: str, plot: str) -> dict[str, Any]:
    """The data that a plot of the page is drawn from."""
    section = html.split(f'data-plot="{plot}"', 1)[1]
    found = re.search(r'<script type="application/json">(.+?)</script>', section, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def sql_of(html: str, part: str) -> list[str]:
    """The questions that a part of the page shows as its sources."""
    section = html.split(f'id="section-{part}"', 1)[1].split('id="section-', 1)[0]
    return [unescape(sql) for sql in re.findall(r'<code class="sql">(.+?)</code>', section, re.DOTALL)]
