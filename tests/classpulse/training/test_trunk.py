"""FER's trunk: its activations are all that its last layer reads, and files with another layer are sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from classpulse.training.layer import Layer, log_shares
from classpulse.training.network_file import fields_of, last_convolution, message, with_metadata
from classpulse.training.trunk import Trunk
from engine.vision.classifier import OnnxClassifier
from engine.vision.expression import FerScorer
from engine.vision.models.layers import ACTIVATIONS
from engine.vision.networks import MODELS

DATA = (MODELS / "fer.onnx").read_bytes()
CROPS = np.random.default_rng(3).integers(0, 256, (70, 64, 64), np.uint8)


def own_layer() -> Layer:
    """The last layer of FER's network as onnx reads it."""
    tensors = {each.name: numpy_helper.to_array(each) for each in onnx.load_from_string(DATA).graph.initializer}
    weights, bias = (tensors.get(name) for name in last_convolution(DATA))
    assert weights is not None
    assert bias is not None
    return Layer(weights.reshape(7, ACTIVATIONS).astype(np.float64), bias.astype(np.float64))


def test_one_linear_layer_over_the_activations_is_the_network() -> None:
    activations = Trunk().activations(CROPS)
    assert activations.shape == (70, 1152)
    np.testing.assert_allclose(np.exp(log_shares(activations, own_layer())), FerScorer().score(CROPS), atol=1e-5)


def test_a_network_with_another_layer_scores_as_that_layer_does(tmp_path: Path) -> None:
    layer = Layer(own_layer().weights[[3, 0, 6]], np.array([0.1, 0.0, -0.2]))
    classes = '[["up", "positive"], ["down", "negative"], ["flat", "neutral"]]'
    metadata = {"classpulse.classes": classes, "classpulse.mean": "127.5", "classpulse.std": "127.5"}
    path = tmp_path / "own.onnx"
    path.write_bytes(Trunk().with_layer(layer, metadata | {"note": "\N{GREEK SMALL LETTER ALPHA}" * 100}))
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    assert {entry.key: entry.value for entry in model.metadata_props}[
        "note"
    ] == "\N{GREEK SMALL LETTER ALPHA}" * 100
    expected = np.exp(log_shares(Trunk().activations(CROPS), layer))
    np.testing.assert_allclose(OnnxClassifier(path).score(CROPS), expected, atol=1e-5)


def test_a_file_is_written_as_it_was_read() -> None:
    assert message(fields_of(DATA)) == DATA
    assert with_metadata(DATA, {}) == DATA
    onnx.checker.check_model(onnx.load_from_string(with_metadata(DATA, {"note": "a"})))


@pytest.mark.parametrize("data", [b"\x0a\x05ab", b"\x80", b"\x09" + bytes(8)])
def test_what_is_no_message_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"too early|is not used"):
        fields_of(data)
