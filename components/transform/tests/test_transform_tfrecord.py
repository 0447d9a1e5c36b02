"""TFRecord in, TFRecord out; the graph and the values are those of Parquet."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data import examples
from kanaria.components.shared.data.examples import ExamplesFormat
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.data.write_examples import write_split


@pytest.fixture(scope="module")
def packed(raw: Path, transform_alone, tmp_path_factory) -> Path:
    """The `graph` and the `transformed` examples of the same rows in TFRecord, file by file."""
    folder = tmp_path_factory.mktemp("tfrecord")
    (folder / "examples").mkdir()
    for split in ("train", "eval"):
        files = examples.split_files(raw / "examples", split)
        tables = [[pq.read_table(file)] for file in files]
        target = examples.split_folder(folder / "examples", split)
        write_split(target, ExamplesFormat.TFRECORD, tables[0][0].schema, tables)
    transform_alone(folder / "examples", folder)
    return folder


def test_the_graph_has_the_same_bytes(alone: Path, packed: Path):
    assert fingerprint.of_tree(packed / "graph") == fingerprint.of_tree(alone / "graph")


def test_transformed_examples_keep_the_format_and_the_files_of_the_input(packed: Path):
    names = [file.name for file in examples.split_files(packed / "transformed", "train")]
    assert names == [f"part-0000{i}-of-00002.tfrecord.gz" for i in range(2)]


@pytest.mark.parametrize("split", ["train", "eval"])
def test_transformed_values_are_the_same(done: Path, packed: Path, split: str):
    one, other = (
        list(record_batches(examples.split_files(home / "transformed", split), rows=64))
        for home in (done, packed)
    )
    assert [batch.schema for batch in one] == [batch.schema for batch in other]
    assert all(a.equals(b) for a, b in zip(one, other, strict=True))


def test_tensorflow_alone_reads_the_transformed_examples(packed: Path, done: Path, read_split):
    pattern = examples.split_pattern(packed / "transformed", "train")
    spec = tft.TFTransformOutput(str(packed / "graph")).transformed_feature_spec()
    files = tf.data.Dataset.list_files(pattern, shuffle=False)
    rows = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1000)
    parsed = tf.io.parse_example(next(iter(rows)), spec)
    wanted = read_split(done / "transformed", "train")
    assert parsed["carrier"].numpy().tolist() == [
        [value] for value in wanted["carrier"].to_pylist()
    ]
    assert parsed["flat"].numpy().tolist() == wanted["flat"].to_pylist()
    assert parsed["pair"].numpy().tolist() == wanted["pair"].to_pylist()
    tags = tf.RaggedTensor.from_sparse(parsed["tags_index"]).to_list()
    assert tags == [value or [] for value in wanted["tags_index"].to_pylist()]
