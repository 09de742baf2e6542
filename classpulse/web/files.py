"""The scripts and styles that come with other packages and rooms, served from here: no other machine is asked."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.responses import FileResponse

from classpulse.report import page as report_page
from classpulse.report.library import plotly

router = APIRouter(include_in_schema=False)


@cache
def library() -> dict[str, Path]:
    """Every file by the name that pages call it.

    htmx is the file that django-htmx ships, the package that is kept up with htmx's releases; nothing else of that
    package is used, and Django is never imported.
    """
    htmx: Any = resources.files("django_htmx") / "static" / "django_htmx"
    found = {
        "htmx.js": Path(str(htmx / "htmx-2.min.js")),
        "htmx-sse.js": Path(str(htmx / "ext" / "hx-sse-2.min.js")),
    }
    of_report = (report_page.STYLES, report_page.SCRIPT, report_page.LIVE, plotly())
    return found | {path.name: path for path in of_report if path}


@router.get("/static/library/{name}")
def served(name: str) -> FileResponse:
    """One of them."""
    if name not in library():
        raise HTTPException(404, f"there is no file {name}")
    return FileResponse(library()[name], headers={"cache-control": "max-age=3600"})
