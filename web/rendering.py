"""The templates of the pages: every value is escaped, and a missing one is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.version import __version__
from report.terminal import clock


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
    found.filters |= {"clock": clock, "size": size}
    found.globals["version"] = __version__
    return found


def size(number: float) -> str:
    """3.4 MB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
