"""Reads the rows that get features: a key or several, a time, and whatever else they carry. Pure.

Parquet files keep their types. Of CSV the keys are what the feature store says; of the other
columns a number stays a number where its text is the only one it could have, so `007` is text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from kanaria.components.join import times
from kanaria.components.join.point_in_time import Integers
from kanaria.components.shared.data import arrow_files, data_reference
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"
FLOAT = r"^-?(0|[1-9][0-9]{0,14})([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$"
SECONDS = pa.timestamp("s", "UTC")
"""The type of a feature that is a time."""
PARQUET, CSV = ".parquet", ".csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityRows:
    """Rows in the order of their files.

    Attributes:
        table: all columns as they go on to the training rows.
        times: nanoseconds since 1970 in UTC, one a row.
        fingerprint: SHA-256 of the files' content, 64 hexadecimal digits.
    """

    table: pa.Table
    times: Integers
    fingerprint: str

    def keys(self, types: Mapping[str, pa.DataType]) -> list[pa.ChunkedArray]:
        """Return the columns of join keys in the types of the feature store.

        Raises:
            DataError: a column is not there, or a value is none of its type.
        """
        return [self._key(name, kind) for name, kind in types.items()]

    def _key(self, name: str, kind: pa.DataType) -> pa.ChunkedArray:
        if name not in self.table.column_names:
            raise DataError(
                f"entity_rows: no column {name!r}, a join key of the feature service; there are "
                f"{', '.join(map(repr, self.table.column_names))}"
            )
        return cast(self.table[name], kind, f"entity_rows: column {name!r}")


def cast(column: pa.ChunkedArray, kind: pa.DataType, where: str) -> pa.ChunkedArray:
    """Return a column in another type, its values unchanged but for floats, which are rounded.

    A NaN is a missing value, since pandas and Feast tell the two apart nowhere. Times become whole
    seconds where seconds are asked for, as Feast serves them.

    Raises:
        DataError: a value would change.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        # The nearest float is meant where the store says Float32: it holds no other.
        rounds = pa.types.is_floating(column.type) and pa.types.is_floating(kind)
        if pa.types.is_timestamp(column.type):
            if pa.types.is_integer(kind):  # Arrow would give a number in the unit of the file.
                raise pa.ArrowInvalid("a time is no number; declare it as UnixTimestamp")
            rounds = kind == SECONDS
        return column.cast(kind, safe=not rounds)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{where}: has type {column.type}, and a value is no {kind}: {shown(str(error))}; "
            "write it so, or change the feature store's type"
        ) from error


def read(data: str, timestamp: str, keys: Sequence[str]) -> EntityRows:
    """Read all files of a reference.

    Args:
        data: files or patterns, see `data_reference`.
        timestamp: name of the column of times.
        keys: names of the join keys; in CSV they stay text until they are asked for.

    Raises:
        ParameterError: the reference is malformed.
        DataError: a file cannot be read, the files differ, or a row has no time.
        NotReadyError: an object store does not answer.
    """
    with data_reference.opened(data) as opened:
        tables = [_read_file(file) for file in opened.files]
    table = _one(tables, [file.uri for file in opened.files])
    if all(_suffix(file) == CSV for file in opened.files):
        table = _with_numbers(table, {*keys, timestamp})
    if timestamp not in table.column_names:
        raise DataError(
            f"entity_rows: no column {timestamp!r} of times; name it as timestamp_column; there "
            f"are {', '.join(map(repr, table.column_names))}"
        )
    where = f"entity_rows: column {timestamp!r}"
    moments = times.nanoseconds(table[timestamp], where)
    without = (moments == times.NEVER).nonzero()[0]
    if len(without):
        raise DataError(
            f"{where}: row {without[0] + 1} has no time, {len(without)} in all; leave them out"
        )
    return EntityRows(table=table, times=moments, fingerprint=opened.fingerprint)


def _suffix(file: DataFile) -> str:
    return file.path.suffix.lower()


def _read_file(file: DataFile) -> pa.Table:
    if _suffix(file) not in (PARQUET, CSV):
        raise DataError(f"{file.uri}: name files that end in {PARQUET} or {CSV}")
    if _suffix(file) == PARQUET:
        with arrow_files.parquet(file.path, file.uri) as opened:
            table = opened.read()
    else:
        table = _read_csv(file)
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise DataError(f"{file.uri}: column {shown(twice[0])} stands twice; rename one of them")
    return table


def _read_csv(file: DataFile) -> pa.Table:
    try:
        with csv.open_csv(file.path, parse_options=csv.ParseOptions(newlines_in_values=True)) as it:
            names = it.schema.names
        return csv.read_csv(
            file.path,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{file.uri}: not readable as CSV: {shown(str(error))}") from error


def _one(tables: Sequence[pa.Table], uris: Sequence[str]) -> pa.Table:
    for table, uri in zip(tables, uris, strict=True):
        if not table.schema.equals(tables[0].schema):
            raise DataError(
                f"{uri}: has other columns than {uris[0]}: {shown(table.schema.to_string())}; "
                "write all files with equal columns and types"
            )
    whole = pa.concat_tables(tables)
    if not whole.num_rows:
        raise DataError(f"entity_rows: {', '.join(uris)}: no rows")
    return whole


def _with_numbers(table: pa.Table, but: set[str]) -> pa.Table:
    """Return the rows of CSV with numbers where a column, none of `but`, holds nothing else."""
    columns = {name: table[name] for name in table.column_names}
    return pa.table(
        {name: column if name in but else _number(column) for name, column in columns.items()}
    )


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    present = column.drop_null()
    for pattern, kind in ((INTEGER, pa.int64()), (FLOAT, pa.float64())):
        if len(present) and pc.all(pc.match_substring_regex(present, pattern)).as_py():
            return column.cast(kind)
    return column
