"""The wheel, built, installed and used from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy
import pytest

from engine.version import __version__
from tests.drawn import OPTIONS, SEGMENTS, count

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build", reason="the wheel needs the dev extra's `build`")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_name(wheel: Path) -> None:
    assert wheel.name == f"classpulse-{__version__}-py3-none-any.whl"


def test_holds_what_it_needs(contents: set[str]) -> None:
    networks = (
        "pnet.onnx",
        "pnet_sparse.onnx",
        "rnet.onnx",
        "onet.onnx",
        "fer.onnx",
        "faceapi.onnx",
        "fusion.onnx",
        "moods.onnx",
        "models.json",
    )
    needed = {f"engine/vision/models/{name}" for name in networks}
    needed |= {"cli.py", "storage/views.sql", "storage/migrations/version_2.py"}
    needed |= {f"{package}/py.typed" for package in ("classpulse", "engine", "tracking", "storage")}
    needed |= {f"classpulse/{room}/static/vendor/vendor.json" for room in ("report", "web")}
    assert needed <= contents
    rooms = ("engine", "tracking", "storage", "classpulse")
    tracked = subprocess.run(["git", "ls-files", *rooms], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode == 0:
        sources = {
            name
            for name in tracked.stdout.splitlines()
            if name.endswith((".py", ".sql", ".json", ".onnx", ".j2", ".css", ".js", ".svg"))
        }
        assert sources - contents == set()


def test_holds_nothing_else(contents: set[str]) -> None:
    info = f"classpulse-{__version__}.dist-info"
    # Nobody's site-packages gets a `web` or a `report` from us.
    assert {name.split("/")[0] for name in contents} == {
        "classpulse",
        "cli.py",
        "engine",
        "storage",
        "tracking",
        info,
    }
    assert not [name for name in contents if "test" in name or "__pycache__" in name]
    # Pictures and recordings of people never get in.
    assert not [name for name in contents if name.endswith((".mp4", ".jpg", ".png", ".avi", ".db"))]


def test_licences_and_metadata(wheel: Path, contents: set[str]) -> None:
    info = f"classpulse-{__version__}.dist-info"
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= contents
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        assert archive.read(f"{info}/entry_points.txt").decode().split() == [
            "[console_scripts]",
            "classpulse",
            "=",
            "cli:main",
        ]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    always = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert not [line for line in always if line.startswith(("tensorflow", "torch", "fer", "mtcnn"))]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`classpulse` in an environment of its own that finds its dependencies, and not the checkout, in ours."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(str(Path(numpy.__file__).parents[1]))
    install = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet"]
    options = ["--no-deps", "--no-index", "--ignore-installed", "--disable-pip-version-check"]
    done = subprocess.run([*install, *options, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return home / "bin" / "classpulse"


def run(command: Path, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [command, *map(str, arguments)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_installed_command(installed: Path, recording: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "--version").stdout == f"classpulse {__version__}\n"
    where = run(installed.with_name("python"), tmp_path, "-c", "import engine; print(engine.__file__)")
    assert Path(where.stdout).is_relative_to(installed.parents[1]), "the checkout was found, not the wheel"
    result = run(installed, tmp_path, "analyze", recording, *OPTIONS)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Session 1: lesson.mp4")
    assert count(tmp_path / "classpulse.db", "segments") == SEGMENTS
    assert "S01" in run(installed, tmp_path, "query", "SELECT label FROM v_students").stdout
