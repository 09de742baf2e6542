"""plotly.js as the package `plotly` brings it (the extra `report`): where it is, and how a page carries it."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

#: How a report becomes interactive where it is not.
REMEDY = "the plots are drawn, but cannot be zoomed; for that: pip install 'classpulse[report]'"


class Packed(NamedTuple):
    """A script as a page carries it: `text` in base64 of gzip, and the `sha256` of what is unpacked."""

    text: str
    sha256: str


def plotly() -> Path | None:
    """The file of plotly.js, or None where the package is not installed. It is not imported: that takes a while."""
    found = find_spec("plotly")
    path = Path(found.origin).with_name("package_data") / "plotly.min.js" if found and found.origin else None
    return path if path and path.is_file() else None


@cache
def packed(path: Path) -> Packed:
    """A script, 3.3 times smaller than it is: 1.5 MB of gzip that become 2 MB of base64."""
    script = path.read_bytes()
    return Packed(base64.b64encode(gzip.compress(script, mtime=0)).decode(), sha256(script))


def sha256(script: bytes) -> str:
    """How a Content-Security-Policy names an inline script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script).digest()).decode()
