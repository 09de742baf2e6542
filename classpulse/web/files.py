"""The scripts and styles of the report's room, served from here: no other machine is asked."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.responses import FileResponse

from classpulse.report import page as report_page
from classpulse.report.library import PLOTLY

router = APIRouter(include_in_schema=False)
#: Every file by the name that pages call it.
LIBRARY = {path.name: path for path in (report_page.STYLES, report_page.SCRIPT, report_page.LIVE, PLOTLY)}


@router.get("/static/library/{name}")
def served(name: str) -> FileResponse:
    """One of them."""
    if name not in LIBRARY:
        raise HTTPException(404, f"there is no file {name}")
    return FileResponse(LIBRARY[name], headers={"cache-control": "max-age=3600"})
