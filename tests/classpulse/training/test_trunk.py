"""Trunks: their activations are all that their last layers read, and files with another layer are sound."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from classpulse.training.layer import Layer, log_shares
from classpulse.training.network_file import read_graph, with_metadata
from classpulse.training.trunk import Trunk, enlarged
from engine.errors import UsageError
from engine.vision.custom.classifier import OnnxClassifier
from engine.vision.custom.onnx_file import fields_of, message
from engine.vision.expression import FerScorer, normalised
from engine.vision.models.layers import ACTIVATIONS
from engine.vision.moods.fusion import Fusion
from engine.vision.networks import MODELS, Network

DATA = (MODELS / "fer.onnx").read_bytes()
CROPS = np.random.default_rng(3).integers(0, 256, (70, 64, 64), np.uint8)


def own_layer() -> Layer:
    """The last layer of FER's network as onnx reads it."""
    tensors = {each.name: numpy_helper.to_array(each) for each in onnx.load_from_string(DATA).graph.initializer}
    convolution = [node for node in read_graph(DATA).nodes if node.op == "Conv"][-1]
    weights, bias = (tensors[name] for name in convolution.inputs[1:])
    return Layer(weights.reshape(7, ACTIVATIONS).astype(np.float64), bias.astype(np.float64))


def test_one_linear_layer_over_the_activations_is_the_network() -> None:
    activations = Trunk().activations(CROPS)
    assert activations.shape == (70, 1152)
    np.testing.assert_allclose(np.exp(log_shares(activations, own_layer())), FerScorer().score(CROPS), atol=1e-5)


def test_the_second_network_is_given_the_face_that_it_is_given_beside_fers() -> None:
    grey = enlarged(normalised(CROPS)[:, None])[:, 0]
    whole = np.stack([cv2.resize(crop, (112, 112), interpolation=cv2.INTER_CUBIC) for crop in CROPS])
    assert np.abs(grey - whole).max() < 0.51  # it is not rounded to whole grey levels
    (_, expected) = Network("faceapi")(np.rint(grey)[:, None])
    np.testing.assert_allclose(Fusion(None).features(CROPS)[:, -256:], expected, atol=0.01)


def test_activations_of_both_networks_stand_side_by_side_and_cues_after_them() -> None:
    cues = np.arange(140, dtype=np.float32).reshape(70, 2)
    both = Trunk("both").activations(CROPS, cues)
    np.testing.assert_array_equal(both[:, :ACTIVATIONS], Trunk("fer").activations(CROPS))
    np.testing.assert_array_equal(both[:, ACTIVATIONS:-2], Trunk("second").activations(CROPS))
    np.testing.assert_array_equal(both[:, -2:], cues)


@pytest.mark.parametrize("name", ["fer", "second", "both"])
def test_a_network_with_another_layer_scores_as_that_layer_does(tmp_path: Path, name: str) -> None:
    trunk = Trunk(name)
    layer = Layer(np.random.default_rng(5).normal(0, 0.03, (3, trunk.width)), np.array([0.1, 0.0, -0.2]))
    classes = '[["up", "positive"], ["down", "negative"], ["flat", "neutral"]]'
    metadata = {"classpulse.classes": classes, "classpulse.mean": "127.5", "classpulse.std": "127.5"}
    path = tmp_path / "own.onnx"
    path.write_bytes(trunk.with_layer(layer, metadata | {"note": "\N{GREEK SMALL LETTER ALPHA}" * 100}))
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    notes = {entry.key: entry.value for entry in model.metadata_props}
    assert notes["note"] == "\N{GREEK SMALL LETTER ALPHA}" * 100
    expected = np.exp(log_shares(trunk.activations(CROPS), layer))
    assert expected.std(axis=0).min() > 0.005
    np.testing.assert_allclose(OnnxClassifier(path).score(CROPS), expected, atol=1e-5)


def test_an_unknown_trunk_is_named() -> None:
    with pytest.raises(UsageError, match="unknown trunk 'third'; available: fer, second, both"):
        Trunk("third")


def test_a_file_is_written_as_it_was_read() -> None:
    assert message(fields_of(DATA)) == DATA
    assert with_metadata(DATA, {}) == DATA
    onnx.checker.check_model(onnx.load_from_string(with_metadata(DATA, {"note": "a"})))


@pytest.mark.parametrize("data", [b"\x0a\x05ab", b"\x80", b"\x09" + bytes(8)])
def test_what_is_no_message_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"too early|of fixed length"):
        fields_of(data)
