"""A split larger than the buffer is read as a stream, and gives what a held one gives."""

import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import RecordBatchesOptions, TensorFlowDatasetOptions

from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.tensors import adapter
from kanaria.components.train import row_stream, tensor_blocks
from kanaria.components.train.data_accessor import record_batch_factory, tf_dataset_factory

ROWS = 230
SCHEMA = text_format.Parse(
    """
    feature { name: "x" type: FLOAT }
    feature { name: "tags" type: BYTES }
    feature { name: "y" type: INT presence { min_fraction: 1 } shape {} }
    """,
    schema_pb2.Schema(),
)
PAIRS = text_format.Parse(
    """
    feature { name: "y" type: INT presence { min_fraction: 1 } shape {} }
    feature { name: "place" type: INT }
    feature { name: "value" type: FLOAT }
    tensor_representation_group {
      key: ""
      value { tensor_representation { key: "pairs" value { sparse_tensor {
        dense_shape { dim { size: 9 } } index_column_names: "place" value_column_name: "value"
      } } }
      tensor_representation { key: "y" value { dense_tensor { column_name: "y" shape {} } } } }
    }
    """,
    schema_pb2.Schema(),
)


def table() -> pa.Table:
    tags = [None, [], ["a"], ["나", "b", ""], ["\x00"]]
    x = [None, float("nan"), 1.5, -2.0]
    numbers = range(ROWS)
    return pa.table(
        {
            "x": pa.array([x[n % 4] for n in numbers], pa.float32()),
            "tags": pa.array([tags[n % 5] for n in numbers], pa.list_(pa.string())),
            "y": pa.array(numbers, pa.int64()),
            "place": pa.array([[n % 9] for n in numbers], pa.list_(pa.int64())),
            "value": pa.array([[float(n)] for n in numbers], pa.list_(pa.float32())),
        }
    )


