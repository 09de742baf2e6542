"""Rewrites the last layer of an ONNX file, without the package `onnx`: the encoding is Protocol Buffers'.

Numbers of fields: onnx.proto3 of ONNX 1.12. The encoding: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
#: (number, value): an int, or the bytes of a text, a message or packed numbers.
Field = tuple[int, int | bytes]

_GRAPH, _METADATA = 7, 14  # of ModelProto
_NODE, _INITIALIZER, _OUTPUT = 1, 5, 12  # of GraphProto
_INPUTS, _OP_TYPE = 1, 4  # of NodeProto
_DIMS, _DATA_TYPE, _TENSOR_NAME, _RAW_DATA = 1, 2, 8, 9  # of TensorProto
_FLOAT = 1


def fields_of(data: bytes) -> list[Field]:
    """The fields of a message, in their order. Raises ValueError for what is not one."""
    fields: list[Field] = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value: int | bytes
            value, at = _varint(data, at)
        elif kind == 2:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        elif kind == 5:
            raise ValueError("a number of 32 bits, which only attributes of nodes have")
        else:
            raise ValueError(f"wire type {kind} is not used by ONNX here")
        fields.append((key >> 3, value))
    if at > len(data):
        raise ValueError("the message ends too early")
    return fields


def message(fields: Iterable[Field]) -> bytes:
    """The bytes of a message with these fields."""
    return b"".join(
        _encoded(number << 3) + _encoded(value)
        if isinstance(value, int)
        else _encoded(number << 3 | 2) + _encoded(len(value)) + value
        for number, value in fields
    )


def last_convolution(data: bytes) -> tuple[str, str]:
    """The names of the weights and the bias of the last convolution of the ONNX file `data`."""
    nodes = [fields_of(_bytes(value)) for value in _all(fields_of(_graph(data)), _NODE)]
    convolution = [node for node in nodes if _bytes(next(_all(node, _OP_TYPE))) == b"Conv"][-1]
    _, weights, bias = (_bytes(value).decode() for value in _all(convolution, _INPUTS))
    return weights, bias


def with_tensors(data: bytes, tensors: Mapping[str, Floats], classes: int) -> bytes:
    """The network with other weights under the names of `tensors`, whose output (n, `classes`) has its old name."""
    graph: list[Field] = []
    for number, value in fields_of(_graph(data)):
        if number == _INITIALIZER:
            name = _bytes(next(_all(fields_of(_bytes(value)), _TENSOR_NAME))).decode()
            value = _tensor(name, tensors[name]) if name in tensors else value
        if number == _OUTPUT:
            name = _bytes(next(_all(fields_of(_bytes(value)), 1))).decode()
            value = _value_info(name, ("n", classes))
        graph.append((number, value))
    return _with_graph(data, graph)


def with_metadata(data: bytes, properties: Mapping[str, str]) -> bytes:
    """The network with these `metadata_props`, beside those that it has."""
    entries: list[Field] = [
        (_METADATA, message([(1, name.encode()), (2, value.encode())])) for name, value in properties.items()
    ]
    return message([*fields_of(data), *entries])


def _with_graph(data: bytes, graph: Iterable[Field]) -> bytes:
    written = message(graph)
    return message((number, written if number == _GRAPH else value) for number, value in fields_of(data))


def _graph(data: bytes) -> bytes:
    return _bytes(next(_all(fields_of(data), _GRAPH)))


def _tensor(name: str, array: Floats) -> bytes:
    dims: list[Field] = [(_DIMS, length) for length in array.shape]
    raw = np.ascontiguousarray(array, "<f4").tobytes()
    return message([*dims, (_DATA_TYPE, _FLOAT), (_TENSOR_NAME, name.encode()), (_RAW_DATA, raw)])


def _value_info(name: str, shape: tuple[str | int, ...]) -> bytes:
    dims: list[Field] = [
        (1, message([(1, size) if isinstance(size, int) else (2, size.encode())])) for size in shape
    ]
    tensor = message([(1, _FLOAT), (2, message(dims))])
    return message([(1, name.encode()), (2, message([(1, tensor)]))])


def _all(fields: Iterable[Field], number: int) -> Iterator[int | bytes]:
    return (value for own, value in fields if own == number)


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where ONNX has a text or a message")
    return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("the message ends too early")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if not byte & 128:
            return value, at


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
