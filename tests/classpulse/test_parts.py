"""Detector, scorer and tracker alone, as docs/parts.md shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from engine import Session
from engine.errors import UsageError
from engine.faces import EMOTIONS

DOCUMENT = Path(__file__).parents[2] / "docs" / "parts.md"


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_three_lines_each_find_score_and_track_what_a_session_has(recording: Path, analysed: Session) -> None:
    with av.open(str(recording)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24")
    detector, scorer, tracker, _ = blocks()
    assert [len(list(filter(str.strip, block.splitlines()))) for block in (detector, scorer, tracker)] == [3, 3, 3]
    names: dict[str, Any] = {"image": image, "time": 0.0}
    for block in (detector, scorer, tracker):
        exec(block, names)
    stored = analysed.faces()
    stored = stored[stored["time"] == 0.0]
    assert len(names["faces"]) == len(stored)
    of_first = stored[["x1", "y1", "x2", "y2"]].to_numpy()
    distance = np.abs(names["faces"].boxes[:, None] - of_first[None]).max(axis=2)
    assert distance.min(axis=1).max() < 2.0
    assert list(names["emotions"].columns) == list(EMOTIONS)
    np.testing.assert_allclose(names["emotions"].sum(axis=1), 1, atol=1e-3)
    assert sorted(names["numbers"][names["numbers"] >= 0].tolist()) == list(range((names["numbers"] >= 0).sum()))


def test_the_loop_over_a_webcam_runs_until_there_is_no_picture(
    recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = iter([True, True, False])
    with av.open(str(recording)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="bgr24")

    class Camera:
        def isOpened(self) -> bool:  # noqa: N802 -- OpenCV's name
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            return next(frames), picture

    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Camera())
    names: dict[str, Any] = {"image": picture[..., ::-1].copy(), "time": 0.0}
    for block in blocks()[:2]:
        exec(block, names)
    exec("from classpulse.parts import Tracker\ntracker = Tracker()\n" + blocks()[3], names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1], "the same people in the same picture"


def test_an_unknown_detector_is_one_line() -> None:
    from classpulse.parts import Detector

    with pytest.raises(UsageError, match="haar"):
        Detector("haar")
