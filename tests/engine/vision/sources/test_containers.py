"""Recordings are opened with every release of PyAV that the bounds allow."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engine.vision.sources import containers

#: A title in Latin-1, which is no UTF-8.
TITLE = "Prüfung ".encode("latin-1")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A recording whose name looks like an address, and whose title is not in UTF-8."""
    path = tmp_path / "lesson.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Pruefung"
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"Pruefung", TITLE))
    return path.rename(tmp_path / "9:30.mkv")


def test_title_that_is_no_utf8_and_a_name_like_an_address(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(odd.parent)
    with containers.open_recording(odd.name) as opened:
        title = opened.metadata["title"]
    assert title in ("Pr\ufffdfung ", TITLE.decode("utf-8", "surrogateescape"))  # before PyAV 19, and from then on


@pytest.mark.parametrize(
    ("version", "told"),
    [("17.0.1", {"metadata_errors": "replace"}), ("18.1.0", {"metadata_errors": "replace"}), ("19.0.2", {})],
)
def test_argument_that_release_19_lost_is_given_to_earlier_ones(
    version: str, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    with monkeypatch.context() as patched:
        patched.setattr(av, "__version__", version)
        patched.setattr(av, "open", lambda path, **options: given.append({"path": path, **options}))
        importlib.reload(containers).open_recording("a.mp4")
    importlib.reload(containers)
    assert given == [{"path": "file:a.mp4", **told}]