@pytest.fixture
def files(tmp_path: Path) -> str:
    """Two files of row groups of ten rows, one of one row."""
    pq.write_table(table().slice(0, 111), tmp_path / "part-0.parquet", row_group_size=10)
    pq.write_table(table().slice(111), tmp_path / "part-1.parquet", row_group_size=10)
    return str(tmp_path / "part-*.parquet")


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no more than about forty rows fit the buffer, and some batches a block."""
    monkeypatch.setattr(row_stream, "BUFFER_BYTES", 4_000)
    monkeypatch.setattr(tensor_blocks, "BLOCK_BYTES", 2_000)


def dataset(files: str, **changes: object) -> tf.data.Dataset:
    usual = {"batch_size": 8, "num_epochs": 1, "shuffle_buffer_size": 1}
    return tf_dataset_factory(files, TensorFlowDatasetOptions(**(usual | changes)), SCHEMA)


def labels_of(rows: tf.data.Dataset) -> list[int]:
    return [int(y) for batch in rows for y in batch["y"]]


def as_lists(rows: tf.data.Dataset) -> list[object]:
    dense = [tf.sparse.to_dense(batch[name]).numpy() for batch in rows for name in ("x", "tags")]
    return [str(array.tolist()) for array in dense]


def test_a_stream_gives_the_tensors_of_a_held_split(files, monkeypatch):
    held = dataset(files, shuffle=False)
    monkeypatch.setattr(row_stream, "BUFFER_BYTES", 4_000)
    monkeypatch.setattr(tensor_blocks, "BLOCK_BYTES", 2_000)
    stream = dataset(files, shuffle=False)
    assert labels_of(stream) == labels_of(held) == list(range(ROWS))
    assert as_lists(stream) == as_lists(held)
    assert stream.cardinality() == held.cardinality() == 29
    assert stream.element_spec == held.element_spec


@pytest.mark.usefixtures("streamed")
def test_every_epoch_has_every_row_in_an_order_of_its_own(files):
    two = labels_of(dataset(files, num_epochs=2, shuffle_seed=7))
    first, second = two[:ROWS], two[ROWS:]
    assert sorted(first) == sorted(second) == list(range(ROWS))
    assert first != second != list(range(ROWS))
    assert two == labels_of(dataset(files, num_epochs=2, shuffle_seed=7))
    assert two != labels_of(dataset(files, num_epochs=2, shuffle_seed=8))


@pytest.mark.usefixtures("streamed")
def test_a_dataset_that_is_read_again_has_another_order(files):
    rows = dataset(files, shuffle_seed=7)
    first, again = labels_of(rows), labels_of(rows)
    assert first != again
    assert sorted(first) == sorted(again)


@pytest.mark.usefixtures("streamed")
def test_without_a_seed_the_order_follows_the_steps(files):
    def order() -> list[int]:
        tf.keras.utils.set_random_seed(5)
        return labels_of(dataset(files))

    assert order() == order()


@pytest.mark.usefixtures("streamed")
def test_the_start_of_an_epoch_comes_from_all_over_the_split(files):
    for seed in range(3):
        start = np.array(labels_of(dataset(files, shuffle_seed=seed))[:40])
        assert start.min() < ROWS // 3 and start.max() > ROWS * 2 // 3
        # Not row group by row group: neighbours come from different ones.
        assert (np.diff(start // 10) != 0).mean() > 0.5


@pytest.mark.usefixtures("streamed")
@pytest.mark.parametrize(("changes", "rows"), [({}, 230 * 2), ({"drop_final_batch": True}, 456)])
def test_batches_go_over_the_ends_of_epochs_as_in_tfx(files, changes, rows):
    sizes = [len(batch["y"]) for batch in dataset(files, num_epochs=2, **changes)]
    assert sum(sizes) == rows
    assert set(sizes[:-1]) == {8}


@pytest.mark.usefixtures("streamed")
def test_a_stream_without_end_can_be_resumed_by_skipping(files):
    def order(skipped: int) -> list[int]:
        return labels_of(
            dataset(files, num_epochs=None, shuffle_seed=7).skip(skipped).take(60 - skipped)
        )

    assert order(45) == order(0)[45 * 8 :]
    assert dataset(files, num_epochs=None).cardinality() == tf.data.INFINITE_CARDINALITY
    assert dataset(files, num_epochs=None).element_spec["y"].shape == (8,)


@pytest.mark.usefixtures("streamed")
def test_a_larger_buffer_that_is_asked_for_is_honoured(files):
    config = adapter.adapter_config(SCHEMA)
    paths = sorted(Path(files).parent.glob("part-*"))
    few, many = (row_stream.opened(paths, config, rows) for rows in (1, 150))
    sizes = [whole.num_rows for whole, _ in many.epoch(np.random.default_rng(0))]
    assert few.held is None and sizes[0] >= 150
    windows = [whole for whole, _ in few.epoch(np.random.default_rng(0))]
    assert max(whole.nbytes for whole in windows) < 2 * 4_000
    assert row_stream.opened(paths, config, 1_000).held.num_rows == ROWS


@pytest.mark.usefixtures("streamed")
def test_record_batches_stream_too(files):
    options = RecordBatchesOptions(8, num_epochs=2, shuffle_buffer_size=1, drop_final_batch=True)
    batches = list(record_batch_factory(files, options, SCHEMA))
    assert {batch.num_rows for batch in batches} == {8} and len(batches) == 2 * (ROWS // 8)
    rows = [y for batch in batches for (y,) in batch.column("y").to_pylist()]
    assert len(set(rows[:224])) == len(set(rows[224:])) == 224
    assert all(batch.column("x").offset == 0 for batch in batches)


@pytest.mark.usefixtures("streamed")
def test_tfrecord_streams_file_by_file(files, tmp_path: Path):
    (tmp_path / "tfrecord").mkdir()
    parts = sorted(Path(files).parent.glob("part-*"))
    for number, part in enumerate(parts):
        rows = adapter.batches([part], 1_000, adapter.adapter_config(SCHEMA))
        tf_examples.write(tmp_path / f"tfrecord/part-{number}.tfrecord.gz", rows)
    rows = dataset(str(tmp_path / "tfrecord/part-*"), shuffle_seed=1)
    order = labels_of(rows)
    assert sorted(order) == list(range(ROWS)) != order
    assert rows.cardinality() == tf.data.UNKNOWN_CARDINALITY


@pytest.mark.usefixtures("streamed")
def test_a_tensor_that_cannot_be_cut_comes_batch_by_batch(files):
    rows = tf_dataset_factory(files, TensorFlowDatasetOptions(8, num_epochs=1), PAIRS)
    rows_by_label = {}
    for batch in rows:
        assert batch["pairs"].shape[1:] == (9,)
        for y, row in zip(batch["y"].numpy(), tf.sparse.to_dense(batch["pairs"]), strict=True):
            rows_by_label[int(y)] = (int(tf.argmax(row)), float(tf.reduce_max(row)))
    assert rows_by_label == {n: (n % 9, float(n)) if n else (0, 0.0) for n in range(ROWS)}


@pytest.mark.usefixtures("streamed")
def test_a_row_that_does_not_fit_is_told_in_the_middle_of_a_stream(tmp_path: Path):
    y = pa.array([n if n != 200 else None for n in range(ROWS)], pa.int64())
    pq.write_table(table().set_column(2, "y", y), tmp_path / "part-0.parquet", row_group_size=10)
    with pytest.raises(tf.errors.OpError, match=r"tensor 'y'.* size mismatch.*mend the data"):
        labels_of(dataset(str(tmp_path / "part-0.parquet")))


def test_python_does_not_end_while_tensorflow_calls_it():
    calls = tensor_blocks.Calls()
    entered, go_on = threading.Event(), threading.Event()

    def items():
        entered.set()
        go_on.wait()
        yield 1
        yield 2

    items_read: list[int] = []
    reader = threading.Thread(target=lambda: items_read.extend(calls.each(items)))
    ending = threading.Thread(target=calls.end)
    reader.start()
    entered.wait()
    ending.start()
    assert ending.is_alive()
    go_on.set()
    ending.join()
    reader.join()
    assert items_read in ([1], [1, 2])
    assert list(calls.each(items)) == []
