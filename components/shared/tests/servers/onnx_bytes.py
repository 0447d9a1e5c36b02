"""Models as the bytes of an ONNX file, without the package of that name.

That package does not import beside the NumPy types of TensorFlow 2.16. Source: onnx.proto.
"""

import struct
from collections.abc import Sequence

FLOAT, INT64 = 1, 7
INTEGER_ATTRIBUTE = 2


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


def _value(number: int, name: str, width: int, kind: int = FLOAT, rows: int = 0) -> bytes:
    dims = _field(1, _field(1, rows) if rows else _field(2, "rows")) + _field(1, _field(1, width))
    tensor = _field(1, kind) + _field(2, dims)
    return _field(number, _field(1, name) + _field(2, _field(1, tensor)))


def _node(operator: str, inputs: Sequence[str], output: str, **attributes: int) -> bytes:
    names = b"".join(_field(1, name) for name in inputs)
    numbers = b"".join(
        _field(5, _field(1, name) + _field(3, value) + _field(20, INTEGER_ATTRIBUTE))
        for name, value in attributes.items()
    )
    return _field(1, names + _field(2, output) + _field(4, operator) + numbers)


def _model(graph: bytes) -> bytes:
    return _field(1, 8) + _field(8, _field(2, 17)) + _field(7, graph)


def labelled() -> bytes:
    """Return a model of "amount", float32 (rows, 1), and "count", int64 (rows, 1).

    It gives "label", int64 (rows, 1), which is the count, and "total", float32 (rows, 1).
    """
    graph = b"".join(
        [
            _node("Identity", ["count"], "label"),
            _node("Cast", ["count"], "number", to=FLOAT),
            _node("Add", ["amount", "number"], "total"),
            _field(2, "labelled"),
            _value(11, "count", 1, INT64),
            _value(11, "amount", 1),
            _value(12, "label", 1, INT64),
            _value(12, "total", 1),
        ]
    )
    return _model(graph)


def logistic(weights: Sequence[float], bias: float, rows: int = 0) -> bytes:
    """Return a model of "X", float32 (rows, features), to "score", float32 (rows, 1).

    Args:
        weights: one a feature.
        bias: added to their sum.
        rows: how many it takes; 0 for any number.
    """
    graph = b"".join(
        [
            _node("Gemm", ["X", "w", "b"], "z"),
            _node("Sigmoid", ["z"], "score"),
            _field(2, "logistic"),
            _weights("w", (len(weights), 1), weights),
            _weights("b", (1,), [bias]),
            _value(11, "X", len(weights), rows=rows),
            _value(12, "score", 1, rows=rows),
        ]
    )
    return _model(graph)
