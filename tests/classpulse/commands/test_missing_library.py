"""A server without OpenCV's display libraries: every command that needs them says in one line what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import missing_library

ROOT = Path(__file__).parents[3]
REMEDY = (
    "classpulse: OpenCV needs the system's library {}; install it with `apt-get install libgl1 libglib2.0-0`, or "
    "OpenCV without its window with `pip install --force-reinstall --no-deps opencv-python-headless`\n"
)


RunWithout = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_without(tmp_path: Path) -> RunWithout:
    """`run_without(library, *command)`: the command line in a process whose `import cv2` fails as on a server."""

    def run(library: str, *command: str) -> subprocess.CompletedProcess[str]:
        shadow = tmp_path / "shadow"
        shadow.mkdir()
        text = f"{library}: cannot open shared object file: No such file or directory"
        (shadow / "cv2.py").write_text(f"raise ImportError({text!r})\n")
        return subprocess.run(
            [sys.executable, "-m", "cli", *command],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{shadow}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "command",
    [("doctor",), ("demo", "shown"), ("analyze", "lesson.mp4"), ("annotate", "1")],
    ids=lambda command: command[0],
)
def test_one_line_with_the_remedy_where_opencv_is_needed(run_without: RunWithout, command: tuple[str, ...]) -> None:
    done = run_without("libGL.so.1", *command)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", REMEDY.format("libGL.so.1"))


def test_glib_is_told_in_the_same_way(run_without: RunWithout) -> None:
    assert run_without("libgthread-2.0.so.0", "doctor").stderr == REMEDY.format("libgthread-2.0.so.0")


def test_debug_shows_where_the_library_was_asked_for(run_without: RunWithout) -> None:
    done = run_without("libGL.so.1", "doctor", "--debug")
    assert "Traceback" in done.stderr
    assert done.stderr.endswith(REMEDY.format("libGL.so.1"))


def test_help_needs_no_library(run_without: RunWithout) -> None:
    assert run_without("libGL.so.1", "doctor", "--help").returncode == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ImportError("libGL.so.1: cannot open shared object file: No such file or directory"), "libGL.so.1"),
        (ImportError("libglib-2.0.so.0: cannot open shared object file: No such file"), "libglib-2.0.so.0"),
        (ImportError("libSM.so.6: cannot open shared object file: No such file"), "libSM.so.6"),
        (ImportError("libopenvino.so: cannot open shared object file: No such file"), None),
        (ImportError("libgomp.so.1: cannot open shared object file: No such file"), None),
        (ImportError("cannot import name 'libGL.so.1'"), None),
        (ModuleNotFoundError("No module named 'cv2'"), None),
        (OSError("libGL.so.1: cannot open shared object file: No such file or directory"), None),
    ],
)
def test_only_imports_of_display_libraries_are_recognised(error: Exception, told: str | None) -> None:
    found = missing_library(error)
    assert (found is None) == (told is None)
    if found is not None:
        assert f"the system's library {told};" in str(found)
        assert found.exit_status == 1
        assert isinstance(found, ImportError)
