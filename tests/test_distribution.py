"""What lies beside the package: citation, container, workflow; and that all of it says the same as the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine.version import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def fields(path: Path) -> dict[str, str]:
    """The fields of a plain YAML file that have a value in their line."""
    return dict(re.findall(r"^([\w-]+): (.+)$", path.read_text("utf-8"), re.MULTILINE))


def test_the_citation_is_of_this_version_and_licence() -> None:
    citation = fields(ROOT / "CITATION.cff")
    assert citation["version"] == __version__
    assert citation["license"] == PROJECT["license"]
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "message", "type"} <= set(citation)


def test_a_container_is_nobodys_root_and_gets_nothing_but_the_package() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    steps = [line for line in lines if re.match(r"[A-Z]+ ", line)]
    last_stage = steps[max(place for place, step in enumerate(steps) if step.startswith("FROM ")) :]
    assert "USER 1000" in last_stage
    assert last_stage.index("USER 1000") > next(i for i, step in enumerate(last_stage) if step.startswith("COPY"))
    assert 'ENTRYPOINT ["classpulse"]' in last_stage
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", "\n".join(lines))
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[1] == "*", "everything, but for what is named"
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    # What hatchling puts into the wheel must be there.
    assert {"cli.py", "classpulse", "engine", "storage", "tracking", "docs", "LICENSE", "NOTICE"} <= set(allowed)


def test_the_workflow_runs_the_same_script_as_here_and_names_extras_that_exist() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert "bash .ci/run" in text
    (extras,) = re.findall(r'-e "\.\[([\w,]+)\]"', text)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    assert all(system in text for system in ("ubuntu", "macos", "windows"))
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f'"{oldest}"' in text


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_links_of_pages_beside_the_readme_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", (ROOT / name).read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_check_dist_runs_both_checks_and_ci_runs_it() -> None:
    assert re.search(r"^check-dist:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert "make check-dist" in (ROOT / ".ci" / "run").read_text("utf-8")
