"""Datatypes and bytes of tensors: one table for whoever reads or writes a body. Pure.

Sources: Open Inference Protocol v2, "Tensor Data Types", its messages of gRPC and its binary tensor
data extension;
TensorFlow Serving RESTful API, "Encoding binary values"; TensorFlow, types.proto.
"""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

TYPES = (
    ("BOOL", "bool", "DT_BOOL", "bool_contents"),
    ("INT8", "int8", "DT_INT8", "int_contents"),
    ("INT16", "int16", "DT_INT16", "int_contents"),
    ("INT32", "int32", "DT_INT32", "int_contents"),
    ("INT64", "int64", "DT_INT64", "int64_contents"),
    ("UINT8", "uint8", "DT_UINT8", "uint_contents"),
    ("UINT16", "uint16", "DT_UINT16", "uint_contents"),
    ("UINT32", "uint32", "DT_UINT32", "uint_contents"),
    ("UINT64", "uint64", "DT_UINT64", "uint64_contents"),
    ("FP16", "float16", "DT_HALF", ""),
    ("FP32", "float32", "DT_FLOAT", "fp32_contents"),
    ("FP64", "float64", "DT_DOUBLE", "fp64_contents"),
    ("BF16", "bfloat16", "DT_BFLOAT16", ""),
    ("BYTES", "string", "DT_STRING", "bytes_contents"),
)
"""Datatype of V2, name of the type, its name in TensorFlow's messages, and the field of gRPC's
`InferTensorContents` that holds its values; "" where they travel as bytes alone."""
DATATYPES = {name: datatype for datatype, name, _, _ in TYPES}
NAMES = {datatype: name for datatype, name, _, _ in TYPES}
TENSORFLOW_NAMES = {tensorflow: name for _, name, tensorflow, _ in TYPES}
CONTENTS = {datatype: field for datatype, _, _, field in TYPES}
BINARY_ONLY = frozenset(("FP16", "BF16"))
"""Datatypes that Triton and KServe have no JSON for."""
HALVES, OBJECTS = np.dtype("<u2"), np.dtype(object)
DTYPES: dict[str, np.dtype[Any]] = {
    datatype: {"BF16": HALVES, "BYTES": OBJECTS}.get(datatype) or np.dtype(name).newbyteorder("<")
    for datatype, name, _, _ in TYPES
}
"""How values lie in binary data: of BF16 the upper half of a float32; BYTES have no fixed size."""
LENGTH = struct.Struct("<I")
"""Stands before each value of BYTES."""


def datatype(dtype: np.dtype[Any]) -> str:
    """Return the datatype of a numpy type; of one that V2 does not have, its name in capitals."""
    return datatype_named("string" if dtype.kind == "O" else dtype.name)


def datatype_named(name: str) -> str:
    """Return the datatype of a type's name; of one that V2 does not have, that in capitals."""
    return DATATYPES.get(name, name.upper())


def cut_values(data: bytes) -> list[bytes]:
    """Return the values that lie in the binary data of BYTES.

    Raises:
        ValueError: the last one is cut off.
    """
    values, place = [], 0
    while place < len(data):
        start = place + LENGTH.size
        length = LENGTH.unpack_from(data, place)[0] if start <= len(data) else 0
        if start + length > len(data):
            raise ValueError(f"a value is cut off after byte {place}")
        values.append(data[start : start + length])
        place = start + length
    return values


def joined_values(values: Iterable[bytes]) -> bytes:
    """Return values as the binary data of BYTES."""
    return b"".join(LENGTH.pack(len(value)) + value for value in values)
