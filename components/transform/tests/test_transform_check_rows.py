import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import DataError
from kanaria.components.transform import check_rows
from kanaria.components.transform.check_rows import check

DENSE = 'feature { name: "x" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }'
PAIR = 'feature { name: "x" type: INT presence { min_fraction: 1 } shape { dim { size: 2 } } }'
SPARSE = 'feature { name: "x" type: INT }'


@pytest.fixture
def check_values(tmp_path):
    def run(schema, *files):
        paths = []
        for number, values in enumerate(files):
            paths.append(tmp_path / f"{number}.parquet")
            column = pa.array(values, pa.list_(pa.int64()))
            pq.write_table(pa.table({"x": column}), paths[-1])
        return check(paths, text_format.Parse(schema, schema_pb2.Schema()), "split train")

    return run


def test_the_rows_of_each_file_are_counted(check_values):
    assert list(check_values(DENSE, [[1], [2]], [[3]]).values()) == [2, 1]


def test_a_sparse_feature_may_have_any_number_of_values(check_values):
    assert list(check_values(SPARSE, [[1], None, [2, 3], []]).values()) == [4]


def test_a_second_value_does_not_stand_in_for_a_missing_one(check_values):
    # tfx_bsl only counts values a batch, and would shift them between the rows.
    with pytest.raises(DataError, match="'x' has 2 values in row 1, the schema asks for 1"):
        check_values(DENSE, [[1], [2, 3], []])


def test_a_row_is_counted_over_all_files(check_values):
    with pytest.raises(DataError, match="'x' has 0 values in row 3"):
        check_values(DENSE, [[1], [2]], [[3], None])


def test_a_shape_of_two_needs_two_values(check_values):
    assert list(check_values(PAIR, [[1, 2]]).values()) == [1]
    with pytest.raises(DataError, match="asks for 2 in every row"):
        check_values(PAIR, [[1]])


@pytest.fixture
def check_plain(tmp_path, monkeypatch):
    """Check a column of one value a row; return the number of rows, and whether they were read."""

    def run(schema, values, **options):
        path = tmp_path / "part-00000.parquet"
        pq.write_table(pa.table({"x": values}), path, **options)
        read, batches = [], check_rows.adapter.batches
        monkeypatch.setattr(
            check_rows.adapter, "batches", lambda *arguments: read.append(1) or batches(*arguments)
        )
        checked = check([path], text_format.Parse(schema, schema_pb2.Schema()), "split train")
        return checked[path], bool(read)

    return run


FLOAT = 'feature { name: "x" type: FLOAT }'


@pytest.mark.parametrize("group", [2, 100])
def test_rows_that_the_head_of_a_file_vouches_for_are_not_read(check_plain, group):
    assert check_plain(DENSE, pa.array(range(5)), row_group_size=group) == (5, False)
    assert check_plain(SPARSE, pa.array([1, None, 3]), row_group_size=group) == (3, False)


def test_what_the_head_does_not_tell_is_read(check_plain):
    assert check_plain(DENSE, pa.array([1, 2]), write_statistics=False) == (2, True)
    assert check_plain(FLOAT, pa.array([1, 2])) == (2, True)
    assert check_plain(SPARSE, pa.array([1, 2], pa.uint64())) == (2, True)


def test_a_plain_column_fails_as_a_list_does(check_plain):
    with pytest.raises(DataError, match="'x' has 0 values in row 2"):
        check_plain(DENSE, pa.array([1, 2, None]), row_group_size=1)
    with pytest.raises(DataError, match="the data has large_binary, the schema int64"):
        check_plain(SPARSE, pa.array(["a"]))
