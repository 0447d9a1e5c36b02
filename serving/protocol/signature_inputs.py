"""JSON values and arrays that fit a signature's inputs; what both protocols share. Pure.

More than in the peers, `null`, a key that a row lacks, and an input that is not sent mean missing,
where the model says that an input may be missing. TensorFlow Serving takes the mark of missing
itself. A type is the model's: a number is taken where the type holds it, and never a boolean for
a number or a fraction for an integer.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array, Input, Inputs, with_missing
from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.base64_values import bytes_of_base64, is_base64_object
from kanaria.serving.protocol.json_body import RequestError

JSON_TYPES: dict[str, set[type]] = {
    "i": {int},
    "u": {int},
    "f": {int, float},
    "V": {int, float},  # bfloat16
    "b": {bool},
    "O": {str, bytes, dict},
}
"""Kind of a numpy type -> what its values are in JSON; bytes are `{"b64": text}` there."""


def example_row(inputs: Inputs) -> dict[str, Array]:
    """Return one row of zeros and empty texts that fits the inputs, for a first call."""
    free: tuple[int | None, ...] = (1,)
    shapes = {
        name: [size or 1 for size in (free if i.shape is None else i.shape)]
        for name, i in inputs.items()
    }
    return {
        name: np.full(shapes[name], b"" if i.dtype.kind == "O" else 0, dtype=i.dtype)
        for name, i in inputs.items()
    }


def unnested(name: str, value: Any) -> tuple[tuple[int, ...], list[Any]]:
    """Return the shape of nested lists and their values in order; a plain value has no axes.

    Raises:
        RequestError: lists of one level have different lengths.
    """
    shape: list[int] = []
    items = [value]
    while (kinds := set(map(type, items))) == {list}:
        sizes = sorted(set(map(len, items)))
        if len(sizes) > 1:
            raise RequestError(
                f"input {name!r}: rows have different shapes: lists of {sizes[0]} and of "
                f"{sizes[-1]} values"
            )
        shape += sizes
        items = list(chain.from_iterable(items))
    if list in kinds:
        raise RequestError(f"input {name!r}: rows have different shapes: values beside lists")
    return tuple(shape), items


def converted(name: str, items: Sequence[Any], wanted: Input) -> Array:
    """Return values as a flat array of the input's type.

    Raises:
        RequestError: a value is of another type, or the type does not hold it.
    """
    kind = wanted.dtype.kind
    strange = set(map(type, items)) - JSON_TYPES.get(kind, set())
    if strange:
        wrong = next(item for item in items if type(item) in strange)
        raise RequestError(
            f"input {name!r}: {shown(wrong)} is not of type {type_name(wanted.dtype)}"
        )
    if kind == "O":
        return _texts(name, items)
    if kind in "iu":
        _check_range(name, items, wanted.dtype)
    if kind in "iub":
        return np.array(items, dtype=wanted.dtype)
    return _floats(name, items, wanted)


def type_name(dtype: np.dtype[Any]) -> str:
    """Return what a type is called in a message."""
    return "text" if dtype.kind == "O" else dtype.name


def shaped(name: str, flat: Array, shape: Sequence[int]) -> Array:
    """Return a flat array in a shape.

    Raises:
        RequestError: it has as many axes, or axes as long, as no array has.
    """
    try:
        return flat.reshape(shape)
    except (ValueError, OverflowError) as error:
        raise RequestError(f"input {name!r}: shape {shown(list(shape))}: {error}") from error


def _texts(name: str, items: Sequence[Any]) -> Array:
    array = np.empty(len(items), dtype=object)
    try:
        array[:] = [_bytes(name, item) for item in items]
    except UnicodeEncodeError as error:
        text = shown(error.object)
        raise RequestError(f"input {name!r}: {text} holds half a surrogate pair") from error
    return array


def _bytes(name: str, item: Any) -> bytes:
    """Return text as UTF-8, and `{"b64": text}` as what it stands for."""
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, bytes):
        return item
    if not is_base64_object(item):
        raise RequestError(f"input {name!r}: {shown(item)} is not of type text")
    try:
        return bytes_of_base64(item["b64"])
    except ValueError as error:
        raise RequestError(f"input {name!r}: b64 {shown(item['b64'])}: not base64") from error


def _check_range(name: str, items: Sequence[int], dtype: np.dtype[Any]) -> None:
    bounds = np.iinfo(dtype)
    for value in (min(items, default=0), max(items, default=0)):
        if not bounds.min <= value <= bounds.max:
            raise RequestError(f"input {name!r}: {_short(value)} is beyond the range of {dtype}")


def _short(value: float) -> str:
    # Python refuses to write integers of more than 4300 digits.
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"an integer of {value.bit_length()} bits"
    return shown(value)


def _floats(name: str, items: Sequence[float], wanted: Input) -> Array:
    try:
        doubles = np.array(items, dtype=np.float64)
    except OverflowError as error:
        largest = _short(max(items, key=abs))
        why = f"{largest} is beyond the range of {wanted.dtype}"
        raise RequestError(f"input {name!r}: {why}") from error
    if wanted.required and np.isnan(doubles).any():
        raise RequestError(f"input {name!r}: NaN, but the model requires a value")
    with np.errstate(over="ignore"):
        narrow = doubles.astype(wanted.dtype)
    lost = np.isinf(narrow) & np.isfinite(doubles)
    if lost.any():
        value = shown(float(doubles[lost][0]))
        raise RequestError(f"input {name!r}: {value} is beyond the range of {wanted.dtype}")
    return narrow


def fitted(name: str, array: Array, wanted: Input) -> Array:
    """Return an array in the input's rank: a scalar a row fits (rows, 1), and the other way round.

    Raises:
        RequestError: the shape does not fit.
    """
    shape = wanted.shape
    if shape is None:
        return array
    if array.ndim == len(shape) - 1:
        array = array[..., np.newaxis]
    elif array.ndim == len(shape) + 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if not _fits(array.shape, shape):
        sizes, needed = list(array.shape), ["any" if size is None else size for size in shape]
        raise RequestError(f"input {name!r}: shape {sizes} does not fit {needed}")
    return array


def _fits(sizes: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(sizes) == len(wanted) and all(
        want is None or have == want for have, want in zip(sizes, wanted, strict=True)
    )


def check_names(names: set[str], inputs: Inputs, where: str) -> None:
    """Refuse names that are no inputs, and required inputs that have no value."""
    unknown = sorted(names - set(inputs))
    missing = sorted(name for name in set(inputs) - names if inputs[name].required)
    if missing or unknown:
        parts = [f"missing {missing}, which the model requires"] * bool(missing)
        parts += [f"unknown {shown(unknown)}"] * bool(unknown)
        raise RequestError(f"{where}: inputs {' and '.join(parts)}")


def rows(name: str, values: Sequence[Any], wanted: Input) -> Array:
    """Return one value a row as an array; None is a row without a value.

    Raises:
        RequestError: a row does not fit, or has no value and the model requires one.
    """
    has = np.array([value is not None for value in values], dtype=bool)
    if not has.all() and wanted.required:
        raise RequestError(f"input {name!r}: null, but the model requires a value")
    present = [value for value in values if value is not None]
    if present:
        shape, items = unnested(name, present)
        array = fitted(name, shaped(name, converted(name, items, wanted), shape), wanted)
        return with_missing(array, has, wanted)
    # Of a free size nothing is needed to say that there is no value.
    sizes = [size or 0 for size in wanted.shape[1:]] if wanted.shape is not None else []
    return with_missing(np.empty((0, *sizes), wanted.dtype), has, wanted)


def tensor(name: str, shape: Sequence[int], items: Sequence[Any], wanted: Input) -> Array:
    """Return a tensor from its shape and its values in order; a row of nothing but None is missing.

    Args:
        name: of the input.
        shape: as many values as there are.
        items: JSON values.
        wanted: the input.

    Raises:
        RequestError: it does not fit.
    """
    if not shape or not any(item is None for item in items):
        return fitted(name, shaped(name, converted(name, items, wanted), shape), wanted)
    size = math.prod(shape[1:])
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    nested = [
        None if set(part) == {None} else _nested(part, shape[1:]) for part in map(list, parts)
    ]
    return rows(name, nested, wanted)


def _nested(items: Sequence[Any], shape: Sequence[int]) -> Any:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape).tolist()


def completed(arrays: Mapping[str, Array], inputs: Inputs) -> dict[str, Array]:
    """Return the arrays of all inputs; those not given are missing in every row.

    Raises:
        RequestError: no given input tells how many rows there are.
    """
    absent = inputs.keys() - arrays.keys()
    count = max((len(values) for values in arrays.values() if values.ndim), default=0)
    if absent and not count:
        raise RequestError(f"inputs: no rows tell how often {sorted(absent)} is missing; send some")
    return {
        name: rows(name, [None] * count, wanted) if name in absent else arrays[name]
        for name, wanted in inputs.items()
    }


def numbers(values: Array) -> Any:
    """Return an array as nested lists; of a float32 the shortest decimal that is read as it.

    The double next to a float32 has up to ten digits more, which say nothing.
    """
    if values.dtype == np.float32:
        return values.astype(str).astype(np.float64).tolist()
    return values.tolist()
