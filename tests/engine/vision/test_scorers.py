"""Scorers by name, networks of any classes from an ONNX file, and what is said of those that cannot be used."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto

from classpulse.simulation.render import Renderer
from engine import analyze, find
from engine.errors import NetworkError, UsageError
from engine.faces import FER, Class, Classes
from engine.settings import Settings
from engine.vision.custom.classifier import OnnxClassifier
from engine.vision.expression import FerScorer, crop_faces
from engine.vision.extraction import FeatureExtractor
from engine.vision.moods.fusion import FusedScorer
from engine.vision.networks import MODELS, checksums
from engine.vision.scorers import SCORERS, CropFormat, Scorer, describe_scorer, open_scorer, score_faces
from engine.vision.sources.protocol import Frame
from engine.vision.sources.video import Video
from tests.drawn import LESSON, SETTINGS, count
from tests.engine.classifier import THREE, softmax, write_classifier

NOW_KNOWN = Classes((Class("attentive", "positive"), Class("bored", "negative"), Class("talking", "ignored")))


def pixels(size: int = 48, colour: bool = True) -> np.ndarray:
    """Two faces: (200, 40, 100) and (10, 250, 30), or their red channel as grey."""
    faces = np.zeros((2, size, size, 3), np.uint8)
    faces[0], faces[1] = (200, 40, 100), (10, 250, 30)
    return faces if colour else faces[..., 0]


# -- by name


def test_ones_own_scorers_have_their_names() -> None:
    assert SCORERS.names()[:3] == ["fer", "fused", "onnx"]
    assert isinstance(open_scorer(Settings(scorer="fused")), FusedScorer)
    scorer = open_scorer(Settings())
    assert not isinstance(scorer, FusedScorer)
    assert isinstance(scorer, FerScorer)
    assert (scorer.classes, scorer.crops, scorer.fingerprint) == (FER, CropFormat(64), checksums()["fer"])
    assert open_scorer(Settings(expression=False)) is None


def test_a_scorer_is_described_with_what_distinguishes_it(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "three.onnx")
    for scorer, names in (("fer", ("fer", "moods")), ("fused", ("fer", "moods", "faceapi", "fusion"))):
        assert describe_scorer(Settings(scorer=scorer)) == (FER, {name: checksums()[name] for name in names})
    assert describe_scorer(Settings(expression=False)) == (FER, {})
    assert describe_scorer(Settings(scorer="onnx", scorer_model=str(path))) == (
        NOW_KNOWN,
        {"scorer onnx": hashlib.sha256(path.read_bytes()).hexdigest()},
    )


def test_settings_of_older_sessions_mean_the_network_of_fer() -> None:
    old = json.loads(Settings().to_json())
    del old["scorer"], old["scorer_model"]
    assert Settings.from_json(json.dumps(old)).scorer == "fer"
    assert Settings(engine="reference").scorer == Settings(expression=False).scorer == "fer"
    assert Settings(scorer="onnx", scorer_model="a.onnx").detected_by() != Settings().detected_by()


@pytest.mark.parametrize("changes", [{"engine": "reference"}, {"expression": False}])
def test_a_network_that_would_not_be_used_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="scorer is 'onnx'; it must be fer without a network of your own"):
        Settings(scorer="onnx", scorer_model="three.onnx", **changes)


# -- any network


WEIGHTS = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 3]])
BIAS = (0.1, 0.2, 0.3)


@pytest.mark.parametrize("shape", [("n", 3, 48, 48), ("n", 48, 48, 3)], ids=["channels first", "channels last"])
def test_a_network_gets_colours_from_0_to_1(tmp_path: Path, shape: tuple[str, int, int, int]) -> None:
    scorer: Scorer = OnnxClassifier(write_classifier(tmp_path / "a", weights=WEIGHTS, bias=BIAS, shape=shape))
    assert scorer.crops == CropFormat(48, True, None)
    assert scorer.classes == NOW_KNOWN
    scores = scorer.score(pixels())
    assert scores.dtype == np.float32
    expected = [softmax(np.array(face) / 255 @ WEIGHTS + BIAS) for face in ((200, 40, 100), (10, 250, 30))]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert scorer.score(pixels()[:0]).shape == (0, 3)


def test_a_network_gets_colours_scaled_and_in_the_order_it_asks_for(tmp_path: Path) -> None:
    path = write_classifier(
        tmp_path / "a", weights=WEIGHTS, bias=BIAS, mean="[10, 20, 30]", std="100", order="bgr", margin="0.3"
    )
    scorer = OnnxClassifier(path)
    assert scorer.crops == CropFormat(48, True, 0.3)
    expected = softmax((np.array([100, 40, 200]) - [10, 20, 30]) / 100 @ WEIGHTS + BIAS)
    np.testing.assert_allclose(scorer.score(pixels())[0], expected, atol=1e-5)


def test_a_grey_network_of_bytes_with_logits(tmp_path: Path) -> None:
    path = write_classifier(
        tmp_path / "a",
        weights=[[0.01, 0.02, -0.01]],
        bias=BIAS,
        shape=("n", 1, "h", "w"),
        dtype=TensorProto.UINT8,
        softmax=False,
        output="logits",
        size="32",
    )
    scorer = OnnxClassifier(path)
    assert scorer.crops == CropFormat(32, False, None)
    expected = [softmax(np.array([0.01, 0.02, -0.01]) * grey + BIAS) for grey in (200, 10)]
    np.testing.assert_allclose(scorer.score(pixels(32, colour=False)), expected, atol=1e-5)


def test_more_faces_than_one_call_takes_are_scored_alike(tmp_path: Path) -> None:
    scorer = OnnxClassifier(write_classifier(tmp_path / "a", weights=WEIGHTS, bias=BIAS))
    many = np.repeat(pixels(), 75, axis=0)
    scores = scorer.score(many)
    assert (scores[:75] == scores[0]).all()
    assert (scores[75:] == scores[75]).all()
    assert scores[0, 0] != scores[75, 0]


def test_two_and_twelve_classes_are_possible(tmp_path: Path) -> None:
    for k in (2, 12):
        classes = [[f"class {i}", ("positive", "negative", "neutral", "ignored")[i % 4]] for i in range(k)]
        scorer = OnnxClassifier(write_classifier(tmp_path / f"{k}", classes=classes, bias=[0.0] * k))
        assert [list(row) for row in scorer.classes.rows()] == classes
        np.testing.assert_allclose(scorer.score(pixels()), 1 / k, atol=1e-6)


# -- what a user can do wrong: how the file is written, what the line says
WRONG = [
    ({"classes": None}, r"its metadata has no classpulse.classes; add JSON such as \[\["),
    ({"classes": "attentive, bored"}, r"classpulse.classes in its metadata: .*; expected JSON"),
    ({"classes": [["attentive"], ["bored"]]}, r"classpulse.classes in its metadata: .*; expected JSON"),
    ({"classes": [["a", "good"], ["b", "negative"]]}, r"class a has polarity 'good'; expected positive, neutral"),
    ({"classes": THREE[:1]}, r"1 classes; expected 2 to 12"),
    ({"classes": [[f"{i}", "neutral"] for i in range(13)]}, r"13 classes; expected 2 to 12"),
    ({"classes": THREE[:2]}, r"shape \(1, 3\) for 1 faces and the 2 classes attentive, bored; expected \(1, 2\)"),
    ({"shape": ("n", 3, 48)}, r"its input has the shape \('any', 3, 48\); expected \(any, channels, size, size\)"),
    ({"shape": ("n", 3, 48, 64)}, r"its input has the shape \('any', 3, 48, 64\)"),
    ({"shape": (2, 3, 48, 48)}, r"its input has the shape \(2, 3, 48, 48\); .* any number of faces, or one"),
    ({"shape": ("n", 3, "h", "w")}, r"the size of its input is not fixed, and its metadata has no classpulse.size"),
    ({"softmax": False, "bias": (2.0, -1.0, 0.5)}, r"the scores \[2.0, -1.0, 0.5\].* set classpulse.output"),
    ({"output": "percent"}, r"classpulse.output is 'percent'; expected probabilities or logits"),
    ({"order": "grb"}, r"classpulse.order is 'grb'; expected rgb or bgr"),
    ({"mean": "[1, 2]"}, r"classpulse.mean is '\[1, 2\]'; expected a number, or one a channel"),
    ({"std": "0"}, r"classpulse.std is 0; expected numbers above 0"),
    ({"margin": "wide"}, r"classpulse.margin is 'wide'; expected a number"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_network_that_cannot_be_used_is_one_line(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "three.onnx", **changes)
    with pytest.raises(UsageError, match=re.escape(f"{path}: not a scorer's network: ") + f".*{said}") as caught:
        OnnxClassifier(path)
    assert "\n" not in str(caught.value)


SETTINGS_WRONG = [
    ({"scorer": "ferr"}, r"unknown scorer 'ferr'; available: fer, fused, onnx"),
    ({"scorer": "onnx"}, r"the scorer onnx needs a network: name its file with --scorer-model"),
    ({"scorer_model": "a.onnx"}, r"the scorer fer has a network of its own; leave out --scorer-model a.onnx, or"),
    ({"scorer": "onnx", "scorer_model": "no.onnx"}, r"cannot read the scorer's network no.onnx: No such file"),
    ({"scorer": "onnx", "scorer_model": str(MODELS / "fer.onnx")}, r"its metadata has no classpulse.classes"),
]


@pytest.mark.parametrize(("changes", "said"), SETTINGS_WRONG, ids=[said for _, said in SETTINGS_WRONG])
def test_wrong_settings_are_one_line_before_a_session_begins(
    changes: dict[str, Any], said: str, recording: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        analyze(recording, tmp_path / "db", settings=Settings(**changes))
    assert "\n" not in str(caught.value)
    assert count(tmp_path / "db", "sessions") == 0


def test_a_file_that_is_no_network_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(UsageError, match=r"a\.onnx: not a scorer's network: it is not an ONNX file") as caught:
        OnnxClassifier(tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


# -- another package's


class Constant:
    """Says the same of every face, and keeps what it was given."""

    classes = NOW_KNOWN
    fingerprint = "constant 1"

    def __init__(self, crops: CropFormat, scores: object = (0.25, 0.5, 0.25)) -> None:
        self.crops = crops
        self.scores = np.asarray(scores, np.float32)
        self.given: list[np.ndarray] = []

    def score(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.given.append(crops)
        return np.tile(self.scores, (len(crops), 1))


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ((0.5, 0.5), r"shape \(2, 2\) for 2 faces and the 3 classes attentive, bored, talking; expected \(2, 3\)"),
        ((0.5, 0.5, 0.1), r"a face the scores \[0.5, 0.5, 0.1\]; expected shares"),
        ((1.5, -0.5, 0.0), r"a face the scores \[1.5, -0.5, 0.0\]"),
        ((np.nan, 0.5, 0.5), r"a face the scores \[nan, 0.5, 0.5\]"),
    ],
)
def test_scores_that_are_no_shares_are_one_line(scores: tuple[float, ...], said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        score_faces(Constant(CropFormat(64), scores), np.zeros((2, 64, 64), np.uint8))


@pytest.mark.parametrize("crops", [CropFormat(8), CropFormat(1024), CropFormat(64, margin=-0.1)])
def test_a_scorer_that_asks_for_impossible_crops_is_refused(
    monkeypatch: pytest.MonkeyPatch, crops: CropFormat
) -> None:
    monkeypatch.setattr(SCORERS, "load", lambda _: lambda _: Constant(crops))
    with pytest.raises(UsageError, match=r"the scorer constant asks for crops of \d+ px with a margin"):
        open_scorer(Settings(scorer="constant"))


@pytest.mark.parametrize(
    ("wanted", "margin"),
    [
        (CropFormat(64), 0.15),
        (CropFormat(64, margin=0.15), 0.15),
        (CropFormat(32), 0.15),
        (CropFormat(64, colour=True), 0.15),
        (CropFormat(96, colour=True, margin=0.4), 0.4),
    ],
)
def test_a_scorer_is_given_the_crops_that_it_asks_for(
    monkeypatch: pytest.MonkeyPatch, wanted: CropFormat, margin: float
) -> None:
    """And the faces' quality is the same for every scorer."""
    scorer = Constant(wanted)
    monkeypatch.setattr("engine.vision.extraction.open_scorer", lambda _: scorer)
    frames = [Frame(0, 0.0, Renderer(LESSON).frame(0).image)]
    (segment,) = FeatureExtractor(SETTINGS).from_frames(frames)
    image, faces = frames[0].image, segment.faces
    assert len(faces) == 4
    (given,) = scorer.given
    expected = crop_faces(image, faces.boxes_xyxy, margin, wanted.size, colour=wanted.colour)
    assert given.shape == (4, wanted.size, wanted.size, *([3] if wanted.colour else []))
    assert np.abs(given.astype(int) - expected.astype(int)).max() <= 2  # grey before or after cutting
    if wanted.colour:
        assert (given == expected).all()
    assert faces.classes == NOW_KNOWN
    assert (faces.scores == np.array([0.25, 0.5, 0.25], np.float32)).all()
    monkeypatch.undo()
    (plain,) = FeatureExtractor(SETTINGS).from_frames(frames)
    assert (plain.faces.quality == faces.quality).all()


