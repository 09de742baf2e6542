"""The templates made into pages: every value is escaped, and a missing one is an error."""

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
    """Jinja2, with what all pages use."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"clock": format_clock, "size": size}
    found.globals |= {"version": __version__}
    return found


def size(number: float) -> str:
    """3.4 MB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def page(request: Request, name: str, code: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a fragment, of `templates/`."""
    token = request.app.state.services.serving.token
    common = {"path": request.url.path, "token": token is not None}
    return HTMLResponse(environment().get_template(name).render(common | values), code)


def error_page(request: Request, status: int, text: str) -> Response:
    """What went wrong: in the message line where htmx asked, else as a page."""
    if "hx-request" in request.headers:
        answer = page(request, "message.html.j2", status, text=text, good=False)
        answer.headers.update({"hx-retarget": "#message", "hx-reswap": "innerHTML"})
        return answer
    return page(request, "error.html.j2", status, status=status, text=text)
