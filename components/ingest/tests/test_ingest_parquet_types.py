from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest import input_file, parquet_column_types
from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.data.record_batches import column_names, record_batches
from kanaria.components.shared.errors import DataError


class Marking(pa.PyExtensionType):
    """A type whose pickle makes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker
        super().__init__(pa.int64())

    def __reduce__(self):
        return Path.touch, (self._marker,)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def marking(tmp_path: Path, marker: Path) -> Path:
    """Return the path of a Parquet file with a column of that type."""
    column = pa.ExtensionArray.from_storage(Marking(marker), pa.array([1]))
    pq.write_table(pa.table({"a": column}), tmp_path / "a.parquet")
    return tmp_path / "a.parquet"


def read(path: Path) -> pa.Table:
    file = input_file.opened(DataFile(uri="a.parquet", path=path))
    return pa.concat_tables(file.read(file.schema.names))


READERS = {
    "ingest": read,
    "every later step": lambda path: list(record_batches([path], 10)),
    "names of columns": lambda path: column_names([path]),
    "user code": pq.read_table,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_parquet_file_runs_no_code(marking: Path, marker: Path, read):
    with pytest.raises((DataError, RuntimeError), match="extension"):
        read(marking)
    assert not marker.exists()


@pytest.mark.usefixtures("marking")
def test_the_columns_of_a_split_run_no_code(marker: Path, tmp_path: Path):
    column = pa.field("a", Marking(marker))
    (tmp_path / tf_examples.COLUMNS).write_bytes(pa.schema([column]).serialize().to_pybytes())
    with pytest.raises(DataError, match="Python extension type, which runs code"):
        tf_examples.columns([tmp_path / "part-0.tfrecord.gz"])
    assert not marker.exists()


def column(tmp_path: Path, values: pa.Array, **options: object) -> pa.ChunkedArray:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": values}), path, **options)
    return read(path)["a"]


@pytest.mark.parametrize("kind", [pa.int32(), pa.float32(), pa.string()])
def test_lists_of_a_fixed_length_are_lists(tmp_path: Path, kind: pa.DataType):
    texts = [["1", "2"], ["3", "4"], ["5", "6"]]
    lists = pa.array(texts).cast(pa.list_(kind)).to_pylist()
    listed = column(tmp_path, pa.array(lists, pa.list_(kind, 2)), row_group_size=2)
    assert (listed.type, listed.to_pylist()) == (pa.large_list(kind), lists)


@pytest.mark.parametrize(("start", "length"), [(0, 5), (1, 3), (1, 1), (2, 3), (0, 0)])
def test_a_missing_list_of_a_fixed_length_stays_missing(start: int, length: int):
    lists = pa.array([[1, 2], None, [5, 6], None, [7, 8]], pa.list_(pa.int32(), 2))
    part = lists.slice(start, length)
    usable = parquet_column_types.usable("a.parquet", pa.table({"a": part}))["a"]
    usable.validate(full=True)
    assert usable.to_pylist() == part.to_pylist()


@pytest.mark.parametrize("value", [timedelta(seconds=5), [timedelta(seconds=5)]])
def test_durations_are_refused_with_what_to_write_instead(tmp_path: Path, value):
    with pytest.raises(
        DataError, match=r"column 'a' has type .*duration.*; write durations as num"
    ):
        column(tmp_path, pa.array([value, None]))


def test_a_column_of_durations_without_any_value_is_fine(tmp_path: Path):
    assert column(tmp_path, pa.nulls(2, pa.duration("s"))).null_count == 2
