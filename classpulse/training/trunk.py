"""Expression networks without their last layers: what they make of faces, and a network with another last layer.

The last layer of FER's network is linear over 1,152 activations (`engine.vision.models.layers.shifted_means`), that
of the second network over 256. Over both, the logits of both are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from classpulse.training.layer import Layer
from classpulse.training.network_file import Graph, Node, read_graph, tensor, with_graph, with_metadata
from engine.errors import UsageError
from engine.vision.expression import CROP_SIZE, normalised
from engine.vision.models.layers import ACTIVATIONS, MAPS, WINDOW, shifted_means
from engine.vision.moods.fusion import SECOND_SIDE
from engine.vision.networks import MODELS, Network
from engine.vision.scorers import Crops

TrunkName = Literal["fer", "second", "both"]
#: The committed networks of each trunk, in the order of their activations, and how many each has.
NETWORKS: dict[TrunkName, tuple[str, ...]] = {"fer": ("fer",), "second": ("faceapi",), "both": ("fer", "faceapi")}
WIDTHS = {"fer": ACTIVATIONS, "faceapi": 256}
#: Grey levels of 1 in FER's input.
HALF = 127.5
#: Faces that go through FER's network at once, and through the second: more of them cost memory and gain no time.
_BATCH, _SECOND_BATCH = 64, 16

Floats = npt.NDArray[np.float32]


class Trunk:
    """FER's network up to its last layer, the second one, or both. Raises UsageError for another name."""

    def __init__(self, name: str = "fer") -> None:
        known = next((trunk for trunk in get_args(TrunkName) if trunk == name), None)
        if known is None:
            raise UsageError(f"unknown trunk {name!r}; available: {', '.join(get_args(TrunkName))}")
        self.name: TrunkName = known
        self.networks = NETWORKS[known]
        self.width = sum(WIDTHS[network] for network in self.networks)
        self._fer = Network("fer", block=_BATCH, trunk=True) if "fer" in self.networks else None
        self._second = Network("faceapi", block=_SECOND_BATCH) if "faceapi" in self.networks else None

    def activations(self, crops: Crops, cues: Floats | None = None) -> Floats:
        """(n, width) of crops (n, 64, 64) of faces, as `engine.vision.expression.crop_faces` makes them.

        `cues` (n, c) are columns after them.
        """
        activations = np.empty((len(crops), self.width + (0 if cues is None else cues.shape[1])), np.float32)
        if cues is not None:
            activations[:, self.width :] = cues
        for start in range(0, len(crops), _BATCH):
            batch = slice(start, start + _BATCH)
            x = normalised(crops[batch])[:, None]
            if self._fer:
                activations[batch, :ACTIVATIONS] = shifted_means(self._fer(x)[-1])
            if self._second:
                activations[batch, self.width - WIDTHS["faceapi"] : self.width] = self._second(enlarged(x))[1]
        return activations

    def with_layer(self, layer: Layer, properties: Mapping[str, str], *, logits: bool = False) -> bytes:
        """The ONNX file of the network with this last layer (k, width) over the activations, and these metadata.

        It takes float32 (n, 1, 64, 64) as `normalised` makes it, and gives `scores` (n, k): shares, or `logits`.
        """
        classes = len(layer.bias)
        nodes, tensors, sums = list[Node](), dict[str, bytes](), list[str]()
        weights, bias = layer.weights.astype(np.float32), layer.bias.astype(np.float32)
        for network in self.networks:
            own, weights = weights[:, : WIDTHS[network]], weights[:, WIDTHS[network] :]
            graph, output = _with_last(network, own, bias)
            bias = np.zeros_like(bias)
            nodes += graph.nodes
            tensors |= graph.tensors
            sums.append(output)
        if len(sums) > 1:
            nodes.append(Node("Add", tuple(sums), ("sums",)))
        last = "Identity" if logits else "Softmax"
        nodes.append(Node(last, ("sums" if len(sums) > 1 else sums[0],), ("scores",)))
        data = (MODELS / "fer.onnx").read_bytes()
        return with_metadata(with_graph(data, Graph(nodes, tensors), "scores", classes), properties)


def _with_last(network: str, weights: Floats, bias: Floats) -> tuple[Graph, str]:
    """The graph of a committed network over FER's input, with another last layer; and the name of its logits."""
    graph = read_graph((MODELS / f"{network}.onnx").read_bytes())
    if network == "fer":
        convolution = [node for node in graph.nodes if node.op == "Conv"][-1]
        logits = next(node.inputs[0] for node in graph.nodes if node.op == "Softmax")
        changed = weights.reshape(-1, MAPS, WINDOW, WINDOW), bias
        tensors = dict(zip(convolution.inputs[1:], map(tensor, changed), strict=True))
        return Graph(graph.nodes, graph.tensors | tensors).up_to([logits]), logits
    second = graph.up_to(["activations"]).prefixed("second_")
    enlarging = _enlarge()
    tensors = {
        "rows": tensor(enlarging),
        "columns": tensor(np.ascontiguousarray(enlarging.T)),
        "half": tensor(np.array(HALF, np.float32)),
        "black": tensor(np.array(0, np.float32)),
        "white": tensor(np.array(2 * HALF, np.float32)),
        "second_layer": tensor(np.ascontiguousarray(weights.T)),
        "second_bias": tensor(bias),
    }
    nodes = [
        Node("MatMul", ("rows", "image"), ("taller",)),
        Node("MatMul", ("taller", "columns"), ("larger",)),
        Node("Mul", ("larger", "half"), ("scaled",)),
        Node("Add", ("scaled", "half"), ("unbounded",)),
        Node("Clip", ("unbounded", "black", "white"), ("second_grey",)),
        *second.nodes,
        Node("MatMul", ("second_activations", "second_layer"), ("second_sums",)),
        Node("Add", ("second_sums", "second_bias"), ("second_logits",)),
    ]
    return Graph(nodes, second.tensors | tensors), "second_logits"


def enlarged(x: Floats) -> Floats:
    """The second network's input (n, 1, 112, 112), grey levels, of FER's (n, 1, 64, 64): as the file does it."""
    rows = _enlarge()
    return np.clip((rows @ x @ rows.T) * np.float32(HALF) + np.float32(HALF), 0, 2 * HALF).astype(np.float32)


def _enlarge() -> Floats:
    """(112, 64) what each row of a crop adds to each row of the enlarged one: cubic interpolation is linear."""
    identity: Any = np.eye(CROP_SIZE, dtype=np.float32)
    enlarged: Floats = cv2.resize(identity, (CROP_SIZE, SECOND_SIDE), interpolation=cv2.INTER_CUBIC)
    return enlarged