def test_a_session_of_a_network_with_three_classes(recording: Path, tmp_path: Path) -> None:
    """Its classes are stored with their polarity, every face has three scores, and the file's sha256 is kept."""
    path = write_classifier(tmp_path / "three.onnx", bias=(1.0, 0.0, 0.5))
    settings = {"scorer": "onnx", "scorer_model": str(path), "strategy": "sum"}
    session = analyze(recording, tmp_path / "db", settings=Settings(**{**vars(SETTINGS), **settings}))
    models = json.loads(find(1, tmp_path / "db").info()["models"])
    assert models["scorer onnx"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "fer" not in models
    faces = session.faces()
    expected = softmax((1.0, 0.0, 0.5))
    scores = faces[["attentive", "bored", "talking"]].to_numpy()
    assert len(scores) > 100
    np.testing.assert_allclose(scores, np.tile(expected, (len(scores), 1)), atol=1e-4)


# -- cues beside the crop


def test_cues_that_the_file_names_are_added_to_the_logits(tmp_path: Path) -> None:
    also = json.dumps({"yaw": [[0.1, 0.0, 0.0], [0.0, 0.05, 0.0]], "sharpness": [[0.0, 0.0, 2.0]]})
    path = write_classifier(tmp_path / "a.onnx", bias=(0.3, 0.0, -0.3), softmax=False, output="logits", also=also)
    scorer = OnnxClassifier(path)
    assert scorer.cues == ("yaw", "sharpness")
    measured = {
        "yaw": np.array([-20.0, 0.0], np.float32),
        "pitch": np.full(2, np.nan, np.float32),
        "sharpness": np.array([0.0, 0.5], np.float32),
    }
    expected = [softmax((0.3 - 2, 0.05 * 20, -0.3)), softmax((0.3, 0, -0.3 + 1))]
    np.testing.assert_allclose(score_faces(scorer, pixels(), measured), expected, atol=1e-6)


def test_an_analysis_tells_the_scorer_the_cues_that_it_measures(tmp_path: Path, recording: Path) -> None:
    also = json.dumps({"yaw": [[0.1, 0.0, 0.0], [0.0, 0.0, 0.0]]})
    path = write_classifier(tmp_path / "a.onnx", softmax=False, output="logits", also=also)
    settings = Settings(**{**vars(SETTINGS), "scorer": "onnx", "scorer_model": str(path)})
    with Video(recording) as video:
        faces = next(FeatureExtractor(settings).segments(video)).faces
    assert faces.yaw.std() > 1
    np.testing.assert_allclose(faces.scores[:, 0], 1 / (1 + 2 * np.exp(-0.1 * faces.yaw)), atol=1e-5)


@pytest.mark.parametrize(
    ("also", "output", "reason"),
    [
        ("{", "logits", "expected JSON of cues"),
        ('["yaw"]', "logits", "expected JSON of cues"),
        ('{"smile": [[1, 1, 1]]}', "logits", r"cues \(yaw, pitch, roll, sharpness, quality\)"),
        ('{"yaw": [[1, 1, 1]]}', "logits", "lists of 3 weights"),
        ('{"quality": [[1, 1]]}', "logits", "lists of 3 weights"),
        ('{"quality": [[1, 1, NaN]]}', "logits", "lists of 3 weights"),
        ('{"quality": [[1, 1, 1]]}', "probabilities", "its output is not said to be logits"),
    ],
)
def test_cues_that_cannot_be_told_are_refused(tmp_path: Path, also: str, output: str, reason: str) -> None:
    path = write_classifier(tmp_path / "a.onnx", softmax=output != "logits", output=output, also=also)
    with pytest.raises(UsageError, match=reason):
        OnnxClassifier(path)
