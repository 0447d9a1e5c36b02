"""One tensor of the Open Inference Protocol v2, from JSON or binary data. Pure.

Source: Open Inference Protocol v2, tensor data types; KServe's binary tensor data extension;
MLServer, "Content Types (and Codecs)", for base64.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from kanaria.components.shared.data.decimals import shortest
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.protocol.base64_values import bytes_of_base64
from kanaria.serving.protocol.json_columns import Array, column, squeezed
from kanaria.serving.protocol.tensors import DTYPES, cut_values

OF_NUMBERS = {int, float, bool, type(None)}


class TensorError(DataError):
    """A tensor contradicts itself; it is named."""


def read_tensor(tensor: Mapping[str, Any], binary: bytes) -> tuple[Array, bytes]:
    """Return a tensor and the binary data that follows its own.

    Args:
        tensor: its name, datatype, shape, and data or parameters.binary_data_size.
        binary: what follows the JSON part of the body, from this tensor's data on.

    Returns:
        An array whose first axis is the batch: a tensor without axes is one row, further axes of
        one are dropped. BYTES are str where they are UTF-8, else bytes; BF16 is the decimals that
        its values stand for.

    Raises:
        TensorError: type, shape and data do not fit each other.
    """
    name, datatype, shape = tensor["name"], tensor["datatype"], tensor["shape"]
    if not isinstance(datatype, str) or datatype not in DTYPES:
        raise TensorError(f"{shown(name)}: datatype {shown(datatype)}; use one of {list(DTYPES)}")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise TensorError(f"{shown(name)}: shape {shown(shape)} is no list of sizes")
    parameters = tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if "data" in tensor:
        flat = _from_json(name, datatype, tensor["data"])
    elif type(size) is int and 0 <= size <= len(binary):
        flat, binary = _from_binary(name, datatype, binary[:size]), binary[size:]
    else:
        has = f"binary_data_size {shown(size)} of {len(binary)} bytes"
        raise TensorError(f"{shown(name)}: no data: {has}")
    if isinstance(parameters, dict) and parameters.get("content_type") == "base64":
        flat = _array([_decoded(name, value) for value in flat.tolist()])
    if flat.size != math.prod(shape):
        raise TensorError(f"{shown(name)}: {flat.size} values do not fit shape {shape}")
    return squeezed(flat.reshape(shape or (1,))), binary


def _from_json(name: object, datatype: str, data: Any) -> Array:
    flat = _flat(data)
    if datatype == "BYTES":
        return _array(flat)
    wanted = np.dtype(np.float32) if datatype == "BF16" else DTYPES[datatype]
    array = column(flat)
    if array.ndim != 1 or not {type(value) for value in flat} <= OF_NUMBERS:
        raise TensorError(f"{shown(name)}: {shown(data)} is not of type {datatype}")
    return _cast(array, wanted)


def _cast(array: Array, wanted: np.dtype[Any]) -> Array:
    """Return values in a type, or as they are where it does not hold them: no value is changed.

    An integer type has no missing value, and whole numbers may be beyond any type.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            cast = array.astype(wanted)
    except (OverflowError, TypeError, ValueError):
        return array
    same = wanted.kind not in "iub" or np.array_equal(cast, array)
    return cast if same else array


def _flat(data: Any) -> list[Any]:
    if not isinstance(data, list):
        return [data]
    if list not in set(map(type, data)):
        return data
    return [value for item in data for value in (_flat(item) if isinstance(item, list) else [item])]


def _from_binary(name: object, datatype: str, data: bytes) -> Array:
    if datatype == "BYTES":
        return _array([_text(value) for value in _values(name, data)])
    if len(data) % DTYPES[datatype].itemsize:
        raise TensorError(f"{shown(name)}: {len(data)} bytes are no whole {datatype} values")
    array = np.frombuffer(data, dtype=DTYPES[datatype])
    if datatype == "BF16":
        return shortest(_of_upper_halves(array), _to_bfloat16)
    return array


def _of_upper_halves(halves: Array) -> Array:
    """Return the floats of which bfloat16 keeps the upper halves."""
    return (halves.astype("<u4") << 16).view("<f4").astype(np.float64)


def _to_bfloat16(values: Array) -> Array:
    """Return the nearest values of bfloat16; of two equally near ones the even one."""
    bits = values.astype("<f4").view("<u4").astype("<u8")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return _of_upper_halves(rounded.astype("<u2"))


def _decoded(name: object, value: object) -> str | bytes | None:
    if value is None:
        return None
    try:
        return _text(bytes_of_base64(value))
    except ValueError as error:
        raise TensorError(f"{shown(name)}: {shown(value)}: not base64") from error


def _values(name: object, data: bytes) -> list[bytes]:
    try:
        return cut_values(data)
    except ValueError as error:
        raise TensorError(f"{shown(name)}: {error}") from error


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _array(values: list[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
