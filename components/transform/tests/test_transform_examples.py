import pyarrow as pa
import pytest

from kanaria.components.shared.data import examples
from kanaria.components.transform.transform import transform


def test_every_split_is_transformed_file_by_file_in_the_same_order(done, read_split):
    names = [path.name for path in examples.split_files(done / "transformed", "train")]
    assert names == ["part-00000-of-00002.parquet", "part-00001-of-00002.parquet"]
    assert read_split(done / "transformed", "train")["id"].to_pylist() == list(range(300))
    assert examples.is_materialized(done / "transformed")
    assert read_split(done / "transformed", "eval")["id"].to_pylist() == list(range(300, 340))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("id", pa.int64()),
        ("miles_z", pa.float32()),
        ("carrier", pa.large_binary()),
        ("flat", pa.float32()),
        ("pair", pa.large_list(pa.float32())),
        ("tags_index", pa.large_list(pa.int64())),
    ],
)
def test_one_value_a_row_is_a_plain_column_and_the_rest_are_lists(name, kind, done, read_split):
    assert read_split(done / "transformed", "eval").schema.field(name).type == kind


def test_nothing_temporary_is_left(done):
    assert sorted(path.name for path in done.iterdir()) == ["graph", "transformed"]
    assert sorted(path.name for path in (done / "graph").iterdir()) == [
        "metadata",
        "transform_fn",
        "transformed_metadata",
    ]


def test_without_rows_only_the_marker_is_written(request_for, add_part, make_rows, tmp_path):
    add_part(tmp_path / "examples", "train", make_rows(0, 20))
    request = request_for(examples=tmp_path / "examples", materialize=False)
    transform(request, tmp_path / "graph", tmp_path / "transformed")
    assert [path.name for path in (tmp_path / "transformed").iterdir()] == ["NOT_MATERIALIZED"]
    assert not examples.is_materialized(tmp_path / "transformed")
    assert (tmp_path / "graph/transform_fn/saved_model.pb").is_file()


def test_a_split_without_rows_stays_a_split(request_for, add_part, make_rows, tmp_path):
    add_part(tmp_path / "examples", "train", make_rows(0, 20))
    empty = {name: pa.array([], pa.int64()) for name in ("id", "hour")}
    empty |= {"miles": pa.array([], pa.float64()), "carrier": pa.array([], pa.string())}
    add_part(tmp_path / "examples", "later", empty)
    request = request_for(examples=tmp_path / "examples")
    transform(request, tmp_path / "graph", tmp_path / "transformed")
    assert examples.split_names(tmp_path / "transformed") == ["later", "train"]
    assert len(examples.split_files(tmp_path / "transformed", "later")) == 1
