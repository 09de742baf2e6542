"""Which detector a few frames of a recording are an argument for, and when they are looked at."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.errors import UsageError
from engine.settings import Settings
from engine.vision import spot_check
from engine.vision.detection import Detections
from engine.vision.sources.protocol import Frame
from engine.vision.spot_check import SpotCheck, advice, check, choose

AUTO = Settings(detector="auto")


@pytest.mark.parametrize(
    ("usual", "back_rows", "better"),
    [(10, 12, "retinaface"), (10, 11.9, "mtcnn"), (0, 0.5, "retinaface"), (0, 0, "mtcnn"), (20, 10, "mtcnn")],
)
def test_a_fifth_more_people_decide(usual: float, back_rows: float, better: str) -> None:
    assert SpotCheck(usual, back_rows, 12).better == better


class Recording:
    """A source of 100 s whose images say when they are, and which knows where it was read."""

    seekable, duration = True, 100.0

    def __init__(self) -> None:
        self.read: list[float] = []

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def frames(self, sample_rate: float | None, start: float = 0.0) -> Any:
        for number in range(1000):
            time = start + number / (sample_rate or 25)
            self.read.append(time)
            yield Frame(number, time, np.full((8, 8, 3), round(time), np.uint8))


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """Where `mtcnn` sees 10 people, and `retinaface` 10 until 50 s and then 18, of whom 2 are weak."""
    source = Recording()

    def opened(settings: Settings) -> Any:
        def detect(image: np.ndarray) -> Detections:
            late = settings.detector == "retinaface" and image[0, 0, 0] >= 50
            sure, weak = (18 if late else 10, 2)
            scores = np.repeat(np.array([0.8, 0.79], np.float32), (sure, weak))
            return Detections(
                np.zeros((len(scores), 4), np.float32), scores, np.zeros((len(scores), 5, 2), np.float32)
            )

        return SimpleNamespace(detect=detect)

    monkeypatch.setattr(spot_check, "open_detector", opened)
    monkeypatch.setattr(spot_check, "open_source", lambda *_: source)
    return source


def test_twelve_frames_are_spread_over_the_recording(recording: Recording) -> None:
    assert check(Path("lesson.mp4"), AUTO) == SpotCheck(10, 14, 12)
    np.testing.assert_allclose(recording.read, (np.arange(12) + 0.5) * 100 / 12)
    recording.duration, recording.read = None, []  # type: ignore[assignment]
    assert check(Path("lesson.mp4"), AUTO) == SpotCheck(10, 10, 12)
    assert recording.read == list(range(12))


def test_auto_becomes_the_better_detector_and_says_why(recording: Recording) -> None:
    chosen = choose(Path("lesson.mp4"), AUTO)
    why = "retinaface sees about 14 people and mtcnn 10 in 12 frames of it"
    assert (chosen.detector, chosen.spot_check) == ("retinaface", why)
    (line,) = advice(SimpleNamespace(path=Path("lesson.mp4")), 1, chosen)  # type: ignore[arg-type]
    assert (line.code, line.text) == ("detector", f"lesson.mp4: analysed with retinaface, as {why}")
    # It is the session that the detector's own name gives.
    assert chosen.detected_by() == Settings(detector="retinaface").detected_by()
    assert Settings.from_json(chosen.to_json()) == chosen
    recording.read = []
    assert choose(Path("lesson.mp4"), Settings()) == Settings()
    assert recording.read == []


def test_weights_with_auto_are_refused() -> None:
    with pytest.raises(UsageError, match="--detector auto chooses between detectors without --detector-weights"):
        choose(Path("lesson.mp4"), dataclasses.replace(AUTO, detector_weights="mine.onnx"))


def test_only_a_recording_for_which_it_takes_little_is_checked_unasked(recording: Recording) -> None:
    source: Any = SimpleNamespace(path=Path("lesson.mp4"))
    assert advice(source, 7199, Settings()) == []
    assert advice(source, 7200, Settings(detector="retinaface")) == []
    assert advice(source, 7200, Settings(engine="reference")) == []
    assert recording.read == []
    (line,) = advice(source, 7200, Settings())
    assert line.text.endswith("mtcnn 10 in 12 frames of it; try --detector auto")
    recording.duration = 40.0
    assert advice(source, 7200, Settings()) == []
