"""The types of columns that the user says (`column_types`), which go before any that is found.

type            CSV                                   typed columns (Parquet, SQL, tf.Example)
string          the text as it is written             digits, a time's one text, UTF-8
int64           decimal: `007`, `+5`, `3.0`           whole numbers; text as in CSV
float64         numbers, rounded to the nearest       numbers, rounded; text as in CSV
timestamp       ISO 8601, as the one text of a time   dates and timestamps; text as in CSV
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest import csv_type_inference, native_column_types, timestamps
from kanaria.components.ingest.file_survey import Surveyed
from kanaria.components.ingest.misfit_value import Convert, MisfitError
from kanaria.components.ingest.unified_column_types import Conversion
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, shown

NAMES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "double": pa.float64(),
    "timestamp": native_column_types.LOCAL,
}
"""What a user writes -> the kind; `double` is what Arrow, and so the metadata, calls float64."""


def check(declared: Mapping[str, str], faults: Faults) -> None:
    """Add to `faults` every type that is none of `NAMES`."""
    for name, kind in declared.items():
        is_type = isinstance(kind, str) and kind in NAMES
        faults.check(is_type, f"column_types[{name!r}]", kind, f"use {', '.join(NAMES)}")


def check_columns(declared: Mapping[str, str], names: Sequence[str]) -> None:
    """Raise DataError unless the data has every column with a declared type."""
    absent = sorted(set(declared) - set(names))
    if absent:
        raise DataError(
            f"column_types: no column {shown(absent[0])}; the data has {shown(sorted(names))}"
        )


def _text_of_number(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers as text; whole floats without a point, as an id that had a gap beside it."""
    if not pa.types.is_floating(values.type):
        return values.cast(pa.string())
    whole = pc.and_(
        pc.equal(pc.floor(values), values), pc.less(pc.abs(values), csv_type_inference.EXACT)
    )
    digits = pc.if_else(whole, values, None).cast(pa.int64()).cast(pa.string())
    return pc.coalesce(digits, values.cast(pa.string()))


def _text_of_decimal(values: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = [None if value is None else f"{value:f}" for value in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _to_string(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_temporal(values.type):
        return timestamps.texts(values)
    is_decimal = pa.types.is_decimal(values.type)
    return _text_of_decimal(values) if is_decimal else _text_of_number(values)


def _whole(values: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise MisfitError("no 64-bit integer") from error


def _nearest(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_decimal(values.type):
        return native_column_types.nearest_floats(values)
    return values.cast(pa.float64(), safe=False)


def _to_timestamp(values: pa.ChunkedArray) -> pa.ChunkedArray:
    is_date = pa.types.is_date(values.type)
    return timestamps.at_midnight(values) if is_date else timestamps.texts(values)


FROM_TYPED: dict[pa.DataType, Convert] = {
    pa.string(): _to_string,
    pa.int64(): _whole,
    pa.float64(): _nearest,
    native_column_types.LOCAL: _to_timestamp,
}
FROM_TEXT: dict[pa.DataType, Convert] = {
    pa.string(): lambda texts: texts,
    pa.int64(): csv_type_inference.declared_integers,
    pa.float64(): csv_type_inference.declared_floats,
    native_column_types.LOCAL: lambda texts: timestamps.canonical(
        csv_type_inference.trimmed(texts)
    ),
}
NUMBERS = (pa.int64(), pa.float64())
TIMES = (native_column_types.DATE, native_column_types.LOCAL, native_column_types.INSTANT)
FITTING = {
    pa.string(): (*NUMBERS, *TIMES, native_column_types.TIME),
    pa.int64(): NUMBERS,
    pa.float64(): NUMBERS,
    native_column_types.LOCAL: TIMES,
}
"""Declared kind -> kinds of typed values that become it; text does if it is written so."""


def _of_values(kind: pa.DataType) -> Convert:
    """Return what makes values of any type those of a declared kind."""

    def convert(values: pa.ChunkedArray) -> pa.ChunkedArray:
        source = native_column_types.kind_of(values.type)
        if source in (pa.string(), pa.binary()):
            return FROM_TEXT[kind](values.cast(pa.string()))
        if source not in FITTING[kind]:
            raise MisfitError(f"a {values.type}")
        return FROM_TYPED[kind](values)

    return native_column_types.by_value(convert)


def _lists(files: Sequence[Surveyed], name: str) -> bool:
    """Tell whether a column has lists; a file without values in it does not matter.

    Raises:
        DataError: it has lists in one file and single values in another.
    """
    with_values = [one.file for one in files if one.has_values(name)]
    lists = [native_column_types.is_list(file.schema.field(name).type) for file in with_values]
    if any(lists) and not all(lists):
        raise DataError(
            f"column {shown(name)} has lists in {with_values[lists.index(True)].uri} and single "
            f"values in {with_values[lists.index(False)].uri}; give it one form in every file"
        )
    return any(lists)


def conversion(files: Sequence[Surveyed], name: str, declared: str) -> Conversion:
    """Return what one column of every file becomes for the type that is declared for it.

    Raises:
        DataError: it has lists in one file and single values in another.
    """
    kind = NAMES[declared]
    single = native_column_types.examples_type(kind)
    return Conversion(
        name=name,
        target=pa.list_(single) if _lists(files, name) else single,
        convert=_of_values(kind),
        remedy=f"it is declared {declared}: mend it, or declare another type",
    )


def taken(name: str, kind: str) -> Conversion:
    """Return what one column of CSV files becomes for who takes values of a type alone."""
    return Conversion(
        name=name,
        target=native_column_types.examples_type(NAMES[kind]),
        convert=_of_values(NAMES[kind]),
        remedy=f"{kind} is taken here: mend it, or say another type in column_types",
    )


class Zones:
    """Whether all times of a column that is declared so have a zone, or none has."""

    def __init__(self, name: str) -> None:
        """Begin a column."""
        self._name = name
        self._first: dict[bool, str] = {}

    def add(self, column: pa.ChunkedArray, uri: str) -> None:
        """Look at converted rows of the file `uri`."""
        texts = pc.list_flatten(column) if native_column_types.is_list(column.type) else column
        zones = pc.ends_with(texts, "Z")
        for flag in (True, False):
            if pc.index(zones, flag).as_py() >= 0:
                self._first.setdefault(flag, uri)

    def check(self) -> None:
        """Raise DataError if only some of the timestamps have a zone."""
        if len(self._first) > 1:
            raise DataError(
                f"column {shown(self._name)} has times with a zone in {self._first[True]} and "
                f"times without one in {self._first[False]}; give all a zone, or none"
            )
