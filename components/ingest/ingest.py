"""The work of ingest_data: files or a query in, one folder of files a split out.

The rows pass through several times, some at a time: for the types of the columns, for shares of
time, and for the files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from kanaria.components.ingest import (
    csv_separator,
    declared_column_types,
    hash_split,
    row_source,
    typed_rows,
)
from kanaria.components.ingest.split_assignment import Places
from kanaria.components.ingest.write_splits import write_splits
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.examples import ExamplesFormat
from kanaria.components.shared.imports import arrow
from kanaria.components.shared.storage import atomic


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingested:
    """What was written.

    Attributes:
        columns: column name -> Arrow type as text, in the first file's order.
        rows: split name -> number of rows.
        fingerprint: SHA-256 of the input's content, 64 hexadecimal digits.
        files: number of input files, 0 for a query.
        empty_columns: columns without any value.
        rounded_columns: columns of floats with whole numbers that 32-bit floats do not hold.
        examples_format: of the files that were written.
    """

    columns: dict[str, str]
    rows: dict[str, int]
    fingerprint: str
    files: int
    empty_columns: tuple[str, ...]
    rounded_columns: tuple[str, ...]
    examples_format: str


def _check_spans(span_files: Sequence[int], files: int) -> None:
    faults = Faults("ingest_data")
    fits = not span_files or sum(span_files) == files
    remedy = f"the data has {files} files; hand on what resolve_span says of them"
    faults.check(fits, "span_files", list(span_files), remedy)
    faults.raise_if_any()


@arrow.without_pandas()
def ingest(
    data: str,
    target: Path,
    *,
    splits: str,
    key_column: str = "",
    time_column: str = "",
    query: str = "",
    column_types: Mapping[str, str] = typed_rows.NONE_DECLARED,
    separator: str = csv_separator.COMMA,
    examples_format: str = ExamplesFormat.PARQUET.value,
    span_files: Sequence[int] = (),
) -> Ingested:
    """Read what `data` names and write `split=<name>/part-*` below `target`.

    Args:
        data: reference to CSV, Parquet or TFRecord files (`shared.data_reference`), or to a
            database (`shared.database_reference`).
        target: the examples artifact, published atomically.
        splits: `name=weight,...`; weights are positive integers.
        key_column: rows of one key stay in one split; "" hashes the whole row.
        time_column: splits are consecutive shares of time, the first the oldest; "" hashes.
        query: what a database is asked; "" for files.
        column_types: column name -> type (`declared_column_types.NAMES`); the others' are found.
        separator: one ASCII character between the values of CSV files, or `tab`.
        examples_format: `parquet` or `tfrecord`.
        span_files: how many of the files, in their order, are of one span, then of the next, and
            so on: the rows of each span begin files of their own. Empty without spans.

    Raises:
        ParameterError: a parameter is malformed, or both columns are given.
        DataError: the data cannot be read, or a split gets no row.
        NotReadyError: the database or the store does not answer.
    """
    faults = Faults("ingest_data")
    named = hash_split.parse(splits, faults)
    one = "give key_column or time_column, not both"
    faults.check(not (key_column and time_column), "time_column", time_column, one)
    is_format = examples_format in list(ExamplesFormat)
    faults.check(is_format, "examples_format", examples_format, "use parquet or tfrecord")
    row_source.check(data, query, separator, faults)
    declared_column_types.check(column_types, faults)
    between = csv_separator.parse(separator, faults)
    faults.raise_if_any()
    kind = ExamplesFormat(examples_format)
    # What was written is published after the input is known not to have changed meanwhile.
    source = row_source.opened(data, query, column_types, between)
    with atomic.published(target) as temporary, source as rows:
        declared_column_types.check_columns(column_types, rows.schema.names)
        _check_spans(span_files, rows.files)
        temporary.mkdir()
        with Places(rows, named, key=key_column, time=time_column) as places:
            written = write_splits(rows, places, temporary, kind, tuple(accumulate(span_files)))
    return Ingested(
        columns={field.name: str(field.type) for field in rows.schema},
        rows=written.rows,
        fingerprint=rows.fingerprint,
        files=rows.files,
        empty_columns=written.empty_columns,
        rounded_columns=written.rounded_columns,
        examples_format=kind.value,
    )
