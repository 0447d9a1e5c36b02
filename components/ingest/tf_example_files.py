"""TFRecord files of serialized tf.Examples become one typed table.

A feature that has at most one value in every record becomes a plain column, any other a column
of lists. Bytes that are UTF-8 in every record are text. Columns are sorted by name.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.shared import tf_examples
from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError


def _batches(files: Sequence[DataFile]) -> list[list[pa.RecordBatch]]:
    """Return the records of each file as batches of one schema; types agree over all files."""
    types: tf_examples.Types = {}
    rows = tf_examples.ROWS_PER_BATCH
    found = [list(tf_examples.typed_batches(file, rows, types)) for file in files]
    names = (name for batches in found for batch in batches for name in batch.schema.names)
    schema = tf_examples.schema_of(names, types)
    return [[tf_examples.conformed(batch, schema) for batch in batches] for batches in found]


def _is_single(chunks: Sequence[pa.Array]) -> bool:
    """Tell whether no list has more than one value."""
    return not any(pc.any(pc.greater(pc.list_value_length(chunk), 1)).as_py() for chunk in chunks)


def _are_text(values: Sequence[pa.Array]) -> bool:
    try:
        for piece in values:
            piece.cast(pa.large_string())
    except pa.ArrowInvalid:  # Not UTF-8.
        return False
    return True


def _scalar(values: Sequence[pa.Array]) -> pa.DataType:
    if not pa.types.is_large_binary(values[0].type):
        return values[0].type
    return pa.string() if _are_text(values) else pa.binary()


def _first_values(lists: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return the only value of each list; missing where a list is missing or empty."""
    present = pc.fill_null(pc.greater(pc.list_value_length(lists), 0), False)
    places = pc.subtract(pc.cumulative_sum(present.cast(pa.int64())), 1)
    return lists.flatten().take(pc.if_else(present, places, None)).cast(kind)


def _column(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    if pa.types.is_null(chunks[0].type):
        return pa.chunked_array(chunks)
    kind = _scalar([chunk.flatten() for chunk in chunks])
    if _is_single(chunks):
        return pa.chunked_array([_first_values(chunk, kind) for chunk in chunks], kind)
    lists = pa.list_(kind)
    return pa.chunked_array([chunk.cast(lists) for chunk in chunks], lists)


def read(files: Sequence[DataFile]) -> tuple[pa.Table, list[int]]:
    """Return the records of all files, in order, as typed rows, and the number of each file's.

    Raises:
        DataError: there is no record, one is broken or no tf.Example, or a feature changes type.
    """
    found = _batches(files)
    batches = [batch for of_file in found for batch in of_file]
    if not batches:
        raise DataError(f"{', '.join(file.uri for file in files)}: no records; give data")
    names = batches[0].schema.names
    if not names:
        raise DataError(f"{files[0].uri}: no record has a feature; write serialized tf.Examples")
    table = pa.table({name: _column([batch[name] for batch in batches]) for name in names})
    return table, [sum(batch.num_rows for batch in of_file) for of_file in found]
