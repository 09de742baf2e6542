"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real footage and ground truth; tests that use it skip where it is absent."""
    folder = Path(os.environ.get("CLASSPULSE_DATA", Path(__file__).parents[2] / "shared"))
    if not (folder / "footage").is_dir():
        pytest.skip(f"no evaluation data at {folder} (set CLASSPULSE_DATA)")
    return folder
