"""Renders the templates: every value is escaped, a missing value is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from engine.times import format_clock
from engine.version import __version__


@cache
def environment() -> Environment:
    """Jinja2 with the filters and globals of all pages."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"clock": format_clock, "size": size}
    templates.globals |= {"version": __version__}
    return templates


def size(number: float) -> str:
    """3.4 MB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def page(request: Request, name: str, code: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a fragment, of `templates/`."""
    token = request.app.state.services.serving.token
    common = {"path": request.scope["path"], "token": token is not None}
    return HTMLResponse(environment().get_template(name).render(common | values), code)


def error_page(request: Request, status: int, text: str) -> Response:
    """An error: in the message line for a request by htmx, else as a page."""
    if "hx-request" in request.headers:
        answer = page(request, "message.html.j2", status, text=text, good=False)
        answer.headers.update({"hx-retarget": "#message", "hx-reswap": "innerHTML"})
        return answer
    return page(request, "error.html.j2", status, status=status, text=text)
