"""Networks from elsewhere: described by a file beside them, and refused where they are not safe to run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.errors import UsageError
from engine.faces import Class, Classes
from engine.settings import Settings
from engine.vision.custom.classifier import OnnxClassifier
from engine.vision.custom.onnx_file import fault_of
from engine.vision.custom.spec import read_spec
from engine.vision.scorers import describe_scorer
from tests.engine.classifier import softmax, write_classifier

SPEC = """
classes = ["neutral", "happy", "sad"]
polarity = { happy = "positive", sad = "negative" }
range = [-1, 1]
output = "logits"
"""


def spec(folder: Path, text: str = SPEC) -> Path:
    path = folder / "spec.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("batch", ["n", 1])
def test_a_network_without_metadata_scores_as_its_spec_says(tmp_path: Path, batch: str | int) -> None:
    path = write_classifier(
        tmp_path / "a.onnx", classes=None, softmax=False, shape=(batch, 1, 24, 24), weights=[[1.0, 2.0, -1.0]]
    )
    scorer = OnnxClassifier(path, spec=spec(tmp_path))
    members = (Class("neutral", "neutral"), Class("happy", "positive"), Class("sad", "negative"))
    assert scorer.classes == Classes(members)
    assert (scorer.crops.size, scorer.crops.colour) == (24, False)
    grey = np.stack([np.full((24, 24), value, np.uint8) for value in (0, 255, 102)])
    expected = [softmax(np.array([1, 2, -1]) * value) for value in (-1, 1, -0.2)]
    np.testing.assert_allclose(scorer.score(grey), expected, atol=1e-5)
    assert scorer.score(grey[:0]).shape == (0, 3)


def test_another_spec_is_another_scorer(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "a.onnx", classes=None, softmax=False)

    def fingerprint(text: str) -> dict[str, str]:
        text += 'colour = "rgb"'
        settings = Settings(scorer="onnx", scorer_model=str(path), scorer_spec=str(spec(tmp_path, text)))
        return describe_scorer(settings)[1]

    assert fingerprint(SPEC) == fingerprint(SPEC + "# as before\n")
    assert fingerprint(SPEC) != fingerprint(SPEC.replace("[-1, 1]", "[0, 1]"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("classes = [", "not a TOML file in UTF-8"),
        ("output = 'logits'", "it has no list of classes"),
        (SPEC + "colours = 'rgb'", "unknown key 'colours'; available: classes, polarity, colour"),
        (SPEC + "colour = 'red'", "colour is 'red'; expected grey, rgb, bgr"),
        (SPEC.replace("sad =", "glad ="), "polarity of an unknown class 'glad'; the classes are neutral, happy"),
        (SPEC.replace("[-1, 1]", "[1, 1]"), r"range is \[1, 1\]; expected two numbers"),
        (SPEC + "mean = 3", "both range and mean or std"),
    ],
)
def test_a_spec_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as raised:
        read_spec(spec(tmp_path, text))
    assert "spec.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_spec_that_contradicts_its_network_is_refused(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "a.onnx", classes=None, softmax=False)
    with pytest.raises(UsageError, match="its input has 3 channels, but its colour is said to be grey"):
        OnnxClassifier(path, spec=spec(tmp_path))
    path = write_classifier(tmp_path / "a.onnx", classes=None, shape=("n", 1, "h", "w"))
    with pytest.raises(UsageError, match="its input is 100000 px wide; possible are 16 to 512 px"):
        OnnxClassifier(path, spec=spec(tmp_path, SPEC + "size = 100000"))
    with pytest.raises(
        UsageError, match=r"the scorer fer has a network of its own; leave out --scorer-spec a\.toml"
    ):
        describe_scorer(Settings(scorer_spec="a.toml"))


def network(*nodes: onnx.NodeProto, tensor: onnx.TensorProto | None = None) -> bytes:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in "xy")
    graph = helper.make_graph(list(nodes), "a", [x], [y], [tensor] if tensor else [])
    return bytes(helper.make_model(graph).SerializeToString())


def test_only_one_file_of_known_operators_and_bounded_size_is_run(tmp_path: Path) -> None:
    plain = helper.make_node("Identity", ["x"], ["y"])
    assert fault_of(network(plain, tensor=numpy_helper.from_array(np.zeros(3, np.float32), "w"))) is None
    custom = helper.make_node("Run", ["x"], ["y"], domain="com.example")
    assert "the custom operator com.example.Run" in (fault_of(network(custom)) or "")
    body = helper.make_graph([custom], "b", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])])
    nested = helper.make_node("If", ["x"], ["y"], then_branch=body, else_branch=body)
    assert "the custom operator com.example.Run" in (fault_of(network(nested)) or "")

    huge = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2**20, 2**20])
    assert "its tensor w has 1048576x1048576 numbers" in (fault_of(network(plain, tensor=huge)) or "")
    constant = helper.make_node("Constant", [], ["w"], value=huge)
    assert "its tensor w has 1048576x1048576 numbers" in (fault_of(network(constant, plain)) or "")
    outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    outside.external_data.add(key="location", value="../../secret.bin")
    assert "its tensor w lies in another file" in (fault_of(network(plain, tensor=outside)) or "")
    assert "it has no graph" in (fault_of(b"") or "")
    assert "not an ONNX file" in (fault_of(b"\x89PNG\r\n\x1a\n") or "")

    path = tmp_path / "a.onnx"
    path.write_bytes(network(custom))
    with pytest.raises(UsageError, match=r"a\.onnx: not a scorer's network: it has the custom operator"):
        OnnxClassifier(path)
