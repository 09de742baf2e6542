"""Puts the convolutions of a network into 8 bits when it is loaded, from the weights that are there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

#: How many values there are in 8 bits, and the largest where they have a sign.
VALUES, MOST = 256, 127


def to_8_bits(model: Any, largest: Sequence[float]) -> None:
    """Change `model`, of OpenVINO, in place: its convolutions take, and weigh with, whole numbers of 8 bits.

    The first convolution's input is pixels, such numbers already. `largest` has, for each of the others, the
    largest value of either sign that its input is to tell apart: twice as large a range is half as fine. Weights
    have a range for every channel that they give. What lies between the convolutions is computed as before.

    Only right on processors with VNNI, which those with bf16 have: older ones saturate. Raises ValueError
    where `largest` has not one for each.
    """
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    if len(largest) != len(convolutions) - 1:
        raise ValueError(
            f"{len(largest)} largest inputs for {len(convolutions)} convolutions; all but the first need one"
        )
    ranges = [(0.0, VALUES - 1.0), *((-most * (MOST + 1) / MOST, most) for most in largest)]
    for node, (low, high) in zip(convolutions, ranges, strict=True):
        # Before pooling, so that it, too, is in 8 bits: the largest of rounded values is the largest rounded.
        taker = node.input(0)
        while taker.get_source_output().get_node().get_type_name() == "MaxPool":
            taker = taker.get_source_output().get_node().input(0)
        taker.replace_source_output(_rounded(taker.get_source_output(), low, high))
        weights = node.input(1)
        weights.replace_source_output(_rounded_weights(weights.get_source_output().get_node().data))


def _rounded(output: Any, low: float, high: float) -> Any:
    ops = import_module("openvino.opset13")
    low_end, high_end = (ops.constant(np.float32(end)) for end in (low, high))
    return ops.fake_quantize(output, low_end, high_end, low_end, high_end, VALUES).output(0)


def _rounded_weights(weights: Any) -> Any:
    """The kernel (out, in, height, width) as whole numbers of 8 bits times a scale for each channel."""
    ops = import_module("openvino.opset13")
    scales = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / np.float32(MOST)
    integers = ops.constant(np.rint(weights / scales).astype(np.int8))
    return ops.multiply(ops.convert(integers, np.float32), ops.constant(scales)).output(0)
