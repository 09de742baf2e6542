"""The scripts of other projects that come with classpulse: unchanged, with version, licence and origin."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

import classpulse

ROOT = Path(__file__).parents[2]
LISTS = sorted(Path(classpulse.__file__).parent.glob("*/static/vendor/vendor.json"))
FILES = {path.parent / name: entry for path in LISTS for name, entry in json.loads(path.read_text("utf-8")).items()}


def test_every_vendored_file_is_listed_and_every_listed_one_is_there() -> None:
    assert [path.parents[2].name for path in LISTS] == ["report", "web"]
    lying = {file for path in LISTS for file in path.parent.iterdir() if file.name != "vendor.json"}
    assert lying == set(FILES)
    assert {file.name for file in FILES} == {"plotly-cartesian.min.js", "htmx.min.js", "htmx-sse.min.js"}


@pytest.mark.parametrize(("file", "entry"), FILES.items(), ids=[file.name for file in FILES])
def test_vendored_file_is_what_its_project_released(file: Path, entry: dict[str, str]) -> None:
    assert set(entry) == {"package", "version", "licence", "home", "sha256"}
    assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]


@pytest.mark.parametrize(("file", "entry"), FILES.items(), ids=[file.name for file in FILES])
def test_vendored_version_stands_in_the_file_and_in_the_notice(file: Path, entry: dict[str, str]) -> None:
    told = re.findall(
        rf"^{re.escape(file.name)}: \S+ (\S+), (\S+)", (ROOT / "NOTICE").read_text("utf-8"), re.MULTILINE
    )
    assert told == [(entry["version"], entry["home"])]
    if file.name != "htmx-sse.min.js":  # the only one that does not say its version
        assert re.search(
            rf"v{re.escape(entry['version'])}\b|version:\"{re.escape(entry['version'])}\"", file.read_text("utf-8")
        )


def test_neither_django_nor_plotlys_package_is_asked_for() -> None:
    asked = (ROOT / "pyproject.toml").read_text("utf-8") + (ROOT / "constraints.txt").read_text("utf-8")
    assert re.findall(r"(?i)django|plotly[^.]", asked) == []
