"""Draws small ONNX networks that classify images, as a user of `--scorer onnx` may bring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

THREE = [["attentive", "positive"], ["bored", "negative"], ["talking", "ignored"]]


def write_classifier(
    path: Path,
    *,
    classes: object = THREE,
    weights: Any = None,
    bias: Any = (0.0, 0.0, 0.0),
    shape: tuple[str | int, ...] = ("n", 3, 48, 48),
    dtype: int = TensorProto.FLOAT,
    softmax: bool = True,
    **metadata: str,
) -> Path:
    """A network of (n, k): the channels' means (c) times `weights` (c, k), plus `bias` (k), and a softmax.

    `classes` is written to the metadata as JSON, a string as it is, None not at all.
    """
    channels_first = shape[1] in (1, 3)
    channels = int(shape[1] if channels_first else shape[-1])
    bias = np.asarray(bias, np.float32)
    weights = np.zeros((channels, len(bias))) if weights is None else np.asarray(weights)
    axes = [2, 3] if channels_first else [1, 2]
    nodes = [
        helper.make_node("Cast", ["x"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["means"], axes=axes[: len(shape) - 2], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        helper.make_node("Softmax" if softmax else "Identity", ["logits"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("x", dtype, list(shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", len(bias)])],
        [numpy_helper.from_array(weights.astype(np.float32), "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    text = classes if isinstance(classes, str) or classes is None else json.dumps(classes)
    properties = metadata | ({} if text is None else {"classes": text})
    props = {f"classpulse.{name}": value for name, value in properties.items()}
    helper.set_model_props(model, {"author": "nobody", **props})
    save(model, str(path))
    return path


def softmax(logits: Any) -> np.ndarray[Any, Any]:
    """Of one row."""
    powers = np.exp(np.asarray(logits, np.float64))
    shares: np.ndarray[Any, Any] = powers / powers.sum()
    return shares
