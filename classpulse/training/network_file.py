"""Reads and writes the graph of an ONNX file, without the package `onnx`: the encoding is Protocol Buffers'.

Numbers of fields: onnx.proto3 of ONNX 1.12.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.vision.custom.onnx_file import Field, fields_of, message

Floats = npt.NDArray[np.float32]

_GRAPH, _METADATA = 7, 14  # of ModelProto
_NODE, _INITIALIZER, _OUTPUT = 1, 5, 12  # of GraphProto
_INPUTS, _OUTPUTS, _NODE_NAME, _OP_TYPE, _ATTRIBUTE = 1, 2, 3, 4, 5  # of NodeProto
_DIMS, _DATA_TYPE, _TENSOR_NAME, _RAW_DATA = 1, 2, 8, 9  # of TensorProto
_FLOAT = 1


@dataclass(frozen=True)
class Node:
    """An operation: the names of what it takes and gives, and its attributes as they are encoded."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Graph:
    """The operations of a network in order, and the tensors (encoded, by name) that they read beside its input."""

    nodes: list[Node]
    tensors: dict[str, bytes]

    def prefixed(self, prefix: str, kept: Collection[str] = ()) -> Graph:
        """The same with other names for all but the `kept`, so that two graphs can be one."""

        def renamed(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(name if name in kept or not name else prefix + name for name in names)

        nodes = [replace(node, inputs=renamed(node.inputs), outputs=renamed(node.outputs)) for node in self.nodes]
        return Graph(nodes, {prefix + name: tensor for name, tensor in self.tensors.items()})

    def up_to(self, outputs: Collection[str]) -> Graph:
        """What the `outputs` depend on alone."""
        needed, nodes = set(outputs), list[Node]()
        for node in reversed(self.nodes):
            if needed & set(node.outputs):
                needed.update(node.inputs)
                nodes.insert(0, node)
        return Graph(nodes, {name: tensor for name, tensor in self.tensors.items() if name in needed})


def read_graph(data: bytes) -> Graph:
    """The graph of the ONNX file `data`."""
    nodes, tensors = list[Node](), dict[str, bytes]()
    for number, value in fields_of(_graph(data)):
        if number == _NODE:
            fields = fields_of(_bytes(value))
            inputs, outputs = (_texts(fields, number) for number in (_INPUTS, _OUTPUTS))
            attributes = tuple(_bytes(each) for each in _all(fields, _ATTRIBUTE))
            nodes.append(Node(_texts(fields, _OP_TYPE)[0], inputs, outputs, attributes))
        elif number == _INITIALIZER:
            encoded = _bytes(value)
            tensors[_texts(fields_of(encoded), _TENSOR_NAME)[0]] = encoded
    return Graph(nodes, tensors)


def with_graph(data: bytes, graph: Graph, output: str, classes: int) -> bytes:
    """The ONNX file `data` with another `graph` over its input, and the one output (n, `classes`)."""
    fields: list[Field] = [
        (_NODE, message(_node_fields(node, f"{node.op}_{place}"))) for place, node in enumerate(graph.nodes)
    ]
    fields += [
        (_INITIALIZER, message([*_without(fields_of(tensor), _TENSOR_NAME), (_TENSOR_NAME, name.encode())]))
        for name, tensor in graph.tensors.items()
    ]
    old = fields_of(_graph(data))
    fields += [(number, value) for number, value in old if number not in (_NODE, _INITIALIZER, _OUTPUT)]
    fields.append((_OUTPUT, _value_info(output, ("n", classes))))
    written = message(fields)
    return message((number, written if number == _GRAPH else value) for number, value in fields_of(data))


def tensor(array: Floats) -> bytes:
    """An array as `Graph.tensors` has it."""
    dims: list[Field] = [(_DIMS, length) for length in array.shape]
    raw = np.ascontiguousarray(array, "<f4").tobytes()
    return message([*dims, (_DATA_TYPE, _FLOAT), (_RAW_DATA, raw)])


def with_metadata(data: bytes, properties: Mapping[str, str]) -> bytes:
    """The network with these `metadata_props`, beside those that it has."""
    entries: list[Field] = [
        (_METADATA, message([(1, name.encode()), (2, value.encode())])) for name, value in properties.items()
    ]
    return message([*fields_of(data), *entries])


def _graph(data: bytes) -> bytes:
    return _bytes(next(_all(fields_of(data), _GRAPH)))


def _node_fields(node: Node, name: str) -> Iterator[Field]:
    yield from ((_INPUTS, each.encode()) for each in node.inputs)
    yield from ((_OUTPUTS, each.encode()) for each in node.outputs)
    yield from ((_NODE_NAME, name.encode()), (_OP_TYPE, node.op.encode()))
    yield from ((_ATTRIBUTE, each) for each in node.attributes)


def _value_info(name: str, shape: tuple[str | int, ...]) -> bytes:
    dims: list[Field] = [
        (1, message([(1, size) if isinstance(size, int) else (2, size.encode())])) for size in shape
    ]
    tensor = message([(1, _FLOAT), (2, message(dims))])
    return message([(1, name.encode()), (2, message([(1, tensor)]))])


def _texts(fields: Iterable[Field], number: int) -> tuple[str, ...]:
    return tuple(_bytes(value).decode() for value in _all(fields, number))


def _without(fields: Iterable[Field], number: int) -> Iterator[Field]:
    return (field for field in fields if field[0] != number)


def _all(fields: Iterable[Field], number: int) -> Iterator[int | bytes]:
    return (value for own, value in fields if own == number)


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where ONNX has a text or a message")
    return value
