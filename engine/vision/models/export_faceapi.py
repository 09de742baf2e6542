"""Turn the expression network inside the npm package @vladmandic/face-api into faceapi.onnx, the same bytes always.

Usage (`make fit` does it): `python -m engine.vision.models.export_faceapi MODEL [FOLDER]`, MODEL being the folder
`model` of the unpacked package, version 1.7.15. Without FOLDER, in place of the committed one.

It takes grey faces (n, 1, 112, 112), 0 to 255, and gives `scores` (n, 7) in the order of the package (neutral,
happy, sad, angry, fear, disgust, surprise) and the `activations` (n, 256) under them. Weights stay in 8 bits,
with a scale and a minimum for each array, as the package has them. Three equal channels of a grey face are one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, checker, helper, numpy_helper

from engine.vision.models.manifest import commit

NAME = "face_expression_model"
#: Which the network subtracts from red, green and blue.
MEAN = np.array([122.782, 117.001, 104.298], np.float32)
#: Side of the faces that it takes, px.
SIDE = 112
ENTRY = {
    "origin": "the weights inside @vladmandic/face-api 1.7.15 (npm), https://github.com/vladmandic/face-api",
    "licence": "MIT, Copyright (c) Vladimir Mandic",
}


class Weights(NamedTuple):
    """An array as the package stores it: values * scale + minimum."""

    values: npt.NDArray[Any]
    scale: float
    minimum: float


def read_weights(folder: Path) -> dict[str, Weights]:
    """The arrays of the network in the package's `folder`, by name. Raises ValueError for another length."""
    data, place = (folder / f"{NAME}.bin").read_bytes(), 0
    arrays = {}
    for group in json.loads((folder / f"{NAME}-weights_manifest.json").read_text("utf-8")):
        for entry in group["weights"]:
            stored = entry.get("quantization", {"dtype": entry["dtype"], "scale": 1, "min": 0})
            values = np.frombuffer(data, stored["dtype"], int(np.prod(entry["shape"])), place)
            place += values.nbytes
            arrays[entry["name"]] = Weights(values.reshape(entry["shape"]), stored["scale"], stored["min"])
    if place != len(data):
        raise ValueError(f"{folder / NAME}.bin has {len(data)} bytes, its manifest names {place}")
    return arrays


class _Graph:
    """Nodes from the input to the outputs."""

    def __init__(self, weights: dict[str, Weights]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Apply one operator, and name its output."""
        output = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def constant(self, values: npt.NDArray[Any]) -> str:
        """Store an array."""
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, name: str, *axes: int) -> str:
        """An array of the package, transposed to `axes`, as float32."""
        values, scale, minimum = self.weights[name]
        stored = self.constant(values.transpose(axes) if axes else values)
        if values.dtype == np.float32:
            return stored
        as_float = self.node("Cast", stored, to=TensorProto.FLOAT)
        scaled = self.node("Mul", as_float, self.constant(np.array(scale, np.float32)))
        return self.node("Add", scaled, self.constant(np.array(minimum, np.float32)))

    def convolve(self, x: str, stride: int, *weights: str, size: int = 1, group: int = 1) -> str:
        """Convolve as TensorFlow's SAME does on even sides."""
        pads = [0] * 4 if size == 1 else [1, 1, 1, 1] if stride == 1 else [0, 0, 1, 1]
        return self.node("Conv", x, *weights, strides=[stride, stride], pads=pads, group=group)

    def separable(self, x: str, name: str, stride: int = 1) -> str:
        """Each channel by itself, then all together."""
        group = self.weights[f"{name}/depthwise_filter"].values.shape[2]
        x = self.convolve(x, stride, self.weight(f"{name}/depthwise_filter", 2, 3, 0, 1), size=3, group=group)
        return self.convolve(x, 1, self.weight(f"{name}/pointwise_filter", 3, 2, 0, 1), self.weight(f"{name}/bias"))

    def block(self, name: str, first: str) -> str:
        """A dense block: each layer takes the sum of those before it."""
        total = first
        layer = self.separable(first, f"{name}/conv1")
        for number in (2, 3):
            total = self.node("Add", total, layer)
            layer = self.separable(self.node("Relu", total), f"{name}/conv{number}")
        return self.node("Relu", self.node("Add", total, layer))


def expression(weights: dict[str, Weights]) -> onnx.ModelProto:
    """The network of the package's `weights`."""
    graph = _Graph(weights)
    colours = graph.node("Concat", "grey", "grey", "grey", axis=1)
    centred = graph.node("Sub", colours, graph.constant(MEAN[None, :, None, None]))
    x = graph.node("Div", centred, graph.constant(np.array(255, np.float32)))
    filters, bias = graph.weight("dense0/conv0/filters", 3, 2, 0, 1), graph.weight("dense0/conv0/bias")
    x = graph.block("dense0", graph.node("Relu", graph.convolve(x, 2, filters, bias, size=3)))
    for number in (1, 2, 3):
        name = f"dense{number}"
        x = graph.block(name, graph.node("Relu", graph.separable(x, f"{name}/conv0", 2)))
    graph.nodes.append(helper.make_node("ReduceMean", [x], ["activations"], axes=[2, 3], keepdims=0))
    products = graph.node("MatMul", "activations", graph.weight("fc/weights"))
    graph.nodes.append(
        helper.make_node("Softmax", [graph.node("Add", products, graph.weight("fc/bias"))], ["scores"], axis=1)
    )
    described = helper.make_graph(
        graph.nodes,
        "faceapi",
        [helper.make_tensor_value_info("grey", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 7]),
            helper.make_tensor_value_info("activations", TensorProto.FLOAT, ["n", 256]),
        ],
        graph.constants,
    )
    model = helper.make_model(described, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    to = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent
    model = expression(read_weights(Path(sys.argv[1])))
    commit("faceapi", model.SerializeToString(deterministic=True), ENTRY, to)
