"""Values of a tensor in gRPC's typed fields, from and to the bytes of binary data. Pure.

    contents.int_contents [1, 2]   INT8 -> 01 02   INT32 -> 01 00 00 00 02 00 00 00

Source: Open Inference Protocol v2, `InferTensorContents`: which field holds which datatype, and
that FP16 and BF16 travel as bytes alone.
"""

from typing import Any

import numpy as np
from google.protobuf.message import Message

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.json_body import RequestError
from kanaria.serving.protocol.tensors import CONTENTS, DTYPES, LENGTH, cut_values, joined_values

WIDE = {"int_contents": np.dtype(np.int64), "uint_contents": np.dtype(np.uint64)}
"""Fields that hold narrower datatypes too: values are read whole, then checked."""
AT_ONCE = 1 << 16
"""Values that are converted in one go; in between, other threads have their turn."""


def packed_size(datatype: str, contents: Message) -> int:
    """Return about how many bytes `packed` would give, before it does; 0 where it would refuse."""
    field = CONTENTS.get(datatype)
    if not field:
        return 0
    count = len(getattr(contents, field))
    if datatype == "BYTES":
        return contents.ByteSize() + count * LENGTH.size
    return count * DTYPES[datatype].itemsize


def packed(name: str, datatype: str, contents: Message) -> bytes:
    """Return the values of an input's typed field as binary data.

    Args:
        name: of the input, for errors.
        datatype: of the input, in capitals.
        contents: an `InferTensorContents`.

    Raises:
        RequestError: the datatype has no such field, another field is filled, or a value is beyond
            the datatype's range.
    """
    field = CONTENTS.get(datatype, "")
    others = sorted({one.name for one, _ in contents.ListFields()} - {field})
    if not field:
        raise RequestError(
            f"input {name!r}: {shown(datatype)} has no contents; send raw_input_contents"
        )
    if others:
        raise RequestError(f"input {name!r}: {', '.join(others)}: {datatype} stands in {field}")
    values = getattr(contents, field)
    if datatype == "BYTES":
        return joined_values(values)
    return _narrowed(name, values, DTYPES[datatype], WIDE.get(field)).tobytes()


def _narrowed(
    name: str, values: Any, dtype: np.dtype[Any], wide: np.dtype[Any] | None
) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), wide or dtype)
    for start in range(0, len(values), AT_ONCE):
        array[start : start + AT_ONCE] = values[start : start + AT_ONCE]
    if wide is None:
        return array
    bounds = np.iinfo(dtype)
    beyond = array[(array < bounds.min) | (array > bounds.max)]
    if len(beyond):
        raise RequestError(f"input {name!r}: {beyond[0]} is beyond the range of {dtype.name}")
    return array.astype(dtype)


def fill(contents: Message, datatype: str, data: bytes) -> None:
    """Put binary data of a datatype that has a typed field into it.

    Args:
        contents: an empty `InferTensorContents`; it is there afterwards, even without values.
        datatype: of the tensor.
        data: its values.
    """
    contents.SetInParent()
    field = getattr(contents, CONTENTS[datatype])
    if datatype == "BYTES":
        field.extend(cut_values(data))
        return
    array = np.frombuffer(data, DTYPES[datatype])
    for start in range(0, len(array), AT_ONCE):
        field.extend(array[start : start + AT_ONCE].tolist())
