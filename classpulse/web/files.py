"""Scripts and styles of the report package, served from this machine."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.responses import FileResponse

from classpulse.report import page as report_page
from classpulse.report.library import PLOTLY

router = APIRouter(include_in_schema=False)
#: Every file by its name in the pages.
LIBRARY = {path.name: path for path in (report_page.STYLES, report_page.SCRIPT, report_page.LIVE, PLOTLY)}


@router.get("/static/library/{name}")
def served(name: str) -> FileResponse:
    """A file of LIBRARY."""
    if name not in LIBRARY:
        raise HTTPException(404, f"there is no file {name}")
    return FileResponse(LIBRARY[name], headers={"cache-control": "max-age=3600"})
