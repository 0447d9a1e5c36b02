from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import RecordBatchesOptions, TensorFlowDatasetOptions

from kanaria.components.shared.errors import DataError, UserCodeError
from kanaria.components.train.data_accessor import record_batch_factory, tf_dataset_factory

SCHEMA = text_format.Parse(
    """
    feature { name: "x" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
    feature { name: "tags" type: BYTES }
    feature { name: "y" type: INT presence { min_fraction: 1 } shape {} }
    """,
    schema_pb2.Schema(),
)


@pytest.fixture
def files(tmp_path: Path) -> str:
    for part in range(2):
        x = [float(part * 5 + row) for row in range(5)]
        tags = [["a", "b"], None, ["c"], [], ["d"]]
        table = pa.table({"x": x, "tags": tags, "y": [int(value) for value in x]})
        pq.write_table(table, tmp_path / f"part-{part}.parquet")
    return str(tmp_path / "part-*.parquet")


def options(**changes: object) -> TensorFlowDatasetOptions:
    usual = {"batch_size": 4, "num_epochs": 1, "shuffle": False}
    return TensorFlowDatasetOptions(**(usual | changes))


def labels_of(files: str, **changes: object) -> list[int]:
    dataset = tf_dataset_factory(files, options(**changes), SCHEMA)
    return [int(y) for batch in dataset for y in batch["y"]]


def test_tensors_are_dense_or_sparse_as_the_schema_says(files: str):
    batch = next(iter(tf_dataset_factory([files], options(), SCHEMA)))
    assert batch["x"].shape == (4, 1)
    assert batch["y"].shape == (4,)
    tags = tf.sparse.to_dense(batch["tags"]).numpy().tolist()
    assert tags == [[b"a", b"b"], [b"", b""], [b"c", b""], [b"", b""]]


def test_every_row_comes_once_an_epoch(files: str):
    assert labels_of(files) == list(range(10))
    assert sorted(labels_of(files, shuffle=True, num_epochs=2)) == sorted([*range(10)] * 2)


def test_rows_repeat_for_ever_unless_told_otherwise(files: str):
    dataset = tf_dataset_factory(files, options(num_epochs=None), SCHEMA)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY


def test_the_last_batch_may_be_dropped(files: str):
    assert len(labels_of(files, drop_final_batch=True)) == 8


def test_a_label_is_taken_out_of_the_features(files: str):
    features, label = next(iter(tf_dataset_factory(files, options(label_key="y"), SCHEMA)))
    assert sorted(features) == ["tags", "x"]
    assert label.numpy().tolist() == [0, 1, 2, 3]


def test_workers_take_parts_of_batches_and_not_of_files(files: str):
    distribution = tf_dataset_factory(files, options(), SCHEMA).options().experimental_distribute
    assert distribution.auto_shard_policy is tf.data.experimental.AutoShardPolicy.DATA


def test_a_seed_of_its_own_fixes_the_order(files: str):
    first = labels_of(files, shuffle=True, shuffle_seed=3)
    assert first == labels_of(files, shuffle=True, shuffle_seed=3)
    assert first != list(range(10))


def test_an_unknown_label_is_named(files: str):
    with pytest.raises(UserCodeError, match=r"label_key='z': no such feature.*'x', 'y'"):
        tf_dataset_factory(files, options(label_key="z"), SCHEMA)


def test_a_pattern_without_files_is_named(tmp_path: Path):
    with pytest.raises(UserCodeError, match=r"nothing.*matches no file"):
        tf_dataset_factory(str(tmp_path / "nothing*"), options(), SCHEMA)


def test_a_split_without_rows_is_named(tmp_path: Path):
    pq.write_table(pa.table({"x": pa.array([], pa.float64())}), tmp_path / "part-0.parquet")
    with pytest.raises(DataError, match="the split has no rows"):
        tf_dataset_factory(str(tmp_path / "part-0.parquet"), options(), SCHEMA)


def test_record_batches_hold_every_row_once_an_epoch(files: str):
    options_of_batches = RecordBatchesOptions(batch_size=4, num_epochs=2)
    batches = list(record_batch_factory(files, options_of_batches, SCHEMA))
    rows = [row for batch in batches for row in batch.column("y").to_pylist()]
    assert [batch.num_rows for batch in batches] == [4, 4, 2, 4, 4, 2]
    assert sorted(rows) == sorted([[value] for value in range(10)] * 2)


def test_record_batches_follow_the_steps_seed(files: str):
    def order() -> list[object]:
        tf.keras.utils.set_random_seed(5)
        options_of_batches = RecordBatchesOptions(batch_size=10, num_epochs=1)
        return next(record_batch_factory(files, options_of_batches, SCHEMA)).column("y").to_pylist()

    assert order() == order()
