"""The original packages behind our interfaces, and what a user without them is told."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import NetworkError
from engine.vision.reference import ReferenceDetector, ReferenceScorer
from tests.engine import footage
from tests.pictures import Image

installed = all(importlib.util.find_spec(package) for package in ("mtcnn", "fer", "tensorflow"))
needs_extra = pytest.mark.skipif(not installed, reason="needs the extra `reference`")


@pytest.fixture(scope="module")
def photo(shared: Path) -> Image:
    """A group photo with faces over 60 px, RGB."""
    return footage.photo(next((shared / "eval/photos").glob("*two_people*")))


@pytest.mark.parametrize("reference", [ReferenceDetector, ReferenceScorer])
@pytest.mark.skipif(installed, reason="the extra `reference` is installed")
def test_without_the_packages_one_line_names_the_remedy(reference: type[object]) -> None:
    with pytest.raises(NetworkError, match=r"pip install 'classpulse\[reference\]'") as caught:
        reference()
    assert "\n" not in str(caught.value)


def test_nothing_of_the_extra_is_imported_before_it_is_used() -> None:
    originals = ("tensorflow", "mtcnn", "fer")
    code = f"import sys, engine.vision.reference; print([m for m in sys.modules if m in {originals}])"
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert run.stdout.strip() == "[]"


@pytest.mark.reference
@needs_extra
def test_the_detector_gives_detections_with_landmarks_inside_their_boxes(photo: np.ndarray) -> None:
    found = ReferenceDetector().detect(photo)
    assert len(found) == 2
    assert (found.scores > 0.8).all()
    corners = found.boxes.reshape(-1, 2, 2)
    assert (found.landmarks > corners[:, :1]).all()
    assert (found.landmarks < corners[:, 1:]).all()
    left_eye, right_eye, nose, left_mouth, right_mouth = found.landmarks.swapaxes(0, 1)
    assert (left_eye[:, 0] < right_eye[:, 0]).all()
    assert (left_mouth[:, 0] < right_mouth[:, 0]).all()
    assert (left_eye[:, 1] < nose[:, 1]).all()
    assert (nose[:, 1] < left_mouth[:, 1]).all()


@pytest.mark.reference
@needs_extra
@pytest.mark.parametrize(
    ("min_face", "thresholds", "faces"),
    [(20, (0.6, 0.7, 0.8), 2), (60, (0.6, 0.7, 0.8), 2), (400, (0.6, 0.7, 0.8), 0), (20, (0.6, 0.7, 0.99999), 0)],
)
def test_the_detector_respects_the_settings(
    photo: np.ndarray, min_face: int, thresholds: tuple[float, float, float], faces: int
) -> None:
    assert len(ReferenceDetector(min_face, thresholds).detect(photo)) == faces


@pytest.mark.reference
@needs_extra
@pytest.mark.parametrize("shape", [(100, 100, 3), (11, 11, 3)])
def test_an_image_without_faces_has_no_detections(shape: tuple[int, int, int]) -> None:
    found = ReferenceDetector().detect(np.zeros(shape, np.uint8))
    assert (found.boxes.shape, found.landmarks.shape) == ((0, 4), (0, 5, 2))


@pytest.mark.reference
@needs_extra
def test_the_scorer_scores_batches_of_any_size() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (300, 64, 64), np.uint8)
    scorer = ReferenceScorer()
    scores = scorer.score(crops)
    assert scores.dtype == np.float32
    assert scores.shape == (300, 7)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert scorer.score(crops[:0]).shape == (0, 7)


@pytest.mark.reference
@needs_extra
def test_starting_the_engine_writes_nothing_to_the_terminal() -> None:
    code = "from engine.vision import reference; reference.ReferenceDetector(); reference.ReferenceScorer()"
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert (run.stdout, run.stderr) == ("", "")
