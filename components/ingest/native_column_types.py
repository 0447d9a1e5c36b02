"""Values that have a type already, from Parquet or SQL: which type of the examples they get.

Whole numbers become int64, other numbers float64, dates and times their one text. A fraction
becomes the nearest float; an integer is never rounded.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest import timestamps
from kanaria.components.ingest.csv_type_inference import EXACT
from kanaria.components.ingest.misfit_value import Convert, MisfitError

DATE, TIME = pa.date32(), pa.time64("ns")
LOCAL, INSTANT = pa.timestamp("ns"), pa.timestamp("ns", "UTC")
"""What stands for all types of dates, of times of day, and of timestamps without and with a zone,
until the type over all files is known."""


EMPTY_LISTS = pa.list_(pa.null())
"""Kind of lists that are all empty."""


def is_list(kind: pa.DataType) -> bool:
    """Tell whether values of a type are lists."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _temporal(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_timestamp(kind):
        return INSTANT if timestamps.has_zone(kind) else LOCAL
    if pa.types.is_date(kind):
        return DATE
    return TIME if pa.types.is_time(kind) else None


def _number(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pa.int64()
    if pa.types.is_decimal(kind):
        return pa.int64() if kind.scale <= 0 else pa.float64()
    is_float = pa.types.is_floating(kind) and not pa.types.is_float16(kind)
    return pa.float64() if is_float else None


def _text(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.string()
    return pa.binary() if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) else None


def _scalar(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_dictionary(kind):
        return _scalar(kind.value_type)
    return _number(kind) or _text(kind) or _temporal(kind)


def kind_of(kind: pa.DataType) -> pa.DataType | None:
    """Return the kind of a type, before files are compared; None when it has no form.

    That is int64, float64, string, binary, DATE, TIME, LOCAL, INSTANT, null or a list of one.
    """
    value = kind.value_type if is_list(kind) else kind
    scalar = pa.null() if pa.types.is_null(value) else _scalar(value)
    return pa.list_(scalar) if is_list(kind) and scalar is not None else scalar


def _python_floats(decimals: pa.ChunkedArray) -> pa.ChunkedArray:
    values = [None if value is None else float(value) for value in decimals.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.float64())])


def _nearest(decimals: pa.Array) -> pa.Array:
    # Arrow 10's own cast is off by a last digit. A quotient of two floats is rounded once, so it
    # is the nearest if both are exact.
    scale, width = decimals.type.scale, decimals.type.bit_width
    if width > 128 or scale > 22:  # 10**22 is the last power of ten that a float holds.
        return _python_floats(pa.chunked_array([decimals])).combine_chunks()
    digits = pa.Array.from_buffers(
        pa.decimal128(38, 0), len(decimals), decimals.buffers(), offset=decimals.offset
    )
    try:
        whole = digits.cast(pa.int64()).cast(pa.float64())
    except pa.ArrowInvalid:  # More than 64 bits, or more than a float holds exactly.
        return _python_floats(pa.chunked_array([decimals])).combine_chunks()
    return pc.divide(whole, 10.0**scale)


def nearest_floats(decimals: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the floats that are nearest to decimals."""
    return pa.chunked_array([_nearest(chunk) for chunk in decimals.chunks], pa.float64())


def _decimals(values: pa.ChunkedArray) -> pa.ChunkedArray:
    floats = nearest_floats(values)
    if pc.any(pc.greater_equal(pc.abs(floats), EXACT)).as_py():
        raise MisfitError("beyond what floats hold exactly")
    return floats


def _as_int64(values: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise MisfitError("beyond 64-bit integers") from error


def _as_float64(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(values.type):
        return values.cast(pa.float64())
    if pa.types.is_decimal(values.type) and values.type.scale > 0:
        return _decimals(values)
    try:
        return _as_int64(values).cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise MisfitError("beyond what floats hold exactly, beside a float") from error


def _as_local(values: pa.ChunkedArray) -> pa.ChunkedArray:
    is_date = pa.types.is_date(values.type)
    return timestamps.at_midnight(values) if is_date else timestamps.texts(values)


CONVERTERS: dict[pa.DataType, Convert] = {
    pa.int64(): _as_int64,
    pa.float64(): _as_float64,
    DATE: timestamps.texts,
    TIME: timestamps.texts,
    LOCAL: _as_local,
    INSTANT: timestamps.texts,
    pa.string(): lambda values: values.cast(pa.string()),
    pa.binary(): lambda values: values.cast(pa.binary()),
}
"""Kind of a column over all files -> what makes its values those of the examples."""


def in_lists(lists: pa.ChunkedArray, convert: Convert) -> pa.ChunkedArray:
    """Return lists with their values converted; a missing list stays missing."""
    return pa.chunked_array([_in_list(chunk, convert) for chunk in lists.chunks])


def _in_list(lists: pa.Array, convert: Convert) -> pa.Array:
    values = convert(pa.chunked_array([lists.flatten()])).combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(lists).cast(pa.int32()), 0)
    ends = pc.cumulative_sum(lengths)
    # A null offset marks a missing list.
    starts = pc.if_else(lists.is_valid(), pc.subtract(ends, lengths), None)
    return pa.ListArray.from_arrays(
        pa.concat_arrays([starts, pa.array([len(values)], pa.int32())]), values
    )


def decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values of categories themselves, and others as they are."""
    is_dictionary = pa.types.is_dictionary(values.type)
    return values.cast(values.type.value_type) if is_dictionary else values


def by_value(convert: Convert) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    """Return `convert` for plain values, for categories and for lists of either."""

    def run(column: pa.ChunkedArray) -> pa.ChunkedArray:
        if is_list(column.type):
            return in_lists(column, run)
        return column if pa.types.is_null(column.type) else convert(decoded(column))

    return run


def converter(kind: pa.DataType) -> Convert:
    """Return what converts columns of any type of a kind; it raises MisfitError."""
    return by_value(CONVERTERS[kind.value_type if is_list(kind) else kind])


def examples_type(kind: pa.DataType) -> pa.DataType:
    """Return the type in the examples of a kind: times are text."""
    if is_list(kind):
        return pa.list_(examples_type(kind.value_type))
    return pa.string() if kind in (DATE, TIME, LOCAL, INSTANT) else kind
