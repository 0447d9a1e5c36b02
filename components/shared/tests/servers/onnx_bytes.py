"""A logistic model as the bytes of an ONNX file, without the package of that name.

That package does not import beside the NumPy types of TensorFlow 2.16. Source: onnx.proto.
"""

import struct
from collections.abc import Sequence

FLOAT = 1


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _weights(name: str, sizes: Sequence[int], values: Sequence[float]) -> bytes:
    dims = b"".join(_field(1, size) for size in sizes)
    raw = struct.pack(f"<{len(values)}f", *values)
    return _field(5, dims + _field(2, FLOAT) + _field(8, name) + _field(9, raw))


def _value(number: int, name: str, width: int) -> bytes:
    dims = _field(1, _field(2, "rows")) + _field(1, _field(1, width))
    tensor = _field(1, FLOAT) + _field(2, dims)
    return _field(number, _field(1, name) + _field(2, _field(1, tensor)))


def _node(operator: str, inputs: Sequence[str], output: str) -> bytes:
    names = b"".join(_field(1, name) for name in inputs)
    return _field(1, names + _field(2, output) + _field(4, operator))


def logistic(weights: Sequence[float], bias: float) -> bytes:
    """Return a model of "X", float32 (rows, features), to "score", float32 (rows, 1)."""
    graph = b"".join(
        [
            _node("Gemm", ["X", "w", "b"], "z"),
            _node("Sigmoid", ["z"], "score"),
            _field(2, "logistic"),
            _weights("w", (len(weights), 1), weights),
            _weights("b", (1,), [bias]),
            _value(11, "X", len(weights)),
            _value(12, "score", 1),
        ]
    )
    return _field(1, 8) + _field(8, _field(2, 17)) + _field(7, graph)
