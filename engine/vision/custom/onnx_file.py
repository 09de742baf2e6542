"""What an ONNX file holds, read without the package `onnx`, and whether it may be run: it is data from anywhere.

Numbers of fields: onnx.proto3 of ONNX 1.12. The encoding is that of Protocol Buffers
(protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

#: (number, value): an int, or the bytes of a text, a message or packed numbers.
Field = tuple[int, int | bytes]

#: Numbers in one tensor, and bytes of a file, beyond which it is no scorer's network.
MOST_NUMBERS, MOST_BYTES = 2**27, 2**29
#: Operators that ONNX itself defines.
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
_GRAPH = 7  # of ModelProto
_NODE, _INITIALIZER = 1, 5  # of GraphProto
_OP_TYPE, _ATTRIBUTE, _DOMAIN = 4, 5, 7  # of NodeProto
_OF_TENSOR, _OF_GRAPH, _OF_TENSORS, _OF_GRAPHS = 5, 6, 10, 11  # of AttributeProto
_DIMS, _TENSOR_NAME, _LOCATION = 1, 8, 14  # of TensorProto
_EXTERNAL = 1


def fields_of(data: bytes) -> list[Field]:
    """The fields of a message of numbers and bytes, in their order. Raises ValueError for what is not one."""
    fields: list[Field] = []
    for number, kind, value in _skim(data):
        if kind not in (0, 2):
            raise ValueError("a number of fixed length, which only attributes of nodes have")
        fields.append((number, value))
    return fields


def message(fields: Iterable[Field]) -> bytes:
    """The bytes of a message with these fields."""
    return b"".join(
        _encoded(number << 3) + _encoded(value)
        if isinstance(value, int)
        else _encoded(number << 3 | 2) + _encoded(len(value)) + value
        for number, value in fields
    )


def fault_of(data: bytes) -> str | None:
    """Why the ONNX file `data` is not to be run, or None.

    It must be one file, of ONNX's own operators, of tensors of bounded size.
    """
    try:
        graphs = [value for number, _, value in _skim(data) if number == _GRAPH]
        if not graphs:
            return "it has no graph"
        return next(_faults(_bytes(graphs[-1])), None)
    except ValueError as error:
        return f"it is not an ONNX file: {error}"


def _faults(graph: bytes) -> Iterator[str]:
    for number, _, value in _skim(graph):
        if number == _NODE:
            yield from _faults_of_node(_bytes(value))
        elif number == _INITIALIZER:
            yield from _faults_of_tensor(_bytes(value))


def _faults_of_node(node: bytes) -> Iterator[str]:
    op, domain, attributes = "", "", list[bytes]()
    for number, _, value in _skim(node):
        if number == _OP_TYPE:
            op = _text(value)
        elif number == _DOMAIN:
            domain = _text(value)
        elif number == _ATTRIBUTE:
            attributes.append(_bytes(value))
    if domain not in _DOMAINS:
        yield f"it has the custom operator {domain[:40]}.{op[:40]}; export it with ONNX's own operators alone"
    for attribute in attributes:
        for number, kind, value in _skim(attribute):
            if number in (_OF_GRAPH, _OF_GRAPHS) and kind == 2:
                yield from _faults(_bytes(value))
            elif number in (_OF_TENSOR, _OF_TENSORS) and kind == 2:
                yield from _faults_of_tensor(_bytes(value))


def _faults_of_tensor(tensor: bytes) -> Iterator[str]:
    name, dims, external = "", list[int](), False
    for number, _, value in _skim(tensor):
        if number == _TENSOR_NAME:
            name = _text(value)[:40]
        elif number == _DIMS:
            dims += [value] if isinstance(value, int) else _packed(value)
        elif number == _LOCATION:
            external = value == _EXTERNAL
    if external:
        yield f"its tensor {name} lies in another file; save it as one file, without external data"
    if math.prod(dims) > MOST_NUMBERS:
        yield f"its tensor {name} has {'x'.join(map(str, dims))} numbers; at most {MOST_NUMBERS} are possible"


def _skim(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of each field."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(data, at)
        elif kind in (1, 2, 5):
            length, at = _varint(data, at) if kind == 2 else (8 if kind == 1 else 4, at)
            value, at = data[at : at + length], at + length
        else:
            raise ValueError(f"wire type {kind} is not used by ONNX")
        if at > len(data):
            raise ValueError("the message ends too early")
        yield key >> 3, kind, value


def _packed(data: bytes) -> list[int]:
    numbers, at = list[int](), 0
    while at < len(data):
        number, at = _varint(data, at)
        numbers.append(number)
    return numbers


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where ONNX has a text or a message")
    return value


def _text(value: int | bytes) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            raise ValueError("the message ends too early")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if not byte & 128:
            return value, at
    raise ValueError("a number of more than 64 bits")


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
