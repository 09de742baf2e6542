"""plotly.js, a file of ours: where it is, and how a page carries it."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

#: The part of plotly.js that draws lines, bars and heatmaps; `vendor.json` beside it has its version and checksum.
PLOTLY = Path(__file__).with_name("static") / "vendor" / "plotly-cartesian.min.js"


class Packed(NamedTuple):
    """A script as a page carries it: `text` in base64 of gzip, and the `sha256` of what is unpacked."""

    text: str
    sha256: str


@cache
def packed(path: Path) -> Packed:
    """A script as text of less than half its size: 1.5 MB are 0.5 MB of gzip, and 0.66 MB of base64."""
    script = path.read_bytes()
    return Packed(base64.b64encode(gzip.compress(script, mtime=0)).decode(), sha256(script))


def sha256(script: bytes) -> str:
    """How a Content-Security-Policy names an inline script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script).digest()).decode()
